//! Runs jobs, the first ones first, so many at a time.
//!
//! Goes in: jobs, each with a key of the caller's. Comes out: one outcome after the other, as they come. Once it is told to stop it
//! begins no more of them; those under way end with `Closed`, and leave nothing.

use std::collections::{HashMap, VecDeque};
use std::num::NonZero;

use alluvium_format::{Error, Result};
use alluvium_store::PartitionBucket;
use tokio::task::{Id, JoinSet};

use super::bucket_job::DoneJob;
use super::compact_job::CompactJob;
use crate::stop::StopSignal;

/// Jobs under way and before.
#[derive(Debug)]
pub(crate) struct Runner<K> {
    queue: VecDeque<(K, CompactJob)>,
    running: JoinSet<Result<DoneJob>>,
    /// Whose each of those is that are running.
    running_of: HashMap<Id, (K, PartitionBucket)>,
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
    /// What it did; `Internal` when it panicked.
    pub(crate) done: Result<DoneJob>,
}

impl<K> Runner<K> {
    /// Runs these.
    pub(crate) fn new(
        jobs: impl IntoIterator<Item = (K, CompactJob)>,
        at_once: NonZero<usize>,
        stop: StopSignal,
    ) -> Self {
        let (queue, running) = (jobs.into_iter().collect(), JoinSet::new());
        Self { queue, running, running_of: HashMap::new(), at_once, stop }
    }

    /// The next job that is over; `None` when none is under way any more.
    pub(crate) async fn next(&mut self) -> Option<Outcome<K>> {
        while self.running.len() < self.at_once.get() && !self.stop.is_set() {
            let Some((key, job)) = self.queue.pop_front() else { break };
            let (bucket, stop) = (job.bucket().clone(), self.stop.clone());
            let task = self.running.spawn(async move { job.perform(&stop).await });
            self.running_of.insert(task.id(), (key, bucket));
        }
        loop {
            let (id, done) = match self.running.join_next_with_id().await? {
                Ok((id, done)) => (id, done),
                Err(error) => (error.id(), Err(Error::internal("a compaction died").with_source(error))),
            };
            if let Some((key, bucket)) = self.running_of.remove(&id) {
                return Some(Outcome { key, bucket, done });
            }
        }
    }
}
