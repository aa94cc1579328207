//! When operations fail, and the journal of those that began.

use std::collections::BTreeMap;
use std::fmt;

use object_store::path::Path;
use object_store::{Error, Result};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::generic;

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultMode {
    /// It has no effect, and says that it failed.
    BeforeEffect,
    /// It has its effect, and says that it failed: the acknowledgement is lost. A read breaks off half way.
    AfterEffect,
    /// It has no effect, and neither has any later operation: the process is dead, or cut off.
    Crash,
}

impl FaultMode {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::BeforeEffect, Self::AfterEffect, Self::Crash];
}

/// One failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which operation, counted from 0.
    pub operation: usize,
    /// How it fails.
    pub mode: FaultMode,
}

/// Which operations fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Faults {
    /// None.
    #[default]
    None,
    /// One, or from it on.
    At(Fault),
    /// Each with a probability of one in `one_in`, before or after its effect, by the seed.
    Random {
        /// Draws which.
        seed: u64,
        /// The lower, the more faults; at least 1.
        one_in: u32,
    },
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "they are the store's operations")]
pub enum OperationKind {
    Put,
    PutMultipart,
    PutPart,
    CompleteMultipart,
    AbortMultipart,
    Get,
    Head,
    Delete,
    List,
    Copy,
    Rename,
}

impl OperationKind {
    /// Whether it only reads.
    pub fn reads(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::List)
    }
}

/// An operation that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it does.
    pub kind: OperationKind,
    /// To what; of copies and renames the target.
    pub path: String,
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} {}", self.kind, self.path)
    }
}

/// What began, what failed, and what is to fail.
#[derive(Debug, Default)]
pub(super) struct Journal {
    faults: Faults,
    random: Option<StdRng>,
    crashed: bool,
    operations: Vec<Operation>,
    failures: Vec<(Operation, FaultMode)>,
    /// Uploads that were begun and neither completed nor aborted, by number.
    uploads: BTreeMap<u64, String>,
    uploads_begun: u64,
}

impl Journal {
    pub(super) fn new(faults: Faults) -> Self {
        let random = match faults {
            Faults::Random { seed, .. } => Some(StdRng::seed_from_u64(seed)),
            Faults::None | Faults::At(_) => None,
        };
        Self { faults, random, ..Self::default() }
    }

    pub(super) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub(super) fn failures(&self) -> &[(Operation, FaultMode)] {
        &self.failures
    }

    pub(super) fn uploads(&self) -> impl Iterator<Item = &String> {
        self.uploads.values()
    }

    /// An upload has begun in the store: its number.
    pub(super) fn upload_begun(&mut self, path: &Path) -> u64 {
        self.uploads_begun += 1;
        self.uploads.insert(self.uploads_begun, path.to_string());
        self.uploads_begun
    }

    /// An upload was completed or aborted.
    pub(super) fn upload_ended(&mut self, number: u64) {
        self.uploads.remove(&number);
    }

    pub(super) fn begin(&mut self, kind: OperationKind, path: &Path) -> Result<Option<Error>> {
        let number = self.operations.len();
        let operation = Operation { kind, path: path.to_string() };
        self.operations.push(operation.clone());
        let Some(mode) = self.mode_of(number) else { return Ok(None) };
        let error = generic(format!("simulated fault ({mode:?}) at operation {number}, {operation}"));
        self.failures.push((operation, mode));
        match mode {
            FaultMode::BeforeEffect => Err(error),
            FaultMode::AfterEffect => Ok(Some(error)),
            FaultMode::Crash => {
                self.crashed = true;
                Err(error)
            }
        }
    }

    fn mode_of(&mut self, number: usize) -> Option<FaultMode> {
        if self.crashed {
            return Some(FaultMode::Crash);
        }
        match (self.faults, &mut self.random) {
            (Faults::At(fault), _) => (fault.operation == number).then_some(fault.mode),
            (Faults::Random { one_in, .. }, Some(random)) => {
                let fails = random.random_ratio(1, one_in.max(1));
                let mode = if random.random() { FaultMode::BeforeEffect } else { FaultMode::AfterEffect };
                fails.then_some(mode)
            }
            (Faults::None | Faults::Random { .. }, _) => None,
        }
    }
}
