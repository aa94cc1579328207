#![doc = include_str!("../stats.md")]

use crate::binary_row::BinaryRow;

/// Minimum, maximum and null count of some columns, as manifests hold them.
#[derive(Clone, Debug, PartialEq)]
pub struct SimpleStats {
    /// One value a column; null where unknown.
    pub min_values: BinaryRow,
    /// One value a column; null where unknown.
    pub max_values: BinaryRow,
    /// One count a column; `None` where unknown.
    pub null_counts: Vec<Option<i64>>,
}

impl SimpleStats {
    /// The statistics of no columns.
    pub fn empty() -> Self {
        Self { min_values: BinaryRow::empty(), max_values: BinaryRow::empty(), null_counts: Vec::new() }
    }
}
