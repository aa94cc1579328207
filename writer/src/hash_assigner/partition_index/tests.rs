//! Assignments by example, and random ones with restarts against maps and against Java's rules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn limits(target_rows: u64, max_buckets: Option<i32>, shares: u16) -> BucketLimits {
    BucketLimits { target_rows, max_buckets, shares }
}

fn assign_all(index: &mut PartitionIndex, hashes: &[i32], share: u16, limits: &BucketLimits) -> String {
    let buckets = hashes.iter().map(|hash| match index.assign(*hash, share, limits) {
        Ok(bucket) => bucket.to_string(),
        Err(_) => "!".to_owned(),
    });
    buckets.collect::<Vec<_>>().join(" ")
}

#[test]
fn buckets_by_example() {
    let mut index = PartitionIndex::default();
    let three = limits(3, None, 1);
    assert_eq!(assign_all(&mut index, &[1, 2, 3, 4, 5], 0, &three), "0 0 0 1 1");
    assert_eq!(assign_all(&mut index, &[2, 6, 7, 8, 9, 5], 0, &three), "0 1 2 2 2 1");
    assert_eq!(index.changed_buckets().keys().copied().collect::<Vec<_>>(), [0, 1, 2]);
    index.written();
    assert_eq!(assign_all(&mut index, &[5, 20], 0, &three), "1 3");
    assert_eq!(index.changed_buckets(), BTreeMap::from([(3, vec![20])]));

    // Shares have every other bucket; what another share has is none of theirs.
    let mut index = PartitionIndex::of(vec![(0, vec![0, 2]), (3, vec![1])], &limits(2, None, 2));
    assert_eq!(assign_all(&mut index, &[4, 6, 8], 0, &limits(2, None, 2)), "2 2 4");
    assert_eq!(assign_all(&mut index, &[3, 5], 1, &limits(2, None, 2)), "3 1");

    // Full ones take more where there may be no further one.
    let mut index = PartitionIndex::default();
    assert_eq!(assign_all(&mut index, &[0, 1, 2 << 8, 3 << 8], 0, &limits(1, Some(2), 1)), "0 1 0 1");
    let mut index = PartitionIndex::default();
    let all = (0..DYNAMIC_BUCKETS_MAX).map(|hash| index.assign(hash, 0, &limits(1, None, 1)).unwrap());
    assert_eq!(i32::from(all.max().unwrap()), DYNAMIC_BUCKETS_MAX - 1);
    let error = index.assign(-1, 0, &limits(1, None, 1)).unwrap_err();
    assert!(error.to_string().contains("dynamic-bucket.target-row-num"), "{error}");
}

/// `PartitionIndex.assign` word for word, but for the random choice.
#[derive(Default)]
struct Java {
    buckets: BTreeMap<i32, u16>,
    not_full: BTreeMap<u16, u64>,
    all: BTreeSet<u16>,
}

enum Choice {
    This(u16),
    Any(BTreeSet<u16>),
}

impl Java {
    fn assign(&mut self, hash: i32, share: u16, limits: &BucketLimits) -> Choice {
        if let Some(bucket) = self.buckets.get(&hash) {
            return Choice::This(*bucket);
        }
        let mine = |bucket: &u16| bucket % limits.shares == share;
        for bucket in self.not_full.keys().copied().filter(mine).collect::<Vec<_>>() {
            let rows = self.not_full.get_mut(&bucket).unwrap();
            if *rows < limits.target_rows {
                *rows += 1;
                self.buckets.insert(hash, bucket);
                return Choice::This(bucket);
            }
            self.not_full.remove(&bucket);
        }
        let end = limits.max_buckets.unwrap_or(DYNAMIC_BUCKETS_MAX) as u16;
        if let Some(bucket) = (0..end).find(|bucket| mine(bucket) && !self.all.contains(bucket)) {
            self.not_full.insert(bucket, 1);
            self.all.insert(bucket);
            self.buckets.insert(hash, bucket);
            return Choice::This(bucket);
        }
        Choice::Any(self.all.iter().copied().filter(mine).collect())
    }
}

/// What index files hold of an index: all buckets with their hashes, those before taken over by those that changed.
fn write(files: &mut BTreeMap<u16, Vec<i32>>, index: &mut PartitionIndex) {
    files.extend(index.changed_buckets());
    index.written();
}

proptest! {
    #[test]
    fn a_key_stays_in_its_bucket_whatever_is_restarted(
        batches in prop::collection::vec((prop::collection::vec(-40..40i32, 0..60), any::<bool>()), 1..8),
        target_rows in 1..9u64,
        max_buckets in prop::option::of(4..7i32),
        shares in 1..4u16,
    ) {
        let limits = limits(target_rows, max_buckets, shares);
        let (mut index, mut java) = (PartitionIndex::default(), Java::default());
        let mut files = BTreeMap::new();
        let mut committed: BTreeMap<i32, u16> = BTreeMap::new();
        for (hashes, is_committed) in batches {
            for hash in hashes {
                let share = hash.unsigned_abs() as u16 % shares;
                let bucket = index.assign(hash, share, &limits).unwrap();
                prop_assert_eq!(bucket % shares, share);
                match java.assign(hash, share, &limits) {
                    Choice::This(theirs) => prop_assert_eq!(bucket, theirs),
                    Choice::Any(any) => {
                        prop_assert!(any.contains(&bucket));
                        java.buckets.insert(hash, bucket);
                    }
                }
            }
            if is_committed {
                write(&mut files, &mut index);
                committed = java.buckets.clone();
            } else {
                // Restarted without a commit: what is in no file is forgotten.
                index = PartitionIndex::of(files.clone().into_iter().collect(), &limits);
                java = Java { buckets: committed.clone(), ..Java::default() };
                for bucket in committed.values() {
                    *java.not_full.entry(*bucket).or_default() += 1;
                    java.all.insert(*bucket);
                }
            }
            let held: BTreeMap<i32, u16> =
                files.iter().flat_map(|(bucket, hashes)| hashes.iter().map(|hash| (*hash, *bucket))).collect();
            prop_assert_eq!(&held, &committed);
        }
    }
}
