#![doc = include_str!("../../stats.md")]

mod array;
mod column;

pub use array::stats_of_array;
pub use column::{ColumnStats, SYSTEM_COLUMN_MODE, to_simple_stats};

use crate::avro::{Decoder, Encoder, Fields, Place, Plan, Type};
use crate::binary_row::BinaryRow;
use crate::error::Result;

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

/// The columns of a `SimpleStats` record.
#[derive(Debug)]
pub(crate) enum StatsField {
    MinValues,
    MaxValues,
    NullCounts,
}

impl Fields for StatsField {
    const REQUIRED: &'static [&'static str] = &["_MIN_VALUES", "_MAX_VALUES"];

    fn named(name: &str, _value: &Type, _place: &Place<'_>) -> Result<Option<Self>> {
        Ok(match name {
            "_MIN_VALUES" => Some(Self::MinValues),
            "_MAX_VALUES" => Some(Self::MaxValues),
            "_NULL_COUNTS" => Some(Self::NullCounts),
            _ => None,
        })
    }
}

impl SimpleStats {
    /// The record at `decoder`, of the type `value`.
    pub(crate) fn decode(plan: &Plan<StatsField>, value: &Type, decoder: &mut Decoder<'_>) -> Result<Self> {
        decoder.required(value)?;
        let mut stats = Self::empty();
        for (field, value) in plan.steps() {
            match field {
                Some(StatsField::MinValues) => stats.min_values = decoder.row(value)?,
                Some(StatsField::MaxValues) => stats.max_values = decoder.row(value)?,
                Some(StatsField::NullCounts) => {
                    let counts = decoder.optional_list(value, |decoder, item| decoder.optional_long(item))?;
                    stats.null_counts = counts.unwrap_or_default();
                }
                None => decoder.skip(value)?,
            }
        }
        Ok(stats)
    }

    /// Writes the record; its null counts are never null, as in Java.
    pub(crate) fn encode(&self, encoder: &mut Encoder) {
        encoder.row(&self.min_values);
        encoder.row(&self.max_values);
        encoder.optional(Some(&self.null_counts), |encoder, counts| {
            encoder.list(counts, |encoder, count| encoder.optional_long(*count));
        });
    }
}
