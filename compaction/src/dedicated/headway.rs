//! How far the jobs of a compaction are, for a person.
//!
//! Goes in: jobs that are done, and the rows that sorts went through. Comes out: calls of the caller's function. A sort is of few jobs, each
//! of which may be long, so that its rows are counted; else it is buckets.

use tokio::sync::watch;

use super::compact_job::CompactJob;
use crate::sort_compaction::RowsDone;

/// Tells how far some jobs are.
pub(super) struct Headway<'a> {
    tell: &'a (dyn Fn(usize, usize) + Send + Sync),
    buckets: usize,
    rows: u64,
    rows_done: watch::Receiver<u64>,
    /// Keeps the rows coming when no job is left that counts them.
    _count: RowsDone,
}

impl<'a> Headway<'a> {
    /// Of these jobs.
    pub(super) fn of(jobs: &mut [CompactJob], tell: &'a (dyn Fn(usize, usize) + Send + Sync)) -> Self {
        let count = RowsDone::default();
        let rows = jobs.iter_mut().map(|job| job.tell(&count)).sum();
        Self { tell, buckets: jobs.len(), rows, rows_done: count.hear(), _count: count }
    }

    /// Ends when there is more to tell before the next job is done.
    pub(super) async fn changed(&mut self) {
        // The other side is kept here.
        let _ = self.rows_done.changed().await;
    }

    /// So many jobs are done by now.
    pub(super) fn tell(&mut self, jobs_done: usize) {
        let number = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        match self.rows {
            0 => (self.tell)(jobs_done, self.buckets),
            rows => (self.tell)(number((*self.rows_done.borrow_and_update()).min(rows)), number(rows)),
        }
    }
}
