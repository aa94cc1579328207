//! Data files that somebody damaged: errors that name the file, never a panic.

use std::ops::Range;
use std::sync::Arc;

use alluvium_format::avro::Header;
use alluvium_format::{DataFileMeta, ErrorKind, Predicate};
use alluvium_store::{DataFileRead, DataFileReader, PartitionBucket, SystemColumns, TableStore};
use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::golden_table::{self, Place, live_files};

/// A file of a golden table in memory, and all there is to read it.
struct Victim {
    table: TableStore,
    bucket: PartitionBucket,
    file: DataFileMeta,
    bytes: Vec<u8>,
}

impl Victim {
    async fn of(case: &str) -> Self {
        let table = golden_table::open(case, Place::Memory).await;
        let snapshot = table.snapshots().latest().await.unwrap().unwrap();
        let (bucket, files) = live_files(&table, &snapshot).await.into_iter().next().unwrap();
        let file = files.into_iter().max_by_key(|file| file.file_size).unwrap();
        let location = table.data_file(&bucket.partition, bucket.bucket, &file).unwrap();
        let bytes = location.get().await.unwrap().to_vec();
        Self { table, bucket, file, bytes }
    }

    fn path(&self) -> String {
        self.table.data_file(&self.bucket.partition, self.bucket.bucket, &self.file).unwrap().path().to_owned()
    }

    async fn put(&self, bytes: Vec<u8>) {
        let store: &Arc<dyn ObjectStore> = self.table.io().store();
        store.put(&self.table.io().path(&self.path()).unwrap(), bytes.into()).await.unwrap();
    }

    /// Reads all of the file; how many rows it had.
    async fn read(&self) -> alluvium_format::Result<usize> {
        let read = DataFileRead {
            fields: self.table.schema().fields.clone().into(),
            system: SystemColumns::All,
            predicate: Predicate::IsNotNull(self.table.schema().fields[0].name.clone()),
            deletions: Arc::default(),
        };
        let mut reader = DataFileReader::open(&self.table, &self.bucket, &self.file, &read).await?;
        let mut rows = 0;
        while let Some(batch) = reader.next().await? {
            rows += batch.into_key_values()?.num_rows();
        }
        Ok(rows)
    }
}

const CASES: [&str; 8] = [
    "types-parquet",
    "nested-values",
    "dedup-one-bucket",
    "dedup-key-string",
    "types-avro",
    "dedup-avro",
    "types-orc",
    "dedup-orc",
];

#[tokio::test]
async fn a_missing_file_is_named() {
    let victim = Victim::of("dedup-one-bucket").await;
    let store: &Arc<dyn ObjectStore> = victim.table.io().store();
    store.delete(&victim.table.io().path(&victim.path()).unwrap()).await.unwrap();
    let error = victim.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains(&victim.file.file_name), "{error}");
}

#[tokio::test]
async fn a_file_of_another_size_is_named() {
    let victim = Victim::of("dedup-one-bucket").await;
    for length in [0, 4, 100, victim.bytes.len() - 1] {
        victim.put(victim.bytes[..length].to_vec()).await;
        let error = victim.read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(&victim.file.file_name), "{error}");
    }
}

#[tokio::test]
async fn a_file_of_another_number_of_rows_is_named() {
    let mut victim = Victim::of("dedup-one-bucket").await;
    victim.file.row_count += 1;
    let error = victim.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains(&victim.file.file_name), "{error}");
}

#[tokio::test]
async fn a_format_that_is_not_built_is_named() {
    let mut victim = Victim::of("dedup-one-bucket").await;
    for (name, format) in [("data-1-0.csv", "csv"), ("data-1-0.zstd.row", "row")] {
        victim.file.file_name = name.to_owned();
        let error = victim.read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(format), "{error}");
    }
}

/// Many a cut, taken for the whole file.
#[tokio::test]
async fn cut_files_are_errors() {
    for case in CASES {
        let mut victim = Victim::of(case).await;
        for length in (0..victim.bytes.len()).step_by(7) {
            victim.put(victim.bytes[..length].to_vec()).await;
            victim.file.file_size = i64::try_from(length).unwrap();
            let error = victim.read().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{case} at {length}: {error}");
        }
    }
}

/// Where a file says what is in it: the footer of a Parquet file, the header of an Avro file, the second half of an ORC file, which is
/// compressed.
fn described(file: &str, bytes: &[u8]) -> Range<usize> {
    if file.ends_with(".avro") {
        return 0..Header::read(&Bytes::copy_from_slice(bytes), file).unwrap().bytes();
    }
    if file.ends_with(".orc") {
        return bytes.len() / 2..bytes.len();
    }
    let (_, end) = bytes.split_at(bytes.len() - 8);
    bytes.len() - 8 - u32::from_le_bytes(end[..4].try_into().unwrap()) as usize..bytes.len()
}

/// A bit of each byte that says what is in the file, and random bits of all bytes. Some say another thing that is possible.
#[tokio::test]
async fn flipped_bits_never_panic() {
    for case in CASES {
        let victim = Victim::of(case).await;
        let length = victim.bytes.len();
        let mut random = SmallRng::seed_from_u64(7);
        let described = described(&victim.file.file_name, &victim.bytes);
        let described: Vec<_> = described.map(|at| (at, random.random_range(0..8))).collect();
        let anywhere: Vec<_> = (0..1000).map(|_| (random.random_range(0..length), random.random_range(0..8))).collect();
        let mut errors = 0;
        for (at, bit) in described.into_iter().chain(anywhere) {
            let mut bytes = victim.bytes.clone();
            bytes[at] ^= 1 << bit;
            victim.put(bytes).await;
            match victim.read().await {
                Ok(rows) => assert!(rows as i64 <= victim.file.row_count),
                Err(error) => {
                    let clear =
                        matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported | ErrorKind::Invalid);
                    assert!(clear, "{case}, bit {bit} of byte {at}: {error}");
                    errors += 1;
                }
            }
        }
        assert!(errors > 300, "{case}: {errors}");
    }
}
