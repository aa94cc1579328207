//! Lookup compactions whose store fails: nothing is lost, and no file is left that nobody accounts for.

use std::collections::BTreeSet;

use alluvium_compaction::{Picking, delete_unpublished_compaction};
use alluvium_format::RowKind;
use alluvium_sim::{Fault, FaultMode, Faults};

use crate::keyed_bucket::{KeyedBucket, Write};

fn writes(keys: impl Iterator<Item = i32>, value: i32) -> Vec<Write> {
    keys.map(|key| (key, RowKind::Insert, (Some(value), Some(key)))).collect()
}

/// A bucket with rows on level 5 and a file of level 0 that updates some, deletes one, and adds one.
async fn bucket(options: &[(&str, &str)]) -> KeyedBucket {
    let mut bucket = KeyedBucket::new(options).await;
    bucket.flush(&writes(0..400, 1)).await;
    bucket.compact(Picking::Full).await.unwrap();
    bucket.flush(&[writes(3..6, 2), vec![(9, RowKind::Delete, (None, Some(9)))], writes(500..501, 2)].concat()).await;
    bucket
}

async fn files(bucket: &KeyedBucket) -> BTreeSet<String> {
    let listed = bucket.table.io().list_all("").await.unwrap();
    let paths = listed.into_iter().map(|file| file.path);
    paths.filter(|path| path.starts_with("bucket-0/") || path.starts_with("index/")).collect()
}

const LOOKUP: (&str, &str) = ("changelog-producer", "lookup");
const VECTORS: (&str, &str) = ("deletion-vectors.enabled", "true");

async fn every_operation_may_fail(options: &[(&str, &str)], mode: FaultMode) {
    let mut bucket = bucket(options).await;
    let there = files(&bucket).await;
    let mut failures = 0;
    for operation in 0.. {
        bucket.restart();
        bucket.forget_lookups();
        bucket.store.arm(Faults::At(Fault { operation, mode }));
        bucket.compaction.trigger(Picking::Universal).unwrap();
        let outcome = match bucket.compaction.wait().await {
            Ok(()) => bucket.compaction.take_increment().await,
            Err(error) => Err(error),
        };
        let failed = !bucket.store.failures().is_empty();
        bucket.store.arm(Faults::None);
        match outcome {
            Ok(increment) => {
                let done = !increment.compact_after.is_empty() && (failures > 0 || failed);
                assert!(done, "{mode:?}, operation {operation}: {increment:?}");
                if failed {
                    // The failure was of no consequence: as if the commit failed.
                    delete_unpublished_compaction(&bucket.table, &bucket.bucket, &increment).await;
                    assert_eq!(files(&bucket).await, there, "{mode:?}, operation {operation}");
                    continue;
                }
                bucket.commit(&increment).await;
                break;
            }
            Err(error) => {
                assert!(failed, "{mode:?}, operation {operation}: {error}");
                failures += 1;
                bucket.restart().abandon().await;
                assert_eq!(files(&bucket).await, there, "{mode:?}, operation {operation}: {error}");
            }
        }
    }
    let rows = bucket.read().await;
    assert_eq!(rows.len(), 400);
    assert_eq!((rows.get(&4), rows.get(&9)), (Some(&(Some(2), Some(4))), None));
    if options.contains(&VECTORS) {
        bucket.assert_each_key_once().await;
    }
    if options.contains(&LOOKUP) {
        assert_eq!(bucket.replayed, rows);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_compaction_survives_any_failure() {
    let sequence = ("sequence.field", "b");
    for options in [&[LOOKUP][..], &[VECTORS], &[LOOKUP, VECTORS], &[LOOKUP, VECTORS, sequence]] {
        for mode in [FaultMode::BeforeEffect, FaultMode::AfterEffect] {
            every_operation_may_fail(options, mode).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_abandoned_leaves_what_went_into_it() {
    let mut bucket = KeyedBucket::new(&[LOOKUP, VECTORS]).await;
    bucket.flush(&writes(0..60_000, 1)).await;
    bucket.compact(Picking::Full).await.unwrap();
    bucket.flush(&writes((0..60_000).step_by(2), 2)).await;
    let there = files(&bucket).await;
    for picking in [Picking::Universal, Picking::Full] {
        bucket.restart();
        bucket.compaction.trigger(picking).unwrap();
        bucket.restart().abandon().await;
        assert_eq!(files(&bucket).await, there, "{picking:?}");
    }
    bucket.restart();
    bucket.compact(Picking::Universal).await.unwrap();
    let rows = bucket.read().await;
    assert_eq!(rows.values().filter(|row| row.0 == Some(2)).count(), 30_000);
    assert_eq!(bucket.replayed, rows);
    bucket.assert_each_key_once().await;
}
