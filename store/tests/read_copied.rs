//! A merge whose runs are copied to the local disk gives what one gives that reads them where they are.

use std::sync::Arc;

use alluvium_format::arrow::{array_from_datums, to_arrow_schema};
use alluvium_format::{BinaryRow, DataFileMeta, Datum, ErrorKind, FileSource, Predicate};
use alluvium_merge_tree::{KeyValueBatch, MergeOptions, interval_partition};
use alluvium_store::{
    DataFileRead, DataFileSpec, FileContent, FileSystemCatalog, LocalDisk, MemoryBudget, MergeRead, PartitionBucket,
    Publish, RollingFileWriter, SystemColumns, TableIo, TableStore,
};
use arrow_array::{Int8Array, Int64Array, RecordBatch};
use arrow_select::concat::concat_batches;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use proptest::prelude::*;

use crate::memory_table;

const TABLE: &str = r#"{"fields":[{"name":"k","type":"INT NOT NULL"},{"name":"s","type":"STRING"}],
    "primaryKeys":["k"],"partitionKeys":[],"options":{"bucket":"1"}}"#;

fn bucket() -> PartitionBucket {
    PartitionBucket { partition: BinaryRow::empty(), bucket: 0 }
}

/// A file of the keys from `first` on, `step` apart, whose sequence numbers begin at `sequence`.
async fn write(table: &TableStore, (first, step, rows): (i32, i32, i32), sequence: i64) -> Vec<DataFileMeta> {
    let fields = &table.schema().fields;
    let keys: Vec<i32> = (0..rows).map(|row| first + row * step).collect();
    let columns = [
        keys.iter().map(|key| Some(Datum::Int(*key))).collect::<Vec<_>>(),
        keys.iter().map(|key| (key % 7 != 0).then(|| Datum::String(format!("{key}-{sequence}")))).collect(),
    ];
    let columns =
        columns.iter().zip(fields).map(|(values, field)| array_from_datums(&field.data_type, values).unwrap());
    let values = RecordBatch::try_new(to_arrow_schema(fields).unwrap(), columns.collect()).unwrap();
    let sequences = Int64Array::from_iter_values(sequence..sequence + i64::from(rows));
    let kinds = Int8Array::from_iter_values(keys.iter().map(|key| if key % 5 == 0 { 3 } else { 0 }));
    let spec = DataFileSpec { bucket: bucket(), level: 0, content: FileContent::Data(FileSource::Append) };
    let mut writer = RollingFileWriter::new(table, spec).unwrap();
    writer.write(&KeyValueBatch::try_new(sequences, kinds, values).unwrap()).await.unwrap();
    writer.finish().await.unwrap()
}

/// Whether the merge waits for memory of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asks {
    ForWhatIsFree,
    ToBeAdmitted,
}

async fn read(table: &TableStore, files: &[DataFileMeta], asks: Asks) -> alluvium_format::Result<MergeRead> {
    let sections = interval_partition(files.to_vec(), &table.schema().key_types()).unwrap();
    let options = MergeOptions::new(table.schema(), table.options()).unwrap();
    let fields = table.schema().fields.clone().into();
    let wanted =
        DataFileRead { fields, system: SystemColumns::All, predicate: Predicate::True, deletions: Arc::default() };
    let read = MergeRead::new(table, bucket(), sections, &options, wanted)?;
    if asks == Asks::ToBeAdmitted { read.admitted().await } else { Ok(read) }
}

async fn merged(table: &TableStore, files: &[DataFileMeta], asks: Asks) -> alluvium_format::Result<Vec<KeyValueBatch>> {
    let mut read = read(table, files, asks).await?;
    let mut batches = Vec::new();
    while let Some(batch) = read.next().await? {
        batches.push(batch);
    }
    Ok(batches)
}

async fn grouped(table: &TableStore, files: &[DataFileMeta], asks: Asks) -> Vec<(KeyValueBatch, Vec<i32>)> {
    let mut read = read(table, files, asks).await.unwrap();
    let mut groups = Vec::new();
    while let Some(group) = read.next_groups().await.unwrap() {
        groups.push((group.records().clone(), group.levels().to_vec()));
    }
    groups
}

/// All rows in one, as batches may be cut elsewhere.
fn rows<'a>(batches: impl IntoIterator<Item = &'a KeyValueBatch>) -> (Vec<i64>, Vec<i8>, Option<RecordBatch>) {
    let batches: Vec<&KeyValueBatch> = batches.into_iter().collect();
    let sequences = batches.iter().flat_map(|batch| batch.sequences.values().to_vec()).collect();
    let kinds = batches.iter().flat_map(|batch| batch.kinds.values().to_vec()).collect();
    let values = batches
        .first()
        .map(|first| concat_batches(first.values.schema_ref(), batches.iter().map(|batch| &batch.values)).unwrap());
    (sequences, kinds, values)
}

/// The same table with this memory and disk.
async fn with_memory(
    store: &Arc<dyn ObjectStore>,
    disk: &LocalDisk,
    threshold: usize,
    memory: &MemoryBudget,
) -> TableStore {
    let io = TableIo::new(Arc::clone(store), "w".into(), Publish::ConditionalPut);
    let io = io.with_local_disk(disk.clone()).with_memory(memory.clone());
    let table = FileSystemCatalog::of(io).table(&"d.t".parse().unwrap()).await.unwrap();
    table.with_options([(&"sort-spill-threshold".to_owned(), &threshold.to_string())]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn copies_change_no_answer(
        runs in prop::collection::vec((0..500_i32, 1..20_i32, 1..3000_i32), 2..9),
        threshold in 2..6_usize,
        is_full in any::<bool>(),
        asks in prop_oneof![Just(Asks::ForWhatIsFree), Just(Asks::ToBeAdmitted)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
            let table = memory_table::create(&store, TABLE, &[]).await;
            let mut files = Vec::new();
            for (run, at) in runs.iter().zip(0..) {
                files.extend(write(&table, *run, at * 10_000).await);
            }
            let (memory, folder) = (MemoryBudget::new(1), tempfile::tempdir().unwrap());
            let others = is_full.then(|| memory.try_reserve(memory.bytes_max() - memory.kept_bytes()).unwrap());
            let disk = LocalDisk::open(folder.path(), u64::MAX).unwrap();
            let small = with_memory(&store, &disk, threshold, &memory).await;
            let (whole, copied) = (merged(&table, &files, asks).await.unwrap(), merged(&small, &files, asks).await.unwrap());
            prop_assert_eq!(rows(&copied), rows(&whole));
            let (whole, copied) = (grouped(&table, &files, asks).await, grouped(&small, &files, asks).await);
            prop_assert_eq!(rows(copied.iter().map(|(records, _)| records)), rows(whole.iter().map(|(records, _)| records)));
            let levels = |groups: &[(KeyValueBatch, Vec<i32>)]| groups.iter().flat_map(|(_, levels)| levels.clone()).collect::<Vec<_>>();
            prop_assert_eq!(levels(&copied), levels(&whole));
            drop(others);
            prop_assert_eq!((disk.used_bytes(), memory.used_bytes()), (0, 0), "nothing is left");
            Ok(())
        })?;
    }
}

/// Five runs that overlap, of which three are copied.
#[tokio::test]
async fn runs_are_on_the_disk_while_they_are_merged_and_gone_when_the_read_is() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = memory_table::create(&store, TABLE, &[]).await;
    let mut files = Vec::new();
    for at in 0..5 {
        files.extend(write(&table, (at, 3, 20_000), i64::from(at) * 100_000).await);
    }
    let (memory, folder) = (MemoryBudget::default(), tempfile::tempdir().unwrap());
    let disk = LocalDisk::open(folder.path(), u64::MAX).unwrap();
    let table = with_memory(&store, &disk, 2, &memory).await;
    let mut merge = read(&table, &files, Asks::ToBeAdmitted).await.unwrap();
    merge.next().await.unwrap().unwrap();
    assert!(disk.used_bytes() > 100_000, "{} bytes", disk.used_bytes());
    assert!(memory.used_bytes() > 0);
    drop(merge);
    assert_eq!((disk.used_bytes(), memory.used_bytes()), (0, 0));
}

#[tokio::test]
async fn a_full_disk_is_a_clear_error() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = memory_table::create(&store, TABLE, &[]).await;
    let mut files = Vec::new();
    for at in 0..4 {
        files.extend(write(&table, (at, 3, 5_000), i64::from(at) * 100_000).await);
    }
    let (memory, folder) = (MemoryBudget::default(), tempfile::tempdir().unwrap());
    let disk = LocalDisk::open(folder.path(), 10_000).unwrap();
    let table = with_memory(&store, &disk, 2, &memory).await;
    let error = merged(&table, &files, Asks::ToBeAdmitted).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("limit of 10000"), "{error}");
    assert_eq!((disk.used_bytes(), memory.used_bytes()), (0, 0));
}
