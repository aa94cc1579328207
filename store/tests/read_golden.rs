//! Every Parquet data file of the golden tables, against what Paimon itself reads.

use std::sync::Arc;

use alluvium_format::{IndexFileMeta, MergeEngine, Predicate, RowKind};
use alluvium_merge_tree::{MergeOptions, drop_deletes, interval_partition};
use alluvium_store::{
    BucketDeletionVectors, DataFileBatch, DataFileRead, DataFileReader, MergeRead, SystemColumns, TableStore,
    deletion_vectors,
};

use crate::golden_table::{self, Place, changelog_files, live_files};

fn all_columns(table: &TableStore, system: SystemColumns) -> DataFileRead {
    DataFileRead {
        fields: table.schema().fields.clone().into(),
        system,
        predicate: Predicate::True,
        deletions: Arc::default(),
    }
}

async fn read_all(mut reader: DataFileReader) -> Vec<DataFileBatch> {
    let mut batches = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        batches.push(batch);
    }
    batches
}

/// Whether a batch read is nothing but the merge of all live files.
fn is_plain_merge(table: &TableStore) -> bool {
    let options = table.options();
    matches!(options.merge_engine().unwrap(), MergeEngine::Deduplicate | MergeEngine::PartialUpdate)
        && !options.deletion_vectors_enabled().unwrap()
}

/// The rows at the latest snapshot, merged; `None` when the merge is not all there is to it.
async fn merged(table: &TableStore) -> Option<Vec<String>> {
    let snapshot = table.snapshots().latest().await.unwrap()?;
    let schema = table.schema();
    let mut rows = Vec::new();
    for (bucket, files) in live_files(table, &snapshot).await {
        if schema.primary_keys.is_empty() {
            for file in &files {
                let read = all_columns(table, SystemColumns::None);
                let reader = DataFileReader::open(table, &bucket, file, &read).await.unwrap();
                for batch in read_all(reader).await {
                    rows.extend(golden_table::rows(&batch.values, schema, |_| "@".to_owned()));
                }
            }
            continue;
        }
        let merge = MergeOptions::new(schema, table.options()).unwrap();
        let sections = interval_partition(files, &schema.key_types()).unwrap();
        let read = all_columns(table, SystemColumns::All);
        let mut merge = MergeRead::new(table, bucket, sections, &merge, read).unwrap();
        while let Some(batch) = merge.next().await.unwrap() {
            let batch = drop_deletes(batch).unwrap();
            rows.extend(golden_table::rows(&batch.values, schema, |_| "@".to_owned()));
        }
    }
    rows.sort();
    Some(rows)
}

async fn compare_merged(place: Place) {
    let mut compared = Vec::new();
    for case in golden_table::cases() {
        let table = golden_table::open(&case, place).await;
        let has_vectors = table.options().deletion_vectors_enabled().unwrap();
        let is_keyed = !table.schema().primary_keys.is_empty();
        if has_vectors || is_keyed && !is_plain_merge(&table) {
            continue;
        }
        let Some(expected) = golden_table::expected(&case, "expected.ndjson", table.schema()) else { continue };
        if let Some(rows) = merged(&table).await {
            assert_eq!(rows, expected, "{case} {place:?}");
            compared.push(case);
        }
    }
    assert!(compared.len() > 40, "{} cases were compared: {compared:?}", compared.len());
}

#[tokio::test]
async fn merges_as_paimon_does_on_this_machine() {
    compare_merged(Place::Local).await;
}

#[tokio::test]
async fn merges_as_paimon_does_in_memory() {
    compare_merged(Place::Memory).await;
}

/// The rows of a snapshot of a table with deletion vectors: what its compacted files have left.
async fn undeleted(table: &TableStore, id: i64) -> Vec<String> {
    let snapshot = table.snapshots().get(id).await.unwrap();
    let (schema, mut rows) = (table.schema(), Vec::new());
    let live = live_files(table, &snapshot).await;
    let buckets: Vec<_> = live.iter().map(|(bucket, _)| bucket.clone()).collect();
    let vectors = deletion_vectors::read(table, &snapshot, &buckets).await.unwrap();
    for ((bucket, files), vectors) in live.iter().zip(vectors) {
        let deletions = Arc::new(vectors.vectors);
        for file in files.iter().filter(|file| file.level > 0 || schema.primary_keys.is_empty()) {
            let read = DataFileRead { deletions: Arc::clone(&deletions), ..all_columns(table, SystemColumns::None) };
            let reader = DataFileReader::open(table, bucket, file, &read).await.unwrap();
            for batch in read_all(reader).await {
                rows.extend(golden_table::rows(&batch.values, schema, |_| "@".to_owned()));
            }
        }
    }
    rows.sort();
    rows
}

#[tokio::test]
async fn leaves_out_what_paimon_deleted() {
    let mut compared = 0;
    for case in golden_table::cases().iter().filter(|case| case.starts_with("dv-")) {
        for place in [Place::Local, Place::Memory] {
            let table = golden_table::open(case, place).await;
            let latest = table.snapshots().latest_id().await.unwrap().unwrap();
            for id in 1..=latest {
                let answer = if id == latest { "expected.ndjson".to_owned() } else { format!("at-{id}.ndjson") };
                let Some(expected) = golden_table::expected(case, &answer, table.schema()) else { continue };
                assert_eq!(undeleted(&table, id).await, expected, "{case} {place:?} at {id}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 18, "{compared}");
}

/// The vectors of an index file that Paimon wrote, written again: the same bytes, unless they lie in another order.
#[tokio::test]
async fn writes_index_files_as_paimon_does() {
    let mut compared = 0;
    for case in golden_table::cases().iter().filter(|case| case.starts_with("dv-") && *case != "dv-append") {
        let table = golden_table::open(case, Place::Memory).await;
        let latest = table.snapshots().latest().await.unwrap().unwrap();
        for (bucket, _) in live_files(&table, &latest).await {
            let mut read = deletion_vectors::read(&table, &latest, std::slice::from_ref(&bucket)).await.unwrap();
            let BucketDeletionVectors { vectors, file } = read.remove(0);
            let Some(theirs) = file else { continue };
            let ours = deletion_vectors::write(&table, &bucket, &vectors).await.unwrap();
            assert_eq!(ours.row_count, theirs.row_count, "{case}");
            assert_eq!(ours.file_size, theirs.file_size, "{case}");
            assert!(ours.file_name.starts_with("index-") && ours.file_name.ends_with("-0"), "{}", ours.file_name);
            let by_name = |file: &IndexFileMeta| {
                let mut ranges = file.dv_ranges.clone().unwrap();
                ranges.sort_by(|a, b| a.data_file_name.cmp(&b.data_file_name));
                ranges
            };
            if ours.dv_ranges != Some(by_name(&theirs)) {
                assert!(vectors.len() > 1, "{case}");
                continue;
            }
            let bytes = |name: &str| format!("index/{name}");
            assert_eq!(
                table.io().get(&bytes(&ours.file_name)).await.unwrap(),
                table.io().get(&bytes(&theirs.file_name)).await.unwrap(),
                "{case}"
            );
            compared += 1;
        }
    }
    assert!(compared > 3, "{compared}");
}

#[tokio::test]
async fn reads_changelog_files_as_paimon_does() {
    let mut compared = 0;
    for case in golden_table::cases() {
        let table = golden_table::open(&case, Place::Local).await;
        let schema = table.schema();
        let Some(expected) = golden_table::expected(&case, "changelog.ndjson", schema) else { continue };
        let mut rows = Vec::new();
        for id in table.snapshots().ids().await.unwrap() {
            let snapshot = table.snapshots().get(id).await.unwrap();
            for (bucket, files) in changelog_files(&table, &snapshot).await {
                for file in &files {
                    let read = all_columns(&table, SystemColumns::Kinds);
                    let reader = DataFileReader::open(&table, &bucket, file, &read).await.unwrap();
                    for batch in read_all(reader).await {
                        assert!(batch.sequences.is_none());
                        let kinds = batch.kinds.unwrap();
                        let prefix = |row: usize| {
                            format!("{}@{id}", RowKind::from_byte(kinds.value(row)).unwrap().short_string())
                        };
                        rows.extend(golden_table::rows(&batch.values, schema, prefix));
                    }
                }
            }
        }
        if rows.is_empty() || case.starts_with("expired") {
            continue;
        }
        rows.sort();
        assert_eq!(rows, expected, "{case}");
        compared += 1;
    }
    assert!(compared > 5, "{compared}");
}

/// A projection of a few columns reads the same values as all of them, in the order asked for.
#[tokio::test]
async fn projects_columns() {
    let table = golden_table::open("types-parquet", Place::Memory).await;
    let snapshot = table.snapshots().latest().await.unwrap().unwrap();
    let fields: Vec<_> = table.schema().fields.iter().rev().step_by(2).cloned().collect();
    for (bucket, files) in live_files(&table, &snapshot).await {
        for file in &files {
            let whole = DataFileReader::open(&table, &bucket, file, &all_columns(&table, SystemColumns::All)).await;
            let read = DataFileRead {
                fields: fields.clone().into(),
                system: SystemColumns::None,
                predicate: Predicate::True,
                deletions: Arc::default(),
            };
            let part = DataFileReader::open(&table, &bucket, file, &read).await.unwrap();
            let (whole, part) = (read_all(whole.unwrap()).await, read_all(part).await);
            for (whole, part) in whole.iter().zip(&part) {
                assert_eq!(part.values.num_columns(), fields.len());
                for field in &fields {
                    let name = field.name.as_str();
                    assert_eq!(whole.values.column_by_name(name), part.values.column_by_name(name), "{name}");
                }
            }
        }
    }
}

/// Columns of which a file holds nothing, and none at all: the rows are counted.
#[tokio::test]
async fn counts_rows_without_columns() {
    let table = golden_table::open("dedup-one-bucket", Place::Local).await;
    let snapshot = table.snapshots().latest().await.unwrap().unwrap();
    let read = DataFileRead {
        fields: Arc::from([]),
        system: SystemColumns::None,
        predicate: Predicate::True,
        deletions: Arc::default(),
    };
    for (bucket, files) in live_files(&table, &snapshot).await {
        for file in &files {
            let reader = DataFileReader::open(&table, &bucket, file, &read).await.unwrap();
            let rows: usize = read_all(reader).await.iter().map(|batch| batch.values.num_rows()).sum();
            assert_eq!(i64::try_from(rows).unwrap(), file.row_count);
        }
    }
}
