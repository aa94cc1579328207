//! The plan of a stream, step by step: a state machine that is told what the table holds and says what to read next.
//!
//! Goes in: sightings (the facts at the start, a snapshot that was found, or the range when it was not). Comes out: a
//! [`ScanStep`]. Pure: no clock, no store. Invariants: every snapshot from the start to the end is read or skipped once, in
//! order; a position that expired or was rolled back is an error, never a gap. Example: from snapshot 4 with snapshots 3 to
//! 5: `Read(4)`, `Read(5)`, `Wait`. Answers to `DataTableStreamScan`.

use alluvium_format::{Error, Result, Snapshot};

use crate::follow_up_scanner::{FollowRules, FollowUp, follow_up};
use crate::starting_scanner::{SnapshotRange, Start, StartFacts, StartupMode, check_position, start};

/// What tells two snapshots of the same id apart: names that no two commits share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotIdentity {
    id: i64,
    base_manifest_list: String,
    delta_manifest_list: String,
}

impl SnapshotIdentity {
    /// The identity of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self {
            id: snapshot.id,
            base_manifest_list: snapshot.base_manifest_list.clone(),
            delta_manifest_list: snapshot.delta_manifest_list.clone(),
        }
    }
}

/// What the shell must look at before the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The facts for a start in this mode.
    Start(StartupMode),
    /// The snapshot of this id (or its long-lived changelog) and, when `before` is set, the one before it.
    Snapshot {
        /// The id.
        id: i64,
        /// The snapshot read last, if it was seen: to be compared with what now has that id.
        before: Option<SnapshotIdentity>,
    },
    /// Nothing: the stream has ended.
    Nothing,
}

/// What the shell saw.
#[derive(Clone, Debug)]
pub enum Sighting<'a> {
    /// The facts for the start.
    Start(StartFacts),
    /// The wanted snapshot and, when it was asked for and is still there, the one before it.
    Found {
        /// The wanted snapshot.
        snapshot: &'a Snapshot,
        /// What now has the id before it; `None` when that has expired.
        before: Option<SnapshotIdentity>,
    },
    /// The wanted snapshot is not there; this is.
    Missing(SnapshotRange),
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanStep {
    /// Read all rows of a snapshot.
    ReadFull(i64),
    /// Read the changes of the snapshot just found, as said.
    ReadChanges(FollowUp),
    /// The snapshot just found holds no change: go on.
    Skip,
    /// Where to start is settled: go on.
    Started,
    /// There is nothing yet: look again later.
    Wait,
    /// The end that was asked for is reached.
    End,
}

/// The plan of a stream.
#[derive(Clone, Debug)]
pub struct StreamScan {
    state: State,
    rules: FollowRules,
    last_snapshot: Option<i64>,
    seen: Option<SnapshotIdentity>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Starting(StartupMode),
    Following { next: i64 },
    Ended { next: Option<i64> },
}

impl StreamScan {
    /// A stream that starts in `mode` and ends after `last_snapshot` (inclusive), or never.
    pub fn new(mode: StartupMode, rules: FollowRules, last_snapshot: Option<i64>) -> Self {
        Self { state: State::Starting(mode), rules, last_snapshot, seen: None }
    }

    /// The next snapshot to read: what to save, once all earlier ones are taken care of. `None` before the start.
    pub fn position(&self) -> Option<i64> {
        match self.state {
            State::Following { next } => Some(next),
            State::Starting(_) => None,
            State::Ended { next } => next,
        }
    }

    /// What to look at before [`StreamScan::next`].
    pub fn wanted(&self) -> Wanted {
        match self.state {
            State::Starting(mode) => Wanted::Start(mode),
            State::Following { next } => Wanted::Snapshot { id: next, before: self.seen.clone() },
            State::Ended { .. } => Wanted::Nothing,
        }
    }

    /// Takes one step.
    ///
    /// # Errors
    /// `NotFound` when the next snapshot has expired, `Conflict` when snapshots that were read have been rolled back,
    /// `Invalid` when the start lies beyond the table's snapshots.
    pub fn next(&mut self, sighting: &Sighting<'_>) -> Result<ScanStep> {
        match (self.state, sighting) {
            (State::Starting(mode), Sighting::Start(facts)) => self.start(mode, facts),
            (State::Following { next }, Sighting::Found { snapshot, before }) => self.found(next, snapshot, before),
            (State::Following { next }, Sighting::Missing(range)) => self.missing(next, range),
            (State::Ended { .. }, _) => Ok(ScanStep::End),
            (state, sighting) => Err(Error::internal(format!("a stream in state {state:?} was told {sighting:?}"))),
        }
    }

    fn start(&mut self, mode: StartupMode, facts: &StartFacts) -> Result<ScanStep> {
        let (step, next) = match start(mode, facts)? {
            Start::Full(id) => (ScanStep::ReadFull(id), id + 1),
            Start::Changes(next) => (ScanStep::Started, next),
            Start::Wait if self.last_snapshot.is_some() => {
                self.state = State::Ended { next: None };
                return Ok(ScanStep::End);
            }
            Start::Wait => return Ok(ScanStep::Wait),
        };
        Ok(self.go_to(next, step))
    }

    fn found(&mut self, next: i64, snapshot: &Snapshot, before: &Option<SnapshotIdentity>) -> Result<ScanStep> {
        if self.seen.is_some() && before.is_some() && self.seen != *before {
            return Err(rolled_back(next));
        }
        self.seen = Some(SnapshotIdentity::of(snapshot));
        let step = match follow_up(snapshot, self.rules) {
            FollowUp::Skip => ScanStep::Skip,
            read => ScanStep::ReadChanges(read),
        };
        Ok(self.go_to(next + 1, step))
    }

    fn missing(&mut self, next: i64, range: &SnapshotRange) -> Result<ScanStep> {
        if self.seen.is_some() && range.latest.unwrap_or(0) + 1 < next {
            return Err(rolled_back(next));
        }
        check_position(next, range)?;
        Ok(ScanStep::Wait)
    }

    /// The step is taken in any case; the stream ends when the snapshot after it is not wanted.
    fn go_to(&mut self, next: i64, step: ScanStep) -> ScanStep {
        self.state = State::Following { next };
        if self.last_snapshot.is_some_and(|last| next > last) {
            self.state = State::Ended { next: Some(next) };
        }
        step
    }
}

fn rolled_back(next: i64) -> Error {
    Error::new(
        alluvium_format::ErrorKind::Conflict,
        format!(
            "the table was rolled back under this stream: snapshot {} is no longer the one that was read; \
             start again with a full read",
            next - 1
        ),
    )
}

#[cfg(test)]
mod tests;
