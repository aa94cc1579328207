//! Whether the deletion vectors of a change fit onto the files and vectors that are there.
//!
//! Goes in: the live files of the buckets it touches, the index before, and the change. Comes out: the first clash, if there is one. Pure.
//! A bucket's new index file takes the place of the one before: what it says must be of files that are there, what it was made of must
//! still be what is there, and a file goes with its vector, or rows that somebody else deleted would come back. Java checks tables without
//! buckets alone (`ConflictDetection.buildDeltaEntriesWithDV`), and leaves a bucket to its one compactor.

use std::collections::{HashMap, HashSet};

use alluvium_format::{BinaryRow, FileKind, IndexManifestEntry, ManifestEntry, deletion_vector};

use crate::commit::changes::Change;
use crate::commit::conflict::{Clash, ClashFile};

/// How many index files of deletion vectors a bucket has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexFilesOfBucket {
    /// One: a further one takes its place.
    One,
    /// Any number, each by its name: in tables without buckets.
    Many,
}

/// The first clash of the deletion vectors of `change` with `base`, the live files of the partitions it touches, and with the index
/// files `before`.
pub(crate) fn find_vector_clash<'a>(
    base: impl Iterator<Item = &'a ManifestEntry>,
    change: &'a Change,
    before: &'a [IndexManifestEntry],
    of_bucket: IndexFilesOfBucket,
) -> Option<Clash> {
    let (ours, there) = (IndexFiles::of(&change.index), IndexFiles::of(before));
    if ours.by_bucket.is_empty() && there.by_bucket.is_empty() {
        return None;
    }
    let live = live_names(base.filter(|entry| ours.has(entry) || there.has(entry)), change);
    let stay = there.without(&ours, of_bucket);
    find_replaced(&ours, &there)
        .or_else(|| find_unseen(change, &stay, &live))
        .or_else(|| find_beside(&ours, &stay, of_bucket))
        .or_else(|| find_vector_of_gone(ours.added(), &there, &live))
}

/// A bucket of a partition.
type Bucket<'a> = (&'a BinaryRow, i32);

/// A data file by its bucket and name.
type Named<'a> = (Bucket<'a>, &'a str);

/// The index files of deletion vectors among some.
struct IndexFiles<'a> {
    entries: &'a [IndexManifestEntry],
    by_bucket: HashMap<Bucket<'a>, Vec<&'a IndexManifestEntry>>,
}

impl<'a> IndexFiles<'a> {
    fn of(entries: &'a [IndexManifestEntry]) -> Self {
        let mut by_bucket: HashMap<_, Vec<_>> = HashMap::new();
        for entry in entries.iter().filter(|entry| is_of_vectors(entry)) {
            by_bucket.entry((&entry.partition, entry.bucket)).or_default().push(entry);
        }
        Self { entries, by_bucket }
    }

    /// Those that are added, in their order.
    fn added(&self) -> impl Iterator<Item = &'a IndexManifestEntry> {
        self.all().filter(|entry| entry.kind == FileKind::Add)
    }

    /// Those that are left when `ours` are added and deleted.
    fn without(&self, ours: &Self, of_bucket: IndexFilesOfBucket) -> Self {
        let stays = |bucket: Bucket<'a>, entry: &IndexManifestEntry| match of_bucket {
            IndexFilesOfBucket::One => !ours.by_bucket.contains_key(&bucket),
            IndexFilesOfBucket::Many => ours.in_bucket(bucket).iter().all(|change| {
                change.kind == FileKind::Add || change.index_file.file_name != entry.index_file.file_name
            }),
        };
        let by_bucket = self.by_bucket.iter().map(|(bucket, entries)| {
            (*bucket, entries.iter().copied().filter(|entry| stays(*bucket, entry)).collect())
        });
        Self { entries: self.entries, by_bucket: by_bucket.collect() }
    }

    /// All of them, in their order.
    fn all(&self) -> impl Iterator<Item = &'a IndexManifestEntry> {
        self.entries.iter().filter(|entry| is_of_vectors(entry))
    }

    /// Those of a bucket.
    fn in_bucket<'b>(&'b self, bucket: Bucket<'b>) -> &'b [&'a IndexManifestEntry] {
        self.by_bucket.get(&bucket).map_or(&[], Vec::as_slice)
    }

    /// The one that speaks of a data file.
    fn that_names<'b>(&'b self, bucket: Bucket<'b>, name: &str) -> Option<&'a IndexManifestEntry> {
        let mut in_bucket = self.in_bucket(bucket).iter().copied();
        in_bucket.find(|entry| named(entry).any(|named| named == name))
    }

    /// Whether there is one of the bucket of a data file.
    fn has(&self, entry: &ManifestEntry) -> bool {
        self.by_bucket.contains_key(&(&entry.partition, entry.bucket))
    }
}

/// An index file that the change was made of, and that is not the bucket's.
fn find_replaced(ours: &IndexFiles<'_>, there: &IndexFiles<'_>) -> Option<Clash> {
    ours.all().filter(|entry| entry.kind == FileKind::Delete).find_map(|entry| {
        let in_bucket = there.in_bucket((&entry.partition, entry.bucket));
        let name = |entry: &IndexManifestEntry| entry.index_file.file_name.clone();
        let is_there = in_bucket.iter().any(|there| there.index_file.file_name == entry.index_file.file_name);
        let there = in_bucket.first().map(|there| name(there));
        (!is_there).then(|| Clash::VectorsReplaced { ours: index_file(entry), there })
    })
}

/// A file that the change takes away, while vectors that `stay` speak of it: whoever rewrote it did not know which of its rows are
/// deleted.
fn find_unseen(change: &Change, stay: &IndexFiles<'_>, live: &HashSet<Named<'_>>) -> Option<Clash> {
    let gone = change
        .entries
        .iter()
        .filter(|entry| entry.kind == FileKind::Delete && stay.has(entry) && !live.contains(&data_file(entry)));
    gone.into_iter().find_map(|entry| {
        let index = stay.that_names((&entry.partition, entry.bucket), &entry.file.file_name)?;
        Some(Clash::VectorUnseen { file: ClashFile::of(entry), index: index.index_file.file_name.clone() })
    })
}

/// A file of which there would be two vectors: ours, and one that somebody else has made.
fn find_beside(ours: &IndexFiles<'_>, stay: &IndexFiles<'_>, of_bucket: IndexFilesOfBucket) -> Option<Clash> {
    if of_bucket == IndexFilesOfBucket::One {
        return None;
    }
    ours.added().find_map(|entry| {
        let there = |name: &str| stay.that_names((&entry.partition, entry.bucket), name);
        let (name, index) = named(entry).find_map(|name| Some((name, there(name)?)))?;
        let file = ClashFile { name: name.to_owned(), ..index_file(entry) };
        Some(Clash::VectorBeside { file, index: index.index_file.file_name.clone() })
    })
}

/// A vector that is new and of a file that is not there.
fn find_vector_of_gone<'a>(
    mut added: impl Iterator<Item = &'a IndexManifestEntry>,
    there: &IndexFiles<'_>,
    live: &HashSet<Named<'_>>,
) -> Option<Clash> {
    added.find_map(|entry| {
        let bucket = (&entry.partition, entry.bucket);
        // What was said of files that are gone before hurts nobody, and may be said again.
        let known: HashSet<&str> = there.in_bucket(bucket).iter().flat_map(|there| named(there)).collect();
        let gone = named(entry).find(|name| !known.contains(name) && !live.contains(&(bucket, *name)))?;
        let file = ClashFile { name: gone.to_owned(), ..index_file(entry) };
        Some(Clash::VectorOfGone { file, index: entry.index_file.file_name.clone() })
    })
}

/// The data files that are there after the change.
fn live_names<'a>(base: impl Iterator<Item = &'a ManifestEntry>, change: &'a Change) -> HashSet<Named<'a>> {
    let mut live: HashSet<Named<'a>> = base.map(data_file).collect();
    // Deletes first: a file that moves up a level is deleted and added under one name.
    for entry in change.entries.iter().filter(|entry| entry.kind == FileKind::Delete) {
        live.remove(&data_file(entry));
    }
    live.extend(change.entries.iter().filter(|entry| entry.kind == FileKind::Add).map(data_file));
    live
}

fn data_file(entry: &ManifestEntry) -> Named<'_> {
    ((&entry.partition, entry.bucket), &entry.file.file_name)
}

fn is_of_vectors(entry: &IndexManifestEntry) -> bool {
    entry.index_file.index_type == deletion_vector::INDEX_TYPE
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
