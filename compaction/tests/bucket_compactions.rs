//! The compactions of one bucket over real files: what they take in and leave, when they hold up the writer, and that one which is
//! stopped leaves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alluvium_compaction::{BucketCompaction, CompactSettings, Picking};
use alluvium_format::{BinaryRow, DataFileMeta, ErrorKind, FileSource, SchemaDefinition};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_sim::{Fault, FaultMode, Faults, FaultyStore};
use alluvium_store::{
    BucketDeletionVectors, DataFileSpec, FileContent, FileSystemCatalog, LookedUp, PartitionBucket, Publish,
    RollingFileWriter, TableIo, TableName, TableStore,
};
use arrow_array::{ArrayRef, Int8Array, Int32Array, Int64Array, RecordBatch};

struct World {
    table: TableStore,
    store: FaultyStore,
    bucket: PartitionBucket,
    next_sequence: i64,
}

impl World {
    async fn new() -> Self {
        let memory = FileSystemCatalog::open("memory:", &BTreeMap::new()).unwrap();
        let store = FaultyStore::new(Arc::clone(memory.io().store()));
        let io = TableIo::new(Arc::new(store.clone()), memory.io().base().clone(), Publish::ConditionalPut);
        let catalog = FileSystemCatalog::of(io);
        catalog.create_database("d").await.unwrap();
        let schema = br#"{"fields": [{"name": "k", "type": "INT NOT NULL"}], "primaryKeys": ["k"],
            "options": {"bucket": "1", "num-sorted-run.compaction-trigger": "3", "num-sorted-run.stop-trigger": "4"}}"#;
        let definition = SchemaDefinition::from_json(schema).unwrap();
        let table = catalog.create_table(&"d.t".parse::<TableName>().unwrap(), definition).await.unwrap();
        let bucket = PartitionBucket { partition: BinaryRow::empty(), bucket: 0 };
        Self { table, store, bucket, next_sequence: 0 }
    }

    fn compaction(&self, files: Vec<DataFileMeta>) -> BucketCompaction {
        let (settings, vectors) = (CompactSettings::of(&self.table).unwrap(), BucketDeletionVectors::default());
        BucketCompaction::new(&settings, self.bucket.clone(), files, vectors, LookedUp::Never).unwrap()
    }

    /// A file of level 0 with these keys, all of the kind.
    async fn file(&mut self, keys: std::ops::Range<i32>, kind: i8) -> DataFileMeta {
        let spec =
            DataFileSpec { bucket: self.bucket.clone(), level: 0, content: FileContent::Data(FileSource::Append) };
        let mut writer = RollingFileWriter::new(&self.table, spec).unwrap();
        let end = self.next_sequence + i64::try_from(keys.len()).unwrap();
        let sequences = Int64Array::from_iter_values(self.next_sequence..end);
        self.next_sequence = end;
        let kinds = Int8Array::from(vec![kind; keys.len()]);
        let column: ArrayRef = Arc::new(Int32Array::from_iter_values(keys));
        let schema = alluvium_format::arrow::to_arrow_schema(&self.table.schema().fields).unwrap();
        let values = RecordBatch::try_new(schema, vec![column]).unwrap();
        writer.write(&KeyValueBatch::try_new(sequences, kinds, values).unwrap()).await.unwrap();
        writer.finish().await.unwrap().remove(0)
    }

    async fn data_files(&self) -> BTreeSet<String> {
        let files = self.table.io().list_all("bucket-0").await.unwrap();
        files.into_iter().map(|file| file.path.rsplit('/').next().unwrap().to_owned()).collect()
    }
}

fn names(files: &[DataFileMeta]) -> BTreeSet<String> {
    files.iter().map(|file| file.file_name.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_merged_once_there_are_enough() {
    let mut world = World::new().await;
    let mut compaction = world.compaction(Vec::new());
    let mut flushed = Vec::new();
    for (count, kind) in [(1, 0), (2, 0), (3, 3)] {
        let file = world.file(0..100 * count, kind).await;
        flushed.push(file.clone());
        compaction.add_flushed(file).unwrap();
        compaction.trigger(Picking::Universal).unwrap();
        assert_eq!(compaction.is_running(), count == 3);
    }
    compaction.wait().await.unwrap();
    let result = compaction.take_increment().await.unwrap();
    assert_eq!(names(&result.compact_before), names(&flushed));
    // The last run deletes all rows, and nothing lies below.
    assert_eq!(result.compact_after, []);
    assert_eq!(compaction.levels().number_of_sorted_runs(), 0);
    assert!(compaction.take_increment().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn intermediate_files_are_deleted_and_results_fold() {
    let mut world = World::new().await;
    let mut compaction = world.compaction(Vec::new());
    let mut flushed = Vec::new();
    for round in 0..4 {
        for _ in 0..3 {
            let file = world.file(0..200 + round, 0).await;
            flushed.push(file.clone());
            compaction.add_flushed(file).unwrap();
        }
        compaction.trigger(Picking::Full).unwrap();
        compaction.wait().await.unwrap();
    }
    let result = compaction.take_increment().await.unwrap();
    assert_eq!((result.compact_before.len(), result.compact_after.len()), (12, 1));
    assert_eq!((result.compact_after[0].row_count, result.compact_after[0].level), (203, 3));
    let mut there = names(&flushed);
    there.extend(names(&result.compact_after));
    assert_eq!(world.data_files().await, there);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_runs_hold_up_the_flush_and_then_the_commit() {
    let mut world = World::new().await;
    let mut compaction = world.compaction(Vec::new());
    let mut seen = Vec::new();
    for _ in 0..6 {
        compaction.add_flushed(world.file(0..10, 0).await).unwrap();
        seen.push((compaction.holds_up_flush(), compaction.holds_up_commit()));
    }
    let none = (false, false);
    assert_eq!(seen, [none, none, none, none, (true, false), (true, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_that_is_abandoned_leaves_what_went_into_it() {
    let mut world = World::new().await;
    let files = vec![world.file(0..50_000, 0).await, world.file(0..50_000, 0).await];
    let mut compaction = world.compaction(files.clone());
    compaction.trigger(Picking::Full).unwrap();
    compaction.abandon().await;
    assert_eq!(world.data_files().await, names(&files));
    // One that is done, and whose files went into another.
    let mut compaction = world.compaction(files.clone());
    compaction.trigger(Picking::Full).unwrap();
    compaction.wait().await.unwrap();
    let more = world.file(0..10, 0).await;
    compaction.add_flushed(more.clone()).unwrap();
    compaction.trigger(Picking::Full).unwrap();
    compaction.abandon().await;
    let mut there = names(&files);
    there.insert(more.file_name);
    assert_eq!(world.data_files().await, there);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_leaves_no_file_and_may_be_tried_again() {
    let mut world = World::new().await;
    let files = vec![world.file(0..100, 0).await, world.file(50..150, 0).await];
    let before = world.data_files().await;
    for operation in 0.. {
        let mut compaction = world.compaction(files.clone());
        world.store.arm(Faults::At(Fault { operation, mode: FaultMode::BeforeEffect }));
        compaction.trigger(Picking::Full).unwrap();
        let outcome = compaction.wait().await;
        let failed = !world.store.failures().is_empty();
        world.store.arm(Faults::None);
        if !failed {
            outcome.unwrap();
            assert!(operation > 2, "{operation} operations");
            break;
        }
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
        assert_eq!(world.data_files().await, before, "operation {operation}");
        assert_eq!(compaction.levels().number_of_sorted_runs(), 2);
        compaction.trigger(Picking::Full).unwrap();
        compaction.wait().await.unwrap();
        assert_eq!(compaction.levels().number_of_sorted_runs(), 1);
        compaction.abandon().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_newer_schema_is_left_alone() {
    let mut world = World::new().await;
    let mut files = vec![world.file(0..10, 0).await, world.file(0..10, 0).await, world.file(0..10, 0).await];
    files[1].schema_id = 1;
    let mut compaction = world.compaction(files);
    for picking in [Picking::Universal, Picking::Full] {
        compaction.trigger(picking).unwrap();
        assert!(!compaction.is_running());
    }
}
