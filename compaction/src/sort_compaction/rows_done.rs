//! How far sorts are, in rows.
//!
//! Goes in: rows, as sorts read and write them, on any thread. Comes out: how many there were, to whoever waits for more.

use std::sync::Arc;

use tokio::sync::watch;

/// Rows that sorts went through: each is read once and written once. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct RowsDone(Arc<watch::Sender<u64>>);

impl Default for RowsDone {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl RowsDone {
    /// So many more.
    pub(super) fn add(&self, rows: u64) {
        self.0.send_modify(|done| *done = done.saturating_add(rows));
    }

    /// What hears of every change from now on.
    pub(crate) fn hear(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
