//! Small tables in any store, made and opened as a user would, and data files that are only names: commits never look inside.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use alluvium_format::{
    BinaryRow, CommitMessage, CompactIncrement, DataFileMeta, DataIncrement, DataType, Datum, FileSource, Predicate,
    SchemaDefinition, SimpleStats, Snapshot,
};
use alluvium_sim::{SimClock, SimNamer};
use alluvium_store::{
    Committable, EmptyCommits, FileStoreCommit, FileSystemCatalog, Publish, TableIo, TableName, TableStore, scan,
};
use object_store::ObjectStore;
use object_store::path::Path;

/// Keys `k`, values `v`.
pub(crate) const KEYED: &str = r#"{"fields":[{"name":"k","type":"INT NOT NULL"},{"name":"v","type":"BIGINT"}],
    "primaryKeys":["k"],"partitionKeys":[],"options":{"bucket":"2"}}"#;

/// The same, by partition `p`.
pub(crate) const PARTITIONED: &str = r#"{"fields":[{"name":"p","type":"STRING NOT NULL"},{"name":"k","type":"INT NOT NULL"},
    {"name":"v","type":"BIGINT"}],"primaryKeys":["p","k"],"partitionKeys":["p"],"options":{"bucket":"1"}}"#;

/// The moment at which the clock of these tables stands.
pub(crate) const NOW: i64 = 1_700_000_000_000;

fn catalog(store: Arc<dyn ObjectStore>, names: u64) -> FileSystemCatalog {
    let io = TableIo::new(store, Path::from("w"), Publish::ConditionalPut);
    FileSystemCatalog::of(io.with_clock_and_namer(Arc::new(SimClock::at(NOW)), Arc::new(SimNamer::new(names))))
}

fn name() -> TableName {
    "d.t".parse().unwrap()
}

/// Creates `d.t` with a schema and more options.
pub(crate) async fn create(store: &Arc<dyn ObjectStore>, schema: &str, options: &[(&str, &str)]) -> TableStore {
    let mut definition = SchemaDefinition::from_json(schema.as_bytes()).unwrap();
    definition.options.extend(options.iter().map(|(key, value)| (key.to_string(), value.to_string())));
    let catalog = catalog(Arc::clone(store), 0);
    catalog.create_database("d").await.unwrap();
    catalog.create_table(&name(), definition).await.unwrap()
}

/// Opens `d.t` as another process would: nothing is remembered. Each process has names of its own.
pub(crate) async fn open(store: &Arc<dyn ObjectStore>, names: u64) -> TableStore {
    catalog(Arc::clone(store), names).table(&name()).await.unwrap()
}

/// A committer that skips empty commits.
pub(crate) fn committer(table: &TableStore, user: &str) -> FileStoreCommit {
    FileStoreCommit::new(table, user, EmptyCommits::Skipped)
}

/// The key of one INT.
pub(crate) fn key(value: i32) -> BinaryRow {
    let data_type = DataType::parse("INT NOT NULL").unwrap();
    BinaryRow::encode(&[data_type], &[Some(Datum::Int(value))]).unwrap()
}

/// The partition of one STRING.
pub(crate) fn partition(value: &str) -> BinaryRow {
    let data_type = DataType::parse("STRING NOT NULL").unwrap();
    BinaryRow::encode(&[data_type], &[Some(Datum::String(value.into()))]).unwrap()
}

/// A file of some keys, one row each.
pub(crate) fn file(name: &str, level: i32, keys: RangeInclusive<i32>) -> DataFileMeta {
    let (min, max) = (key(*keys.start()), key(*keys.end()));
    DataFileMeta {
        file_name: format!("data-{name}-0.parquet"),
        file_size: 1000,
        row_count: i64::from(keys.end() - keys.start() + 1),
        min_key: min.clone(),
        max_key: max.clone(),
        key_stats: SimpleStats { min_values: min.clone(), max_values: max.clone(), null_counts: vec![Some(0)] },
        value_stats: SimpleStats { min_values: min, max_values: max, null_counts: vec![Some(0)] },
        max_sequence_number: 9,
        level,
        creation_time_millis: Some(NOW),
        delete_row_count: Some(0),
        file_source: Some(if level == 0 { FileSource::Append } else { FileSource::Compact }),
        ..DataFileMeta::blank()
    }
}

/// What a writer of bucket 0 of a partition did.
pub(crate) fn message(partition: BinaryRow, data: DataIncrement, compact: CompactIncrement) -> CommitMessage {
    let total_buckets = if partition.arity() == 0 { 2 } else { 1 };
    CommitMessage { partition, bucket: 0, total_buckets, data, compact }
}

/// A commit of new files to bucket 0.
pub(crate) fn append(identifier: i64, files: Vec<DataFileMeta>) -> Committable {
    append_to(BinaryRow::empty(), identifier, files)
}

/// A commit of new files to bucket 0 of a partition.
pub(crate) fn append_to(partition: BinaryRow, identifier: i64, files: Vec<DataFileMeta>) -> Committable {
    let data = DataIncrement { new_files: files, ..DataIncrement::default() };
    Committable {
        identifier,
        messages: vec![message(partition, data, CompactIncrement::default())],
        ..Committable::default()
    }
}

/// A commit of a compaction of bucket 0.
pub(crate) fn compact(identifier: i64, before: Vec<DataFileMeta>, after: Vec<DataFileMeta>) -> Committable {
    let compact = CompactIncrement { compact_before: before, compact_after: after, ..CompactIncrement::default() };
    let message = message(BinaryRow::empty(), DataIncrement::default(), compact);
    Committable { identifier, messages: vec![message], ..Committable::default() }
}

/// Name and level of the live files of a snapshot.
pub(crate) async fn live(table: &TableStore, snapshot: &Snapshot) -> BTreeSet<(String, i32)> {
    let entries = scan::live_entries(table, snapshot, &Predicate::True).await.unwrap();
    let files: BTreeSet<_> = entries.iter().map(|entry| (entry.file.file_name.clone(), entry.file.level)).collect();
    assert_eq!(files.len(), entries.len(), "a file lives twice");
    files
}

/// The same of the latest snapshot; none in an empty table.
pub(crate) async fn latest_live(table: &TableStore) -> BTreeSet<(String, i32)> {
    match table.snapshots().latest().await.unwrap() {
        Some(snapshot) => live(table, &snapshot).await,
        None => BTreeSet::new(),
    }
}

/// All snapshots, read afresh: ids from 1 without gaps, each with all of its manifests, each count right.
pub(crate) async fn history(store: &Arc<dyn ObjectStore>) -> Vec<Snapshot> {
    let table = open(store, u64::MAX).await;
    let ids = table.snapshots().ids().await.unwrap();
    assert_eq!(ids, (1..).take(ids.len()).collect::<Vec<i64>>(), "ids are contiguous");
    let mut snapshots: Vec<Snapshot> = Vec::new();
    for id in ids {
        let snapshot = table.snapshots().get(id).await.unwrap();
        let rows: i64 = scan::live_entries(&table, &snapshot, &Predicate::True)
            .await
            .unwrap()
            .iter()
            .map(|entry| entry.file.row_count)
            .sum();
        assert_eq!(snapshot.total_record_count, Some(rows), "snapshot {id}");
        let before = snapshots.last().map_or(Some(0), |before| before.total_record_count);
        assert_eq!(before.zip(snapshot.delta_record_count).map(|(before, delta)| before + delta), Some(rows));
        snapshots.push(snapshot);
    }
    snapshots
}
