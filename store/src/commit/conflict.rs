//! Whether a change fits onto the files that are there.
//!
//! Goes in: the live files of the partitions it touches, and its entries. Comes out: the first clash, if there is one. Pure. Files of
//! level 0 that are only added never clash: so any number of writers can share a table with one that compacts. Answers to
//! `org.apache.paimon.operation.commit.ConflictDetection`.

use std::collections::{HashMap, HashSet};
use std::fmt;

use alluvium_format::{BinaryRow, CommitKind, DataType, FileKind, ManifestEntry, Result};
use alluvium_merge_tree::comparator::Key;

use crate::commit::changes::Change;
use crate::scan::file_identity::FileIdentity;

/// By what a change is judged.
#[derive(Clone, Debug)]
pub(crate) struct ConflictRules {
    /// The kind of snapshot it makes: an OVERWRITE may change the number of buckets.
    pub(crate) kind: CommitKind,
    /// Types of the trimmed primary key; none in append tables, whose files have no key ranges.
    pub(crate) key_types: Vec<DataType>,
}

/// A file, as a message shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClashFile {
    pub(crate) partition: BinaryRow,
    pub(crate) bucket: i32,
    /// Of a data file of which it is known.
    pub(crate) level: Option<i32>,
    pub(crate) name: String,
}

/// Why a change does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    /// Its partition has another number of buckets.
    TotalBuckets { file: ClashFile, there: i32, ours: i32 },
    /// It names a file twice.
    NamedTwice(ClashFile),
    /// It adds a file that is there.
    AlreadyThere(ClashFile),
    /// It deletes a file that is not there (any more).
    Gone(ClashFile),
    /// Two files of one level have overlapping key ranges.
    Overlap { there: Box<ClashFile>, other: Box<ClashFile> },
    /// Keys were looked up without this file, which is there: it may have them.
    Unknown(ClashFile),
    /// Its deletion vectors, in the index file `index`, speak of a file that is not there (any more).
    VectorOfGone { file: ClashFile, index: String },
    /// It takes a file away and leaves the index file that has deletion vectors of it.
    VectorUnseen { file: ClashFile, index: String },
    /// Its deletion vector of this file would be beside that in the index file `index`, which it does not know.
    VectorBeside { file: ClashFile, index: String },
    /// It was made of an index file that is not the bucket's (any more).
    VectorsReplaced { ours: ClashFile, there: Option<String> },
}

impl ClashFile {
    pub(crate) fn of(entry: &ManifestEntry) -> Self {
        Self {
            partition: entry.partition.clone(),
            bucket: entry.bucket,
            level: Some(entry.file.level),
            name: entry.file.file_name.clone(),
        }
    }

    /// Whether an entry speaks of this file, at whatever level.
    pub(crate) fn is_of(&self, entry: &ManifestEntry) -> bool {
        self.name == entry.file.file_name && self.bucket == entry.bucket && self.partition == entry.partition
    }
}

impl fmt::Display for ClashFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(f, "{} (level {level}, bucket {})", self.name, self.bucket),
            None => write!(f, "{} (bucket {})", self.name, self.bucket),
        }
    }
}

impl Clash {
    /// The file that it is about.
    pub(crate) fn file(&self) -> &ClashFile {
        match self {
            Self::Gone(file) | Self::NamedTwice(file) | Self::AlreadyThere(file) | Self::Unknown(file) => file,
            Self::TotalBuckets { file, .. } | Self::VectorOfGone { file, .. } => file,
            Self::VectorUnseen { file, .. } | Self::VectorBeside { file, .. } => file,
            Self::Overlap { there, .. } => there,
            Self::VectorsReplaced { ours, .. } => ours,
        }
    }

    /// What somebody else did to it, when it is a data file: what to look for in the snapshots since.
    pub(crate) fn touched(&self) -> Option<FileKind> {
        match self {
            Self::Gone(_) | Self::VectorOfGone { .. } => Some(FileKind::Delete),
            Self::TotalBuckets { .. }
            | Self::NamedTwice(_)
            | Self::AlreadyThere(_)
            | Self::Overlap { .. }
            | Self::Unknown(_) => Some(FileKind::Add),
            Self::VectorsReplaced { .. } | Self::VectorUnseen { .. } | Self::VectorBeside { .. } => None,
        }
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TotalBuckets { file, there, ours } => {
                write!(f, "the partition has {there} buckets ({file}), the new files were written for {ours}")
            }
            Self::NamedTwice(file) => write!(f, "the commit names the file {file} twice"),
            Self::AlreadyThere(file) => write!(f, "the file {file} is to be added, and is there already"),
            Self::Gone(file) => write!(f, "the file {file} is to be deleted, and is not there any more"),
            Self::Overlap { there, other } => write!(f, "the key ranges of {there} and {other} overlap"),
            Self::Unknown(file) => write!(f, "keys were looked up without the file {file}, which is there by now"),
            Self::VectorOfGone { file, index } => {
                write!(f, "the index file {index} has deletion vectors of {file}, which is not there any more")
            }
            Self::VectorUnseen { file, index } => {
                write!(
                    f,
                    "the file {file} is to be deleted, of which rows were deleted since by the index file {index}"
                )
            }
            Self::VectorBeside { file, index } => {
                write!(f, "rows of the file {file} were deleted since by the index file {index}")
            }
            Self::VectorsReplaced { ours, there: Some(there) } => {
                write!(f, "the deletion vectors were made of the index file {ours}, and {there} took its place")
            }
            Self::VectorsReplaced { ours, there: None } => {
                write!(f, "the deletion vectors were made of the index file {ours}, which is not there any more")
            }
        }
    }
}

/// The first clash of `delta` with `base`, the live files of the partitions it touches.
///
/// # Errors
/// `Corrupt` when keys are no rows of the key's types.
pub(crate) fn find_clash<'a>(
    base: impl Iterator<Item = &'a ManifestEntry>,
    delta: &'a [ManifestEntry],
    rules: &ConflictRules,
) -> Result<Option<Clash>> {
    let totals = match total_buckets(delta, rules) {
        Ok(totals) => totals,
        Err(clash) => return Ok(Some(clash)),
    };
    let (added, mut missing) = match fold(delta) {
        Ok(folded) => folded,
        Err(clash) => return Ok(Some(clash)),
    };
    let mut runs: HashMap<RunOf<'_>, Vec<&ManifestEntry>> = HashMap::new();
    if !rules.key_types.is_empty() {
        for entry in added.iter().map(|identity| identity.0).filter(|entry| entry.file.level > 0) {
            runs.entry(RunOf::entry(entry)).or_default().push(entry);
        }
    }
    for entry in base {
        let ours = totals.get(&entry.partition).copied();
        if let Some(ours) = ours.filter(|ours| entry.total_buckets > 0 && entry.total_buckets != *ours) {
            let file = ClashFile::of(entry);
            return Ok(Some(Clash::TotalBuckets { file, there: entry.total_buckets, ours }));
        }
        if added.contains(&FileIdentity(entry)) {
            return Ok(Some(Clash::AlreadyThere(ClashFile::of(entry))));
        }
        if !missing.remove(&FileIdentity(entry))
            && let Some(run) = runs.get_mut(&RunOf::entry(entry))
        {
            run.push(entry);
        }
    }
    // The first of them in the commit's own order: the same clash gives the same message.
    if let Some(gone) = delta.iter().find(|entry| missing.contains(&FileIdentity(entry))) {
        return Ok(Some(Clash::Gone(ClashFile::of(gone))));
    }
    overlap(runs, &added, &rules.key_types)
}

/// A file above level 0 that a compaction which looked keys up did not know: it may have one of them, which would then be there twice,
/// or whose change would be wrong. Java leaves a bucket to its one compactor.
pub(crate) fn find_unknown<'a>(mut base: impl Iterator<Item = &'a ManifestEntry>, change: &Change) -> Option<Clash> {
    if change.known.is_empty() {
        return None;
    }
    let is_unknown = |entry: &&ManifestEntry| {
        let known = change.known.get(&(entry.partition.clone(), entry.bucket));
        entry.file.level > 0 && known.is_some_and(|known| !known.contains(&entry.file.file_name))
    };
    base.find(is_unknown).map(|entry| Clash::Unknown(ClashFile::of(entry)))
}

/// The number of buckets of each partition, as the change has it.
fn total_buckets<'a>(delta: &'a [ManifestEntry], rules: &ConflictRules) -> Result<HashMap<&'a BinaryRow, i32>, Clash> {
    let mut totals = HashMap::new();
    if rules.kind == CommitKind::Overwrite {
        return Ok(totals);
    }
    for entry in delta.iter().filter(|entry| entry.total_buckets > 0) {
        let there = *totals.entry(&entry.partition).or_insert(entry.total_buckets);
        if there != entry.total_buckets {
            return Err(Clash::TotalBuckets { file: ClashFile::of(entry), there, ours: entry.total_buckets });
        }
    }
    Ok(totals)
}

/// The files that a change adds, and those that must be there for it to delete.
type Folded<'a> = (HashSet<FileIdentity<'a>>, HashSet<FileIdentity<'a>>);

fn fold(delta: &[ManifestEntry]) -> Result<Folded<'_>, Clash> {
    let (mut added, mut deleted) = (HashSet::new(), HashSet::new());
    for entry in delta {
        let identity = FileIdentity(entry);
        let fresh = match entry.kind {
            // A scan would take a file that was deleted and added again for deleted.
            FileKind::Add => !deleted.contains(&identity) && added.insert(identity),
            FileKind::Delete => added.remove(&identity) || deleted.insert(identity),
        };
        if !fresh {
            return Err(Clash::NamedTwice(ClashFile::of(entry)));
        }
    }
    Ok((added, deleted))
}

/// A level of a bucket, whose files are one sorted run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct RunOf<'a> {
    partition: &'a BinaryRow,
    bucket: i32,
    level: i32,
}

impl<'a> RunOf<'a> {
    fn entry(entry: &'a ManifestEntry) -> Self {
        Self { partition: &entry.partition, bucket: entry.bucket, level: entry.file.level }
    }
}

fn overlap(
    runs: HashMap<RunOf<'_>, Vec<&ManifestEntry>>,
    added: &HashSet<FileIdentity<'_>>,
    key_types: &[DataType],
) -> Result<Option<Clash>> {
    for entries in runs.into_values() {
        let mut ranges = Vec::with_capacity(entries.len());
        for entry in entries {
            let (min, max) = (&entry.file.min_key, &entry.file.max_key);
            ranges.push((Key::decode(min, key_types)?, Key::decode(max, key_types)?, entry));
        }
        ranges.sort_by(|left, right| left.0.cmp(&right.0));
        for pair in ranges.windows(2) {
            if let [left, right] = pair
                && left.1 >= right.0
            {
                let ours = [left, right].map(|range| added.contains(&FileIdentity(range.2)));
                let (there, other) = if ours == [true, false] { (right.2, left.2) } else { (left.2, right.2) };
                let [there, other] = [there, other].map(|entry| Box::new(ClashFile::of(entry)));
                return Ok(Some(Clash::Overlap { there, other }));
            }
        }
    }
    Ok(None)
}
