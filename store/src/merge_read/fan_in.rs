//! Which runs of a merge are read where they are, and which are copied to the local disk first, so that the merge fits into its memory.
//!
//! Goes in: what each run takes while it is open, how many may be open, and the memory. Comes out: the runs to copy, and how many rows are
//! read of a copy at a time. A copy is the same run, with its records as they are: it takes a block of rows of memory instead of pages or
//! a row group. Pure. Answers to `org.apache.paimon.mergetree.MergeSorter`, which copies by the number of runs alone.

use alluvium_format::DataFileMeta;
use alluvium_merge_tree::SortedRun;

/// Rows of a batch of a data file.
const BATCH_ROWS: usize = 8192;
/// Rows of a block of a copy, at least: fewer would cost more to find than to read.
const BLOCK_ROWS_MIN: usize = 64;
/// Batches of a run that a merge holds: the current one, and those of rows that wait to be gathered.
const BATCHES_HELD: usize = 3;
/// What a row takes in memory for each byte in a file: files are compressed and have dictionaries.
const ROW_EXPANSION: usize = 4;
/// What an open column takes: a page, as it is in the file and as it is read.
const COLUMN_BYTES: usize = 256 << 10;

/// What a run takes while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunCost {
    /// In its files.
    pub(super) file_bytes: usize,
    /// Of a row, in memory.
    pub(super) row_bytes: usize,
    /// Of what is held to decode batches from.
    pub(super) source_bytes: usize,
}

/// Where files are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A file of this machine, page by page.
    Machine,
    /// Elsewhere, row group by row group of at most so many bytes.
    Store { row_group_bytes: usize },
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FanIn {
    /// The runs to copy, the smallest first.
    pub(super) copied: Vec<usize>,
    /// Rows of a block of a copy.
    pub(super) block_rows: usize,
}

impl RunCost {
    /// The cost of a run of which so many columns are read.
    pub(super) fn of(run: &SortedRun, columns: usize, source: Source) -> Self {
        let bytes = |file: &DataFileMeta| usize::try_from(file.file_size).unwrap_or(0);
        let rows = |file: &DataFileMeta| usize::try_from(file.row_count).unwrap_or(0).max(1);
        let largest = run.files().iter().map(bytes).max().unwrap_or(0);
        let row_bytes = run.files().iter().map(|file| bytes(file).div_ceil(rows(file))).max().unwrap_or(0);
        let pages = columns.saturating_mul(COLUMN_BYTES).min(largest.saturating_mul(ROW_EXPANSION));
        let source_bytes = match source {
            Source::Machine => pages,
            Source::Store { row_group_bytes } => pages.saturating_add(largest.min(row_group_bytes)),
        };
        let file_bytes = run.files().iter().map(bytes).fold(0, usize::saturating_add);
        Self { file_bytes, row_bytes: row_bytes.saturating_mul(ROW_EXPANSION).max(1), source_bytes }
    }

    /// What it takes where it is.
    fn open_bytes(&self) -> usize {
        self.source_bytes.saturating_add(self.rows_bytes(BATCH_ROWS))
    }

    fn rows_bytes(&self, rows: usize) -> usize {
        // A small run has not so many rows.
        let all = self.file_bytes.saturating_mul(ROW_EXPANSION);
        self.row_bytes.saturating_mul(rows).saturating_mul(BATCHES_HELD).min(all)
    }
}

/// What runs take where they are.
pub(super) fn open_bytes(costs: &[RunCost]) -> usize {
    costs.iter().map(RunCost::open_bytes).fold(0, usize::saturating_add)
}

impl FanIn {
    /// Copies runs, the smallest first, until no more than `open_max` are open and all fit into `memory`; in the worst case all.
    pub(super) fn plan(costs: &[RunCost], open_max: usize, memory: usize) -> Self {
        let block_rows = block_rows(costs, memory);
        let mut by_size: Vec<(usize, &RunCost)> = costs.iter().enumerate().collect();
        by_size.sort_by_key(|(_, cost)| cost.file_bytes);
        let must = costs.len().saturating_sub(open_max);
        let mut bytes = open_bytes(costs);
        let mut copied = Vec::new();
        for (run, cost) in by_size {
            if copied.len() >= must && bytes <= memory {
                break;
            }
            bytes = bytes.saturating_sub(cost.open_bytes()).saturating_add(cost.rows_bytes(block_rows));
            copied.push(run);
        }
        Self { copied, block_rows }
    }
}

/// As many rows as let blocks of all runs fit into half of the memory.
fn block_rows(costs: &[RunCost], memory: usize) -> usize {
    let of_a_row: usize = costs.iter().map(|cost| cost.rows_bytes(1)).fold(0, usize::saturating_add);
    (memory / 2 / of_a_row.max(1)).clamp(BLOCK_ROWS_MIN, BATCH_ROWS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

    use proptest::prelude::*;

    use super::*;

    const MIB: usize = 1 << 20;

    fn cost(file_mib: usize) -> RunCost {
        RunCost { file_bytes: file_mib * MIB, row_bytes: 200, source_bytes: 3 * MIB }
    }

    #[test]
    fn runs_that_fit_are_read_where_they_are() {
        let costs: Vec<_> = (1..=10).map(cost).collect();
        assert_eq!(FanIn::plan(&costs, 10, open_bytes(&costs)).copied, Vec::<usize>::new());
    }

    #[test]
    fn the_smallest_are_copied_first() {
        let costs = [cost(30), cost(10), cost(20), cost(40)];
        assert_eq!(FanIn::plan(&costs, 2, 100 * MIB).copied, [1, 2], "too many are open");
        assert_eq!(FanIn::plan(&costs, 128, 29 * MIB).copied, [1], "they take 31 MiB");
        let large = FanIn::plan(&costs, 128, 1);
        assert_eq!((large.copied.len(), large.block_rows), (4, 64), "as little as can be");
    }

    #[test]
    fn blocks_of_many_runs_are_small() {
        let costs: Vec<_> = (0..2000).map(|_| cost(1)).collect();
        let plan = FanIn::plan(&costs, 128, 200 * MIB);
        // 2,000 runs with 3 blocks each of rows of 200 bytes take half of it; a few that are open take the rest.
        assert_eq!(plan.block_rows, 87);
        assert!((1980..2000).contains(&plan.copied.len()), "{}", plan.copied.len());
    }

    proptest! {
        #[test]
        fn as_few_as_do_are_copied(sizes in prop::collection::vec(1..64usize, 1..40), open_max in 2..40usize, memory in 0..400usize) {
            let costs: Vec<_> = sizes.iter().map(|size| cost(*size)).collect();
            let memory = memory * MIB;
            let plan = FanIn::plan(&costs, open_max, memory);
            let bytes = |copied: &[usize]| -> usize {
                let block = |run: usize| if copied.contains(&run) { costs[run].rows_bytes(plan.block_rows) } else { costs[run].open_bytes() };
                (0..costs.len()).map(block).sum()
            };
            prop_assert!(costs.len() - plan.copied.len() <= open_max);
            prop_assert!(bytes(&plan.copied) <= memory || plan.copied.len() == costs.len());
            if let Some((_, fewer)) = plan.copied.split_last() {
                prop_assert!(costs.len() - fewer.len() > open_max || bytes(fewer) > memory);
            }
        }
    }
}
