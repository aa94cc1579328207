//! Splitting partitions into another number of buckets.

use std::collections::BTreeSet;

use alluvium_format::{CompareOp, Datum, ErrorKind, Predicate};
use alluvium_sim::{Fault, FaultMode, Faults};
use alluvium_writer::CommitExtras;
use alluvium_writer::rescale::{RescaleRequest, rescale};
use serde_json::{Value, json};

use crate::world::{World, add, compact, delete, pairs};

fn request(buckets: i32) -> RescaleRequest {
    RescaleRequest { buckets: Some(buckets), partitions: Predicate::True }
}

/// Numbers of buckets, and the buckets that have files.
async fn buckets(world: &World) -> (BTreeSet<i32>, BTreeSet<i32>) {
    let live = world.live().await;
    (live.iter().map(|entry| entry.total_buckets).collect(), live.iter().map(|entry| entry.bucket).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_stay_and_their_buckets_change() {
    for options in [
        json!({}),
        json!({"changelog-producer": "lookup"}),
        json!({"deletion-vectors.enabled": "true"}),
        json!({"write-only": "true"}),
    ] {
        let mut all = json!({"bucket": "2", "num-sorted-run.compaction-trigger": "3"});
        all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let world = World::simple(all).await;
        let mut writer = world.writer("w").await;
        for identifier in 1..=3 {
            world.write(&mut writer, &pairs(0..40, &identifier.to_string())).await;
            world.write(&mut writer, &[delete(json!({"k": identifier, "v": null}))]).await;
            writer.commit(identifier, CommitExtras::default()).await.unwrap();
        }
        let (before, changes) = (world.read().await, world.changelog().await.len());
        let report = rescale(&world.table, &request(3)).await.unwrap();
        assert_eq!((report.buckets, report.partitions, report.rows), (3, 1, 39), "{options}");
        assert_eq!(world.read().await, before, "{options}");
        assert_eq!(world.changelog().await.len(), changes, "nothing changed: {options}");
        let (totals, used) = buckets(&world).await;
        assert_eq!((totals, used), (BTreeSet::from([3]), BTreeSet::from([0, 1, 2])), "{options}");
        // Again there is nothing to do.
        assert_eq!(rescale(&world.table, &request(3)).await.unwrap().snapshot, None);
        let mut writer = world.writer_of_buckets("w", 3).await;
        world.write(&mut writer, &pairs(39..41, "4")).await;
        writer.commit(4, CommitExtras::default()).await.unwrap();
        drop(writer);
        world.assert_no_garbage().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_at_a_time() {
    let schema = json!({
        "fields": [{"name": "p", "type": "INT NOT NULL"}, {"name": "k", "type": "INT NOT NULL"}, {"name": "v", "type": "INT"}],
        "primaryKeys": ["p", "k"], "partitionKeys": ["p"], "options": {"bucket": "1"},
    });
    let world = World::new(schema).await;
    let mut writer = world.writer("w").await;
    let rows: Vec<_> = (0..30).map(|k| add(json!({"p": k % 2, "k": k, "v": k}))).collect();
    world.write(&mut writer, &rows).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    let before = world.read().await;
    let partition = Predicate::Compare { column: "p".to_owned(), op: CompareOp::Eq, literal: Datum::Int(1) };
    let one = RescaleRequest { buckets: Some(4), partitions: partition };
    let report = rescale(&world.table, &one).await.unwrap();
    assert_eq!((report.partitions, report.rows), (1, 15));
    assert_eq!(world.read().await, before);
    assert_eq!(buckets(&world).await.0, BTreeSet::from([1, 4]));
    // The other one can be written, this one asks for its number of buckets.
    world.write(&mut writer, &[add(json!({"p": 0, "k": 100, "v": 1}))]).await;
    writer.commit(2, CommitExtras::default()).await.unwrap();
    let rows: Vec<Value> = world.read().await.into_values().collect();
    assert_eq!(rows.len(), 31);
    let mut late = world.writer("late").await;
    world.write(&mut late, &[add(json!({"p": 1, "k": 100, "v": 1}))]).await;
    let error = late.commit(1, CommitExtras::default()).await.unwrap_err();
    assert!(error.to_string().contains("4 buckets"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_key_keep_their_order_in_each_bucket() {
    let fields = json!([{"name": "k", "type": "INT"}, {"name": "n", "type": "INT"}]);
    let options = json!({"bucket": "2", "bucket-key": "k"});
    let world = World::new(json!({"fields": fields, "options": options})).await;
    let mut writer = world.writer("w").await;
    for commit in 0..4 {
        let rows: Vec<_> = (0..30).map(|n| add(json!({"k": n % 7, "n": commit * 30 + n}))).collect();
        world.write(&mut writer, &rows).await;
        writer.commit(commit.into(), CommitExtras::default()).await.unwrap();
    }
    drop(writer);
    let report = rescale(&world.table, &request(3)).await.unwrap();
    assert_eq!((report.rows, buckets(&world).await.0), (120, BTreeSet::from([3])));
    let mut all = Vec::new();
    for rows in world.appended().await.into_values() {
        for k in 0..7 {
            let of_key = rows.iter().filter(|row| row["k"] == k).map(|row| row["n"].as_i64().unwrap());
            let of_key: Vec<i64> = of_key.collect();
            assert!(of_key.is_sorted(), "{of_key:?}");
            all.extend(of_key);
        }
    }
    all.sort_unstable();
    assert_eq!(all, (0..120).collect::<Vec<_>>());
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_number_of_buckets_is_refused() {
    let dynamic = World::simple(json!({"bucket": "-1"})).await;
    let error = rescale(&dynamic.table, &request(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let fixed = World::simple(json!({"bucket": "2"})).await;
    for (buckets, words) in [(0, "one at least"), (-1, "one at least")] {
        let error = rescale(&fixed.table, &request(buckets)).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains(words), "{error}");
    }
    // An empty table has nothing to split.
    assert_eq!(rescale(&fixed.table, &request(3)).await.unwrap().snapshot, None);
    let postponed = World::simple(json!({"bucket": "-2"})).await;
    let none = RescaleRequest { buckets: None, partitions: Predicate::True };
    let error = rescale(&postponed.table, &none).await.unwrap_err();
    assert!(error.to_string().contains("say how many"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_rows_stay_in_buckets_of_one_number() {
    let prepared = async |vectors: &str| {
        let world = World::simple(json!({"bucket": "2", "deletion-vectors.enabled": vectors})).await;
        let mut writer = world.writer("w").await;
        for identifier in 1..=2 {
            world.write(&mut writer, &pairs(0..20 * identifier, &identifier.to_string())).await;
            writer.commit(identifier.into(), CommitExtras::default()).await.unwrap();
        }
        world
    };
    for vectors in ["false", "true"] {
        let (operations, rows) = {
            let world = prepared(vectors).await;
            world.store.arm(Faults::None);
            rescale(&world.table, &request(3)).await.unwrap();
            (world.store.operations().len(), world.read().await)
        };
        assert!(operations > 20 && rows.len() == 40, "{operations} operations");
        for mode in FaultMode::ALL {
            for operation in 0..operations {
                let at = format!("vectors {vectors}, {mode:?} at {operation}");
                let world = prepared(vectors).await;
                world.store.arm(Faults::At(Fault { operation, mode }));
                let outcome = rescale(&world.table, &request(3)).await;
                world.store.arm(Faults::None);
                let (totals, _) = buckets(&world).await;
                let is_done = totals == BTreeSet::from([3]);
                assert!(is_done || outcome.is_err() && totals == BTreeSet::from([2]), "{at}: {totals:?} {outcome:?}");
                if let Err(error) = outcome {
                    assert!(!matches!(error.kind(), ErrorKind::Internal | ErrorKind::Corrupt), "{at}: {error}");
                }
                let (named, there) = (world.named_files().await, world.data_files().await);
                assert!(named.is_subset(&there), "{at}: {:?} are gone", named.difference(&there));
                // Where deletion vectors are, rows of level 0 are read once they are compacted.
                compact(&world.table, true).await.unwrap();
                rescale(&world.table, &request(3)).await.unwrap();
                assert_eq!((world.read().await, buckets(&world).await.0), (rows.clone(), BTreeSet::from([3])), "{at}");
            }
        }
    }
}
