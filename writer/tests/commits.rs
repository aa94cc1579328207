//! Commits: what they publish, that each happens once, and what a writer remembers.

use std::collections::BTreeMap;

use alluvium_format::{CommitKind, ErrorKind};
use alluvium_store::EmptyCommits;
use alluvium_writer::{CommitExtras, TableWrite, WriteOptions};
use serde_json::json;

use crate::world::{World, add, delete, pairs};

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_is_committed_once_and_the_position_is_found_again() {
    let world = World::simple(json!({"bucket": "2"})).await;
    let properties: BTreeMap<String, String> = [("file".to_owned(), "a.csv".to_owned())].into();
    let extras = CommitExtras { watermark: Some(17), properties: properties.clone() };
    let mut writer = world.writer("w").await;
    assert_eq!(writer.last_committed(), None);
    world.write(&mut writer, &pairs(0..10, "first")).await;
    let committed = writer.commit(5, extras.clone()).await.unwrap();
    assert_eq!(committed.snapshots[0].watermark, Some(17));
    assert_eq!((writer.last_committed(), writer.last_properties()), (Some(5), properties.clone()));

    let mut again = world.writer("w").await;
    assert_eq!((again.last_committed(), again.last_properties()), (Some(5), properties));
    world.write(&mut again, &pairs(0..10, "again")).await;
    assert_eq!(again.commit(5, extras.clone()).await.unwrap().snapshots, []);
    assert_eq!(again.buffered_bytes(), 0);
    world.write(&mut again, &pairs(5..12, "next")).await;
    again.commit(6, CommitExtras::default()).await.unwrap();
    let rows = world.read().await;
    let of = |value: &str| rows.values().filter(|row| row["v"] == value).count();
    assert_eq!((of("first"), of("again"), of("next")), (5, 0, 7));
    world.assert_no_garbage().await;
    // Another user counts for itself.
    assert_eq!(world.writer("other").await.last_committed(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn flushed_rows_of_a_commit_that_is_done_are_deleted() {
    let world = World::simple(json!({"bucket": "1"})).await;
    let options = WriteOptions { memory_bytes: Some(0), ..WriteOptions::default() };
    let mut writer = TableWrite::open(&world.table, "w", options).await.unwrap();
    world.write(&mut writer, &pairs(0..5, "a")).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    for _ in 0..4 {
        world.write(&mut writer, &pairs(0..5, "b")).await;
    }
    writer.commit(1, CommitExtras::default()).await.unwrap();
    world.assert_no_garbage().await;
    assert!(world.read().await.values().all(|row| row["v"] == "a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_commits_are_skipped_or_published() {
    let world = World::simple(json!({"bucket": "1"})).await;
    for (empty, snapshots) in [(EmptyCommits::Skipped, 0), (EmptyCommits::Published, 1)] {
        let options = WriteOptions { empty_commits: empty, ..WriteOptions::default() };
        let mut writer = TableWrite::open(&world.table, "w", options).await.unwrap();
        assert_eq!(writer.commit(1, CommitExtras::default()).await.unwrap().snapshots.len(), snapshots);
        writer.close().await.unwrap();
    }
    assert_eq!(world.snapshots().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sequence_numbers_go_on_from_the_files_that_are_left() {
    let world = World::simple(json!({"bucket": "1"})).await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(0..4, "a")).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    world
        .write(&mut writer, &[add(json!({"k": 1, "v": "b"})), delete(json!({"k": 2})), add(json!({"k": 1, "v": "c"}))])
        .await;
    writer.commit(2, CommitExtras::default()).await.unwrap();
    let ranges = async || {
        let live = world.live().await;
        let range = |e: &alluvium_format::ManifestEntry| (e.file.min_sequence_number, e.file.max_sequence_number);
        live.iter().map(range).collect::<Vec<_>>()
    };
    assert_eq!(ranges().await, [(0, 3), (5, 6)]);
    world.compact(true).await.unwrap();
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(7..8, "d")).await;
    writer.commit(3, CommitExtras::default()).await.unwrap();
    assert_eq!(ranges().await, [(0, 6), (7, 7)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_commits_the_compactions_with_the_last_identifier_and_position() {
    let world = World::simple(json!({"bucket": "1", "num-sorted-run.compaction-trigger": "3"})).await;
    let mut writer = TableWrite::open(&world.table, "w", WriteOptions::default()).await.unwrap();
    for identifier in 1..=3 {
        world.write(&mut writer, &pairs(0..50, &identifier.to_string())).await;
        let properties = [("at".to_owned(), identifier.to_string())].into();
        writer.commit(identifier, CommitExtras { watermark: None, properties }).await.unwrap();
    }
    writer.close().await.unwrap();
    let last = world.snapshots().await.pop().unwrap();
    assert_eq!((last.commit_kind, last.commit_identifier), (CommitKind::Compact, 3));
    let writer = world.writer("w").await;
    assert_eq!(writer.last_properties()["at"], "3");
    assert_eq!(world.live().await.len(), 1);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_commit_has_two_snapshots_of_one_kind() {
    let world = World::simple(json!({"bucket": "3", "num-sorted-run.compaction-trigger": "2"})).await;
    for round in 0..20 {
        let mut writer = TableWrite::open(&world.table, "w", WriteOptions::default()).await.unwrap();
        for identifier in round * 3 + 1..round * 3 + 4 {
            world.write(&mut writer, &pairs(0..50, &identifier.to_string())).await;
            writer.commit(identifier, CommitExtras::default()).await.unwrap();
        }
        writer.close().await.unwrap();
        assert_eq!(world.writer("w").await.last_committed(), Some(round * 3 + 3));
    }
    let mut seen = std::collections::HashSet::new();
    for snapshot in world.snapshots().await {
        let commit = (snapshot.commit_user.clone(), snapshot.commit_identifier, snapshot.commit_kind);
        assert!(seen.insert(commit), "{snapshot:?} is there twice");
    }
    assert!(world.read().await.values().all(|row| row["v"] == "60"));
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_no_commit_leave_nothing_when_the_writer_is_closed() {
    let world = World::simple(json!({"bucket": "1", "num-sorted-run.compaction-trigger": "2"})).await;
    let options = WriteOptions { memory_bytes: Some(0), ..WriteOptions::default() };
    let mut writer = TableWrite::open(&world.table, "w", options.clone()).await.unwrap();
    for _ in 0..6 {
        world.write(&mut writer, &pairs(0..50, "a")).await;
    }
    writer.close().await.unwrap();
    assert_eq!(world.data_files().await.len(), 0);
    let mut writer = TableWrite::open(&world.table, "w", options).await.unwrap();
    for identifier in 1..6 {
        world.write(&mut writer, &pairs(0..50, "b")).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    for _ in 0..6 {
        world.write(&mut writer, &pairs(0..50, "c")).await;
    }
    writer.close().await.unwrap();
    world.assert_no_garbage().await;
    assert!(world.read().await.values().all(|row| row["v"] == "b"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_budget_makes_many_files_and_loses_nothing() {
    let world = World::simple(json!({"bucket": "4", "write-only": "true"})).await;
    let options = WriteOptions { memory_bytes: Some(4_000), ..WriteOptions::default() };
    let mut writer = TableWrite::open(&world.table, "w", options).await.unwrap();
    for round in 0..30 {
        world.write(&mut writer, &pairs(round * 20..round * 20 + 40, &round.to_string())).await;
        assert!(writer.buffered_bytes() < 16_000, "{} bytes", writer.buffered_bytes());
    }
    let committed = writer.commit(1, CommitExtras::default()).await.unwrap();
    assert_eq!(committed.snapshots.len(), 1);
    assert!(world.live().await.len() > 8);
    assert_eq!(world.read().await.len(), 620);
    for row in world.read().await.values() {
        let last = (row["k"].as_i64().unwrap() / 20).min(29);
        assert_eq!(row["v"].as_str(), Some(last.to_string().as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_of_another_number_of_buckets_is_refused() {
    let world = World::simple(json!({"bucket": "2"})).await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(0..20, "a")).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    let mut writer = world.writer_of_buckets("w", 3).await;
    world.write(&mut writer, &pairs(0..20, "b")).await;
    let error = writer.commit(2, CommitExtras::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("the table is split into 2 buckets, and the option bucket is 3"), "{error}");
    let error = writer.commit(3, CommitExtras::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten_buckets_are_looked_up_again() {
    let schema = json!({
        "fields": [{"name": "p", "type": "STRING NOT NULL"}, {"name": "k", "type": "INT NOT NULL"}, {"name": "v", "type": "INT"}],
        "primaryKeys": ["p", "k"], "partitionKeys": ["p"], "options": {"bucket": "1", "num-sorted-run.compaction-trigger": "100"},
    });
    let world = World::new(schema).await;
    let mut writer = world.writer("w").await;
    let row = |p: &str, v: i64| [add(json!({"p": p, "k": 1, "v": v}))];
    world.write(&mut writer, &row("old", 0)).await;
    for identifier in 1..40 {
        world.write(&mut writer, &row("hot", identifier)).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    world.write(&mut writer, &row("old", 1)).await;
    writer.commit(40, CommitExtras::default()).await.unwrap();
    let rows = world.read().await;
    assert_eq!(rows["\"old\",1"]["v"], 1);
    assert_eq!(rows["\"hot\",1"]["v"], 39);
    let old = world.live().await.into_iter().map(|e| e.file).filter(|file| file.max_sequence_number == 1).count();
    assert_eq!(old, 2, "the second file of each partition has the next sequence number");
}
