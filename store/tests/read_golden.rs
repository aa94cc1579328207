//! Every Parquet data file of the golden tables, against what Paimon itself reads.

use std::sync::Arc;

use alluvium_format::{MergeEngine, Predicate, RowKind};
use alluvium_merge_tree::{MergeOptions, drop_deletes, interval_partition};
use alluvium_store::{DataFileBatch, DataFileRead, DataFileReader, MergeRead, SystemColumns, TableStore};

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
    options.merge_engine().unwrap() == MergeEngine::Deduplicate && !options.deletion_vectors_enabled().unwrap()
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
