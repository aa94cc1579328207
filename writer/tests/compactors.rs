//! Compaction beside writers: jobs of their own, clashes, and what a compaction leaves alone.

use alluvium_compaction::{CompactReport, CompactRequest, compact_table};
use alluvium_format::{CommitKind, CompareOp, Datum, Predicate};
use alluvium_writer::{CommitExtras, CompactionWait, TableWrite, WriteOptions};
use serde_json::json;

use crate::world::{World, add, delete, pairs};

#[tokio::test(flavor = "multi_thread")]
async fn a_clash_of_compactions_leaves_the_rows_of_the_commit() {
    for beside in [false, true] {
        let world = World::simple(json!({"bucket": "1", "num-sorted-run.compaction-trigger": "3"})).await;
        let mut writer = world.writer("w").await;
        for identifier in 1..=3 {
            world.write(&mut writer, &pairs(0..40, &identifier.to_string())).await;
            if beside && identifier == 3 {
                world.compact(true).await.unwrap();
            }
            let committed = writer.commit(identifier, CommitExtras::default()).await.unwrap();
            let compacts = identifier == 3 && !beside;
            assert_eq!(committed.snapshots.len(), 1 + usize::from(compacts), "commit {identifier}");
        }
        // The bucket goes on from what the other job left: one run, and the one of this commit.
        assert_eq!(world.live().await.len(), 1 + usize::from(beside));
        assert!(world.read().await.values().all(|row| row["v"] == "3"));
        world.assert_no_garbage().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_survives_a_compactor_beside_it() {
    let world = World::simple(json!({"bucket": "2", "num-sorted-run.compaction-trigger": "3"})).await;
    let mut writer = world.writer("w").await;
    let mut compacted = 0;
    for identifier in 1..=12 {
        world.write(&mut writer, &pairs(0..40, &identifier.to_string())).await;
        // What the writer has seen is compacted behind its back, every other time.
        if identifier % 4 < 2 {
            world.compact(true).await.unwrap();
        }
        let committed = writer.commit(identifier, CommitExtras::default()).await.unwrap();
        assert_eq!(committed.snapshots[0].commit_kind, CommitKind::Append);
        assert_eq!(writer.last_committed(), Some(identifier));
        compacted += usize::from(committed.snapshots.len() == 2);
        let value = json!(identifier.to_string());
        assert!(world.read().await.values().all(|row| row["v"] == value));
        world.assert_no_garbage().await;
    }
    assert!(compacted > 0, "the writer went on without compaction");
    writer.close().await.unwrap();
    assert_eq!(world.read().await.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_survives_files_that_are_gone() {
    let world = World::simple(json!({"bucket": "1", "num-sorted-run.compaction-trigger": "3"})).await;
    let mut writer = world.writer("w").await;
    for identifier in 1..=2 {
        world.write(&mut writer, &pairs(0..40, &identifier.to_string())).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    // Another job compacts them, and the snapshots that had them expire.
    let before = world.live().await;
    world.compact(true).await.unwrap();
    for entry in before {
        let location = world.table.data_file(&entry.partition, entry.bucket, &entry.file).unwrap();
        location.delete().await.unwrap();
    }
    for identifier in 3..=6 {
        world.write(&mut writer, &pairs(0..40, &identifier.to_string())).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    assert!(world.read().await.values().all(|row| row["v"] == "6"));
    let last = world.snapshots().await.pop().unwrap();
    assert_eq!(last.commit_user, "w");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_at_once_compact_everything_once() {
    let world = World::simple(json!({"bucket": "4", "write-only": "true"})).await;
    let mut writer = world.writer("w").await;
    for identifier in 1..=4 {
        world.write(&mut writer, &pairs(0..100, &identifier.to_string())).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    let (first, second) = tokio::join!(world.compact(true), world.compact(true));
    let reports = [first.unwrap(), second.unwrap()];
    assert_eq!(reports.iter().filter(|report| report.snapshot.is_some()).count(), 1, "{reports:?}");
    assert_eq!(reports.iter().filter(|report| **report == CompactReport::default()).count(), 1);
    assert_eq!(world.live().await.len(), 4);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_says_what_was_done() {
    let world = World::simple(json!({"bucket": "1", "write-only": "true"})).await;
    assert_eq!(world.compact(true).await.unwrap(), CompactReport::default());
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(0..100, "a")).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    let size = world.live().await[0].file.file_size as u64;
    // The only file is moved unread.
    let report = world.compact(true).await.unwrap();
    let moved = CompactReport {
        snapshot: Some(2),
        buckets: 1,
        files_before: 1,
        files_after: 1,
        files_upgraded: 1,
        ..report.clone()
    };
    assert_eq!((report.bytes_rewritten, report.bytes_written, &report), (0, 0, &moved));
    world.write(&mut writer, &pairs(50..60, "b")).await;
    writer.commit(2, CommitExtras::default()).await.unwrap();
    let report = world.compact(true).await.unwrap();
    assert_eq!((report.files_before, report.files_after, report.files_upgraded), (2, 1, 0));
    assert!(report.bytes_rewritten > size);
    assert_eq!(report.bytes_written, world.live().await[0].file.file_size as u64);
    // The rules pick nothing where there is one run.
    assert_eq!(world.compact(false).await.unwrap(), CompactReport::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_partitions_and_buckets() {
    let schema = json!({
        "fields": [{"name": "p", "type": "INT NOT NULL"}, {"name": "k", "type": "INT NOT NULL"}],
        "primaryKeys": ["p", "k"], "partitionKeys": ["p"], "options": {"bucket": "3", "write-only": "true"},
    });
    let world = World::new(schema).await;
    let mut writer = world.writer("w").await;
    let rows: Vec<_> = (0..120).map(|i| add(json!({"p": i % 2, "k": i}))).collect();
    world.write(&mut writer, &rows).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    let one = Predicate::Compare { column: "p".to_owned(), op: CompareOp::Eq, literal: Datum::Int(1) };
    let request = CompactRequest { full: true, partitions: one, buckets: Some((1, 2)), ..CompactRequest::default() };
    let heard = std::sync::Mutex::new(Vec::new());
    let hear = |done, of| heard.lock().unwrap().push((done, of));
    let report = compact_table(&world.table, "c", &request, &hear).await.unwrap();
    assert_eq!(report.buckets, 2);
    assert_eq!(heard.into_inner().unwrap(), [(1, 2), (2, 2)]);
    let mut up: Vec<(i64, i32)> = Vec::new();
    for entry in world.live().await.into_iter().filter(|entry| entry.file.level > 0) {
        let values = entry.partition.decode(&world.table.partition_types()).unwrap();
        let Some(Datum::Int(p)) = values[0] else { panic!("{values:?}") };
        up.push((i64::from(p), entry.bucket));
    }
    up.sort_unstable();
    assert_eq!(up, [(1, 1), (1, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_are_dropped_at_the_highest_level_only() {
    let world = World::simple(json!({"bucket": "1", "num-sorted-run.compaction-trigger": "2"})).await;
    let options = WriteOptions { compaction: CompactionWait::Always, ..WriteOptions::default() };
    let mut writer = TableWrite::open(&world.table, "w", options).await.unwrap();
    let rows: Vec<_> = (0..20_000)
        .map(|k| add(json!({"k": k, "v": format!("{:x}", u64::from(k as u32).wrapping_mul(0x9e37_79b9_7f4a_7c15))})))
        .collect();
    world.write(&mut writer, &rows).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    world.compact(true).await.unwrap();
    let mut writer = world.writer("w").await;
    for identifier in 2..=3 {
        world.write(&mut writer, &[delete(json!({"k": identifier}))]).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    let deletes: i64 = world.live().await.iter().map(|entry| entry.file.delete_row_count.unwrap()).sum();
    assert_eq!(deletes, 2, "the deletes lie above the large run");
    assert_eq!(world.read().await.len(), 19_998);
    world.compact(true).await.unwrap();
    let live = world.live().await;
    assert_eq!((live.len(), live[0].file.row_count, live[0].file.delete_row_count), (1, 19_998, Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn forcing_compaction_waits_for_it() {
    let options = json!({"bucket": "1", "num-sorted-run.compaction-trigger": "2", "commit.force-compact": "true"});
    let world = World::simple(options).await;
    let mut writer = TableWrite::open(&world.table, "w", WriteOptions::default()).await.unwrap();
    for identifier in 1..=4 {
        world.write(&mut writer, &pairs(0..40, &identifier.to_string())).await;
        let committed = writer.commit(identifier, CommitExtras::default()).await.unwrap();
        assert_eq!(committed.snapshots.len(), if identifier == 1 { 1 } else { 2 });
    }
}
