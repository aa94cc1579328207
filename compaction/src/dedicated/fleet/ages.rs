//! How long small files of tables without buckets wait for more of them.
//!
//! Goes in: at each look, the partitions that have too few. Comes out: those in which nothing came for [`IDLE_ROUNDS_MAX`] looks, whose few
//! files are compacted. Pure. Answers to the age of `AppendCompactCoordinator.SubCoordinator`.

use std::collections::{HashMap, HashSet};

use alluvium_store::PartitionBucket;

use crate::append::IDLE_ROUNDS_MAX;
use crate::dedicated::planning::WaitingFiles;

/// The files that wait, and since how many looks they are the same.
#[derive(Debug, Default)]
pub(super) struct Ages(HashMap<PartitionBucket, (Vec<String>, u32)>);

impl Ages {
    /// The partitions that waited long enough.
    pub(super) fn aged(&self) -> HashSet<PartitionBucket> {
        let aged = self.0.iter().filter(|(_, (_, rounds))| *rounds > IDLE_ROUNDS_MAX);
        aged.map(|(bucket, _)| bucket.clone()).collect()
    }

    /// Counts a look that found these.
    pub(super) fn count(&mut self, waiting: Vec<WaitingFiles>) {
        let mut before = std::mem::take(&mut self.0);
        for WaitingFiles { bucket, files } in waiting {
            let same = before.remove(&bucket).filter(|(held, _)| *held == files);
            let rounds = same.map_or(0, |(_, rounds)| rounds.saturating_add(1));
            self.0.insert(bucket, (files, rounds));
        }
    }
}

#[cfg(test)]
mod tests {
    use alluvium_format::BinaryRow;

    use super::*;

    fn waiting(bucket: i32, files: &str) -> WaitingFiles {
        let bucket = PartitionBucket { partition: BinaryRow::empty(), bucket };
        WaitingFiles { bucket, files: files.split(' ').map(str::to_owned).collect() }
    }

    #[test]
    fn files_grow_old_as_long_as_no_others_come() {
        let mut ages = Ages::default();
        let mut aged = Vec::new();
        for round in 0..10 {
            let other = if round < 3 { "c d" } else { "c d e" };
            ages.count([waiting(0, "a b"), waiting(1, other)].into_iter().filter(|_| round != 9).collect());
            let mut buckets: Vec<i32> = ages.aged().into_iter().map(|bucket| bucket.bucket).collect();
            buckets.sort_unstable();
            aged.push(buckets);
        }
        assert_eq!(aged[..6], vec![Vec::<i32>::new(); 6]);
        assert_eq!(aged[6..], [vec![0], vec![0], vec![0], vec![]]);
    }
}
