//! Sorted runs: files of one bucket that do not overlap in key, in key order; within a run a key occurs once.
//!
//! Goes in: data files. Comes out: runs, alone or with the level they lie on. Answers to `org.apache.paimon.mergetree.SortedRun`
//! and `LevelSortedRun`.

use alluvium_format::{DataFileMeta, DataType, Error, Result};

use crate::comparator::KeyRange;

/// Files without common keys, by ascending key.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SortedRun {
    files: Vec<DataFileMeta>,
}

impl SortedRun {
    /// The run of one file.
    pub fn single(file: DataFileMeta) -> Self {
        Self { files: vec![file] }
    }

    /// A run of files that are in key order and do not overlap already, as [`crate::interval_partition()`] made sure of.
    pub(crate) fn from_sorted(files: Vec<DataFileMeta>) -> Self {
        Self { files }
    }

    /// Sorts `files` by key. `Corrupt` when two of them overlap: a level above 0 holds one run.
    pub fn from_unsorted(files: Vec<DataFileMeta>, key_types: &[DataType]) -> Result<Self> {
        let mut ranged = KeyRange::of_files(files, key_types)?;
        ranged.sort_by(|(_, a), (_, b)| a.min.cmp(&b.min));
        for ((left, a), (right, b)) in ranged.iter().zip(ranged.iter().skip(1)) {
            if a.max >= b.min {
                let what = format!(
                    "the files {} and {} of level {} overlap in key: they cannot be of one sorted run",
                    left.file_name, right.file_name, right.level
                );
                return Err(Error::new(alluvium_format::ErrorKind::Corrupt, what));
            }
        }
        Ok(Self::from_sorted(ranged.into_iter().map(|(file, _)| file).collect()))
    }

    /// The files, by ascending key.
    pub fn files(&self) -> &[DataFileMeta] {
        &self.files
    }

    /// The files, by ascending key.
    pub fn into_files(self) -> Vec<DataFileMeta> {
        self.files
    }

    /// Whether the run has no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The size of all files in bytes.
    pub fn total_bytes(&self) -> i64 {
        self.files.iter().map(|file| file.file_size).sum()
    }
}

/// A run and the level it lies on.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelSortedRun {
    /// 0 for a run of one file as a writer left it.
    pub level: i32,
    /// Its files.
    pub run: SortedRun,
}

/// Runs whose keys may overlap among each other, and with no other section's: the unit of a merge.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// As few runs as can hold the section's files; never empty.
    pub runs: Vec<SortedRun>,
}

impl Section {
    /// The files of all runs.
    pub fn files(&self) -> impl Iterator<Item = &DataFileMeta> {
        self.runs.iter().flat_map(SortedRun::files)
    }
}
