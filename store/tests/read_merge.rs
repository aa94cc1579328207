//! Merging files that our own writer wrote, against a model; by ranges, by row groups, through evolution.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_format::arrow::{array_from_datums, to_arrow_schema};
use alluvium_format::deletion_vector::{DeletionVector, DeletionVectorKind};
use alluvium_format::{
    BinaryRow, CompareOp, DataField, DataFileMeta, DataType, Datum, ErrorKind, FileSource, Predicate,
};
use alluvium_merge_tree::{KeyValueBatch, MergeOptions, interval_partition};
use alluvium_store::{
    DataFileRead, DataFileReader, DataFileSpec, DeletionVectors, FileContent, MergeRead, PartitionBucket,
    RollingFileWriter, SystemColumns, TableStore,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, Int8Array, Int64Array, RecordBatch};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use proptest::prelude::*;

use crate::memory_table;

const TABLE: &str = r#"{"fields":[{"name":"k","type":"INT NOT NULL"},{"name":"v","type":"BIGINT"},{"name":"s","type":"STRING"}],
    "primaryKeys":["k"],"partitionKeys":[],"options":{"bucket":"1"}}"#;

/// Key to sequence number, kind and value.
type Run = BTreeMap<i32, (i64, i8, Option<i64>)>;

fn bucket() -> PartitionBucket {
    PartitionBucket { partition: BinaryRow::empty(), bucket: 0 }
}

/// A text that does not compress to nothing.
fn text(key: i32, length: usize) -> String {
    let mut state = u64::from(key.unsigned_abs()) + 1;
    let letters = std::iter::from_fn(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from_digit((state >> 59) as u32, 32)
    });
    letters.take(length).collect()
}

fn batch(fields: &[DataField], run: &Run, text_length: usize) -> KeyValueBatch {
    let keys: Vec<_> = run.keys().map(|key| Some(Datum::Int(*key))).collect();
    let values: Vec<_> = run.values().map(|(_, _, value)| value.map(Datum::BigInt)).collect();
    let texts: Vec<_> = run.keys().map(|key| Some(Datum::String(text(*key, text_length)))).collect();
    let columns = [keys, values, texts]
        .into_iter()
        .zip(fields)
        .map(|(values, field)| array_from_datums(&field.data_type, &values).unwrap());
    let values = RecordBatch::try_new(to_arrow_schema(fields).unwrap(), columns.collect()).unwrap();
    let sequences = Int64Array::from_iter_values(run.values().map(|(sequence, ..)| *sequence));
    let kinds = Int8Array::from_iter_values(run.values().map(|(_, kind, _)| *kind));
    KeyValueBatch::try_new(sequences, kinds, values).unwrap()
}

async fn write(table: &TableStore, run: &Run, text_length: usize) -> Vec<DataFileMeta> {
    let spec = DataFileSpec { bucket: bucket(), level: 0, content: FileContent::Data(FileSource::Append) };
    let mut writer = RollingFileWriter::new(table, spec).unwrap();
    writer.write(&batch(&table.schema().fields, run, text_length)).await.unwrap();
    writer.finish().await.unwrap()
}

fn read_of(table: &TableStore, predicate: Predicate) -> DataFileRead {
    DataFileRead {
        fields: table.schema().fields.clone().into(),
        system: SystemColumns::All,
        predicate,
        deletions: Arc::default(),
    }
}

async fn merge(table: &TableStore, files: Vec<DataFileMeta>, predicate: Predicate) -> Run {
    let sections = interval_partition(files, &table.schema().key_types()).unwrap();
    let options = MergeOptions::new(table.schema(), table.options()).unwrap();
    let mut merge = MergeRead::new(table, bucket(), sections, &options, read_of(table, predicate)).unwrap();
    let mut merged = Run::new();
    while let Some(batch) = merge.next().await.unwrap() {
        let (keys, values) = (batch.values.column(0).as_primitive::<Int32Type>(), batch.values.column(1));
        let values = values.as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            assert!(merged.last_key_value().is_none_or(|(last, _)| *last < keys.value(row)), "keys ascend");
            let value = (!values.is_null(row)).then(|| values.value(row));
            merged.insert(keys.value(row), (batch.sequences.value(row), batch.kinds.value(row), value));
        }
    }
    merged
}

fn model(runs: &[Run]) -> Run {
    let mut model = Run::new();
    for (key, record) in runs.iter().flatten() {
        let wins = model.get(key).is_none_or(|there| there.0 < record.0);
        if wins {
            model.insert(*key, *record);
        }
    }
    model
}

fn run_of(keys: &BTreeMap<i32, (i8, Option<i64>)>, first_sequence: i64) -> Run {
    let numbered = keys.iter().zip(first_sequence..);
    numbered.map(|((key, (kind, value)), sequence)| (*key, (sequence, *kind, *value))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn merges_random_runs(
        runs in prop::collection::vec(
            prop::collection::btree_map(-300..300_i32, (0..4_i8, prop::option::of(any::<i64>())), 1..200),
            1..6,
        ),
        is_local in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn ObjectStore> = match is_local {
            true => Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap()),
            false => Arc::new(InMemory::new()),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let runs: Vec<Run> = runs.iter().zip(0..).map(|(keys, at)| run_of(keys, at * 1000)).collect();
        let merged = runtime.block_on(async {
            let table = memory_table::create(&store, TABLE, &[]).await;
            let mut files = Vec::new();
            for run in &runs {
                files.extend(write(&table, run, 8).await);
            }
            merge(&table, files, Predicate::True).await
        });
        prop_assert_eq!(merged, model(&runs));
    }
}

/// Runs of several files of several row groups each, larger than what is fetched as a whole.
#[tokio::test]
async fn merges_large_files_by_ranges() {
    for target in ["3 mb", "100 mb"] {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let options = [("file.block-size", "256 kb"), ("target-file-size", target)];
        let table = memory_table::create(&store, TABLE, &options).await;
        let runs: Vec<Run> = (0..3)
            .map(|run| (0..40_000).map(|key| (key * (run + 1), (i64::from(run * 100_000 + key), 0, Some(1)))).collect())
            .collect();
        let mut files = Vec::new();
        for run in &runs {
            files.extend(write(&table, run, 200).await);
        }
        assert!(files.iter().any(|file| file.file_size > 2 << 20), "{files:?}");
        assert!(target == "100 mb" || files.len() > 3);
        assert_eq!(merge(&table, files, Predicate::True).await, model(&runs));
    }
}

/// The records of every key in merge order, with the level of the file each is in.
type Groups = BTreeMap<i32, Vec<(i64, i32)>>;

async fn groups(table: &TableStore, files: Vec<DataFileMeta>, deletions: DeletionVectors) -> Groups {
    let sections = interval_partition(files, &table.schema().key_types()).unwrap();
    let options = MergeOptions::new(table.schema(), table.options()).unwrap();
    let read = DataFileRead { deletions: Arc::new(deletions), ..read_of(table, Predicate::True) };
    let mut merge = MergeRead::new(table, bucket(), sections, &options, read).unwrap();
    let mut found = Groups::new();
    while let Some(groups) = merge.next_groups().await.unwrap() {
        let records = groups.records();
        let keys = records.values.column(0).as_primitive::<Int32Type>();
        for key in 0..groups.num_keys() {
            let rows = groups.range(key);
            assert!(rows.clone().all(|row| keys.value(row) == keys.value(rows.start)));
            assert!(found.last_key_value().is_none_or(|(last, _)| *last < keys.value(rows.start)), "keys ascend");
            let of_key = rows.clone().map(|row| (records.sequences.value(row), groups.levels()[row]));
            found.insert(keys.value(rows.start), of_key.collect());
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Runs of level 0 over one of level 3 and one of level 5, each higher one older, some rows of the top one deleted.
    #[test]
    fn groups_random_runs_with_their_levels(
        runs in prop::collection::vec(
            prop::collection::btree_map(-100..100_i32, (0..4_i8, prop::option::of(any::<i64>())), 1..80),
            1..5,
        ),
        deleted in prop::collection::btree_set(0..80_u64, 0..10),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let runs: Vec<Run> = runs.iter().zip(0..).map(|(keys, at)| run_of(keys, at * 1000)).collect();
        let levels = [5, 3, 0, 0];
        let mut model = Groups::new();
        let deleted: Vec<u64> = deleted.into_iter().filter(|row| *row < runs[0].len() as u64).collect();
        for (at, (run, level)) in runs.iter().zip(levels).enumerate() {
            for (row, (key, (sequence, ..))) in (0_u64..).zip(run) {
                if at > 0 || !deleted.contains(&row) {
                    model.entry(*key).or_default().push((*sequence, level));
                }
            }
        }
        let found = runtime.block_on(async {
            let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
            let table = memory_table::create(&store, TABLE, &[]).await;
            let mut files = Vec::new();
            for (run, level) in runs.iter().zip(levels) {
                let written = write(&table, run, 8).await;
                files.extend(written.into_iter().map(|file| DataFileMeta { level, ..file }));
            }
            let mut vector = DeletionVector::new(DeletionVectorKind::Bitmap32);
            for row in deleted {
                vector.delete(row).unwrap();
            }
            let vectors = DeletionVectors::from([(files[0].file_name.clone(), Arc::new(vector))]);
            groups(&table, files, vectors).await
        });
        prop_assert_eq!(found, model);
    }
}

#[tokio::test]
async fn a_merge_gives_merged_records_or_groups() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = memory_table::create(&store, TABLE, &[]).await;
    let mut files = Vec::new();
    for first in [0, 1000] {
        let run: Run = (0..20_000).map(|key| (key, (first + i64::from(key), 0, None))).collect();
        files.extend(write(&table, &run, 4).await);
    }
    let sections = interval_partition(files, &table.schema().key_types()).unwrap();
    let options = MergeOptions::new(table.schema(), table.options()).unwrap();
    let mut merge = MergeRead::new(&table, bucket(), sections, &options, read_of(&table, Predicate::True)).unwrap();
    assert!(merge.next_groups().await.unwrap().is_some());
    assert_eq!(merge.next().await.unwrap_err().kind(), ErrorKind::Internal);
}

fn equals(column: &str, literal: Datum) -> Predicate {
    Predicate::Compare { column: column.to_owned(), op: CompareOp::Eq, literal }
}

/// Row groups that cannot hold what is wanted are left out; where runs overlap only the key may say so.
#[tokio::test]
async fn skips_row_groups() {
    let folder = tempfile::tempdir().unwrap();
    let local: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    for store in [local, Arc::new(InMemory::new())] {
        let table = memory_table::create(&store, TABLE, &[("file.block-size", "256 kb")]).await;
        let run: Run = (0..40_000).map(|key| (key, (i64::from(key), 0, Some(i64::from(key) / 100)))).collect();
        let files = write(&table, &run, 200).await;
        for predicate in [equals("k", Datum::Int(30_000)), equals("v", Datum::BigInt(300))] {
            let rows = merge(&table, files.clone(), predicate).await;
            assert!(rows.len() < 20_000 && rows.contains_key(&30_000), "{}", rows.len());
        }
        let later: Run = [(30_000, (50_000, 0, Some(-1)))].into();
        let both: Vec<_> = files.iter().cloned().chain(write(&table, &later, 8).await).collect();
        let rows = merge(&table, both.clone(), equals("k", Datum::Int(30_000))).await;
        assert!(rows.len() < 20_000 && rows[&30_000] == later[&30_000], "{}", rows.len());
        // The row that has the value is an old one: all must be read.
        let rows = merge(&table, both, equals("v", Datum::BigInt(300))).await;
        assert!(rows.len() == 40_000 && rows[&30_000] == later[&30_000], "{}", rows.len());
    }
}

/// Statistics of a column that had another type say nothing of what it is now.
#[tokio::test]
async fn reads_all_row_groups_of_a_cast_column() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = memory_table::create(&store, TABLE, &[]).await;
    let run: Run = (0..100).map(|key| (key, (i64::from(key), 0, Some(i64::from(key))))).collect();
    let files = write(&table, &run, 8).await;
    let mut fields = table.schema().fields.clone();
    fields[1].data_type = DataType::parse("TINYINT").unwrap();
    for (literal, left) in [(Datum::TinyInt(-1), 100), (Datum::TinyInt(99), 100)] {
        let read = DataFileRead {
            fields: fields.clone().into(),
            system: SystemColumns::None,
            predicate: equals("v", literal),
            deletions: Arc::default(),
        };
        let mut reader = DataFileReader::open(&table, &bucket(), &files[0], &read).await.unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap().values.num_rows(), left);
    }
    let read = read_of(&table, equals("v", Datum::BigInt(-1)));
    let mut reader = DataFileReader::open(&table, &bucket(), &files[0], &read).await.unwrap();
    assert!(reader.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_merge_without_its_key_is_refused() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = memory_table::create(&store, TABLE, &[]).await;
    let options = MergeOptions::new(table.schema(), table.options()).unwrap();
    let read = DataFileRead { fields: Arc::from(&table.schema().fields[1..]), ..read_of(&table, Predicate::True) };
    let error = MergeRead::new(&table, bucket(), Vec::new(), &options, read).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("column k"), "{error}");
}

/// A row kind or sequence number that a file lacks is no row of a merge.
#[tokio::test]
async fn a_file_without_system_columns_does_not_merge() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = memory_table::create(&store, TABLE, &[]).await;
    let fields = table.schema().fields.clone();
    let rows = batch(&fields, &[(1, (0, 0, None))].into(), 3).values;
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let mut file = memory_table::file("plain", 0, 1..=1);
    file.file_size = i64::try_from(bytes.len()).unwrap();
    table.io().put("bucket-0/data-plain-0.parquet", bytes).await.unwrap();
    let mut reader = DataFileReader::open(&table, &bucket(), &file, &read_of(&table, Predicate::True)).await.unwrap();
    let error = reader.next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("_SEQUENCE_NUMBER"), "{error}");
    let read = DataFileRead { system: SystemColumns::None, ..read_of(&table, Predicate::True) };
    let mut reader = DataFileReader::open(&table, &bucket(), &file, &read).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap().values, rows);
}
