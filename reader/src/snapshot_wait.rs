//! The wait of a stream for a snapshot: until one is announced, or for an interval, whichever is shorter.
//!
//! Invariants: what is announced after [`SnapshotWait::look`] ends the next wait at once; announcements that are lost or come for nothing
//! change only when is looked.

use std::time::Duration;

use alluvium_format::Result;
use alluvium_store::{SnapshotBell, TableStore};

use crate::poll_interval::{LONGEST, PollInterval};

/// The wait for a snapshot of a table.
#[derive(Debug)]
pub(crate) struct SnapshotWait {
    bell: SnapshotBell,
    interval: PollInterval,
}

impl SnapshotWait {
    /// Waits for `longest` at most; `None`: as the table says by `continuous.discovery-interval`, or a second.
    ///
    /// # Errors
    /// `Invalid` when the option is wrong.
    pub(crate) fn new(table: &TableStore, longest: Option<Duration>) -> Result<Self> {
        let longest = match longest {
            Some(longest) => longest,
            None => table.options().continuous_discovery_interval_millis()?.map_or(LONGEST, Duration::from_millis),
        };
        Ok(Self { bell: table.snapshots().bell()?, interval: PollInterval::up_to(longest) })
    }

    /// To be called before a look.
    pub(crate) fn look(&mut self) {
        self.bell.silence();
    }

    /// A snapshot was found.
    pub(crate) fn found(&mut self) {
        self.interval.restart();
    }

    /// Waits before the next look. It may be cancelled.
    pub(crate) async fn wait(&mut self) {
        // Which of the two it was is not needed.
        let _ = tokio::time::timeout(self.interval.wait(), self.bell.rung()).await;
    }
}
