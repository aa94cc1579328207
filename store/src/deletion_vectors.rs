//! The deletion vectors of buckets: which rows of their data files are deleted.
//!
//! Goes in: a snapshot's index manifest, and the files it names. Comes out: vectors by data file; and from vectors, one index file. Invariants: a
//! bucket of a keyed table has one index file, whose vectors lie in the order of its entry; a data file has one vector. Answers to
//! `org.apache.paimon.deletionvectors.BucketedDvMaintainer` and `DeletionVectorsIndexFile`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use alluvium_format::deletion_vector::{self, DeletionVector, INDEX_TYPE};
use alluvium_format::index_file::DeletionVectorMeta;
use alluvium_format::{BucketMode, Error, ErrorKind, IndexFileMeta, Result, Snapshot, path};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use moka::future::Cache;

use crate::data_file::PartitionBucket;
use crate::index_files;
use crate::table_store::TableStore;

/// Index files read at the same time: enough to hide the store's latency, few enough for any file limit.
const READS_AT_ONCE: usize = 16;
/// Bytes of index files whose vectors are kept. Vectors take about as much memory as their files.
const CACHE_BYTES: u64 = 64 << 20;
/// Index files of at most so many bytes are decoded where they are read, in about a millisecond; larger ones in the CPU pool.
const INLINE_BYTES_MAX: usize = 1 << 20;

/// The vectors of data files, by file name.
pub type DeletionVectors = BTreeMap<String, Arc<DeletionVector>>;

/// The vectors of one bucket with the index file they are in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BucketDeletionVectors {
    /// By data file.
    pub vectors: DeletionVectors,
    /// Where they are; `None` when the bucket has none, and in tables without buckets, which have any number of index files.
    pub file: Option<IndexFileMeta>,
}

/// The vectors of index files that were read, by path: an index file never changes. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct VectorCache(Cache<String, Arc<DeletionVectors>>);

impl Default for VectorCache {
    fn default() -> Self {
        // About: the entry of a map with a vector's own fields, and for each position two bytes at most.
        let weigher = |_: &String, vectors: &Arc<DeletionVectors>| {
            let bytes = vectors.iter().map(|(name, vector)| 256 + name.len() as u64 + 2 * vector.cardinality());
            u32::try_from(bytes.sum::<u64>()).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(CACHE_BYTES).weigher(weigher).build())
    }
}

/// Reads the vectors of buckets at a snapshot, in the order of `buckets`. The index manifest is read once, index files at the same
/// time; both are kept. Not to be called in a [`crate::CpuPool`], where it lets large files be decoded.
///
/// # Errors
/// `NotFound`, `Corrupt` and `Storage` with the path; `Invalid` for an index file that is where the catalog does not allow it.
pub async fn read(
    table: &TableStore,
    snapshot: &Snapshot,
    buckets: &[PartitionBucket],
) -> Result<Vec<BucketDeletionVectors>> {
    let Some(manifest) = &snapshot.index_manifest else {
        return Ok(vec![BucketDeletionVectors::default(); buckets.len()]);
    };
    let mode = table.options().bucket_mode(table.schema())?;
    let mut files = index_files(table, manifest).await?;
    let read = buckets.iter().map(|bucket| {
        let files = files.remove(bucket).unwrap_or_default();
        async move {
            match (files.as_slice(), mode) {
                ([file], _) if mode != BucketMode::Unaware => {
                    let vectors = read_file(table, bucket, file).await?;
                    Ok(BucketDeletionVectors { vectors: vectors.as_ref().clone(), file: Some(file.clone()) })
                }
                ([], _) | (_, BucketMode::Unaware) => read_files(table, bucket, &files).await,
                _ => {
                    let what = format!("bucket {} has {} files of deletion vectors", bucket.bucket, files.len());
                    Err(Error::corrupt(path::manifest(manifest), 0, what))
                }
            }
        }
    });
    // The futures are made here: a closure that lends its argument to one is not `Send` for every lifetime.
    let read: Vec<_> = read.collect();
    futures::stream::iter(read).buffered(READS_AT_ONCE).try_collect().await
}

/// The vectors of a bucket, by the index files that they are in.
pub type VectorsByFile = Vec<(IndexFileMeta, Arc<DeletionVectors>)>;

/// Reads the vectors of buckets at a snapshot, in the order of `buckets`, index file by index file: tables without buckets have any number.
///
/// # Errors
/// As [`read`].
pub async fn read_by_file(
    table: &TableStore,
    snapshot: &Snapshot,
    buckets: &[PartitionBucket],
) -> Result<Vec<VectorsByFile>> {
    let Some(manifest) = &snapshot.index_manifest else { return Ok(vec![Vec::new(); buckets.len()]) };
    let mut files = index_files(table, manifest).await?;
    let read = buckets.iter().map(|bucket| {
        let files = files.remove(bucket).unwrap_or_default();
        async move {
            let mut vectors = Vec::with_capacity(files.len());
            for file in files {
                let of_file = read_file(table, bucket, &file).await?;
                vectors.push((file, of_file));
            }
            Ok(vectors)
        }
    });
    // The futures are made here, as in `read`.
    let read: Vec<_> = read.collect();
    futures::stream::iter(read).buffered(READS_AT_ONCE).try_collect().await
}

/// Writes an index file of these vectors for a bucket; without vectors an empty one, which takes the place of the one before.
///
/// # Errors
/// `Storage`; nothing is left then.
pub async fn write(table: &TableStore, bucket: &PartitionBucket, vectors: &DeletionVectors) -> Result<IndexFileMeta> {
    let written: Vec<_> = vectors.iter().map(|(name, vector)| (name.as_str(), vector.as_ref())).collect();
    let (bytes, ranges) = deletion_vector::encode_index_file(&written)?;
    let file = IndexFileMeta {
        index_type: INDEX_TYPE.to_owned(),
        file_name: format!("index-{}-0", table.io().namer().uuid()),
        file_size: i64::try_from(bytes.len()).map_err(|_| Error::internal("an index file of over 8 EiB"))?,
        row_count: i64::try_from(ranges.len()).map_err(|_| Error::internal("an index file of over 2^63 vectors"))?,
        dv_ranges: Some(ranges),
        external_path: None,
        global_index: None,
    };
    let written = index_files::write(table, bucket, file, bytes).await;
    written.map_err(|error| error.context("writing deletion vectors"))
}

/// The files of vectors that an index manifest names.
async fn index_files(table: &TableStore, manifest: &str) -> Result<HashMap<PartitionBucket, Vec<IndexFileMeta>>> {
    let entries = table.manifests().index_entries(manifest).await?;
    let mut files: HashMap<PartitionBucket, Vec<IndexFileMeta>> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.index_file.index_type == INDEX_TYPE) {
        let bucket = PartitionBucket { partition: entry.partition.clone(), bucket: entry.bucket };
        files.entry(bucket).or_default().push(entry.index_file.clone());
    }
    Ok(files)
}

/// The vectors of several files of a bucket.
async fn read_files(
    table: &TableStore,
    bucket: &PartitionBucket,
    files: &[IndexFileMeta],
) -> Result<BucketDeletionVectors> {
    let mut vectors = DeletionVectors::new();
    for file in files {
        for (name, vector) in read_file(table, bucket, file).await?.iter() {
            if vectors.insert(name.clone(), Arc::clone(vector)).is_some() {
                return Err(twice(&table.index_file(bucket, file)?.to_string(), name));
            }
        }
    }
    Ok(BucketDeletionVectors { vectors, file: None })
}

async fn read_file(table: &TableStore, bucket: &PartitionBucket, file: &IndexFileMeta) -> Result<Arc<DeletionVectors>> {
    let path = table.index_file(bucket, file)?.to_string();
    let VectorCache(cache) = table.vector_cache();
    if let Some(vectors) = cache.get(&path).await {
        return Ok(vectors);
    }
    let Some(ranges) = file.dv_ranges.clone() else {
        return Err(Error::corrupt(path, 0, "the index manifest does not say where in it the deletion vectors lie"));
    };
    let read = index_files::read(table, bucket, file).await;
    let bytes = read.map_err(|error| error.context("reading deletion vectors"))?;
    let vectors = match bytes.len() {
        ..=INLINE_BYTES_MAX => decode(&bytes, &ranges, &path)?,
        _ => {
            let path = path.clone();
            table.io().cpu().run(async move { decode(&bytes, &ranges, &path) }).await?
        }
    };
    let vectors = Arc::new(vectors);
    cache.insert(path, Arc::clone(&vectors)).await;
    Ok(vectors)
}

fn decode(bytes: &Bytes, ranges: &[DeletionVectorMeta], path: &str) -> Result<DeletionVectors> {
    let mut vectors = DeletionVectors::new();
    for ((name, vector), range) in deletion_vector::decode_all(bytes, ranges, path)?.into_iter().zip(ranges) {
        let found = i64::try_from(vector.cardinality()).ok();
        if range.cardinality.is_some() && range.cardinality != found {
            let said = range.cardinality.unwrap_or_default();
            let what = format!("the deletion vector of {name} deletes {} rows, not {said}", vector.cardinality());
            return Err(Error::corrupt(path, usize::try_from(range.offset).unwrap_or(usize::MAX), what));
        }
        if vectors.insert(name.clone(), Arc::new(vector)).is_some() {
            return Err(twice(path, &name));
        }
    }
    Ok(vectors)
}

fn twice(path: &str, name: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{path}: the data file {name} has two deletion vectors"))
}
