//! The deletion vectors of a bucket: which rows of its data files are deleted.
//!
//! Goes in: a snapshot's index manifest, and the files it names. Comes out: vectors by data file; and from vectors, one index file. Invariants: a
//! bucket of a keyed table has one index file, whose vectors lie in the order of its entry. Answers to
//! `org.apache.paimon.deletionvectors.BucketedDvMaintainer` and `DeletionVectorsIndexFile`.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_format::deletion_vector::DeletionVector;
use alluvium_format::{Error, IndexFileMeta, Result, Snapshot};

use crate::data_file::PartitionBucket;
use crate::table_store::TableStore;

/// The vectors of data files, by file name.
pub type DeletionVectors = BTreeMap<String, Arc<DeletionVector>>;

/// The vectors of one bucket with the index file they are in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BucketDeletionVectors {
    /// By data file.
    pub vectors: DeletionVectors,
    /// Where they are; `None` when the bucket has none.
    pub file: Option<IndexFileMeta>,
}

/// Reads the vectors of buckets at a snapshot, in the order of `buckets`.
///
/// # Errors
/// `NotFound`, `Corrupt` and `Storage` with the path.
pub async fn read(
    table: &TableStore,
    snapshot: &Snapshot,
    buckets: &[PartitionBucket],
) -> Result<Vec<BucketDeletionVectors>> {
    let _ = (table, snapshot, buckets);
    Err(Error::internal("not built"))
}

/// Writes an index file of these vectors for a bucket; without vectors an empty one, which takes the place of the one before.
///
/// # Errors
/// `Storage`; nothing is left then.
pub async fn write(table: &TableStore, bucket: &PartitionBucket, vectors: &DeletionVectors) -> Result<IndexFileMeta> {
    let _ = (table, bucket, vectors);
    Err(Error::internal("not built"))
}

/// Deletes an index file that no snapshot names, at best effort.
pub async fn delete_unpublished(table: &TableStore, bucket: &PartitionBucket, file: &IndexFileMeta) {
    let _ = (table, bucket, file);
}
