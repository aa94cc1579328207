//! Overwrites: what is replaced, what stays, and that a table can be split anew.

use alluvium_format::{CommitKind, Datum};
use alluvium_store::OverwriteScope;
use alluvium_writer::{CommitExtras, TableWrite, WriteOptions};
use serde_json::json;

use crate::world::{World, add, pairs};

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_table_is_replaced_and_written_on() {
    let world = World::simple(json!({"bucket": "2", "num-sorted-run.compaction-trigger": "2"})).await;
    let options = WriteOptions { memory_bytes: Some(0), ..WriteOptions::default() };
    let mut writer = TableWrite::open(&world.table, "w", options).await.unwrap();
    for identifier in 1..=4 {
        world.write(&mut writer, &pairs(0..30, "old")).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    for _ in 0..3 {
        world.write(&mut writer, &pairs(10..15, "new")).await;
    }
    let committed = writer.overwrite(OverwriteScope::Table, 5, CommitExtras::default()).await.unwrap();
    assert_eq!(committed.snapshots.last().unwrap().commit_kind, CommitKind::Overwrite);
    assert_eq!(world.read().await.len(), 5);
    world.write(&mut writer, &pairs(14..16, "newer")).await;
    writer.commit(6, CommitExtras::default()).await.unwrap();
    let rows = world.read().await;
    assert_eq!((rows.len(), &rows["13"]["v"], &rows["14"]["v"]), (6, &json!("new"), &json!("newer")));
    writer.close().await.unwrap();
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overwrite_splits_a_table_anew() {
    let world = World::simple(json!({"bucket": "2"})).await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(0..20, "a")).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    let mut writer = world.writer_of_buckets("w", 3).await;
    world.write(&mut writer, &pairs(0..20, "b")).await;
    writer.overwrite(OverwriteScope::Table, 2, CommitExtras::default()).await.unwrap();
    assert!(world.live().await.iter().all(|entry| entry.total_buckets == 3));
    world.write(&mut writer, &pairs(20..25, "c")).await;
    writer.commit(3, CommitExtras::default()).await.unwrap();
    assert_eq!(world.read().await.len(), 25);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_not_in_scope_stay() {
    let schema = json!({
        "fields": [{"name": "p", "type": "INT NOT NULL"}, {"name": "k", "type": "INT NOT NULL"}],
        "primaryKeys": ["p", "k"], "partitionKeys": ["p"], "options": {"bucket": "1"},
    });
    let world = World::new(schema).await;
    let mut writer = world.writer("w").await;
    let row = |p: i32, k: i32| add(json!({"p": p, "k": k}));
    world.write(&mut writer, &[row(1, 1), row(1, 2), row(2, 1), row(3, 1)]).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    world.write(&mut writer, &[row(1, 3)]).await;
    writer.overwrite(OverwriteScope::Written, 2, CommitExtras::default()).await.unwrap();
    let keys = async || world.read().await.into_keys().collect::<Vec<_>>();
    assert_eq!(keys().await, ["1,3", "2,1", "3,1"]);
    let two = alluvium_format::BinaryRow::encode(&world.table.partition_types(), &[Some(Datum::Int(2))]).unwrap();
    writer.overwrite(OverwriteScope::Partitions(vec![two]), 3, CommitExtras::default()).await.unwrap();
    assert_eq!(keys().await, ["1,3", "3,1"]);
}
