//! The files of one bucket, level by level.
//!
//! Goes in: the live files, then what each compaction took and left. Comes out: the sorted runs, the newest first. Invariants:
//! every file of level 0 is a run of its own; every higher level is one run; a file is on the level it names.
//! Answers to `org.apache.paimon.mergetree.Levels`.

use std::cmp::Ordering;

use alluvium_format::{DataFileMeta, DataType, Error, Result};

use crate::sorted_run::{LevelSortedRun, SortedRun};

/// Level 0 as files, newest first, and the levels above it.
#[derive(Clone, Debug)]
pub struct Levels {
    key_types: Vec<DataType>,
    level0: Vec<DataFileMeta>,
    /// Level 1 first.
    upper: Vec<SortedRun>,
}

impl Levels {
    /// The levels of `files`: `num_levels` of them, or more when a file lies higher.
    /// `Invalid` with fewer than two levels, `Corrupt` when files of one upper level overlap or a level is negative.
    pub fn restore(files: Vec<DataFileMeta>, key_types: &[DataType], num_levels: usize) -> Result<Self> {
        let mut count = num_levels;
        for file in &files {
            count = count.max(level_of(file)? + 1);
        }
        if count < 2 {
            return Err(Error::invalid(format!("{count} levels: a merge tree has two or more")));
        }
        let upper = vec![SortedRun::default(); count - 1];
        let mut levels = Self { key_types: key_types.to_vec(), level0: Vec::new(), upper };
        levels.update(&[], files)?;
        Ok(levels)
    }

    /// Takes out the files of `before` (by name and level) and puts in those of `after`.
    /// `Internal` when a file of `before` is not there or one of `after` lies above the highest level.
    pub fn update(&mut self, before: &[DataFileMeta], after: Vec<DataFileMeta>) -> Result<()> {
        let mut levels: Vec<Vec<DataFileMeta>> = Vec::with_capacity(self.upper.len() + 1);
        levels.push(self.level0.clone());
        levels.extend(self.upper.iter().map(|run| run.files().to_vec()));
        for file in before {
            let files = levels.get_mut(level_of(file)?);
            let found = files.and_then(|files| {
                let at = files.iter().position(|held| held.file_name == file.file_name)?;
                Some(files.remove(at))
            });
            if found.is_none() {
                return Err(Error::internal(format!("file {} is not on level {}", file.file_name, file.level)));
            }
        }
        for file in after {
            let level = level_of(&file)?;
            match levels.get_mut(level) {
                Some(files) => files.push(file),
                None => return Err(Error::internal(format!("there is no level {level} for {}", file.file_name))),
            }
        }
        let mut levels = levels.into_iter();
        let mut level0 = levels.next().unwrap_or_default();
        level0.sort_by(newest_first);
        let upper: Result<Vec<_>> = levels.map(|files| SortedRun::from_unsorted(files, &self.key_types)).collect();
        self.upper = upper?;
        self.level0 = level0;
        Ok(())
    }

    /// Adds a file that a writer flushed.
    pub fn add_level0_file(&mut self, file: DataFileMeta) -> Result<()> {
        if file.level != 0 {
            return Err(Error::internal(format!("file {} of level {} is no flushed file", file.file_name, file.level)));
        }
        let at = self.level0.partition_point(|held| newest_first(held, &file).is_lt());
        self.level0.insert(at, file);
        Ok(())
    }

    /// The files of level 0, newest first.
    pub fn level0(&self) -> &[DataFileMeta] {
        &self.level0
    }

    /// The run of a level above 0; `None` when there is no such level.
    pub fn run_of_level(&self, level: usize) -> Option<&SortedRun> {
        level.checked_sub(1).and_then(|at| self.upper.get(at))
    }

    /// The number of levels, level 0 included.
    pub fn number_of_levels(&self) -> usize {
        self.upper.len() + 1
    }

    /// The number of the highest level there can be.
    pub fn max_level(&self) -> usize {
        self.upper.len()
    }

    /// Runs of level 0 and non-empty levels above it.
    pub fn number_of_sorted_runs(&self) -> usize {
        self.level0.len() + self.upper.iter().filter(|run| !run.is_empty()).count()
    }

    /// The highest level with a file; `None` when there is none at all.
    pub fn non_empty_highest_level(&self) -> Option<usize> {
        match self.upper.iter().rposition(|run| !run.is_empty()) {
            Some(at) => Some(at + 1),
            None if self.level0.is_empty() => None,
            None => Some(0),
        }
    }

    /// All runs: level 0 newest first, then the levels upwards; empty levels are left out.
    pub fn level_sorted_runs(&self) -> Vec<LevelSortedRun> {
        let level0 = self.level0.iter().map(|file| LevelSortedRun { level: 0, run: SortedRun::single(file.clone()) });
        let upper = (1..).zip(&self.upper).filter(|(_, run)| !run.is_empty());
        level0.chain(upper.map(|(level, run)| LevelSortedRun { level, run: run.clone() })).collect()
    }

    /// All files, as [`Levels::all_files`] has them.
    pub fn files(&self) -> impl Iterator<Item = &DataFileMeta> {
        self.level0.iter().chain(self.upper.iter().flat_map(SortedRun::files))
    }

    /// All files, in the order of the runs.
    pub fn all_files(&self) -> Vec<DataFileMeta> {
        self.files().cloned().collect()
    }

    /// The highest sequence number of any file: a restored writer goes on from the next.
    pub fn max_sequence_number(&self) -> Option<i64> {
        self.files().map(|file| file.max_sequence_number).max()
    }
}

/// Java's order of level 0. Several writers of one bucket may hand out the same numbers, hence the ties.
fn newest_first(a: &DataFileMeta, b: &DataFileMeta) -> Ordering {
    b.max_sequence_number
        .cmp(&a.max_sequence_number)
        .then(a.min_sequence_number.cmp(&b.min_sequence_number))
        .then(a.creation_time_millis.cmp(&b.creation_time_millis))
        .then_with(|| a.file_name.cmp(&b.file_name))
}

fn level_of(file: &DataFileMeta) -> Result<usize> {
    usize::try_from(file.level).map_err(|_| {
        Error::new(
            alluvium_format::ErrorKind::Corrupt,
            format!("data file {} is on level {}: levels start at 0", file.file_name, file.level),
        )
    })
}
