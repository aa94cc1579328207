//! What is known of the values of a column, of a stripe or of the file.
//!
//! Goes in: arrays, or the tallies of stripes. Comes out: statistics. Invariant: counts and bounds cover every value.

use alluvium_format::stats::stats_of_array;
use alluvium_format::{ColumnStats, DataType};
use arrow_array::{Array, ArrayRef};

use crate::data_file::orc::statistics::ColumnStatistics;

/// How much is said of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Bounds as well: of columns of the table.
    Bounds,
    /// Counts alone: of parts of columns.
    Counts,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    values: u64,
    nulls: u64,
    bounds: ColumnStats,
}

impl Tally {
    pub(super) fn add(&mut self, array: &ArrayRef, data_type: &DataType, detail: Detail) {
        let nulls = array.null_count();
        let bounds = match detail {
            Detail::Bounds => stats_of_array(array, data_type),
            Detail::Counts => ColumnStats::default(),
        };
        self.merge(Self { values: (array.len() - nulls) as u64, nulls: nulls as u64, bounds });
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.values += other.values;
        self.nulls += other.nulls;
        self.bounds = std::mem::take(&mut self.bounds).merge(other.bounds);
    }

    pub(super) fn statistics(&self, data_type: &DataType) -> ColumnStatistics {
        ColumnStatistics::of(self.values, self.nulls > 0, &self.bounds, data_type)
    }
}
