//! Dynamic buckets: a key is in one bucket, its index goes with it, and two jobs do not spoil that.

use std::collections::{BTreeMap, BTreeSet};

use alluvium_format::{BinaryRow, Datum, ErrorKind, hash_index};
use alluvium_store::{OverwriteScope, TableStore};
use alluvium_writer::{CommitExtras, TableWrite, WriteMode, WriteOptions};
use serde_json::{Value, json};

use crate::world::{World, add, delete, pairs};

async fn world(options: &[(&str, &str)]) -> World {
    let mut all = json!({"bucket": "-1", "dynamic-bucket.target-row-num": "10"});
    for (name, value) in options {
        all[*name] = json!(value);
    }
    World::simple(all).await
}

async fn overwriter(table: &TableStore) -> TableWrite {
    let options = WriteOptions { mode: WriteMode::Overwrite, ..WriteOptions::default() };
    TableWrite::open(table, "overwriter", options).await.unwrap()
}

/// The hashes of the index files, by partition and bucket.
async fn indexes(world: &World) -> BTreeMap<(Vec<u8>, i32), BTreeSet<i32>> {
    let mut indexes = BTreeMap::new();
    let Some(snapshot) = world.table.snapshots().latest().await.unwrap() else { return indexes };
    let Some(manifest) = &snapshot.index_manifest else { return indexes };
    for entry in world.table.manifests().index_entries(manifest).await.unwrap().iter() {
        let path = format!("index/{}", entry.index_file.file_name);
        let hashes = hash_index::decode(&world.table.io().get(&path).await.unwrap(), &path).unwrap();
        assert_eq!(hashes.len() as i64, entry.index_file.row_count);
        let distinct: BTreeSet<i32> = hashes.iter().copied().collect();
        assert_eq!(distinct.len(), hashes.len(), "a hash is in an index once");
        indexes.insert((entry.partition.as_bytes().to_vec(), entry.bucket), distinct);
    }
    indexes
}

fn hash_of(world: &World, key: i32) -> i32 {
    BinaryRow::encode(&world.table.schema().key_types(), &[Some(Datum::Int(key))]).unwrap().hash()
}

/// How many keys each bucket has.
async fn counts(world: &World) -> Vec<usize> {
    indexes(world).await.values().map(BTreeSet::len).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_is_in_the_index_of_one_bucket() {
    let world = world(&[]).await;
    for (identifier, range) in (1..).zip([0..25, 20..32, 5..6, 31..48]) {
        // A writer of its own each time: what it knows comes from the table.
        let mut writer = world.writer("w").await;
        world.write(&mut writer, &pairs(range, &identifier.to_string())).await;
        world.write(&mut writer, &[delete(json!({"k": 1, "v": null}))]).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    assert_eq!(counts(&world).await, [10, 10, 10, 10, 8]);
    let all: Vec<i32> = indexes(&world).await.into_values().flatten().collect();
    let distinct: BTreeSet<i32> = all.iter().copied().collect();
    assert_eq!(distinct, (0..48).map(|key| hash_of(&world, key)).collect());
    assert_eq!(all.len(), 48);
    assert_eq!(world.read().await.len(), 47);
    assert!(world.live().await.iter().all(|entry| entry.total_buckets == -1));
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assigners_begin_with_a_bucket_each() {
    let options = [("dynamic-bucket.initial-buckets", "3"), ("dynamic-bucket.max-buckets", "4")];
    let world = world(&options).await;
    let mut writer = world.writer("w").await;
    for identifier in 1..=4 {
        let first = (identifier as i32 - 1) * 20;
        world.write(&mut writer, &pairs(first..first + 20, "a")).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
        if identifier == 1 {
            let counts = counts(&world).await;
            assert_eq!((counts.len(), counts.iter().sum::<usize>()), (3, 20), "{counts:?}");
        }
    }
    // The fourth bucket is the first share's; the others take more than they should.
    let counts = counts(&world).await;
    assert_eq!((counts.len(), counts.iter().sum::<usize>()), (4, 80), "{counts:?}");
    assert_eq!(world.read().await.len(), 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_do_not_give_a_key_two_buckets() {
    let world = world(&[]).await;
    let (mut one, mut other) = (world.writer("one").await, world.writer("other").await);
    world.write(&mut one, &pairs(0..5, "one")).await;
    one.commit(1, CommitExtras::default()).await.unwrap();
    world.write(&mut other, &pairs(5..10, "other")).await;
    other.commit(1, CommitExtras::default()).await.unwrap();
    // To the first job bucket 0 has room for five more keys; to the second, key 20 is new.
    for range in [10..30, 20..21] {
        world.write(&mut one, &pairs(range, "one")).await;
        let error = one.commit(2, CommitExtras::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains("let one job write the table"), "{error}");
        one = world.writer("one").await;
        world.write(&mut other, &pairs(20..21, "other")).await;
        other.commit(2, CommitExtras::default()).await.unwrap();
        world.write(&mut one, &pairs(0..1, "one")).await;
        other = world.writer("other").await;
        world.write(&mut other, &pairs(40..41, "other")).await;
        other.commit(3, CommitExtras::default()).await.unwrap();
    }
    one = world.writer("one").await;
    world.write(&mut one, &pairs(10..30, "one")).await;
    one.commit(2, CommitExtras::default()).await.unwrap();
    assert_eq!(world.read().await.len(), 31);
    drop((one, other));
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overwrite_gives_keys_their_buckets_anew() {
    let world = world(&[]).await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(0..35, "old")).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    assert_eq!(counts(&world).await, [10, 10, 10, 5]);

    let mut overwriter = overwriter(&world.table).await;
    world.write(&mut overwriter, &pairs(30..42, "new")).await;
    overwriter.overwrite(OverwriteScope::Table, 1, CommitExtras::default()).await.unwrap();
    assert_eq!(counts(&world).await, [10, 2]);
    assert_eq!(world.read().await.len(), 12);
    world.write(&mut overwriter, &pairs(50..53, "newer")).await;
    overwriter.overwrite(OverwriteScope::Table, 2, CommitExtras::default()).await.unwrap();
    assert_eq!(counts(&world).await, [3]);

    // What the first writer knows of is gone.
    world.write(&mut writer, &pairs(34..35, "late")).await;
    let error = writer.commit(2, CommitExtras::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(50..60, "on")).await;
    writer.commit(2, CommitExtras::default()).await.unwrap();
    assert_eq!(counts(&world).await, [10]);
    assert_eq!(world.read().await.len(), 10);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_does_what_it_was_opened_for() {
    let world = world(&[]).await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(0..3, "a")).await;
    let error = writer.overwrite(OverwriteScope::Table, 1, CommitExtras::default()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("WriteMode::Overwrite"), "{error}");
    // Nothing is lost by that.
    writer.commit(1, CommitExtras::default()).await.unwrap();
    assert_eq!(world.read().await.len(), 3);
    let mut overwriter = overwriter(&world.table).await;
    world.write(&mut overwriter, &pairs(0..1, "b")).await;
    let error = overwriter.commit(1, CommitExtras::default()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("WriteMode::Append"), "{error}");
    overwriter.overwrite(OverwriteScope::Table, 1, CommitExtras::default()).await.unwrap();
    assert_eq!(world.read().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_have_indexes_of_their_own_that_are_forgotten_and_read_again() {
    let schema = json!({
        "fields": [{"name": "p", "type": "INT NOT NULL"}, {"name": "k", "type": "INT NOT NULL"}, {"name": "v", "type": "INT"}],
        "primaryKeys": ["p", "k"], "partitionKeys": ["p"],
        "options": {"bucket": "-1", "dynamic-bucket.target-row-num": "2"},
    });
    let world = World::new(schema).await;
    let mut writer = world.writer("w").await;
    let row = |p: i32, k: i32, v: i32| add(json!({"p": p, "k": k, "v": v}));
    world.write(&mut writer, &[row(1, 1, 0), row(2, 1, 0), row(1, 2, 0), row(1, 3, 0)]).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    // Commits in which partition 1 has no rows; meanwhile another job writes it.
    for identifier in 2..=14 {
        world.write(&mut writer, &[row(2, 1, identifier as i32)]).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
        if identifier == 13 {
            let mut other = world.writer("other").await;
            world.write(&mut other, &[row(1, 3, 1), row(1, 4, 1), row(1, 5, 1)]).await;
            other.commit(1, CommitExtras::default()).await.unwrap();
        }
    }
    world.write(&mut writer, &[row(1, 5, 2), row(1, 6, 2)]).await;
    writer.commit(15, CommitExtras::default()).await.unwrap();
    assert_eq!(counts(&world).await, [2, 2, 2, 1]);
    let rows = world.read().await;
    assert_eq!((rows.len(), &rows["1,5"]["v"], &rows["1,3"]["v"]), (7, &json!(2), &json!(1)));
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_commit_that_is_there_leave_no_trace() {
    let world = world(&[]).await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(0..5, "a")).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(100..130, "dropped")).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    world.write(&mut writer, &pairs(5..7, "b")).await;
    writer.commit(2, CommitExtras::default()).await.unwrap();
    assert_eq!(counts(&world).await, [7]);
    let values: Vec<Value> = world.read().await.into_values().map(|row| row["k"].clone()).collect();
    assert_eq!(values.len(), 7);
    world.assert_no_garbage().await;
}
