//! Cuts the files of a bucket into splits: what can be read as it is, and what must be merged.
//!
//! Goes in: the files of one bucket, [`SplitRules`], and for each file whether its values may pass the condition. Comes out: files
//! with their [`SplitReading`], by ascending key (append tables: by sequence number). Pure. A section of one run in whose files
//! nothing is deleted is read raw, whatever its level; all others are merged. Invariant: of runs that overlap either all files stay
//! or none. Answers to `MergeTreeSplitGenerator`, `AppendOnlySplitGenerator` and `BinPacking`.

use alluvium_format::{CoreOptions, DataFileMeta, DataType, Result};
use alluvium_merge_tree::{Section, interval_partition};

use crate::split::SplitReading;

/// How the files of a bucket are cut.
#[derive(Clone, Debug)]
pub(crate) struct SplitRules {
    target_bytes: i64,
    open_file_bytes: i64,
    key_types: Option<Vec<DataType>>,
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
        })
    }

    /// Cuts the files of one bucket.
    ///
    /// # Errors
    /// `Corrupt` when a file's first or last key is none of the table.
    pub(crate) fn split(
        &self,
        files: Vec<DataFileMeta>,
        may_match: &dyn Fn(&DataFileMeta) -> bool,
    ) -> Result<Vec<(Vec<DataFileMeta>, SplitReading)>> {
        let pieces = match &self.key_types {
            Some(types) => keyed_pieces(interval_partition(files, types)?, may_match),
            None => append_pieces(files, may_match),
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
}

/// Every section, or the files of a section of one run, one by one.
fn keyed_pieces(
    sections: Vec<Section>,
    may_match: &dyn Fn(&DataFileMeta) -> bool,
) -> Vec<(Vec<DataFileMeta>, SplitReading)> {
    let mut pieces = Vec::new();
    for section in sections {
        let overlaps = section.runs.len() > 1;
        if overlaps {
            if section.files().any(may_match) {
                let files = section.runs.into_iter().flat_map(|run| run.into_files()).collect();
                pieces.push((files, SplitReading::Merge));
            }
            continue;
        }
        for file in section.runs.into_iter().flat_map(|run| run.into_files()).filter(may_match) {
            // Old files do not say whether they hold deletes.
            let reading = if file.delete_row_count == Some(0) { SplitReading::Raw } else { SplitReading::Merge };
            pieces.push((vec![file], reading));
        }
    }
    pieces
}

fn append_pieces(
    mut files: Vec<DataFileMeta>,
    may_match: &dyn Fn(&DataFileMeta) -> bool,
) -> Vec<(Vec<DataFileMeta>, SplitReading)> {
    files.sort_by_key(|file| file.min_sequence_number);
    files.into_iter().filter(may_match).map(|file| (vec![file], SplitReading::Raw)).collect()
}

#[cfg(test)]
pub(crate) mod tests;
