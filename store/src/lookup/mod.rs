//! Point lookups: the records of given keys in the levels of a bucket.
//!
//! Goes in: levels, and keys in ascending order. Comes out: for each key that is there, its record in the lowest level from the first one
//! asked, with the place it lies at. A data file is looked up in through blocks that a process keeps of it within the limits of
//! `lookup.cache-*`, in memory while they are few, else on the local disk; they are made of it at the first lookup. Invariants: level 0 is
//! looked in from the newest file on, then the levels upwards; every file and every block of it is visited once a call, however many keys.
//! Answers to `org.apache.paimon.mergetree.LookupLevels`.

mod block;
mod bloom_filter;
mod build;
mod cache;
mod found_rows;
mod key_ranges;
mod limits;
mod lookup_file;
mod lru;
mod search;

use std::sync::Arc;

use alluvium_format::Result;
use alluvium_merge_tree::{KeyValueBatch, Levels};
use arrow_array::RecordBatch;

use crate::data_file::PartitionBucket;
use crate::deletion_vectors::DeletionVectors;
use crate::table_store::TableStore;
use search::Search;

pub use cache::{LookupCache, LookupUsage};

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
    /// The key columns, in the order of the trimmed primary key; rows ascend strictly.
    pub keys: &'a RecordBatch,
    /// What is wanted.
    pub wanted: LookupWanted,
    /// Rows that are not there any more.
    pub deletions: &'a DeletionVectors,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LookupFound {
    /// The row of the request that each record is of, ascending.
    pub keys: Vec<u32>,
    /// The records, with all columns of the table's schema; only when they were wanted, and there are any.
    pub records: Option<KeyValueBatch>,
    /// The level of each.
    pub levels: Vec<i32>,
    /// The data file of each and its position in it, from 0.
    pub places: Vec<(Arc<str>, u64)>,
}

/// Which records of a key are looked for, where it has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupVersions {
    /// All.
    All,
    /// Those that may have the highest sequence number.
    Newest,
    /// All of level 0, and that of the lowest level above it: tables that look up have the others merged into it.
    LowestLevel,
}

/// Looks keys up. CPU-bound, and it blocks: drive it in a [`crate::CpuPool`].
///
/// # Errors
/// `Invalid` when the keys are not those of the table or do not ascend; those of reading files; `Storage` when the local disk is full.
pub async fn lookup(table: &TableStore, request: LookupRequest<'_>) -> Result<LookupFound> {
    let mut search = Search::new(table, &request)?;
    for run in search::runs(&request) {
        search.run(run).await?;
        search.settle_hits();
    }
    search.finish()
}

/// Looks all records of keys up, run by run, the newest run first: each has one record of a key at most. As [`lookup`] otherwise.
///
/// # Errors
/// As [`lookup`].
pub async fn lookup_versions(
    table: &TableStore,
    request: LookupRequest<'_>,
    versions: LookupVersions,
) -> Result<Vec<LookupFound>> {
    let mut search = Search::new(table, &request)?;
    let runs = search::runs(&request);
    let mut found = Vec::with_capacity(runs.len());
    for (number, run) in runs.iter().enumerate() {
        search.run(*run).await?;
        found.push(search.take_versions(versions, run.0, runs.get(number + 1..).unwrap_or_default())?);
    }
    Ok(found)
}

/// Drops what this process keeps of a data file: it was compacted away.
pub fn forget(table: &TableStore, file_name: &str) {
    table.io().lookup_cache().forget(table.io().base(), file_name);
}
