//! Point lookups: the records of given keys in the levels of a bucket.
//!
//! Goes in: levels, and keys in ascending order. Comes out: for each key that is there, its record in the lowest level from the first one
//! asked, with the place it lies at. A data file is looked up in through a sorted file of blocks on the local disk, made of it at the
//! first lookup and kept within the limits of `lookup.cache-*`. Answers to `org.apache.paimon.mergetree.LookupLevels`.

use std::sync::Arc;

use alluvium_format::{Error, Result};
use alluvium_merge_tree::{KeyValueBatch, Levels};
use arrow_array::RecordBatch;

use crate::data_file::PartitionBucket;
use crate::deletion_vectors::DeletionVectors;
use crate::table_store::TableStore;

/// What of a record that is found is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupWanted {
    /// That it is there: `first-row`.
    Existence,
    /// Where it lies: deletion vectors.
    Place,
    /// All of it, and where it lies.
    Record,
}

/// A question to the levels of a bucket.
#[derive(Clone, Copy, Debug)]
pub struct LookupRequest<'a> {
    /// The bucket.
    pub bucket: &'a PartitionBucket,
    /// Its files.
    pub levels: &'a Levels,
    /// The first level that is looked in; level 0 has a run for each file, the newest first.
    pub start_level: usize,
    /// The key columns, in the order of the trimmed primary key; rows ascend.
    pub keys: &'a RecordBatch,
    /// What is wanted.
    pub wanted: LookupWanted,
    /// Rows that are not there any more.
    pub deletions: &'a DeletionVectors,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct LookupFound {
    /// The row of the request that each record is of, ascending.
    pub keys: Vec<u32>,
    /// The records, with all columns of the table's schema; only when they were wanted.
    pub records: Option<KeyValueBatch>,
    /// The level of each.
    pub levels: Vec<i32>,
    /// The data file of each and its position in it, from 0.
    pub places: Vec<(Arc<str>, u64)>,
}

/// Looks keys up.
///
/// # Errors
/// Those of reading files; `Storage` when the local disk is full.
pub async fn lookup(table: &TableStore, request: LookupRequest<'_>) -> Result<LookupFound> {
    let _ = (table, request);
    Err(Error::internal("not built"))
}
