//! Runs jobs, the first ones first, so many at a time.
//!
//! Goes in: jobs, each with a key of the caller's. Comes out: one outcome after the other, as they come. Once it is told to stop it
//! begins no more of them; those under way end with `Closed`, and leave nothing.

use std::collections::VecDeque;
use std::num::NonZero;

use alluvium_format::{Error, Result};
use alluvium_store::PartitionBucket;
use tokio::task::JoinSet;

use super::bucket_job::DoneJob;
use super::compact_job::CompactJob;
use crate::stop::StopSignal;

/// Jobs under way and before.
#[derive(Debug)]
pub(crate) struct Runner<K> {
    queue: VecDeque<(K, CompactJob)>,
    running: JoinSet<Outcome<K>>,
    at_once: NonZero<usize>,
    stop: StopSignal,
}

/// What came of a job.
#[derive(Debug)]
pub(crate) struct Outcome<K> {
    /// The caller's.
    pub(crate) key: K,
    /// Which bucket it was.
    pub(crate) bucket: PartitionBucket,
    /// What it did.
    pub(crate) done: Result<DoneJob>,
}

impl<K: Send + 'static> Runner<K> {
    /// Runs these.
    pub(crate) fn new(
        jobs: impl IntoIterator<Item = (K, CompactJob)>,
        at_once: NonZero<usize>,
        stop: StopSignal,
    ) -> Self {
        Self { queue: jobs.into_iter().collect(), running: JoinSet::new(), at_once, stop }
    }

    /// The next job that is over; `None` when none is under way any more.
    ///
    /// # Errors
    /// `Internal` when a job panicked.
    pub(crate) async fn next(&mut self) -> Result<Option<Outcome<K>>> {
        while self.running.len() < self.at_once.get() && !self.stop.is_set() {
            let Some((key, job)) = self.queue.pop_front() else { break };
            let stop = self.stop.clone();
            self.running.spawn(async move {
                let bucket = job.bucket().clone();
                Outcome { key, bucket, done: job.perform(&stop).await }
            });
        }
        match self.running.join_next().await {
            None => Ok(None),
            Some(Ok(outcome)) => Ok(Some(outcome)),
            Some(Err(error)) => Err(Error::internal("a compaction died").with_source(error)),
        }
    }
}
