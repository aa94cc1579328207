//! How a sort uses its memory.
//!
//! Goes in: bytes, and how many runs may be merged at a time. Comes out: how large a run is, how many are merged at a time, and how much of
//! each is read at a time. Pure. A run is sorted in memory, where its rows are twice then, with their keys and places beside them; while runs
//! are merged, three blocks of each are held. With 1 MiB it is 4 runs at a time in blocks of 64 KiB, with 256 MiB it is 128 runs in blocks
//! of 512 KiB.

use std::num::NonZero;

/// Rows while they are sorted take so many times their bytes.
const SORT_COPIES: usize = 4;
/// Blocks of a run that a merge holds: the one it is in, and those whose rows wait to be written; with one to spare.
const BLOCKS_HELD: usize = 4;
/// Smaller blocks would cost more to find than to read.
const BLOCK_BYTES_MIN: usize = 64 << 10;
/// One column of text of a run has 2 GiB at most.
const RUN_BYTES_MAX: usize = 1 << 30;
/// Rows of a block, at most: limits of cache, not of speed.
const BLOCK_ROWS_MAX: usize = 8192;

/// The plan of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortMemory {
    /// Rows of so many bytes are sorted at once.
    pub run_bytes: usize,
    /// So many runs are merged at a time, two at least.
    pub fan_in: usize,
    /// What is read of a run at a time.
    pub block_bytes: usize,
}

impl SortMemory {
    /// With so many bytes, and so many runs at a time at most.
    pub fn plan(bytes: usize, runs_max: usize) -> Self {
        let fan_in = (bytes / (BLOCKS_HELD * BLOCK_BYTES_MIN)).min(runs_max).max(2);
        Self {
            run_bytes: (bytes / SORT_COPIES).min(RUN_BYTES_MAX),
            fan_in,
            block_bytes: bytes / (BLOCKS_HELD * fan_in),
        }
    }

    /// What is worth having for rows of so many bytes: they are sorted at once.
    pub fn wanted(row_bytes: usize) -> usize {
        row_bytes.saturating_mul(SORT_COPIES)
    }

    /// Rows of a block, where so many rows take so many bytes.
    pub fn block_rows(&self, rows: usize, bytes: usize) -> NonZero<usize> {
        let of_a_row = (bytes / rows.max(1)).max(1);
        NonZero::new((self.block_bytes / of_a_row).min(BLOCK_ROWS_MAX)).unwrap_or(NonZero::<usize>::MIN)
    }

    /// How many runs are merged into one next, of so many: as many as leave no more than can be merged at once, and `None` when all can.
    pub fn next_merge(&self, runs: usize) -> Option<usize> {
        (runs > self.fan_in).then(|| (runs - self.fan_in + 1).min(self.fan_in))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, missing_docs)]

    use proptest::prelude::*;

    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn memory_is_shared_by_blocks() {
        let of = |bytes, runs_max| {
            let memory = SortMemory::plan(bytes, runs_max);
            (memory.run_bytes, memory.fan_in, memory.block_bytes)
        };
        assert_eq!(of(MIB, 128), (MIB / 4, 4, 64 << 10));
        assert_eq!(of(256 * MIB, 128), (64 * MIB, 128, 512 << 10));
        assert_eq!(of(1, 128), (0, 2, 0), "as little as can be");
        assert_eq!(of(8 << 30, 2).0, RUN_BYTES_MAX);
    }

    #[test]
    fn a_block_has_a_row_at_least() {
        let memory = SortMemory { run_bytes: 0, fan_in: 2, block_bytes: 1000 };
        assert_eq!(memory.block_rows(10, 1000).get(), 10);
        assert_eq!(memory.block_rows(1, 5000).get(), 1);
        assert_eq!(memory.block_rows(0, 0).get(), 1000);
        assert_eq!(SortMemory { block_bytes: MIB, ..memory }.block_rows(1000, 1000).get(), BLOCK_ROWS_MAX);
    }

    proptest! {
        #[test]
        fn merges_end_in_one_of_all_runs(mut runs in 1..5000usize, fan_in in 2..200usize) {
            let memory = SortMemory { run_bytes: 0, fan_in, block_bytes: 0 };
            while let Some(merged) = memory.next_merge(runs) {
                prop_assert!((2..=fan_in).contains(&merged));
                runs = runs - merged + 1;
            }
            prop_assert!(runs <= fan_in);
        }
    }
}
