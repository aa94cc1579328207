//! Splits files into sections that share no key, and each section into the fewest sorted runs.
//!
//! Goes in: the data files of one bucket, or those of a compaction. Comes out: sections by ascending key. Invariants: every file
//! is in one run of one section; the last key of a section is less than the first of the next; files of one run do not overlap.
//! For example `[1..5] [3..8] [9..9]` are two sections, the first of two runs, the second of one.
//! Answers to `org.apache.paimon.mergetree.compact.IntervalPartition`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use alluvium_format::{DataFileMeta, DataType, Result};

use crate::comparator::{Key, KeyRange};
use crate::sorted_run::{Section, SortedRun};

/// Sections of `files`, by ascending key. `Corrupt` when a key bound is no row of `key_types`.
pub fn interval_partition(files: Vec<DataFileMeta>, key_types: &[DataType]) -> Result<Vec<Section>> {
    let mut ranged = KeyRange::of_files(files, key_types)?;
    ranged.sort_by(|(_, a), (_, b)| a.min.cmp(&b.min).then_with(|| a.max.cmp(&b.max)));
    let mut sections = Vec::new();
    let mut section = SectionBuilder::default();
    for (file, range) in ranged {
        if section.bound.as_ref().is_some_and(|bound| range.min > *bound) {
            sections.push(std::mem::take(&mut section).finish());
        }
        section.add(file, range);
    }
    if section.bound.is_some() {
        sections.push(section.finish());
    }
    Ok(sections)
}

/// Takes files by ascending first key and lays each on the run that ends first, if that run ends before the file.
#[derive(Default)]
struct SectionBuilder {
    runs: Vec<Vec<DataFileMeta>>,
    /// The last key and the index of every run, the smallest on top.
    ends: BinaryHeap<Reverse<(Key, usize)>>,
    /// The largest key so far.
    bound: Option<Key>,
}

impl SectionBuilder {
    fn add(&mut self, file: DataFileMeta, range: KeyRange) {
        let open = match self.ends.peek() {
            Some(Reverse((end, run))) if range.min > *end => Some(*run),
            _ => None,
        };
        let run = match open.and_then(|run| self.runs.get_mut(run).map(|files| (run, files))) {
            Some((run, files)) => {
                self.ends.pop();
                files.push(file);
                run
            }
            None => {
                self.runs.push(vec![file]);
                self.runs.len() - 1
            }
        };
        if self.bound.as_ref().is_none_or(|bound| range.max > *bound) {
            self.bound = Some(range.max.clone());
        }
        self.ends.push(Reverse((range.max, run)));
    }

    fn finish(self) -> Section {
        Section { runs: self.runs.into_iter().map(SortedRun::from_sorted).collect() }
    }
}
