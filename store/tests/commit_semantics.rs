//! What a commit makes of its parts: kinds, counts, what is carried over, overwrites, and the words of conflicts.

use std::collections::BTreeSet;
use std::sync::Arc;

use alluvium_format::{
    BinaryRow, CommitKind, CompactIncrement, DataIncrement, ErrorKind, FileKind, IndexFileMeta, Predicate, SimpleStats,
    Snapshot,
};
use alluvium_store::{
    Clock, Committable, EmptyCommits, FileStoreCommit, OverwriteScope, Publish, RandomNamer, TableIo, TableStore, scan,
};
use futures::FutureExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::memory_table::{
    KEYED, NOW, PARTITIONED, append, append_to, committer, compact, create, file, history, latest_live, live, message,
    partition,
};

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

fn live_names(live: &BTreeSet<(String, i32)>) -> Vec<&str> {
    live.iter().map(|(name, _)| name.trim_start_matches("data-").trim_end_matches("-0.parquet")).collect()
}

#[tokio::test]
async fn a_commit_makes_up_to_two_snapshots_of_one_identifier() {
    let store = memory();
    let table = create(&store, KEYED, &[]).await;
    let commit = committer(&table, "writer");
    assert_eq!(commit.last_committed().await.unwrap(), None);
    let (new, top) = (file("new", 0, 0..=9), file("top", 5, 0..=7));
    let compacted =
        CompactIncrement { compact_before: vec![new.clone()], compact_after: vec![top], ..CompactIncrement::default() };
    let changelog_files = vec![file("changes", 0, 0..=2)];
    let data = DataIncrement { new_files: vec![new], changelog_files, ..DataIncrement::default() };
    let committable = Committable {
        identifier: 3,
        watermark: Some(50),
        properties: [("source".to_owned(), "a".to_owned())].into_iter().collect(),
        known_until: None,
        messages: vec![message(BinaryRow::empty(), data, compacted)],
    };
    let committed = commit.commit(committable).await.unwrap().snapshots;
    let [first, second] = committed.as_slice() else { panic!("{committed:?}") };
    let shape = |snapshot: &Snapshot| (snapshot.id, snapshot.commit_kind, snapshot.commit_identifier);
    assert_eq!(shape(first), (1, CommitKind::Append, 3));
    assert_eq!(shape(second), (2, CommitKind::Compact, 3));
    assert_eq!((first.total_record_count, first.delta_record_count), (Some(10), Some(10)));
    assert_eq!((second.total_record_count, second.delta_record_count), (Some(8), Some(-2)));
    assert_eq!((first.changelog_record_count, second.changelog_record_count), (Some(3), None));
    assert_eq!((first.time_millis, first.next_row_id, first.version), (NOW, Some(0), 3));
    assert_eq!(second.properties.as_ref().unwrap()["source"], "a");
    assert_eq!(table.manifests().list(&first.base_manifest_list).await.unwrap().len(), 0);
    assert_eq!(commit.last_committed().await.unwrap().as_ref(), Some(second));
    assert_eq!(history(&store).await, committed);
    assert_eq!(table.io().get("snapshot/LATEST").await.unwrap(), "2");
}

#[tokio::test]
async fn a_watermark_never_goes_back() {
    let table = create(&memory(), KEYED, &[]).await;
    let commit = committer(&table, "writer");
    let mut seen = Vec::new();
    for (identifier, watermark) in [(1, None), (2, Some(7)), (3, None), (4, Some(5)), (5, Some(9))] {
        let committable =
            Committable { watermark, ..append(identifier, vec![file(&identifier.to_string(), 0, 0..=0)]) };
        let snapshot = commit.commit(committable).await.unwrap().snapshots.remove(0);
        assert_eq!(snapshot.properties, None);
        seen.push(snapshot.watermark);
    }
    assert_eq!(seen, [None, Some(7), Some(7), Some(7), Some(9)]);
}

#[tokio::test]
async fn an_empty_commit_is_skipped_or_published() {
    let table = create(&memory(), KEYED, &[]).await;
    let empty = || Committable { identifier: 1, ..Committable::default() };
    assert!(committer(&table, "writer").commit(empty()).await.unwrap().snapshots.is_empty());
    assert_eq!(table.snapshots().latest().await.unwrap(), None);
    let published = FileStoreCommit::new(&table, "writer", EmptyCommits::Published);
    let snapshots = published.commit(empty()).await.unwrap().snapshots;
    assert_eq!((snapshots.len(), snapshots[0].commit_kind), (1, CommitKind::Append));
    let delta = table.manifests().list(&snapshots[0].delta_manifest_list).await.unwrap();
    assert!(delta.is_empty() && snapshots[0].delta_manifest_list_size > Some(0));
}

#[tokio::test]
async fn a_snapshot_names_the_latest_schema_and_keeps_statistics_of_it_only() {
    let table = create(&memory(), KEYED, &[]).await;
    let commit = committer(&table, "writer");
    let first = commit.commit(append(1, vec![file("1", 0, 0..=0)])).await.unwrap().snapshots.remove(0);
    let statistics = r#"{"snapshotId":1,"schemaId":0,"colStats":{}}"#;
    table.io().put("statistics/stat-a-0", statistics).await.unwrap();
    let analyzed =
        Snapshot { id: 2, statistics: Some("stat-a-0".to_owned()), commit_kind: CommitKind::Analyze, ..first };
    table.snapshots().publish(&analyzed).await.unwrap();
    let kept = commit.commit(append(2, vec![file("2", 0, 0..=0)])).await.unwrap().snapshots.remove(0);
    assert_eq!((kept.id, kept.statistics.as_deref(), kept.schema_id), (3, Some("stat-a-0"), 0));
    let mut schema = table.schema().as_ref().clone();
    schema.id = 1;
    assert!(table.schemas().create(&schema).await.unwrap());
    let dropped = commit.commit(append(3, vec![file("3", 0, 0..=0)])).await.unwrap().snapshots.remove(0);
    assert_eq!((dropped.statistics, dropped.schema_id), (None, 1));
}

#[tokio::test]
async fn statistics_whose_file_is_gone_are_not_named_again() {
    let table = create(&memory(), KEYED, &[]).await;
    let commit = committer(&table, "writer");
    let first = commit.commit(append(1, vec![file("1", 0, 0..=0)])).await.unwrap().snapshots.remove(0);
    let analyzed = Snapshot { id: 2, statistics: Some("stat-gone-0".to_owned()), ..first };
    table.snapshots().publish(&analyzed).await.unwrap();
    let next = commit.commit(append(2, vec![file("2", 0, 0..=0)])).await.unwrap().snapshots.remove(0);
    assert_eq!(next.statistics, None);
}

#[tokio::test]
async fn rows_are_counted_when_the_snapshot_before_does_not_say() {
    let table = create(&memory(), KEYED, &[]).await;
    let commit = committer(&table, "writer");
    let first = commit.commit(append(1, vec![file("1", 0, 0..=4)])).await.unwrap().snapshots.remove(0);
    let old = Snapshot { id: 2, total_record_count: None, delta_record_count: None, ..first };
    // The delta of the first is in its own list: the second has the same files.
    table.snapshots().publish(&old).await.unwrap();
    let next = commit.commit(append(2, vec![file("2", 0, 0..=0)])).await.unwrap().snapshots.remove(0);
    assert_eq!((next.total_record_count, next.delta_record_count), (Some(6), Some(1)));
}

#[tokio::test]
async fn a_data_part_that_deletes_is_an_overwrite_and_is_checked() {
    let table = create(&memory(), KEYED, &[("manifest.delete-file-drop-stats", "true")]).await;
    let commit = committer(&table, "writer");
    let old = file("old", 0, 0..=9);
    commit.commit(append(1, vec![old.clone()])).await.unwrap();
    let deleting = |identifier| {
        let data = DataIncrement { deleted_files: vec![old.clone()], ..DataIncrement::default() };
        let messages = vec![message(BinaryRow::empty(), data, CompactIncrement::default())];
        Committable { identifier, messages, ..Committable::default() }
    };
    let snapshot = commit.commit(deleting(2)).await.unwrap().snapshots.remove(0);
    assert_eq!((snapshot.commit_kind, snapshot.total_record_count), (CommitKind::Overwrite, Some(0)));
    let delta = scan::delta_entries(&table, &snapshot, &Predicate::True).await.unwrap();
    assert_eq!(delta[0].kind, FileKind::Delete);
    assert_eq!((&delta[0].file.value_stats, &delta[0].file.value_stats_cols), (&SimpleStats::empty(), &Some(vec![])));
    assert_eq!(delta[0].file.key_stats, old.key_stats);
    assert_eq!(commit.commit(deleting(3)).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_conflict_says_which_file_who_and_what_to_do() {
    let store = memory();
    let table = create(&store, KEYED, &[]).await;
    let old = file("old", 0, 0..=9);
    committer(&table, "writer").commit(append(1, vec![old.clone()])).await.unwrap();
    let first = committer(&table, "first-compactor");
    first.commit(compact(4, vec![old.clone()], vec![file("first", 5, 0..=9)])).await.unwrap();
    let second = committer(&table, "second-compactor");
    let error = second.commit(compact(9, vec![old], vec![file("second", 5, 0..=9)])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let text = error.to_string();
    for part in [
        "data-old-0.parquet (level 0, bucket 0)",
        "snapshot 2",
        "COMPACT of user first-compactor",
        "identifier 4",
        "d.t",
        "write-only=true",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    // A file that is put into a level between files that are there.
    let error = second.commit(compact(10, vec![], vec![file("between", 5, 4..=5)])).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("key ranges of data-first-0.parquet (level 5, bucket 0)"), "{text}");
    assert!(text.contains("user first-compactor"), "{text}");
    assert_eq!(history(&store).await.len(), 2);
}

#[tokio::test]
async fn a_compact_part_that_conflicts_leaves_the_data_part_in() {
    let store = memory();
    let table = create(&store, KEYED, &[]).await;
    let commit = committer(&table, "writer");
    let data = DataIncrement { new_files: vec![file("new", 0, 0..=9)], ..DataIncrement::default() };
    let gone = vec![file("never", 0, 0..=9)];
    let merged = CompactIncrement { compact_before: gone, ..CompactIncrement::default() };
    let messages = vec![message(BinaryRow::empty(), data, merged)];
    let error = commit.commit(Committable { identifier: 1, messages, ..Committable::default() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("the data part is committed as snapshot 1"), "{error}");
    assert_eq!(live_names(&latest_live(&table).await), ["new"]);
    assert_eq!(history(&store).await.len(), 1);
}

#[tokio::test]
async fn index_files_are_replaced_by_bucket_and_carried_over() {
    let table = create(&memory(), KEYED, &[]).await;
    let commit = committer(&table, "writer");
    let index = |name: &str, index_type: &str| IndexFileMeta {
        index_type: index_type.to_owned(),
        file_name: name.to_owned(),
        file_size: 1,
        row_count: 1,
        dv_ranges: None,
        external_path: None,
        global_index: None,
    };
    let committable = |identifier, bucket, new_index_files| {
        let data = DataIncrement { new_index_files, ..DataIncrement::default() };
        let mut message = message(BinaryRow::empty(), data, CompactIncrement::default());
        message.bucket = bucket;
        Committable { identifier, messages: vec![message], ..Committable::default() }
    };
    for (identifier, bucket, name) in [(1, 0, "a"), (2, 1, "b"), (3, 0, "c")] {
        commit.commit(committable(identifier, bucket, vec![index(name, "HASH")])).await.unwrap();
    }
    let vectors = commit.commit(committable(4, 0, vec![index("d", "DELETION_VECTORS")])).await.unwrap().snapshots;
    assert_eq!(vectors[0].commit_kind, CommitKind::Overwrite);
    let after = commit.commit(append(5, vec![file("new", 0, 0..=1)])).await.unwrap().snapshots.remove(0);
    assert_eq!(after.index_manifest, vectors[0].index_manifest);
    let entries = table.manifests().index_entries(after.index_manifest.as_ref().unwrap()).await.unwrap();
    let shown: Vec<_> = entries.iter().map(|entry| (entry.bucket, entry.index_file.file_name.as_str())).collect();
    assert_eq!(shown, [(0, "c"), (1, "b"), (0, "d")]);
    // An overwrite of all of it drops them.
    let emptied = commit.overwrite(OverwriteScope::Table, append(6, vec![])).await.unwrap().snapshots.remove(0);
    assert!(table.manifests().index_entries(emptied.index_manifest.as_ref().unwrap()).await.unwrap().is_empty());
}

async fn three_partitions(store: &Arc<dyn ObjectStore>, options: &[(&str, &str)]) -> TableStore {
    let table = create(store, PARTITIONED, options).await;
    let commit = committer(&table, "writer");
    for (identifier, name) in [(1, "a"), (2, "b"), (3, "c")] {
        commit.commit(append_to(partition(name), identifier, vec![file(name, 0, 0..=9)])).await.unwrap();
    }
    table
}

#[tokio::test]
async fn an_overwrite_replaces_its_scope_and_nothing_else() {
    let written = append_to(partition("b"), 9, vec![file("new", 0, 0..=4)]);
    let nothing = Committable { identifier: 9, ..Committable::default() };
    for (scope, committable, expected) in [
        (OverwriteScope::Written, &written, vec![("a", 0), ("c", 0), ("new", 5)]),
        (OverwriteScope::Written, &nothing, vec![("a", 0), ("b", 0), ("c", 0)]),
        (OverwriteScope::Partitions(vec![partition("b")]), &written, vec![("a", 0), ("c", 0), ("new", 5)]),
        (OverwriteScope::Partitions(vec![partition("a"), partition("b")]), &written, vec![("c", 0), ("new", 5)]),
        (OverwriteScope::Partitions(vec![partition("c")]), &nothing, vec![("a", 0), ("b", 0)]),
        (OverwriteScope::Partitions(vec![partition("x")]), &nothing, vec![("a", 0), ("b", 0), ("c", 0)]),
        (OverwriteScope::Table, &written, vec![("new", 5)]),
        (OverwriteScope::Table, &nothing, vec![]),
    ] {
        let store = memory();
        let table = three_partitions(&store, &[]).await;
        let place = format!("{scope:?}");
        let skipped = scope == OverwriteScope::Written && committable.messages.is_empty();
        let committed = committer(&table, "writer").overwrite(scope, committable.clone()).await.unwrap().snapshots;
        assert_eq!(committed.len(), usize::from(!skipped), "{place}");
        assert!(committed.iter().all(|snapshot| snapshot.commit_kind == CommitKind::Overwrite), "{place}");
        let live = latest_live(&table).await;
        let levels: Vec<_> = live_names(&live).into_iter().zip(live.iter().map(|file| file.1)).collect();
        assert_eq!(levels, expected, "{place}");
        history(&store).await;
    }
}

#[tokio::test]
async fn an_overwrite_raises_files_only_when_it_may() {
    let cases = [
        ("disjoint", vec![file("x", 0, 0..=4), file("y", 0, 5..=9)], "true", vec![5, 5]),
        ("overlapping", vec![file("x", 0, 0..=5), file("y", 0, 5..=9)], "true", vec![0, 0]),
        ("off", vec![file("x", 0, 0..=4)], "false", vec![0]),
        ("levels already", vec![file("x", 0, 0..=4), file("y", 3, 5..=9)], "true", vec![0, 3]),
    ];
    for (what, files, option, expected) in cases {
        let table = create(&memory(), KEYED, &[("overwrite-upgrade", option)]).await;
        committer(&table, "w").overwrite(OverwriteScope::Table, append(1, files)).await.unwrap();
        let levels: Vec<_> = latest_live(&table).await.into_iter().map(|(_, level)| level).collect();
        assert_eq!(levels, expected, "{what}");
    }
}

#[tokio::test]
async fn an_overwrite_refuses_files_outside_of_its_scope() {
    let store = memory();
    let table = three_partitions(&store, &[]).await;
    let commit = committer(&table, "writer");
    let outside = append_to(partition("b"), 9, vec![file("new", 0, 0..=4)]);
    let error = commit.overwrite(OverwriteScope::Partitions(vec![partition("a")]), outside).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("data-new-0.parquet"), "{error}");
    let data = DataIncrement { deleted_files: vec![file("a", 0, 0..=9)], ..DataIncrement::default() };
    let messages = vec![message(partition("a"), data, CompactIncrement::default())];
    let deleting = Committable { identifier: 9, messages, ..Committable::default() };
    assert_eq!(commit.overwrite(OverwriteScope::Table, deleting).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(history(&store).await.len(), 3);
}

#[tokio::test]
async fn options_that_ask_for_more_are_refused_by_name() {
    for (name, value) in [
        ("row-tracking.enabled", "true"),
        ("data-evolution.enabled", "true"),
        ("manifest.format", "parquet"),
        ("commit.discard-duplicate-files", "true"),
        ("commit.strict-mode.last-safe-snapshot", "4"),
    ] {
        let store = memory();
        // As another engine made it: here neither a new table nor dynamic options can have all of these.
        let table = create(&store, KEYED, &[]).await;
        let schema = table.schema().with_options([(&name.to_owned(), &value.to_owned())]);
        let io = || table.io().clone();
        let table = TableStore::new("d.t", io(), io(), Arc::new(schema)).unwrap();
        let commit = committer(&table, "writer");
        for outcome in [
            commit.commit(append(1, vec![file("a", 0, 0..=9)])).await,
            commit.overwrite(OverwriteScope::Table, append(1, vec![file("a", 0, 0..=9)])).await,
        ] {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
            assert!(error.to_string().contains(name), "{error}");
        }
        assert!(table.io().list_files("manifest").await.unwrap().is_empty(), "{name}");
    }
}

/// A clock that is read between the look at the latest snapshot and the put of the next one: meanwhile the latest is expired.
#[derive(Debug)]
struct ExpiringClock(Arc<dyn ObjectStore>);

impl Clock for ExpiringClock {
    fn now_millis(&self) -> i64 {
        let path = Path::from("w/d.db/t/snapshot/snapshot-3");
        self.0.delete(&path).now_or_never().unwrap().unwrap();
        NOW
    }

    fn local_millis(&self) -> i64 {
        NOW
    }

    fn millis_of_local(&self, local: i64) -> i64 {
        local
    }
}

#[tokio::test]
async fn a_commit_that_slept_through_an_expiry_does_not_say_that_it_is_in() {
    let store = memory();
    let table = create(&store, KEYED, &[]).await;
    for identifier in 1..=3 {
        let committable = append(identifier, vec![file(&identifier.to_string(), 0, 0..=0)]);
        committer(&table, "writer").commit(committable).await.unwrap();
    }
    let io = table.io().clone().with_clock_and_namer(Arc::new(ExpiringClock(store)), Arc::new(RandomNamer));
    let sleeper = TableStore::new("d.t", io.clone(), io, Arc::clone(table.schema())).unwrap();
    let error = committer(&sleeper, "sleeper").commit(append(1, vec![file("4", 0, 0..=0)])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert!(error.to_string().contains("snapshot 4") && error.to_string().contains("expired"), "{error}");
    // Its files are kept: somebody may have seen the snapshot.
    let snapshot = table.snapshots().get(4).await.unwrap();
    assert_eq!(live_names(&live(&table, &snapshot).await), ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_local_table_is_committed_to_by_links() {
    let folder = tempfile::tempdir().unwrap();
    let local: Arc<dyn ObjectStore> =
        Arc::new(object_store::local::LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    create(&local, KEYED, &[]).await;
    let io = TableIo::new(local, Path::from("w/d.db/t"), Publish::Link);
    let schema = alluvium_store::schema_store::SchemaStore::new(io.clone()).latest().await.unwrap().unwrap();
    let table = TableStore::new("d.t", io.clone(), io, schema).unwrap();
    let (one, two) = (committer(&table, "one"), committer(&table, "two"));
    for identifier in 1..=5 {
        let (a, b) = (format!("a{identifier}"), format!("b{identifier}"));
        let (first, second) = futures::join!(
            one.commit(append(identifier, vec![file(&a, 0, 0..=0)])),
            two.commit(append(identifier, vec![file(&b, 0, 0..=0)])),
        );
        first.unwrap();
        second.unwrap();
    }
    assert_eq!(latest_live(&table).await.len(), 10);
    let mut names: Vec<_> = std::fs::read_dir(folder.path().join("w/d.db/t/snapshot"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_by_key(|name| (name.len(), name.clone()));
    let expected: Vec<String> =
        ["LATEST".to_owned()].into_iter().chain((1..=10).map(|id| format!("snapshot-{id}"))).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn rows_of_others_are_a_conflict_where_they_are_to_be_known() {
    let table = create(&memory(), KEYED, &[]).await;
    let (one, other) = (committer(&table, "one"), committer(&table, "other"));
    let known = |identifier, until, name: &str| Committable {
        known_until: Some(until),
        ..append(identifier, vec![file(name, 0, 0..=9)])
    };
    one.commit(known(1, 0, "a")).await.unwrap();
    let theirs = file("b", 0, 0..=9);
    other.commit(append(1, vec![theirs.clone()])).await.unwrap();
    let error = one.commit(known(2, 1, "c")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("snapshot 2 of user other changed rows since"), "{error}");
    assert_eq!(live_names(&latest_live(&table).await), ["a", "b"]);
    // What others compacted, and its own snapshots, are no rows that it does not know.
    other.commit(compact(2, vec![theirs], vec![file("d", 5, 0..=9)])).await.unwrap();
    one.commit(known(2, 2, "c")).await.unwrap();
    one.commit(known(3, 2, "e")).await.unwrap();
    let replaced = |until| Committable { known_until: Some(until), ..append(4, vec![file("f", 0, 0..=9)]) };
    other.commit(append(3, vec![])).await.unwrap();
    other.commit(append(4, vec![file("g", 0, 0..=9)])).await.unwrap();
    let error = one.overwrite(OverwriteScope::Table, replaced(5)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    one.overwrite(OverwriteScope::Table, replaced(6)).await.unwrap();
    assert_eq!(live_names(&latest_live(&table).await), ["f"]);
    let error = one.commit(known(5, 20, "h")).await.unwrap_err();
    assert!(error.to_string().contains("rolled back"), "{error}");
}

#[tokio::test]
async fn rows_that_wait_are_of_no_account_until_they_have_buckets() {
    let table = create(&memory(), KEYED, &[]).await;
    let (one, other) = (committer(&table, "one"), committer(&table, "other"));
    let waits = |mut committable: Committable| {
        committable.messages.iter_mut().for_each(|message| (message.bucket, message.total_buckets) = (-2, -2));
        committable
    };
    one.commit(append(1, vec![file("a", 0, 0..=9)])).await.unwrap();
    let waiting = file("w", 0, 0..=9);
    other.commit(waits(append(1, vec![waiting.clone()]))).await.unwrap();
    let replaced =
        |until, name: &str| Committable { known_until: Some(until), ..append(2, vec![file(name, 0, 0..=9)]) };
    one.overwrite(OverwriteScope::Table, replaced(1, "b")).await.unwrap();
    assert_eq!(live_names(&latest_live(&table).await), ["b", "w"]);
    // They get their bucket: a COMPACT snapshot that brings rows.
    let Committable { messages: gone, .. } = waits(compact(2, vec![waiting], vec![]));
    let Committable { messages: come, .. } = compact(2, vec![], vec![file("x", 0, 0..=9)]);
    let given = Committable { identifier: 2, messages: [gone, come].concat(), ..Committable::default() };
    other.commit(given).await.unwrap();
    assert_eq!(live_names(&latest_live(&table).await), ["b", "x"]);
    let late = Committable { identifier: 3, ..replaced(3, "c") };
    let error = one.overwrite(OverwriteScope::Table, late).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(live_names(&latest_live(&table).await), ["b", "x"]);
}

#[tokio::test]
async fn rows_of_others_in_other_partitions_are_of_no_account_to_an_overwrite() {
    let table = three_partitions(&memory(), &[]).await;
    let (one, other) = (committer(&table, "one"), committer(&table, "other"));
    let latest = table.snapshots().latest_id().await.unwrap().unwrap();
    other.commit(append_to(partition("b"), 1, vec![file("theirs", 0, 0..=9)])).await.unwrap();
    let replaced = |identifier, of: &str| Committable {
        known_until: Some(latest),
        ..append_to(partition(of), identifier, vec![file("ours", 0, 0..=9)])
    };
    let scope = |of: &str| OverwriteScope::Partitions(vec![partition(of)]);
    let error = one.overwrite(scope("b"), replaced(1, "b")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    one.overwrite(scope("a"), replaced(2, "a")).await.unwrap();
}
