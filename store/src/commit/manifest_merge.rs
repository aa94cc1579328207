//! Which manifests a commit merges, so that a table keeps few of them.
//!
//! Goes in: the manifests of the snapshot before, in order. Comes out: which stay and which become one; and the entries of those that
//! do. Pure. Invariants: a full merge leaves no DELETE entry; a minor merge keeps the order of manifests, and keeps a DELETE whose ADD
//! is not among what it merges. Answers to `org.apache.paimon.operation.ManifestFileMerger`.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use alluvium_format::{CoreOptions, Error, ErrorKind, FileKind, ManifestEntry, ManifestFileMeta, Result};

use crate::scan::file_identity::FileIdentity;
use crate::scan::partition_filter::PartitionFilter;

/// When manifests are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MergeLimits {
    /// `manifest.target-file-size`: smaller manifests are merged.
    pub(crate) target_bytes: i64,
    /// `manifest.merge-min-count`: how many the last ones must be.
    pub(crate) min_count: usize,
    /// `manifest.full-compaction-threshold-size`: how much there must be to merge for all of it to be merged.
    pub(crate) full_bytes: i64,
}

/// What happens to some manifests that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MergeStep {
    /// They stay.
    Keep(Range<usize>),
    /// They become as few as hold their entries.
    Merge(Range<usize>),
}

impl MergeLimits {
    /// Those of a table.
    pub(crate) fn of(options: &CoreOptions) -> Result<Self> {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        Ok(Self {
            target_bytes: bytes(options.manifest_target_file_bytes()?),
            min_count: options.manifest_merge_min_count()?,
            full_bytes: bytes(options.manifest_full_compaction_bytes()?),
        })
    }

    /// Whether a full merge is due: what it must change outweighs the reading of all DELETE entries.
    pub(crate) fn wants_full(&self, manifests: &[ManifestFileMeta]) -> bool {
        let bytes = manifests.iter().filter(|meta| self.must_change(meta)).map(|meta| meta.file_size);
        bytes.fold(0i64, i64::saturating_add) >= self.full_bytes
    }

    fn must_change(&self, meta: &ManifestFileMeta) -> bool {
        meta.num_deleted_files > 0 || meta.file_size < self.target_bytes
    }

    /// The steps of a minor merge, in the order of the manifests.
    pub(crate) fn minor(&self, manifests: &[ManifestFileMeta]) -> Vec<MergeStep> {
        let mut steps = Vec::new();
        let (mut start, mut bytes) = (0, 0i64);
        for (at, meta) in manifests.iter().enumerate() {
            bytes = bytes.saturating_add(meta.file_size);
            if bytes >= self.target_bytes {
                let batch = start..at + 1;
                steps.push(if batch.len() > 1 { MergeStep::Merge(batch) } else { MergeStep::Keep(batch) });
                (start, bytes) = (at + 1, 0);
            }
        }
        let last = start..manifests.len();
        match last.len() {
            0 => {}
            count if count > 1 && count >= self.min_count => steps.push(MergeStep::Merge(last)),
            _ => steps.push(MergeStep::Keep(last)),
        }
        steps
    }

    /// Of all manifests, which stay and which are merged by a full merge, given the partitions that have DELETE entries; `None` when
    /// there is nothing to gain.
    pub(crate) fn full(
        &self,
        manifests: &[ManifestFileMeta],
        deleted: &PartitionFilter,
    ) -> Result<Option<(Vec<ManifestFileMeta>, Vec<ManifestFileMeta>)>> {
        let (mut kept, mut merged) = (Vec::new(), Vec::new());
        for meta in manifests {
            let touched = self.must_change(meta) || deleted.may_have(meta)?;
            if touched { &mut merged } else { &mut kept }.push(meta.clone());
        }
        Ok((merged.len() > 1).then_some((kept, merged)))
    }

    /// The entries of a full merge: each manifest's ADD entries that no DELETE takes back. Manifests that need no change are given by
    /// their place, to be kept as they are.
    pub(crate) fn fold_full(
        &self,
        metas: &[ManifestFileMeta],
        manifests: &[Arc<Vec<ManifestEntry>>],
        deleting: &[Arc<Vec<ManifestEntry>>],
    ) -> (Vec<usize>, Vec<ManifestEntry>) {
        let deleted: HashSet<FileIdentity<'_>> = deleting
            .iter()
            .flat_map(|entries| entries.iter())
            .filter(|entry| entry.kind == FileKind::Delete)
            .map(FileIdentity)
            .collect();
        let lives = |entry: &&ManifestEntry| entry.kind == FileKind::Add && !deleted.contains(&FileIdentity(entry));
        let (mut unchanged, mut folded) = (Vec::new(), Vec::new());
        for (at, (meta, entries)) in metas.iter().zip(manifests).enumerate() {
            if !self.must_change(meta) && entries.iter().all(|entry| lives(&entry)) {
                unchanged.push(at);
            } else {
                folded.extend(entries.iter().filter(lives).cloned());
            }
        }
        (unchanged, folded)
    }
}

/// The entries of a minor merge: an ADD and its DELETE cancel each other; a DELETE without its ADD is kept.
///
/// # Errors
/// `Corrupt` when a file is added twice.
pub(crate) fn fold_minor(manifests: &[Arc<Vec<ManifestEntry>>]) -> Result<Vec<ManifestEntry>> {
    let mut places: HashMap<FileIdentity<'_>, usize> = HashMap::new();
    let mut folded: Vec<Option<&ManifestEntry>> = Vec::new();
    for entry in manifests.iter().flat_map(|entries| entries.iter()) {
        match (entry.kind, places.remove(&FileIdentity(entry))) {
            (FileKind::Add, Some(_)) => {
                let name = &entry.file.file_name;
                let message = format!("the manifests add the file {name} of bucket {} twice", entry.bucket);
                return Err(Error::new(ErrorKind::Corrupt, message));
            }
            (FileKind::Delete, Some(place)) => {
                if let Some(cancelled) = folded.get_mut(place) {
                    *cancelled = None;
                }
            }
            (_, None) => {
                places.insert(FileIdentity(entry), folded.len());
                folded.push(Some(entry));
            }
        }
    }
    Ok(folded.into_iter().flatten().cloned().collect())
}
