//! Deletion vectors: a file read with them is the file without the rows they name; index files that are damaged or lie are named.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use alluvium_format::deletion_vector::{DeletionVector, DeletionVectorKind, POSITION_END};
use alluvium_format::{
    BinaryRow, CompareOp, DataFileMeta, Datum, ErrorKind, FileSource, IndexFileMeta, Predicate, Snapshot,
};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_sim::{Fault, FaultMode, Faults, FaultyStore};
use alluvium_store::{
    BucketDeletionVectors, DataFileRead, DataFileReader, DataFileSpec, DeletionVectors, FileContent, PartitionBucket,
    RollingFileWriter, SystemColumns, TableStore, deletion_vectors,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Int8Array, Int32Array, Int64Array, RecordBatch};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::memory_table::{self, KEYED, committer, compact, create};

fn bucket() -> PartitionBucket {
    PartitionBucket { partition: BinaryRow::empty(), bucket: 0 }
}

/// The rows of the keys `keys`, with the values that `value` gives them.
fn batch(table: &TableStore, keys: Range<i32>, value: fn(i32) -> i64) -> KeyValueBatch {
    let schema = alluvium_format::arrow::to_arrow_schema(&table.schema().fields).unwrap();
    let values = Int64Array::from_iter_values(keys.clone().map(value));
    let columns: Vec<arrow_array::ArrayRef> =
        vec![Arc::new(Int32Array::from_iter_values(keys.clone())), Arc::new(values)];
    let sequences = Int64Array::from_iter_values(keys.map(i64::from));
    let kinds = Int8Array::from(vec![0; sequences.len()]);
    KeyValueBatch::try_new(sequences, kinds, RecordBatch::try_new(schema, columns).unwrap()).unwrap()
}

/// A file of keys from 0 on, with values alike, in row groups of these many rows.
async fn write(table: &TableStore, groups: &[i32]) -> DataFileMeta {
    write_values(table, groups, i64::from).await
}

async fn write_values(table: &TableStore, groups: &[i32], value: fn(i32) -> i64) -> DataFileMeta {
    let spec = DataFileSpec { bucket: bucket(), level: 5, content: FileContent::Data(FileSource::Compact) };
    let mut writer = RollingFileWriter::new(table, spec).unwrap();
    let mut start = 0;
    for rows in groups {
        writer.write(&batch(table, start..start + rows, value)).await.unwrap();
        start += rows;
    }
    let mut files = writer.finish().await.unwrap();
    assert_eq!(files.len(), 1);
    files.remove(0)
}

/// Each batch that is written becomes a row group.
const SMALL_GROUPS: [(&str, &str); 1] = [("file.block-size", "1 b")];

fn vector(kind: DeletionVectorKind, rows: impl IntoIterator<Item = u64>) -> DeletionVector {
    let mut vector = DeletionVector::new(kind);
    for row in rows {
        vector.delete(row).unwrap();
    }
    vector
}

fn vectors_of(file: &str, vector: DeletionVector) -> DeletionVectors {
    DeletionVectors::from([(file.to_owned(), Arc::new(vector))])
}

/// What is read of a file: keys, sequence numbers and values agree in each row.
async fn keys(
    table: &TableStore,
    file: &DataFileMeta,
    (predicate, deletions): (&Predicate, DeletionVectors),
) -> alluvium_format::Result<Vec<i32>> {
    let read = DataFileRead {
        fields: table.schema().fields.clone().into(),
        system: SystemColumns::All,
        predicate: predicate.clone(),
        deletions: Arc::new(deletions),
    };
    let mut reader = DataFileReader::open(table, &bucket(), file, &read).await?;
    let mut keys = Vec::new();
    while let Some(batch) = reader.next().await? {
        let batch = batch.into_key_values()?;
        assert!(batch.num_rows() > 0, "a batch without rows");
        let values = batch.values.column(1).as_primitive::<Int64Type>();
        for (row, key) in batch.values.column(0).as_primitive::<Int32Type>().values().iter().enumerate() {
            assert_eq!((values.value(row), batch.sequences.value(row)), (i64::from(*key), i64::from(*key)));
            keys.push(*key);
        }
    }
    Ok(keys)
}

/// How many rows are read in some of the columns.
async fn count(table: &TableStore, file: &DataFileMeta, (columns, deletions): (usize, DeletionVectors)) -> usize {
    let read = DataFileRead {
        fields: table.schema().fields[..columns].into(),
        system: SystemColumns::None,
        predicate: Predicate::True,
        deletions: Arc::new(deletions),
    };
    let mut reader = DataFileReader::open(table, &bucket(), file, &read).await.unwrap();
    let mut rows = 0;
    while let Some(batch) = reader.next().await.unwrap() {
        rows += batch.values.num_rows();
    }
    rows
}

/// Row groups of a few rows, and one that takes several batches.
fn groups() -> impl Strategy<Value = Vec<i32>> {
    let small = prop::collection::vec(1..60_i32, 1..12);
    (small, any::<bool>()).prop_map(|(mut groups, has_large)| {
        if has_large {
            let at = groups.len() / 2;
            groups[at] = 20_000;
        }
        groups
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn reading_with_vectors_is_reading_and_leaving_rows_out(
        groups in groups(),
        runs in prop::collection::vec((0.0..1.0_f64, prop_oneof![1..4_u64, 40..200_u64, Just(9_000)]), 0..20),
        at in 0.0..1.0_f64,
        is_wide in any::<bool>(),
        is_local in any::<bool>(),
        format in prop::sample::select(vec!["parquet", "avro"]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn ObjectStore> = match is_local {
            true => Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap()),
            false => Arc::new(InMemory::new()),
        };
        let rows: i32 = groups.iter().sum();
        let position = |share: f64| (share * f64::from(rows)) as u64;
        let deleted: BTreeSet<u64> = runs
            .iter()
            .flat_map(|(share, length)| position(*share)..position(*share) + length)
            .filter(|row| *row < u64::try_from(rows).unwrap())
            .collect();
        let kind = if is_wide { DeletionVectorKind::Bitmap64 } else { DeletionVectorKind::Bitmap32 };
        let literal = Datum::Int(i32::try_from(position(at)).unwrap());
        let on_key = Predicate::Compare { column: "k".to_owned(), op: CompareOp::GtEq, literal };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let table = create(&store, KEYED, &[SMALL_GROUPS[0], ("file.format", format)]).await;
            let file = write(&table, &groups).await;
            let deletions = || vectors_of(&file.file_name, vector(kind, deleted.iter().copied()));
            for predicate in [Predicate::True, on_key] {
                let all = keys(&table, &file, (&predicate, DeletionVectors::new())).await.unwrap();
                let is_left = |key: &i32| !deleted.contains(&u64::try_from(*key).unwrap());
                let left: Vec<i32> = all.into_iter().filter(is_left).collect();
                assert_eq!(keys(&table, &file, (&predicate, deletions())).await.unwrap(), left);
            }
            assert_eq!(count(&table, &file, (0, deletions())).await, usize::try_from(rows).unwrap() - deleted.len());
        });
    }
}

#[tokio::test]
async fn vectors_of_other_files_and_empty_ones_delete_nothing() {
    let table = create(&(Arc::new(InMemory::new()) as Arc<dyn ObjectStore>), KEYED, &SMALL_GROUPS).await;
    let file = write(&table, &[3, 4]).await;
    let all: Vec<i32> = (0..7).collect();
    let other = vectors_of("data-other-0.parquet", vector(DeletionVectorKind::Bitmap32, [1]));
    let empty = vectors_of(&file.file_name, DeletionVector::new(DeletionVectorKind::Bitmap32));
    for deletions in [other, empty] {
        assert_eq!(keys(&table, &file, (&Predicate::True, deletions)).await.unwrap(), all);
    }
    let every = vectors_of(&file.file_name, vector(DeletionVectorKind::Bitmap32, 0..7));
    assert_eq!(keys(&table, &file, (&Predicate::True, every)).await.unwrap(), Vec::<i32>::new());
}

/// Row groups without a row left are not fetched.
#[tokio::test]
async fn row_groups_that_are_deleted_are_not_read() {
    let faulty = FaultyStore::new(Arc::new(InMemory::new()));
    let store: Arc<dyn ObjectStore> = Arc::new(faulty.clone());
    let table = create(&store, KEYED, &[("file.block-size", "1 b"), ("file.compression", "none")]).await;
    // Values that take their eight bytes: the file is too large to be fetched as a whole.
    let scattered = |key: i32| i64::from(key).wrapping_mul(0x1E37_79B9_7F4A_7C15).rotate_left(29).wrapping_pow(3);
    let file = write_values(&table, &[8_000; 50], scattered).await;
    assert!(file.file_size > 2 << 20, "{}", file.file_size);
    let requests = async |deletions: DeletionVectors| {
        faulty.arm(Faults::None);
        let rows = count(&table, &file, (2, deletions)).await;
        (rows, faulty.operations().len())
    };
    // The schema is read once.
    requests(DeletionVectors::new()).await;
    let (rows, of_all) = requests(DeletionVectors::new()).await;
    assert_eq!(rows, 400_000);
    let most = vector(DeletionVectorKind::Bitmap64, (0..399_000).filter(|row| *row != 70_000));
    let (rows, of_some) = requests(vectors_of(&file.file_name, most)).await;
    assert_eq!(rows, 1_001);
    // The row groups of row 70 000 and of the last ones are left.
    assert_eq!(of_all - of_some, 48, "{of_all} requests, {of_some} with vectors");
}

#[tokio::test]
async fn a_vector_of_rows_that_a_file_lacks_is_named() {
    let table = create(&(Arc::new(InMemory::new()) as Arc<dyn ObjectStore>), KEYED, &SMALL_GROUPS).await;
    let file = write(&table, &[3, 4]).await;
    for (kind, row) in [
        (DeletionVectorKind::Bitmap32, 7),
        (DeletionVectorKind::Bitmap32, i32::MAX as u64),
        (DeletionVectorKind::Bitmap64, POSITION_END - 1),
    ] {
        let deletions = vectors_of(&file.file_name, vector(kind, [2, row]));
        let error = keys(&table, &file, (&Predicate::True, deletions)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(&file.file_name) && error.to_string().contains("7 rows"), "{error}");
    }
}

/// A table with vectors of a few files, of both kinds, in one index file.
async fn with_vectors(store: &Arc<dyn ObjectStore>, options: &[(&str, &str)]) -> (TableStore, IndexFileMeta) {
    let table = create(store, KEYED, options).await;
    let vectors = vectors();
    let index = deletion_vectors::write(&table, &bucket(), &vectors).await.unwrap();
    publish(&table, index.clone()).await;
    (table, index)
}

fn vectors() -> DeletionVectors {
    let small = vector(DeletionVectorKind::Bitmap32, [5, 7, 9]);
    let large = vector(DeletionVectorKind::Bitmap64, (0..100_000).step_by(3).chain([1 << 33]));
    let run = vector(DeletionVectorKind::Bitmap32, 10..90_000);
    DeletionVectors::from([
        ("data-a-0.parquet".to_owned(), Arc::new(small)),
        ("data-b-0.parquet".to_owned(), Arc::new(large)),
        ("data-c-0.parquet".to_owned(), Arc::new(run)),
    ])
}

/// Commits an index file as a compaction of the files that it speaks of does.
async fn publish(table: &TableStore, index: IndexFileMeta) {
    let files = ["a", "b", "c"].into_iter().enumerate();
    let files = files.map(|(at, name)| {
        let start = i32::try_from(at).unwrap() * 10;
        memory_table::file(name, 5, start..=start + 9)
    });
    let mut committable = compact(1, Vec::new(), files.collect());
    committable.messages[0].compact.new_index_files = vec![index];
    committer(table, "writer").commit(committable).await.unwrap();
}

async fn read(table: &TableStore) -> alluvium_format::Result<BucketDeletionVectors> {
    let snapshot = table.snapshots().latest().await.unwrap().unwrap();
    read_at(table, &snapshot).await
}

async fn read_at(table: &TableStore, snapshot: &Snapshot) -> alluvium_format::Result<BucketDeletionVectors> {
    deletion_vectors::read(table, snapshot, &[bucket()]).await.map(|mut read| read.remove(0))
}

#[tokio::test]
async fn what_is_written_is_read() {
    for (options, folder) in [(vec![], "index"), (vec![("index-file-in-data-file-dir", "true")], "bucket-0")] {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let (table, index) = with_vectors(&store, &options).await;
        let path = format!("{folder}/{}", index.file_name);
        let bytes = table.io().get(&path).await.unwrap();
        assert_eq!(index.file_size, bytes.len() as i64);
        assert_eq!(index.row_count, 3);
        let ranges = index.dv_ranges.clone().unwrap();
        assert_eq!(ranges[0].offset, 1);
        assert!(ranges.is_sorted_by_key(|range| range.offset), "in the order of the file");
        let expected = BucketDeletionVectors { vectors: vectors(), file: Some(index.clone()) };
        let fresh = memory_table::open(&store, 7).await;
        assert_eq!(read(&fresh).await.unwrap(), expected);
        // What was read is kept.
        alluvium_store::index_files::delete_unpublished(&fresh, &bucket(), &index).await;
        assert!(!table.io().exists(&path).await.unwrap());
        assert_eq!(read(&fresh).await.unwrap(), expected);
        let error = read(&memory_table::open(&store, 8).await).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains(&index.file_name), "{error}");
    }
}

#[tokio::test]
async fn a_bucket_without_vectors_has_an_empty_file() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = create(&store, KEYED, &[]).await;
    let index = deletion_vectors::write(&table, &bucket(), &DeletionVectors::new()).await.unwrap();
    assert_eq!((index.file_size, index.row_count, index.dv_ranges.as_deref()), (1, 0, Some(&[][..])));
    publish(&table, index.clone()).await;
    let expected = BucketDeletionVectors { vectors: DeletionVectors::new(), file: Some(index) };
    assert_eq!(read(&table).await.unwrap(), expected);
}

#[tokio::test]
async fn an_index_file_that_cannot_be_written_leaves_nothing() {
    for mode in [FaultMode::BeforeEffect, FaultMode::AfterEffect] {
        let faulty = FaultyStore::new(Arc::new(InMemory::new()));
        let store: Arc<dyn ObjectStore> = Arc::new(faulty.clone());
        let table = create(&store, KEYED, &[]).await;
        faulty.arm(Faults::At(Fault { operation: 0, mode }));
        let error = deletion_vectors::write(&table, &bucket(), &vectors()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert_eq!(table.io().list_files("index").await.unwrap(), Vec::<String>::new());
    }
}

/// Entries of an index manifest that do not fit their file.
#[tokio::test]
async fn entries_that_lie_are_named() {
    type Lie = fn(&mut IndexFileMeta);
    let lies: [(Lie, ErrorKind, &str); 10] = [
        (|index| index.file_size += 1, ErrorKind::Corrupt, "bytes"),
        (|index| index.dv_ranges = None, ErrorKind::Corrupt, "does not say where"),
        (|index| index.external_path = Some("s3://x/y".to_owned()), ErrorKind::Invalid, "allowed-external-paths"),
        (|index| index.file_name = "../index-x-0".to_owned(), ErrorKind::Corrupt, "../index-x-0"),
        (|index| index.file_name = String::new(), ErrorKind::Corrupt, "no name"),
        (|index| ranges(index)[1].cardinality = Some(3), ErrorKind::Corrupt, "not 3"),
        (|index| ranges(index)[1].offset = -1, ErrorKind::Corrupt, "cut off"),
        (|index| ranges(index)[1].offset = i32::MAX, ErrorKind::Corrupt, "cut off"),
        (|index| ranges(index)[1].length += 1, ErrorKind::Corrupt, "bytes"),
        (
            |index| {
                let name = ranges(index)[0].data_file_name.clone();
                ranges(index)[1].data_file_name = name;
            },
            ErrorKind::Corrupt,
            "two deletion vectors",
        ),
    ];
    for (lie, kind, words) in lies {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let table = create(&store, KEYED, &[]).await;
        let mut index = deletion_vectors::write(&table, &bucket(), &vectors()).await.unwrap();
        lie(&mut index);
        publish(&table, index.clone()).await;
        let error = read(&table).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

fn ranges(index: &mut IndexFileMeta) -> &mut Vec<alluvium_format::index_file::DeletionVectorMeta> {
    index.dv_ranges.as_mut().unwrap()
}

/// Damage is an error that names the file, or is not seen in what is read: never a panic, never another vector.
#[tokio::test]
async fn damaged_index_files_are_named() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (table, index) = with_vectors(&store, &[]).await;
    let path = format!("index/{}", index.file_name);
    let bytes = table.io().get(&path).await.unwrap().to_vec();
    let mut random = SmallRng::seed_from_u64(1);
    let mut failed = 0;
    for round in 0..500 {
        let mut damaged = bytes.clone();
        match round % 3 {
            0 => damaged.truncate(random.random_range(0..bytes.len())),
            _ => {
                let at = random.random_range(0..bytes.len().min(200));
                damaged[at] ^= random.random_range(1..=255_u8);
            }
        }
        table.io().put(&path, damaged).await.unwrap();
        match read(&memory_table::open(&store, 9).await).await {
            Ok(read) => assert_eq!(read.vectors, vectors(), "{round}"),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported), "{error}");
                assert!(error.to_string().contains(&index.file_name), "{error}");
                failed += 1;
            }
        }
    }
    assert!(failed > 400, "{failed}");
}

/// A bucket of a table with buckets has one index file.
#[tokio::test]
async fn a_bucket_with_two_index_files_is_named() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (table, index) = with_vectors(&store, &[]).await;
    let mut snapshot = table.snapshots().latest().await.unwrap().unwrap();
    let name = snapshot.index_manifest.clone().unwrap();
    let mut entries = table.manifests().index_entries(&name).await.unwrap().to_vec();
    entries.extend(entries.clone());
    let writer = table.manifests().writer(table.options(), table.partition_types()).unwrap();
    snapshot.index_manifest = Some(writer.write_index(entries).await.unwrap());
    let error = read_at(&table, &snapshot).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("2 files of deletion vectors"), "{error}: {}", index.file_name);
}
