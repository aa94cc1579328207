//! Whether the deletion vectors of a change fit onto the files and vectors that are there.
//!
//! Goes in: the live files of the buckets it touches, the index before, and the change. Comes out: the first clash, if there is one. Pure.
//! A bucket's new index file takes the place of the one before: what it says must be of files that are there, and what it was made of must
//! still be what is there, or rows that somebody else deleted would come back. Java checks tables without buckets alone
//! (`ConflictDetection.buildDeltaEntriesWithDV`), and leaves a bucket to its one compactor.

use std::collections::HashSet;

use alluvium_format::{BinaryRow, FileKind, IndexManifestEntry, ManifestEntry, deletion_vector};

use crate::commit::changes::Change;
use crate::commit::conflict::{Clash, ClashFile};

/// The first clash of the deletion vectors of `change` with `base`, the live files of the partitions it touches, and with the index
/// files `before`.
pub(crate) fn find_vector_clash<'a>(
    base: impl Iterator<Item = &'a ManifestEntry>,
    change: &'a Change,
    before: &[IndexManifestEntry],
) -> Option<Clash> {
    let ours: Vec<_> = change.index.iter().filter(|entry| is_of_vectors(entry)).collect();
    let mut replaced = ours.iter().filter(|entry| entry.kind == FileKind::Delete);
    let is_there = |entry: &IndexManifestEntry| {
        of_bucket(before, entry).any(|there| there.index_file.file_name == entry.index_file.file_name)
    };
    if let Some(entry) = replaced.find(|entry| !is_there(entry)) {
        let there = of_bucket(before, entry).next().map(|there| there.index_file.file_name.clone());
        return Some(Clash::VectorsReplaced { ours: index_file(entry), there });
    }
    let added: Vec<_> = ours.into_iter().filter(|entry| entry.kind == FileKind::Add).collect();
    if added.is_empty() {
        return None;
    }
    let live = live_names(base, change);
    added.into_iter().find_map(|entry| {
        // What was said of files that are gone before hurts nobody, and may be said again.
        let known: HashSet<&str> = of_bucket(before, entry).flat_map(named).collect();
        let gone = named(entry)
            .find(|name| !known.contains(name) && !live.contains(&(&entry.partition, entry.bucket, *name)))?;
        let file = ClashFile { name: gone.to_owned(), ..index_file(entry) };
        Some(Clash::VectorOfGone { file, index: entry.index_file.file_name.clone() })
    })
}

/// A data file by its bucket and name.
type Named<'a> = (&'a BinaryRow, i32, &'a str);

/// The data files that are there after the change.
fn live_names<'a>(base: impl Iterator<Item = &'a ManifestEntry>, change: &'a Change) -> HashSet<Named<'a>> {
    let of = |entry: &'a ManifestEntry| (&entry.partition, entry.bucket, entry.file.file_name.as_str());
    let mut live: HashSet<Named<'a>> = base.map(of).collect();
    // Deletes first: a file that moves up a level is deleted and added under one name.
    for entry in change.entries.iter().filter(|entry| entry.kind == FileKind::Delete) {
        live.remove(&of(entry));
    }
    live.extend(change.entries.iter().filter(|entry| entry.kind == FileKind::Add).map(of));
    live
}

fn is_of_vectors(entry: &IndexManifestEntry) -> bool {
    entry.index_file.index_type == deletion_vector::INDEX_TYPE
}

/// The index files of the bucket of `entry`.
fn of_bucket<'a>(
    before: &'a [IndexManifestEntry],
    entry: &IndexManifestEntry,
) -> impl Iterator<Item = &'a IndexManifestEntry> {
    let (partition, bucket) = (entry.partition.clone(), entry.bucket);
    before.iter().filter(move |there| is_of_vectors(there) && there.bucket == bucket && there.partition == partition)
}

/// The data files that it speaks of.
fn named(entry: &IndexManifestEntry) -> impl Iterator<Item = &str> {
    entry.index_file.dv_ranges.iter().flatten().map(|range| range.data_file_name.as_str())
}

fn index_file(entry: &IndexManifestEntry) -> ClashFile {
    ClashFile {
        partition: entry.partition.clone(),
        bucket: entry.bucket,
        level: None,
        name: entry.index_file.file_name.clone(),
    }
}
