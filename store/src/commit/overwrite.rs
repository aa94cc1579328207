//! What an overwrite changes: all files of its scope go, the new ones come.
//!
//! Goes in: the live files and index files of the scope, and the new files. Comes out: one OVERWRITE change. Pure; made again for every
//! attempt, as what is live changes. Answers to `FileStoreCommitImpl.overwritePartition` and `CommitScanner.readOverwriteChanges`.

use std::collections::{HashMap, HashSet};

use alluvium_format::{BinaryRow, CommitKind, DataType, Error, FileKind, IndexManifestEntry, ManifestEntry, Result};
use alluvium_merge_tree::comparator::Key;

use crate::commit::OverwriteScope;
use crate::commit::changes::{Change, DeletedStats, of_deleted};

/// The partitions that an overwrite replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// Every one.
    All,
    /// These.
    Partitions(HashSet<BinaryRow>),
}

impl Replaced {
    /// Those of a scope; `None` when nothing is written, so that nothing is replaced.
    ///
    /// # Errors
    /// `Invalid` when a new file is outside of the scope, or the change deletes files by itself.
    pub(crate) fn of(scope: OverwriteScope, change: &Change, partition_columns: usize) -> Result<Option<Self>> {
        if change.entries.iter().any(|entry| entry.kind == FileKind::Delete) {
            return Err(Error::invalid("an overwrite is given new files only: what goes is up to its scope"));
        }
        match scope {
            OverwriteScope::Written if partition_columns > 0 => {
                let partitions: HashSet<_> = change.entries.iter().map(|entry| entry.partition.clone()).collect();
                Ok((!partitions.is_empty()).then_some(Self::Partitions(partitions)))
            }
            OverwriteScope::Written | OverwriteScope::Table => Ok(Some(Self::All)),
            OverwriteScope::Partitions(partitions) => {
                let partitions: HashSet<BinaryRow> = partitions.into_iter().collect();
                match change.entries.iter().find(|entry| !partitions.contains(&entry.partition)) {
                    Some(outside) => Err(Error::invalid(format!(
                        "the file {} is in a partition that the overwrite does not replace",
                        outside.file.file_name
                    ))),
                    None => Ok(Some(Self::Partitions(partitions))),
                }
            }
        }
    }

    /// Whether a partition is one of them.
    pub(crate) fn has(&self, partition: &BinaryRow) -> bool {
        match self {
            Self::All => true,
            Self::Partitions(partitions) => partitions.contains(partition),
        }
    }
}

/// Whether an overwrite reaches the files that wait for their buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostponeBucket {
    /// In tables of `bucket = -2`.
    Replaced,
    /// In all others.
    Left,
}

/// The OVERWRITE change: `live` and `index` of the replaced partitions go, the files of `new` come. Its changelog is left out.
pub(crate) fn replace<'a>(
    new: &Change,
    replaced: &Replaced,
    live: impl Iterator<Item = &'a ManifestEntry>,
    index: Vec<IndexManifestEntry>,
    how: (PostponeBucket, DeletedStats),
) -> Change {
    let (postpone, stats) = how;
    let gone = live
        .filter(|entry| replaced.has(&entry.partition))
        .filter(|entry| entry.bucket >= 0 || postpone == PostponeBucket::Replaced)
        .map(|entry| ManifestEntry {
            kind: FileKind::Delete,
            partition: entry.partition.clone(),
            bucket: entry.bucket,
            total_buckets: entry.total_buckets,
            file: of_deleted(entry.file.clone(), stats),
        });
    let gone_index = index
        .into_iter()
        .filter(|entry| replaced.has(&entry.partition))
        .map(|entry| IndexManifestEntry { kind: FileKind::Delete, ..entry });
    Change {
        known: HashMap::new(),
        known_index: HashMap::new(),
        known_until: new.known_until,
        kind: CommitKind::Overwrite,
        entries: gone.chain(new.entries.iter().cloned()).collect(),
        changelog: Vec::new(),
        index: gone_index.chain(new.index.iter().cloned()).collect(),
        identifier: new.identifier,
        watermark: new.watermark,
        properties: new.properties.clone(),
    }
}

/// The new files of an overwrite, each bucket's at the top level when their key ranges are disjoint: nothing lies below them, so
/// that readers need not merge (`overwrite-upgrade`).
///
/// # Errors
/// `Corrupt` when keys are no rows of the key's types.
pub(crate) fn upgrade(
    entries: Vec<ManifestEntry>,
    key_types: &[DataType],
    top_level: i32,
) -> Result<Vec<ManifestEntry>> {
    if key_types.is_empty() || entries.iter().any(|entry| entry.file.level > 0 || entry.bucket < 0) {
        return Ok(entries);
    }
    let mut buckets: HashMap<(&BinaryRow, i32), Vec<KeyRange>> = HashMap::new();
    for entry in &entries {
        let range = (Key::decode(&entry.file.min_key, key_types)?, Key::decode(&entry.file.max_key, key_types)?);
        buckets.entry((&entry.partition, entry.bucket)).or_default().push(range);
    }
    let disjoint: HashSet<(BinaryRow, i32)> = buckets
        .into_iter()
        .filter_map(|(bucket, ranges)| are_disjoint(ranges).then(|| (bucket.0.clone(), bucket.1)))
        .collect();
    let raise = |mut entry: ManifestEntry| {
        if disjoint.contains(&(entry.partition.clone(), entry.bucket)) {
            entry.file.level = top_level;
        }
        entry
    };
    Ok(entries.into_iter().map(raise).collect())
}

/// The least and greatest key of a file.
type KeyRange = (Key, Key);

fn are_disjoint(mut ranges: Vec<KeyRange>) -> bool {
    ranges.sort_by(|left, right| left.0.cmp(&right.0));
    ranges.is_sorted_by(|left, right| left.1 < right.0)
}
