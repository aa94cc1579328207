//! The messages of writers as entries: one change for the APPEND part of a commit, one for its COMPACT part.
//!
//! Goes in: a [`Committable`]. Comes out: changes with the kind of snapshot they make. Answers to
//! `org.apache.paimon.operation.commit.ManifestEntryChanges`.

use std::collections::{HashMap, HashSet};

use alluvium_format::{
    BinaryRow, CommitKind, CommitMessage, DataFileMeta, FileKind, IndexFileMeta, IndexManifestEntry, ManifestEntry,
    SimpleStats, deletion_vector,
};
use indexmap::IndexMap;

use crate::commit::Committable;

/// What DELETE entries say of the values in their file (`manifest.delete-file-drop-stats`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeletedStats {
    Kept,
    Dropped,
}

/// What one snapshot changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) identifier: i64,
    pub(crate) kind: CommitKind,
    pub(crate) watermark: Option<i64>,
    pub(crate) properties: IndexMap<String, String>,
    pub(crate) entries: Vec<ManifestEntry>,
    pub(crate) changelog: Vec<ManifestEntry>,
    pub(crate) index: Vec<IndexManifestEntry>,
    /// The files above level 0 that compactions of tables that look up knew, bucket by bucket.
    pub(crate) known: HashMap<(BinaryRow, i32), HashSet<String>>,
    /// The hash index files, partition by partition, that gave the rows of tables with dynamic buckets their buckets.
    pub(crate) known_index: HashMap<BinaryRow, HashSet<String>>,
    /// The snapshot after which nobody else may have brought rows.
    pub(crate) known_until: Option<i64>,
}

/// The parts of a commit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Changes {
    /// An OVERWRITE when it deletes files or changes deletion vectors, as such files are not only added.
    pub(crate) append: Change,
    pub(crate) compact: Change,
}

impl Changes {
    /// Those of a committable.
    pub(crate) fn of(committable: Committable, stats: DeletedStats) -> Self {
        let Committable { identifier, watermark, properties, known_until, messages } = committable;
        let empty = |kind| Change {
            identifier,
            kind,
            watermark,
            properties: properties.clone(),
            entries: Vec::new(),
            changelog: Vec::new(),
            index: Vec::new(),
            known: HashMap::new(),
            known_index: HashMap::new(),
            known_until: None,
        };
        let mut changes = Self { append: empty(CommitKind::Append), compact: empty(CommitKind::Compact) };
        for message in messages {
            changes.collect(message, stats);
        }
        changes.append.known_until = known_until;
        if changes.append.replaces_rows() {
            changes.append.kind = CommitKind::Overwrite;
        }
        changes
    }

    fn collect(&mut self, message: CommitMessage, stats: DeletedStats) {
        let CommitMessage { partition, bucket, total_buckets, data, compact } = message;
        let entry = |kind| {
            let partition = partition.clone();
            move |file: DataFileMeta| {
                let file = if kind == FileKind::Delete { of_deleted(file, stats) } else { file };
                ManifestEntry { kind, partition: partition.clone(), bucket, total_buckets, file }
            }
        };
        let index = |kind| {
            let partition = partition.clone();
            move |index_file: IndexFileMeta| IndexManifestEntry {
                kind,
                partition: partition.clone(),
                bucket,
                index_file,
            }
        };
        self.append.entries.extend(data.new_files.into_iter().map(entry(FileKind::Add)));
        self.append.entries.extend(data.deleted_files.into_iter().map(entry(FileKind::Delete)));
        self.append.changelog.extend(data.changelog_files.into_iter().map(entry(FileKind::Add)));
        self.append.index.extend(data.deleted_index_files.into_iter().map(index(FileKind::Delete)));
        self.append.index.extend(data.new_index_files.into_iter().map(index(FileKind::Add)));
        if let Some(known) = data.known_index_files {
            self.append.known_index.entry(partition.clone()).or_default().extend(known);
        }
        self.compact.entries.extend(compact.compact_before.into_iter().map(entry(FileKind::Delete)));
        self.compact.entries.extend(compact.compact_after.into_iter().map(entry(FileKind::Add)));
        self.compact.changelog.extend(compact.changelog_files.into_iter().map(entry(FileKind::Add)));
        if let Some(known) = compact.known_files {
            self.compact.known.entry((partition.clone(), bucket)).or_default().extend(known);
        }
        self.compact.index.extend(compact.deleted_index_files.into_iter().map(index(FileKind::Delete)));
        self.compact.index.extend(compact.new_index_files.into_iter().map(index(FileKind::Add)));
    }
}

impl Change {
    /// Whether it names no file.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.changelog.is_empty() && self.index.is_empty()
    }

    /// Whether it takes files or rows away, and so must find them where it left them.
    pub(crate) fn replaces_rows(&self) -> bool {
        self.entries.iter().any(|entry| entry.kind == FileKind::Delete)
            || self.index.iter().any(|entry| entry.index_file.index_type == deletion_vector::INDEX_TYPE)
    }

    /// The partitions in which conflicts may be.
    pub(crate) fn partitions(&self) -> HashSet<BinaryRow> {
        let vectors = self.index.iter().filter(|entry| entry.index_file.index_type == deletion_vector::INDEX_TYPE);
        let files = self.entries.iter().map(|entry| &entry.partition);
        files.chain(vectors.map(|entry| &entry.partition)).cloned().collect()
    }
}

/// What a DELETE entry says of its file.
pub(crate) fn of_deleted(mut file: DataFileMeta, stats: DeletedStats) -> DataFileMeta {
    if stats == DeletedStats::Dropped {
        file.value_stats = SimpleStats::empty();
        file.value_stats_cols = Some(Vec::new());
    }
    file
}
