//! Sorted runs: files of one bucket that do not overlap in key, in key order; within a run a key occurs once.
//!
//! Goes in: data files. Comes out: runs, alone or with the level they lie on. Answers to `org.apache.paimon.mergetree.SortedRun`
//! and `LevelSortedRun`.

use alluvium_format::DataFileMeta;

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
