//! The index files of a table after a commit: those before, with its changes.
//!
//! Goes in: the entries of the index manifest before, and the changes. Comes out: the whole list. Pure. Invariant: a bucket has one
//! file of each type; global indexes, and deletion vectors of tables without buckets, go by file name. Answers to
//! `org.apache.paimon.manifest.IndexManifestFileHandler`.

use std::collections::{HashMap, HashSet};

use alluvium_format::{
    BinaryRow, BucketMode, Error, ErrorKind, FileKind, IndexManifestEntry, Result, deletion_vector, hash_index,
};

/// The list after `changes`, deletes before adds.
///
/// # Errors
/// `Conflict` when an index file by name is added that is there, or deleted that is not.
pub(crate) fn merge_index(
    before: Vec<IndexManifestEntry>,
    changes: &[IndexManifestEntry],
    mode: BucketMode,
) -> Result<Vec<IndexManifestEntry>> {
    let mut entries = before;
    let of = |kind| changes.iter().filter(move |change| change.kind == kind);
    for change in of(FileKind::Delete) {
        let count = entries.len();
        entries.retain(|entry| !replaces(change, entry, mode));
        if entries.len() == count && !by_bucket(change, mode) {
            return Err(clash(change, "is to be deleted, and is not there any more"));
        }
    }
    for change in of(FileKind::Add) {
        let there = entries.iter_mut().find(|entry| replaces(change, entry, mode));
        match there {
            Some(_) if !by_bucket(change, mode) => return Err(clash(change, "is to be added, and is there already")),
            Some(entry) => *entry = change.clone(),
            None => entries.push(change.clone()),
        }
    }
    Ok(entries)
}

/// Checks that the hash indexes of partitions are those that gave the rows their buckets: by others the same key may have got another one.
///
/// # Errors
/// `Conflict` when another job changed them.
pub(crate) fn check_known(entries: &[IndexManifestEntry], known: &HashMap<BinaryRow, HashSet<String>>) -> Result<()> {
    let mut missing: HashMap<&BinaryRow, HashSet<&str>> =
        known.iter().map(|(partition, files)| (partition, files.iter().map(String::as_str).collect())).collect();
    let hashes = entries.iter().filter(|entry| entry.index_file.index_type == hash_index::INDEX_TYPE);
    for entry in hashes {
        let name = entry.index_file.file_name.as_str();
        if missing.get_mut(&entry.partition).is_some_and(|files| !files.remove(name)) {
            return Err(clash(entry, WRITTEN_BY_OTHERS));
        }
    }
    match missing.values().flatten().next() {
        None => Ok(()),
        Some(gone) => {
            Err(Error::new(ErrorKind::Conflict, format!("the index file {gone} (HASH) is gone: {ONE_WRITER}")))
        }
    }
}

/// Why an index file is a conflict.
const WRITTEN_BY_OTHERS: &str = "was written by another job: a key may get two buckets where two jobs write a table with dynamic buckets, \
                                 so that nothing was committed; open the writer again, and let one job write the table";
/// What to do about it.
const ONE_WRITER: &str = "another job replaced rows of a table with dynamic buckets, so that nothing was committed; open the writer again, \
                          and let one job write the table";

fn by_bucket(entry: &IndexManifestEntry, mode: BucketMode) -> bool {
    match entry.index_file.index_type.as_str() {
        hash_index::INDEX_TYPE => true,
        deletion_vector::INDEX_TYPE => mode != BucketMode::Unaware,
        _ => false,
    }
}

fn replaces(change: &IndexManifestEntry, entry: &IndexManifestEntry, mode: BucketMode) -> bool {
    if change.index_file.index_type != entry.index_file.index_type {
        return false;
    }
    if by_bucket(change, mode) {
        change.bucket == entry.bucket && change.partition == entry.partition
    } else {
        change.index_file.file_name == entry.index_file.file_name
    }
}

fn clash(entry: &IndexManifestEntry, why: &str) -> Error {
    let file = &entry.index_file;
    let message = format!("the index file {} ({}, bucket {}) {why}", file.file_name, file.index_type, entry.bucket);
    Error::new(ErrorKind::Conflict, message)
}
