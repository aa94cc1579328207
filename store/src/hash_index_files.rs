//! The hash indexes of a table with dynamic buckets: which keys, by their hashes, a bucket has.
//!
//! Goes in: a partition at a snapshot, or the hashes of a bucket. Comes out: its index files, their hashes, or a file that was written.
//! Invariant: a bucket has one file, written anew when keys come. Answers to `org.apache.paimon.index.HashIndexFile` and
//! `IndexFileHandler.scanEntries`.

use std::collections::HashMap;

use alluvium_format::hash_index::{self, INDEX_TYPE};
use alluvium_format::{BinaryRow, Error, IndexFileMeta, Result, Snapshot};
use futures::{StreamExt, TryStreamExt};

use crate::data_file::PartitionBucket;
use crate::index_files;
use crate::table_store::TableStore;

/// Index files read or written at the same time: enough to hide the store's latency; of the largest each takes eight megabytes.
const FILES_AT_ONCE: usize = 16;

/// The index file of a bucket.
pub type BucketIndexFile = (PartitionBucket, IndexFileMeta);

/// The hash index files of `partitions` at a snapshot, partition by partition; one without any has an empty list.
///
/// # Errors
/// `NotFound`, `Corrupt` and `Storage` with the path.
pub async fn find(
    table: &TableStore,
    snapshot: Option<&Snapshot>,
    partitions: &[BinaryRow],
) -> Result<Vec<Vec<BucketIndexFile>>> {
    let mut files: HashMap<&BinaryRow, Vec<BucketIndexFile>> = partitions.iter().map(|row| (row, vec![])).collect();
    if let Some(manifest) = snapshot.and_then(|snapshot| snapshot.index_manifest.as_deref()) {
        let entries = table.manifests().index_entries(manifest).await?;
        for entry in entries.iter().filter(|entry| entry.index_file.index_type == INDEX_TYPE) {
            if let Some(files) = files.get_mut(&entry.partition) {
                let bucket = PartitionBucket { partition: entry.partition.clone(), bucket: entry.bucket };
                files.push((bucket, entry.index_file.clone()));
            }
        }
    }
    Ok(partitions.iter().map(|partition| files.remove(partition).unwrap_or_default()).collect())
}

/// The hashes of each of the files.
///
/// # Errors
/// `NotFound`, `Corrupt` and `Storage` with the path; `Invalid` for an index file that is where the catalog does not allow it.
pub async fn read(table: &TableStore, files: &[BucketIndexFile]) -> Result<Vec<Vec<i32>>> {
    let read: Vec<_> = files.iter().map(|file| read_one(table, file)).collect();
    futures::stream::iter(read).buffered(FILES_AT_ONCE).try_collect().await
}

async fn read_one(table: &TableStore, (bucket, file): &BucketIndexFile) -> Result<Vec<i32>> {
    let read = index_files::read(table, bucket, file).await;
    let bytes = read.map_err(|error| error.context("reading a hash index"))?;
    hash_index::decode(&bytes, &table.index_file(bucket, file)?.to_string())
}

/// Writes the index files of buckets, each of which has these hashes. Where one cannot be written none is left.
///
/// # Errors
/// `Storage`.
pub async fn write(table: &TableStore, buckets: Vec<(PartitionBucket, Vec<i32>)>) -> Result<Vec<BucketIndexFile>> {
    let written: Vec<_> = buckets.into_iter().map(|(bucket, hashes)| write_one(table, bucket, hashes)).collect();
    let written: Vec<Result<BucketIndexFile>> = futures::stream::iter(written).buffered(FILES_AT_ONCE).collect().await;
    let (mut files, mut failure) = (Vec::with_capacity(written.len()), None);
    for outcome in written {
        match outcome {
            Ok(file) => files.push(file),
            Err(error) => failure = Some(error),
        }
    }
    let Some(error) = failure else { return Ok(files) };
    for (bucket, file) in &files {
        index_files::delete_unpublished(table, bucket, file).await;
    }
    Err(error.context("writing a hash index"))
}

async fn write_one(table: &TableStore, bucket: PartitionBucket, hashes: Vec<i32>) -> Result<BucketIndexFile> {
    let bytes = hash_index::encode(&hashes);
    let file = IndexFileMeta {
        index_type: INDEX_TYPE.to_owned(),
        file_name: format!("index-{}-0", table.io().namer().uuid()),
        file_size: i64::try_from(bytes.len()).map_err(|_| Error::internal("an index file of over 8 EiB"))?,
        row_count: i64::try_from(hashes.len()).map_err(|_| Error::internal("an index file of over 2^63 hashes"))?,
        dv_ranges: None,
        external_path: None,
        global_index: None,
    };
    let file = index_files::write(table, &bucket, file, bytes).await?;
    Ok((bucket, file))
}
