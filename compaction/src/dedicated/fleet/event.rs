//! What a fleet tells of its work.

use std::sync::atomic::{AtomicUsize, Ordering};

use alluvium_format::Error;

use crate::dedicated::report::CompactReport;

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum FleetEvent {
    /// Buckets of a table were compacted and committed.
    Compacted {
        /// The table.
        table: String,
        /// What was done.
        report: CompactReport,
    },
    /// Others were first in some buckets, which are planned again.
    Clashed {
        /// The table.
        table: String,
        /// How many.
        buckets: usize,
    },
    /// A table is left alone as long as it has this schema.
    Skipped {
        /// The table.
        table: String,
        /// What of it cannot be compacted.
        why: String,
    },
    /// Something failed; it is tried again later.
    Failed {
        /// The table; `None`: the tables could not be listed.
        table: Option<String>,
        /// Why.
        error: Error,
    },
}

/// How many of each.
#[derive(Debug, Default)]
pub struct FleetSummary {
    compacted: AtomicUsize,
    failed: AtomicUsize,
}

impl FleetSummary {
    /// Commits that were made.
    pub fn compacted(&self) -> usize {
        self.compacted.load(Ordering::Relaxed)
    }

    /// Failures.
    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, event: &FleetEvent) {
        let counter = match event {
            FleetEvent::Compacted { .. } => &self.compacted,
            FleetEvent::Failed { .. } => &self.failed,
            FleetEvent::Clashed { .. } | FleetEvent::Skipped { .. } => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
