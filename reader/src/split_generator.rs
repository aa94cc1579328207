//! Cuts the files of a bucket into splits: what can be read as it is, and what must be merged.
//!
//! Goes in: the files of one bucket, [`SplitRules`], and [`FileFacts`]. Comes out: files with their [`SplitReading`], by ascending key
//! (append tables: by sequence number). Pure. A section of one run in whose files nothing is deleted is read raw, whatever its
//! level; so is one of several runs whose keys were looked up when they were compacted, as each key has one row there that is not
//! deleted; all others are merged. Invariant: of runs that merge either all files stay or none. Answers to
//! `MergeTreeSplitGenerator`, `AppendOnlySplitGenerator` and `BinPacking`.

use alluvium_format::{CoreOptions, DataFileMeta, DataType, MergeEngine, Result};
use alluvium_merge_tree::{Section, SortedRun, interval_partition};

use crate::split::SplitReading;

/// How the files of a bucket are cut.
#[derive(Clone, Debug)]
pub(crate) struct SplitRules {
    target_bytes: i64,
    open_file_bytes: i64,
    key_types: Option<Vec<DataType>>,
    merging: Merging,
    /// How files are read whose records merge.
    merged: SplitReading,
}

/// What records of one key make together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merging {
    /// One of them is the row: where none passes a condition, the row does not.
    Pick,
    /// A row of values of several: it may pass a condition that none of them passes.
    Combine,
}

/// What a plan knows of files.
pub(crate) trait FileFacts {
    /// Whether the values of a file may pass the condition.
    fn may_match(&self, file: &DataFileMeta) -> bool;

    /// Whether the keys of a file above level 0 were looked up in the levels above it when it was compacted, and deleted there, or
    /// left out where they were known.
    fn is_looked_up(&self, file: &DataFileMeta) -> bool;
}

impl SplitRules {
    /// By the options of a table, whose trimmed primary key is of `key_types`; `None` for append tables.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong.
    pub(crate) fn new(options: &CoreOptions, key_types: Option<Vec<DataType>>) -> Result<Self> {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        Ok(Self {
            target_bytes: bytes(options.source_split_target_bytes()?),
            open_file_bytes: bytes(options.source_split_open_file_bytes()?),
            key_types,
            merging: match options.merge_engine()? {
                MergeEngine::Deduplicate | MergeEngine::FirstRow => Merging::Pick,
                MergeEngine::PartialUpdate | MergeEngine::Aggregation => Merging::Combine,
            },
            merged: SplitReading::Merge,
        })
    }

    /// The same where records of all levels count.
    #[must_use]
    pub(crate) fn merging_all_levels(self) -> Self {
        Self { merged: SplitReading::MergeAllLevels, ..self }
    }

    /// Cuts the files of one bucket.
    ///
    /// # Errors
    /// `Corrupt` when a file's first or last key is none of the table.
    pub(crate) fn split(
        &self,
        files: Vec<DataFileMeta>,
        facts: &dyn FileFacts,
    ) -> Result<Vec<(Vec<DataFileMeta>, SplitReading)>> {
        let pieces = match &self.key_types {
            Some(types) => {
                let sections = interval_partition(files, types)?;
                sections.into_iter().flat_map(|section| self.keyed_pieces(section, facts)).collect()
            }
            None => append_pieces(files, facts),
        };
        Ok(self.pack(pieces))
    }

    /// Puts neighbours that are read alike together, up to the target size.
    fn pack(&self, pieces: Vec<(Vec<DataFileMeta>, SplitReading)>) -> Vec<(Vec<DataFileMeta>, SplitReading)> {
        let mut splits: Vec<(Vec<DataFileMeta>, SplitReading)> = Vec::new();
        let mut weight = 0i64;
        for (files, reading) in pieces {
            let bytes = files.iter().fold(0i64, |sum, file| sum.saturating_add(file.file_size.max(0)));
            let added = bytes.max(self.open_file_bytes);
            match splits.last_mut() {
                Some((open, open_reading))
                    if *open_reading == reading && weight.saturating_add(added) <= self.target_bytes =>
                {
                    open.extend(files);
                    weight = weight.saturating_add(added);
                }
                _ => {
                    splits.push((files, reading));
                    weight = added;
                }
            }
        }
        splits
    }

    /// A section, or its files one by one where each is read by itself.
    fn keyed_pieces(&self, section: Section, facts: &dyn FileFacts) -> Vec<(Vec<DataFileMeta>, SplitReading)> {
        let one_row_a_key = are_looked_up(&section.runs, facts);
        // Old files do not say whether they hold deletes.
        let deletes = |file: &DataFileMeta| file.delete_row_count != Some(0);
        if section.runs.len() > 1 && (!one_row_a_key || section.files().any(deletes)) {
            let prunes = one_row_a_key || self.merging == Merging::Pick;
            let stays = !prunes || section.files().any(|file| facts.may_match(file));
            return if stays { vec![(files_of(section), self.merged)] } else { Vec::new() };
        }
        let reading = |file: &DataFileMeta| if deletes(file) { self.merged } else { SplitReading::Raw };
        let files = files_of(section).into_iter().filter(|file| facts.may_match(file));
        files.map(|file| (reading(&file), file)).map(|(reading, file)| (vec![file], reading)).collect()
    }
}

/// Whether no key has rows in two of these runs that are both not deleted. Of runs that were not looked up there may be one: the
/// others were looked up in it.
fn are_looked_up(runs: &[SortedRun], facts: &dyn FileFacts) -> bool {
    let is_old = |run: &&SortedRun| run.files().iter().any(|file| !facts.is_looked_up(file));
    runs.iter().flat_map(|run| run.files()).all(|file| file.level > 0) && runs.iter().filter(is_old).count() <= 1
}

fn files_of(section: Section) -> Vec<DataFileMeta> {
    section.runs.into_iter().flat_map(|run| run.into_files()).collect()
}

fn append_pieces(mut files: Vec<DataFileMeta>, facts: &dyn FileFacts) -> Vec<(Vec<DataFileMeta>, SplitReading)> {
    files.sort_by_key(|file| file.min_sequence_number);
    files.into_iter().filter(|file| facts.may_match(file)).map(|file| (vec![file], SplitReading::Raw)).collect()
}

#[cfg(test)]
pub(crate) mod tests;
