//! The index files of a table after a commit: those before, with its changes.
//!
//! Goes in: the entries of the index manifest before, and the changes. Comes out: the whole list. Pure. Invariant: a bucket has one
//! file of each type; global indexes, and deletion vectors of tables without buckets, go by file name. Answers to
//! `org.apache.paimon.manifest.IndexManifestFileHandler`.

use alluvium_format::{
    BucketMode, Error, ErrorKind, FileKind, IndexManifestEntry, Result, deletion_vector, hash_index,
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
