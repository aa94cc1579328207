//! Tables that look up: commits that wait for their compactions, clashes, restarts, first rows.

use alluvium_format::{CommitKind, ErrorKind, FileSource, RowKind};
use alluvium_store::{Committed, PartitionBucket};
use alluvium_writer::CommitExtras;
use serde_json::json;

use crate::world::{World, add, batch_of, delete, pairs, replay};

fn kinds(committed: &Committed) -> Vec<CommitKind> {
    committed.snapshots.iter().map(|snapshot| snapshot.commit_kind).collect()
}

const BOTH: [CommitKind; 2] = [CommitKind::Append, CommitKind::Compact];

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_waits_until_level_0_is_compacted() {
    for (options, waits) in [
        (json!({"bucket": "1", "changelog-producer": "lookup"}), true),
        (json!({"bucket": "1", "deletion-vectors.enabled": "true"}), true),
        (json!({"bucket": "1", "merge-engine": "first-row"}), true),
        (json!({"bucket": "1", "force-lookup": "true"}), true),
        (json!({"bucket": "1"}), false),
        (json!({"bucket": "1", "changelog-producer": "lookup", "write-only": "true"}), false),
    ] {
        let world = World::simple(options.clone()).await;
        let mut writer = world.writer_with("w", &[]).await;
        for identifier in 1..=3 {
            world.write(&mut writer, &pairs(0..30, &identifier.to_string())).await;
            let committed = writer.commit(identifier, CommitExtras::default()).await.unwrap();
            assert_eq!(kinds(&committed).len(), if waits { 2 } else { 1 }, "{options}");
            let at_level_0 = world.live().await.iter().filter(|entry| entry.file.level == 0).count();
            assert_eq!(at_level_0 == 0, waits, "{options}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_changes_are_committed_beside_their_rows() {
    let world =
        World::simple(json!({"bucket": "1", "changelog-producer": "input", "ignore-update-before": "true"})).await;
    let mut writer = world.writer("w").await;
    let before = (RowKind::UpdateBefore, json!({"k": 1, "v": "a"}));
    let rows =
        [add(json!({"k": 2, "v": "x"})), add(json!({"k": 1, "v": "a"})), before, delete(json!({"k": 1, "v": "b"}))];
    world.write(&mut writer, &rows).await;
    let committed = writer.commit(1, CommitExtras::default()).await.unwrap();
    let told = world.changelog_of(&committed.snapshots[0]).await;
    // By key, each key in the order of arrival; what is left out never came.
    assert_eq!(told, [rows[1].clone(), rows[3].clone(), rows[0].clone()]);
    assert_eq!(world.read().await.into_keys().collect::<Vec<_>>(), ["2"]);
    let files = alluvium_store::scan::changelog_entries(
        &world.table,
        &committed.snapshots[0],
        &alluvium_format::Predicate::True,
    );
    let file = files.await.unwrap().remove(0).file;
    assert_eq!((file.level, file.delete_row_count, file.file_source), (0, Some(1), Some(FileSource::Append)));
    assert!(file.file_name.starts_with("changelog-"), "{}", file.file_name);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overwrite_leaves_no_changelog_behind() {
    for producer in ["input", "lookup"] {
        let world = World::simple(json!({"bucket": "1", "changelog-producer": producer})).await;
        let mut writer = world.writer("w").await;
        world.write(&mut writer, &pairs(0..10, "a")).await;
        writer.commit(1, CommitExtras::default()).await.unwrap();
        let told = world.changelog().await.len();
        world.write(&mut writer, &pairs(5..8, "b")).await;
        let scope = alluvium_store::OverwriteScope::Table;
        writer.overwrite(scope, 2, CommitExtras::default()).await.unwrap();
        assert_eq!(world.read().await.len(), 3, "{producer}");
        assert_eq!(world.changelog().await.len(), told, "{producer}");
        assert!(world.live().await.iter().all(|entry| producer == "input" || entry.file.level > 0));
        world.assert_no_garbage().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clash_of_deletion_vectors_is_compacted_again_in_the_same_commit() {
    let options = json!({"bucket": "1", "deletion-vectors.enabled": "true", "changelog-producer": "lookup"});
    let world = World::simple(options).await;
    let mut writer = world.writer("w").await;
    for identifier in 1..=6 {
        // What the writer has seen is compacted behind its back, every other time.
        world.write(&mut writer, &pairs(0..40 - identifier as i32, &identifier.to_string())).await;
        if identifier % 2 == 0 {
            world.compact(true).await.unwrap();
        }
        let committed = writer.commit(identifier, CommitExtras::default()).await.unwrap();
        assert_eq!(kinds(&committed), BOTH, "commit {identifier}");
        assert!(committed.snapshots.iter().all(|snapshot| snapshot.commit_identifier == identifier));
        let rows = world.read().await;
        assert_eq!(rows.len(), 39);
        assert_eq!(rows["0"]["v"], identifier.to_string());
        assert_eq!(replay(world.table.schema(), &world.changelog().await), rows);
        world.assert_no_garbage().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_writer_left_on_level_0_is_compacted_when_it_comes_back() {
    let world = World::simple(json!({"bucket": "2", "changelog-producer": "lookup"})).await;
    for user in ["w", "other"] {
        let mut writer = world.writer_with(user, &[("write-only", "true")]).await;
        world.write(&mut writer, &pairs(0..30, user)).await;
        writer.commit(1, CommitExtras::default()).await.unwrap();
        writer.close().await.unwrap();
        if user == "w" {
            world.compact(false).await.unwrap();
            let mut writer = world.writer_with(user, &[("write-only", "true")]).await;
            world.write(&mut writer, &pairs(0..30, "again")).await;
            writer.commit(2, CommitExtras::default()).await.unwrap();
        }
    }
    // Who has never committed owes nothing; who has owes what they brought, and nothing of others.
    let mut new = world.writer("new").await;
    assert_eq!(new.commit(1, CommitExtras::default()).await.unwrap(), Committed::default());
    let waiting = async || world.live().await.iter().filter(|entry| entry.file.level == 0).count();
    assert_eq!(waiting().await, 4);
    let mut other = world.writer("other").await;
    assert_eq!(kinds(&other.commit(2, CommitExtras::default()).await.unwrap()), [CommitKind::Compact]);
    assert_eq!(waiting().await, 0, "level 0 goes up as a whole");
    let told = replay(world.table.schema(), &world.changelog().await);
    assert_eq!(told, world.read().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_there_without_its_compactions_is_finished_by_the_same_commit() {
    let world = World::simple(json!({"bucket": "1", "deletion-vectors.enabled": "true"})).await;
    let mut writer = world.writer_with("w", &[("write-only", "true")]).await;
    world.write(&mut writer, &pairs(0..30, "a")).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    assert_eq!(world.read().await.len(), 0, "rows are complete once they are compacted");
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(0..30, "a")).await;
    let committed = writer.commit(1, CommitExtras::default()).await.unwrap();
    assert_eq!((kinds(&committed), committed.snapshots[0].commit_identifier), (vec![CommitKind::Compact], 1));
    assert_eq!(world.read().await.len(), 30);
    assert_eq!(writer.commit(1, CommitExtras::default()).await.unwrap(), Committed::default());
    world.write(&mut writer, &pairs(0..10, "b")).await;
    assert_eq!(kinds(&writer.commit(2, CommitExtras::default()).await.unwrap()), BOTH);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_compaction_materialises_deletion_vectors() {
    let world = World::simple(json!({"bucket": "1", "deletion-vectors.enabled": "true"})).await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(0..5000, "a")).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    world.write(&mut writer, &[delete(json!({"k": 7})), add(json!({"k": 9, "v": "b"}))]).await;
    writer.commit(2, CommitExtras::default()).await.unwrap();
    let bucket = PartitionBucket { partition: alluvium_format::BinaryRow::empty(), bucket: 0 };
    let deleted = async || world.vectors(&bucket).await.values().map(|vector| vector.cardinality()).sum::<u64>();
    assert_eq!(deleted().await, 2);
    let before = world.read().await;
    world.compact(true).await.unwrap();
    assert_eq!(deleted().await, 0);
    assert_eq!(world.live().await.iter().map(|entry| entry.file.row_count).sum::<i64>(), 4999);
    assert_eq!(world.read().await, before);
    // The writer's vectors are of files that are gone; it goes on.
    world.write(&mut writer, &[delete(json!({"k": 8}))]).await;
    writer.commit(3, CommitExtras::default()).await.unwrap();
    assert_eq!(world.read().await.len(), 4998);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retraction_of_a_first_row_is_refused() {
    let world = World::simple(json!({"bucket": "1", "merge-engine": "first-row"})).await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &[add(json!({"k": 1, "v": "a"}))]).await;
    let (batch, kinds) = batch_of(world.table.schema(), &[add(json!({"k": 2})), delete(json!({"k": 1}))]);
    let error = writer.write(batch, Some(kinds)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.to_string().contains("row 1 is a -U or -D") && error.to_string().contains("ignore-delete"),
        "{error}"
    );
    world.write(&mut writer, &pairs(1..3, "b")).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    let rows = world.read().await;
    assert_eq!((rows["1"]["v"].clone(), rows["2"]["v"].clone(), rows.len()), (json!("a"), json!("b"), 2));

    let world = World::simple(json!({"bucket": "1", "merge-engine": "first-row", "ignore-delete": "true"})).await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &[add(json!({"k": 1, "v": "a"})), delete(json!({"k": 1}))]).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    assert_eq!(world.read().await.len(), 1);
}
