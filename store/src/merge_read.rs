//! Merges the files of a bucket, section by section: drives the pure merge with batches from files.
//!
//! Goes in: sections in key order. Comes out: one record a key, in key order, deletes included. Answers to
//! `org.apache.paimon.mergetree.MergeTreeReaders`.

use alluvium_format::{Error, Result};
use alluvium_merge_tree::{KeyValueBatch, MergeOptions, Section};

use crate::data_file::{DataFileRead, PartitionBucket};
use crate::table_store::TableStore;

/// A merge over files. CPU-bound: drive it in a [`crate::CpuPool`].
#[derive(Debug)]
pub struct MergeRead {}

impl MergeRead {
    /// A merge of `sections`. The fields of `read` have the key and sequence columns ([`MergeOptions::required_columns`]); its
    /// predicate is used where no other run can hold the key, and on key columns everywhere; `system` is taken as `All`.
    ///
    /// # Errors
    /// `Invalid` when the fields lack a key or sequence column.
    pub fn new(
        _table: &TableStore,
        _bucket: PartitionBucket,
        _sections: Vec<Section>,
        _merge: &MergeOptions,
        _read: DataFileRead,
    ) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// The next records; `None` at the end.
    ///
    /// # Errors
    /// Those of reading files.
    pub async fn next(&mut self) -> Result<Option<KeyValueBatch>> {
        Err(Error::internal("not built"))
    }
}
