//! Lookups against a model: levels of files, deletion vectors, limits that are always passed, several threads, faults and full disks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as FilePath;
use std::sync::Arc;

use alluvium_format::arrow::{array_from_datums, to_arrow_schema};
use alluvium_format::deletion_vector::{DeletionVector, DeletionVectorKind};
use alluvium_format::{BinaryRow, DataField, DataFileMeta, DataType, Datum, ErrorKind, FileSource, Result};
use alluvium_merge_tree::{KeyValueBatch, Levels};
use alluvium_sim::{Fault, FaultMode, Faults, FaultyStore, OperationKind, SimClock};
use alluvium_store::lookup::{LookupFound, LookupRequest, LookupVersions, LookupWanted, lookup, lookup_versions};
use alluvium_store::{
    DataFileSpec, DeletionVectors, FileContent, LocalDisk, PartitionBucket, RollingFileWriter, TableIo, TableStore,
    lookup as lookups,
};
use arrow_array::{Array, Int8Array, Int64Array, RecordBatch};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use proptest::prelude::*;

use crate::memory_table::{self, NOW};

const BY_INT: &str = r#"{"fields":[{"name":"v","type":"BIGINT"},{"name":"k","type":"INT NOT NULL"},{"name":"s","type":"STRING"}],
    "primaryKeys":["k"],"partitionKeys":[],"options":{"bucket":"1"}}"#;
const BY_TEXT: &str = r#"{"fields":[{"name":"v","type":"BIGINT"},{"name":"k","type":"STRING NOT NULL"},{"name":"s","type":"STRING"}],
    "primaryKeys":["k"],"partitionKeys":[],"options":{"bucket":"1"}}"#;

/// Memory for nothing: every file goes to the disk, every block is read again.
const NO_MEMORY: (&str, &str) = ("lookup.cache-max-memory-size", "0 b");

/// Key to sequence number, kind and value.
type Run = BTreeMap<i32, (i64, i8, Option<i64>)>;

/// A table in memory, with a local disk below a folder of its own and a clock that is moved by hand.
struct World {
    table: TableStore,
    disk: LocalDisk,
    clock: Arc<SimClock>,
    store: FaultyStore,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new(schema: &str, options: &[(&str, &str)], disk_bytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = LocalDisk::open(folder.path(), disk_bytes).unwrap();
        let store = FaultyStore::new(Arc::new(InMemory::new()));
        let made = memory_table::create(&(Arc::new(store.clone()) as Arc<dyn ObjectStore>), schema, options).await;
        let clock = Arc::new(SimClock::at(NOW));
        let io = made.io().clone().with_local_disk(disk.clone());
        let io = io.with_clock_and_namer(Arc::clone(&clock) as _, Arc::clone(made.io().namer()));
        let table = TableStore::new("d.t", io.clone(), io, Arc::clone(made.schema())).unwrap();
        Self { table, disk, clock, store, _folder: folder }
    }

    fn local_files(&self) -> usize {
        let entries = std::fs::read_dir(self.disk.folder() as &FilePath).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().file_name() != "lock").count()
    }
}

fn bucket() -> PartitionBucket {
    PartitionBucket { partition: BinaryRow::empty(), bucket: 0 }
}

/// A key of the table: numbers, or texts in the same order.
fn datum(table: &TableStore, key: i32) -> Option<Datum> {
    let is_text = table.schema().key_types()[0].to_string().starts_with("STRING");
    let text = || Datum::String(format!("a key with a long beginning {:08}", key + 1_000_000));
    Some(if is_text { text() } else { Datum::Int(key) })
}

fn key_batch(table: &TableStore, keys: &BTreeSet<i32>) -> RecordBatch {
    let fields = table.schema().key_fields();
    let values: Vec<_> = keys.iter().map(|key| datum(table, *key)).collect();
    let column = array_from_datums(&fields[0].data_type, &values).unwrap();
    RecordBatch::try_new(to_arrow_schema(&fields).unwrap(), vec![column]).unwrap()
}

fn records(table: &TableStore, run: &Run) -> KeyValueBatch {
    let fields = &table.schema().fields;
    let values: Vec<_> = run.values().map(|(_, _, value)| value.map(Datum::BigInt)).collect();
    let keys: Vec<_> = run.keys().map(|key| datum(table, *key)).collect();
    let texts: Vec<_> = run.keys().map(|key| Some(Datum::String(format!("text of {key}")))).collect();
    let columns = [values, keys, texts].into_iter().zip(fields);
    let columns = columns.map(|(values, field)| array_from_datums(&field.data_type, &values).unwrap());
    let values = RecordBatch::try_new(to_arrow_schema(fields).unwrap(), columns.collect()).unwrap();
    let sequences = Int64Array::from_iter_values(run.values().map(|(sequence, ..)| *sequence));
    let kinds = Int8Array::from_iter_values(run.values().map(|(_, kind, _)| *kind));
    KeyValueBatch::try_new(sequences, kinds, values).unwrap()
}

async fn write(table: &TableStore, run: &Run, level: i32) -> DataFileMeta {
    let spec = DataFileSpec { bucket: bucket(), level, content: FileContent::Data(FileSource::Compact) };
    let mut writer = RollingFileWriter::new(table, spec).unwrap();
    writer.write(&records(table, run)).await.unwrap();
    writer.finish().await.unwrap().remove(0)
}

/// A file with what is in it, as the model knows it.
struct ModelFile {
    meta: DataFileMeta,
    run: Run,
    deleted: BTreeSet<u64>,
}

/// Levels as files and as a model: level 0 newest first, then the levels upwards.
struct ModelLevels {
    levels: Levels,
    runs: Vec<(i32, Vec<ModelFile>)>,
    deletions: DeletionVectors,
}

impl ModelLevels {
    /// `runs` are the newest first; each above level 0 is cut to files at some keys.
    async fn write(table: &TableStore, level0: &[Run], upper: &[Vec<Run>], deleted: &BTreeSet<(usize, u64)>) -> Self {
        let mut runs = Vec::new();
        for run in level0.iter().filter(|run| !run.is_empty()) {
            runs.push((0, vec![run]));
        }
        for (level, files) in (1..).zip(upper) {
            runs.push((level, files.iter().filter(|run| !run.is_empty()).collect()));
        }
        let (mut written, mut metas, mut deletions, mut number) = (Vec::new(), Vec::new(), DeletionVectors::new(), 0);
        for (level, files) in runs {
            let mut of_run = Vec::new();
            for run in files {
                let meta = write(table, run, level).await;
                let of_file = deleted.iter().filter(|(file, position)| *file == number && *position < run.len() as u64);
                let deleted: BTreeSet<u64> = of_file.map(|(_, position)| *position).collect();
                if !deleted.is_empty() {
                    let mut vector = DeletionVector::new(DeletionVectorKind::Bitmap32);
                    deleted.iter().for_each(|position| assert!(vector.delete(*position).unwrap()));
                    deletions.insert(meta.file_name.clone(), Arc::new(vector));
                }
                metas.push(meta.clone());
                of_run.push(ModelFile { meta, run: run.clone(), deleted });
                number += 1;
            }
            written.push((level, of_run));
        }
        let levels = Levels::restore(metas, &table.schema().key_types(), 6).unwrap();
        Self { levels, runs: written, deletions }
    }

    fn request<'a>(
        &'a self,
        bucket: &'a PartitionBucket,
        keys: &'a RecordBatch,
        start_level: usize,
        wanted: LookupWanted,
    ) -> LookupRequest<'a> {
        LookupRequest { bucket, levels: &self.levels, start_level, keys, wanted, deletions: &self.deletions }
    }

    /// The records of the keys in every run from a level on: what a row-at-a-time search would find.
    fn versions(&self, keys: &BTreeSet<i32>, start_level: i32) -> Vec<Vec<Expected>> {
        let asked = self.runs.iter().filter(|(level, files)| *level >= start_level && !files.is_empty());
        asked
            .map(|(level, files)| {
                let mut found = Vec::new();
                for (at, key) in (0..).zip(keys) {
                    for file in files {
                        let Some(position) = file.run.keys().position(|there| there == key) else { continue };
                        if !file.deleted.contains(&(position as u64)) {
                            let place = (file.meta.file_name.clone(), position as u64);
                            found.push((at, *level, place, *key, file.run[key]));
                        }
                    }
                }
                found
            })
            .collect()
    }

    /// The first record of each key.
    fn first(&self, keys: &BTreeSet<i32>, start_level: i32) -> Vec<Expected> {
        let mut first = BTreeMap::new();
        for found in self.versions(keys, start_level).into_iter().flatten() {
            first.entry(found.0).or_insert(found);
        }
        first.into_values().collect()
    }
}

/// Row of the request, level, place, key and record.
type Expected = (u32, i32, (String, u64), i32, (i64, i8, Option<i64>));

fn check(table: &TableStore, found: &LookupFound, expected: &[Expected], wanted: LookupWanted) {
    assert_eq!(found.keys, expected.iter().map(|row| row.0).collect::<Vec<_>>());
    assert_eq!(found.levels, expected.iter().map(|row| row.1).collect::<Vec<_>>());
    let places: Vec<_> = found.places.iter().map(|(file, at)| (file.to_string(), *at)).collect();
    assert_eq!(places, expected.iter().map(|row| row.2.clone()).collect::<Vec<_>>());
    if wanted != LookupWanted::Record || expected.is_empty() {
        assert_eq!(found.records, None);
        return;
    }
    let run: Run = expected.iter().map(|row| (row.3, row.4)).collect();
    assert_eq!(found.records.as_ref().unwrap(), &records(table, &run));
}

/// Runs `work` where CPU-bound work is to run.
async fn on_cpu<T: Send + 'static>(
    table: &TableStore,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    table.io().cpu().run(work).await
}

async fn look(
    world: &World,
    levels: &Arc<ModelLevels>,
    keys: &BTreeSet<i32>,
    wanted: LookupWanted,
) -> Result<LookupFound> {
    let (table, levels, keys) = (world.table.clone(), Arc::clone(levels), key_batch(&world.table, keys));
    on_cpu(&world.table, async move { lookup(&table, levels.request(&bucket(), &keys, 0, wanted)).await }).await
}

fn runs(keys: std::ops::Range<i32>, count: usize) -> impl Strategy<Value = Vec<Run>> {
    let records = prop::collection::btree_map(keys, (0..4_i8, prop::option::of(any::<i64>())), 0..120);
    prop::collection::vec(records, 0..=count).prop_map(|runs| {
        let newest_first = (0..).zip(runs.into_iter().rev());
        let mut numbered: Vec<Run> = newest_first
            .map(|(at, run): (i64, BTreeMap<i32, (i8, Option<i64>)>)| {
                let numbers = at * 1000..;
                run.into_iter()
                    .zip(numbers)
                    .map(|((key, (kind, value)), number)| (key, (number, kind, value)))
                    .collect()
            })
            .collect();
        numbered.reverse();
        numbered
    })
}

/// Cuts a run to files.
fn cut(run: Run, at: &BTreeSet<i32>) -> Vec<Run> {
    let mut files = vec![run];
    for key in at {
        let rest = files.last_mut().unwrap().split_off(key);
        files.push(rest);
    }
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn finds_what_a_model_finds(
        level0 in runs(-60..60, 4),
        upper in runs(-60..60, 3),
        cuts in prop::collection::btree_set(-60..60, 0..4),
        deleted in prop::collection::btree_set((0..12_usize, 0..60_u64), 0..60),
        asked in prop::collection::vec((prop::collection::btree_set(-70..70, 0..80), 0..4_i32, 0..3_usize), 1..5),
        schema in prop::sample::select(vec![BY_INT, BY_TEXT]),
        memory in prop::sample::select(vec!["0 b", "3 kb", "100 kb", "256 mb"]),
        disk in prop::sample::select(vec!["0 b", "4 kb", "1 gb"]),
        page in prop::sample::select(vec!["1 b", "300 b", "64 kb"]),
        compression in prop::sample::select(vec!["none", "lz4", "zstd"]),
        filters in any::<bool>(),
    ) {
        let options = [
            ("lookup.cache-max-memory-size", memory),
            ("lookup.cache-max-disk-size", disk),
            ("cache-page-size", page),
            ("lookup.cache-spill-compression", compression),
            ("lookup.cache.bloom.filter.enabled", if filters { "true" } else { "false" }),
        ];
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let world = World::new(schema, &options, u64::MAX).await;
            let upper: Vec<_> = upper.into_iter().map(|run| cut(run, &cuts)).collect();
            let levels = Arc::new(ModelLevels::write(&world.table, &level0, &upper, &deleted).await);
            // All at once, so that they race for the files.
            let looking = asked.iter().map(|(keys, start, wanted)| {
                let wanted = [LookupWanted::Existence, LookupWanted::Place, LookupWanted::Record][*wanted];
                let (table, levels, keys) = (world.table.clone(), Arc::clone(&levels), keys.clone());
                let start = *start;
                on_cpu(&world.table, async move {
                    let (batch, bucket) = (key_batch(&table, &keys), bucket());
                    let request = levels.request(&bucket, &batch, start as usize, wanted);
                    let found = lookup(&table, request).await?;
                    check(&table, &found, &levels.first(&keys, start), wanted);
                    let all = lookup_versions(&table, request, LookupVersions::All).await?;
                    let all: Vec<_> = all.iter().filter(|found| !found.keys.is_empty()).collect();
                    let expected = levels.versions(&keys, start);
                    let expected: Vec<_> = expected.iter().filter(|found| !found.is_empty()).collect();
                    assert_eq!(all.len(), expected.len());
                    all.iter().zip(&expected).for_each(|(found, expected)| check(&table, found, expected, wanted));
                    Ok(())
                })
            });
            futures::future::try_join_all(looking).await.unwrap();
            let usage = world.table.io().lookup_cache().usage();
            let bytes = |text| alluvium_format::options::parse_memory_bytes(text).unwrap();
            assert!(usage.memory_bytes <= bytes(memory) && usage.disk_bytes <= bytes(disk), "{usage:?}");
            assert_eq!(world.disk.used_bytes(), usage.disk_bytes, "files that are not counted");
            for file in levels.levels.all_files() {
                lookups::forget(&world.table, &file.file_name);
            }
            assert_eq!(world.table.io().lookup_cache().usage(), Default::default());
            assert_eq!((world.disk.used_bytes(), world.local_files()), (0, 0));
            assert_eq!(world.table.io().memory().used_bytes(), 0);
        });
    }

    #[test]
    fn the_newest_version_is_among_those_found(
        level0 in runs(0..30, 4),
        upper in runs(0..30, 3),
        older in any::<bool>(),
        keys in prop::collection::btree_set(0..30, 0..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::new(BY_INT, &[], u64::MAX).await;
            // Sequence numbers of level 0 and of the levels above are of one range, or apart.
            let level0: Vec<Run> = level0.into_iter().map(|run| {
                run.into_iter().map(|(key, (number, kind, value))| (key, (number + if older { 10_000 } else { 1 }, kind, value))).collect()
            }).collect();
            let upper: Vec<_> = upper.into_iter().map(|run| vec![run]).collect();
            let levels = Arc::new(ModelLevels::write(&world.table, &level0, &upper, &BTreeSet::new()).await);
            let batch = key_batch(&world.table, &keys);
            let bucket = bucket();
            let request = levels.request(&bucket, &batch, 0, LookupWanted::Record);
            let found = lookup_versions(&world.table, request, LookupVersions::Newest).await.unwrap();
            let mut newest: BTreeMap<u32, i64> = BTreeMap::new();
            for found in &found {
                for (key, sequence) in found.keys.iter().zip(found.records.iter().flat_map(|records| records.sequences.values())) {
                    let held = newest.entry(*key).or_insert(*sequence);
                    *held = (*held).max(*sequence);
                }
            }
            let mut expected: BTreeMap<u32, i64> = BTreeMap::new();
            for (key, .., (sequence, ..)) in levels.versions(&keys, 0).into_iter().flatten() {
                let held = expected.entry(key).or_insert(sequence);
                *held = (*held).max(sequence);
            }
            prop_assert_eq!(newest, expected);
            Ok(())
        })?;
    }
}

fn numbered(keys: std::ops::Range<i32>, first: i64) -> Run {
    keys.zip(first..).map(|(key, number)| (key, (number, 0, Some(i64::from(key) * 10)))).collect()
}

async fn one_file(world: &World, keys: std::ops::Range<i32>) -> Arc<ModelLevels> {
    Arc::new(ModelLevels::write(&world.table, &[], &[vec![numbered(keys, 0)]], &BTreeSet::new()).await)
}

fn gets(world: &World) -> usize {
    let of_data = |operation: &&alluvium_sim::Operation| {
        operation.kind == OperationKind::Get && operation.path.contains("bucket-0/data-")
    };
    world.store.operations().iter().filter(of_data).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_is_made_once_however_many_ask() {
    for options in [vec![], vec![NO_MEMORY]] {
        let world = World::new(BY_INT, &options, u64::MAX).await;
        let levels = one_file(&world, 0..5000).await;
        world.store.arm(Faults::None);
        look(&world, &levels, &BTreeSet::from([1]), LookupWanted::Record).await.unwrap();
        let once = gets(&world);
        lookups::forget(&world.table, &levels.levels.all_files()[0].file_name);
        world.store.arm(Faults::None);
        let keys = BTreeSet::from([7, 4000, 9999]);
        let asking = (0..8).map(|_| look(&world, &levels, &keys, LookupWanted::Record));
        for found in futures::future::try_join_all(asking).await.unwrap() {
            check(&world.table, &found, &levels.first(&keys, 0), LookupWanted::Record);
        }
        if options.is_empty() {
            assert_eq!(gets(&world), once, "the data file was read more than once");
            assert_eq!((world.table.io().lookup_cache().usage().files, world.local_files()), (1, 0), "it is small");
            look(&world, &levels, &keys, LookupWanted::Place).await.unwrap();
            assert_eq!(gets(&world), once, "a file with everything serves those that want a place");
        }
    }
}

#[tokio::test]
async fn files_that_are_not_small_go_to_the_disk_and_are_read_block_by_block() {
    let world =
        World::new(BY_INT, &[("lookup.cache-max-memory-size", "64 kb"), ("cache-page-size", "16 kb")], u64::MAX).await;
    let levels = one_file(&world, 0..20_000).await;
    for round in 0..3 {
        let keys: BTreeSet<i32> = (0..40).map(|at| at * 601 + round).collect();
        let found = look(&world, &levels, &keys, LookupWanted::Record).await.unwrap();
        check(&world.table, &found, &levels.first(&keys, 0), LookupWanted::Record);
        let usage = world.table.io().lookup_cache().usage();
        assert!(usage.memory_bytes <= 64 << 10 && usage.memory_bytes > 0, "{usage:?}");
        assert_eq!((usage.files, usage.disk_bytes, world.local_files()), (1, world.disk.used_bytes(), 1));
    }
}

#[tokio::test]
async fn files_nobody_asks_for_are_dropped_after_their_retention() {
    let world = World::new(
        BY_INT,
        &[("lookup.cache-file-retention", "10 min"), ("lookup.cache-max-memory-size", "8 kb")],
        u64::MAX,
    )
    .await;
    let levels = one_file(&world, 0..1000).await;
    let keys = BTreeSet::from([5]);
    look(&world, &levels, &keys, LookupWanted::Place).await.unwrap();
    assert_eq!(world.local_files(), 1);
    world.clock.advance(9 * 60_000);
    look(&world, &levels, &keys, LookupWanted::Place).await.unwrap();
    world.store.arm(Faults::None);
    world.clock.advance(9 * 60_000);
    look(&world, &levels, &keys, LookupWanted::Place).await.unwrap();
    assert_eq!(gets(&world), 0, "each use counts");
    world.clock.advance(10 * 60_000);
    look(&world, &levels, &keys, LookupWanted::Place).await.unwrap();
    assert!(gets(&world) > 0, "it was made again");
    assert_eq!(world.local_files(), 1);
}

#[tokio::test]
async fn a_fault_of_the_store_leaves_no_local_file_and_the_next_lookup_works() {
    let world = World::new(BY_INT, &[NO_MEMORY, ("lookup.cache-max-disk-size", "1 gb")], u64::MAX).await;
    let levels = one_file(&world, 0..30_000).await;
    let keys = BTreeSet::from([0, 29_999]);
    let mut failed = 0;
    for operation in 0.. {
        for mode in FaultMode::ALL {
            world.store.arm(Faults::At(Fault { operation, mode }));
            let outcome = look(&world, &levels, &keys, LookupWanted::Record).await;
            let hit = !world.store.failures().is_empty();
            world.store.arm(Faults::None);
            if !hit {
                outcome.unwrap();
                assert!(failed > 0, "no fault was met");
                return;
            }
            match outcome {
                Ok(found) => check(&world.table, &found, &levels.first(&keys, 0), LookupWanted::Record),
                Err(error) => {
                    failed += 1;
                    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
                    assert_eq!((world.disk.used_bytes(), world.local_files()), (0, 0));
                }
            }
            let found = look(&world, &levels, &keys, LookupWanted::Record).await.unwrap();
            check(&world.table, &found, &levels.first(&keys, 0), LookupWanted::Record);
            lookups::forget(&world.table, &levels.levels.all_files()[0].file_name);
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_others_make_room() {
    let options = [("lookup.cache-max-memory-size", "8 kb"), ("lookup.cache-spill-compression", "none")];
    let world = World::new(BY_INT, &options, 60_000).await;
    let small = one_file(&world, 0..1000).await;
    let large = one_file(&world, 0..30_000).await;
    let keys = BTreeSet::from([500]);
    look(&world, &small, &keys, LookupWanted::Record).await.unwrap();
    assert_eq!(world.local_files(), 1);
    let error = look(&world, &large, &keys, LookupWanted::Record).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("limit of 60000"), "{error}");
    assert_eq!((world.disk.used_bytes(), world.local_files()), (0, 0), "what was kept made room, in vain");
    // One that fits when the other is gone.
    let middle = one_file(&world, 0..1200).await;
    for levels in [&small, &middle, &small] {
        let found = look(&world, levels, &keys, LookupWanted::Record).await.unwrap();
        check(&world.table, &found, &levels.first(&keys, 0), LookupWanted::Record);
    }
}

#[tokio::test]
async fn keys_that_are_none_of_the_table_are_refused() {
    let world = World::new(BY_INT, &[], u64::MAX).await;
    let levels = one_file(&world, 0..10).await;
    let text = World::new(BY_TEXT, &[], u64::MAX).await;
    let (ascending, bucket) = (key_batch(&world.table, &BTreeSet::from([1, 2])), bucket());
    let indices = arrow_array::UInt32Array::from(vec![1, 0]);
    let descending = arrow_select::take::take_record_batch(&ascending, &indices).unwrap();
    for (keys, words) in [(key_batch(&text.table, &BTreeSet::from([1])), "have the columns k"), (descending, "ascend")]
    {
        let error = lookup(&world.table, levels.request(&bucket, &keys, 0, LookupWanted::Place)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_data_file_whose_keys_do_not_ascend_is_corrupt() {
    let world = World::new(BY_INT, &[], u64::MAX).await;
    let io: &TableIo = world.table.io();
    let (first, second) =
        (write(&world.table, &numbered(0..10, 0), 1).await, write(&world.table, &numbered(0..10, 0), 1).await);
    drop(second);
    // The bytes of a file whose keys descend, under the name of the first.
    let unsorted = BY_INT
        .replace(r#""primaryKeys":["k"]"#, r#""primaryKeys":["v"]"#)
        .replace(r#""type":"BIGINT""#, r#""type":"BIGINT NOT NULL""#);
    let other = World::new(&unsorted, &[], u64::MAX).await;
    let run: Run = (0..10).map(|key| (10 - key, (0, 0, Some(0)))).collect();
    let batch = records(&other.table, &run);
    let ascending = arrow_array::Int64Array::from_iter_values(0..10);
    let descending = arrow_array::Int32Array::from_iter_values((0..10).rev());
    let columns = vec![Arc::new(ascending) as _, Arc::new(descending) as _, Arc::clone(batch.values.column(2))];
    let values = RecordBatch::try_new(batch.values.schema(), columns).unwrap();
    let batch = KeyValueBatch::try_new(batch.sequences, batch.kinds, values).unwrap();
    let spec = DataFileSpec { bucket: bucket(), level: 1, content: FileContent::Data(FileSource::Compact) };
    let mut writer = RollingFileWriter::new(&other.table, spec).unwrap();
    writer.write(&batch).await.unwrap();
    let meta = writer.finish().await.unwrap().remove(0);
    let bytes = other.table.io().get(&format!("bucket-0/{}", meta.file_name)).await.unwrap();
    io.put(&format!("bucket-0/{}", first.file_name), bytes).await.unwrap();
    let meta = DataFileMeta { file_size: meta.file_size, ..first };
    let levels = Levels::restore(vec![meta], &world.table.schema().key_types(), 6).unwrap();
    let levels = ModelLevels { levels, runs: Vec::new(), deletions: DeletionVectors::new() };
    let (keys, bucket) = (key_batch(&world.table, &BTreeSet::from([3])), bucket());
    let error = lookup(&world.table, levels.request(&bucket, &keys, 0, LookupWanted::Place)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("do not ascend"), "{error}");
}

#[tokio::test]
async fn a_table_with_another_schema_is_not_served_by_files_of_the_old_one() {
    let world = World::new(BY_INT, &[], u64::MAX).await;
    let levels = one_file(&world, 0..10).await;
    let keys = BTreeSet::from([3]);
    let found = look(&world, &levels, &keys, LookupWanted::Record).await.unwrap();
    check(&world.table, &found, &levels.first(&keys, 0), LookupWanted::Record);
    let mut schema = world.table.schema().as_ref().clone();
    schema.id = 1;
    schema.fields.push(DataField::new(7, "new", DataType::parse("INT").unwrap()));
    schema.fields[0] = DataField::new(schema.fields[0].id, "renamed", DataType::parse("DECIMAL(20, 1)").unwrap());
    let io = world.table.io().clone();
    let evolved = TableStore::new("d.t", io.clone(), io, Arc::new(schema)).unwrap();
    let (batch, bucket) = (key_batch(&evolved, &keys), bucket());
    for table in [&evolved, &world.table, &evolved] {
        let request = levels.request(&bucket, &batch, 0, LookupWanted::Record);
        let values = lookup(table, request).await.unwrap().records.unwrap().values;
        assert_eq!(values.schema(), to_arrow_schema(&table.schema().fields).unwrap());
        assert_eq!(values.column_by_name("new").is_some_and(|column| column.is_null(0)), table.schema().id == 1);
    }
    // Keys are the same under both.
    world.store.arm(Faults::None);
    lookup(&world.table, levels.request(&bucket, &batch, 0, LookupWanted::Place)).await.unwrap();
    assert_eq!(gets(&world), 0);
}

#[tokio::test]
async fn where_others_need_the_memory_nothing_is_kept() {
    let world = World::new(BY_INT, &[], u64::MAX).await;
    let levels = one_file(&world, 0..1000).await;
    let keys = BTreeSet::from([3, 999]);
    look(&world, &levels, &keys, LookupWanted::Record).await.unwrap();
    let memory = world.table.io().memory();
    assert!(memory.used_bytes() > 0 && world.table.io().lookup_cache().usage().files == 1);
    // What can be reserved without waiting is gone but for the little that the cache has.
    let free = memory.bytes_max() - memory.kept_bytes() - memory.used_bytes();
    let others = memory.try_reserve(free).unwrap();
    let second = one_file(&world, 2000..4000).await;
    for levels in [&levels, &second, &levels] {
        let keys = BTreeSet::from([3, 999, 2000]);
        let found = look(&world, levels, &keys, LookupWanted::Record).await.unwrap();
        check(&world.table, &found, &levels.first(&keys, 0), LookupWanted::Record);
        assert!(world.table.io().lookup_cache().usage().files <= 1, "one makes room for the other");
    }
    drop(others);
    assert!(memory.used_bytes() < 1 << 20);
}
