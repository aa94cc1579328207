//! The statistics of one column, how a mode cuts them down, and how many columns' become a manifest's [`SimpleStats`].
//!
//! Goes in: what was found in a file. Comes out: what a manifest says of it. A bound may be wider than the values (a cut text)
//! but never narrower, or readers would skip rows. Answers to `SimpleColStatsCollector` and `SimpleStatsConverter`.

use std::cmp::Ordering;

use super::SimpleStats;
use crate::binary_row::BinaryRow;
use crate::data_type::DataType;
use crate::datum::{self, Datum};
use crate::error::Result;
use crate::stats_mode::StatsMode;

/// Minimum, maximum and null count of one column; each `None` where unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnStats {
    /// The smallest value, or something smaller.
    pub min: Option<Datum>,
    /// The largest value, or something larger.
    pub max: Option<Datum>,
    /// How many values are null.
    pub null_count: Option<i64>,
}

/// What `_KEY_*`, `_SEQUENCE_NUMBER` and `_VALUE_KIND` have in Parquet and ORC files, whatever the options say.
pub const SYSTEM_COLUMN_MODE: StatsMode = StatsMode::Truncate(128);

impl ColumnStats {
    /// The statistics of a column that holds nothing but `null_count` nulls.
    pub fn of_nulls(null_count: i64) -> Self {
        Self { min: None, max: None, null_count: Some(null_count) }
    }

    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        self.min.is_none() && self.max.is_none() && self.null_count.is_none()
    }

    /// The statistics of the rows of both. Both come from the same source: what one does not have for lack of values
    /// (`min` of nothing but nulls) the other gives.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let pick = |left: Option<Datum>, right: Option<Datum>, wanted: Ordering| match (left, right) {
            (Some(left), Some(right)) => Some(if datum::compare(&right, &left) == wanted { right } else { left }),
            (left, right) => left.or(right),
        };
        Self {
            min: pick(self.min, other.min, Ordering::Less),
            max: pick(self.max, other.max, Ordering::Greater),
            null_count: self.null_count.zip(other.null_count).map(|(left, right)| left + right),
        }
    }

    /// What `mode` leaves of the statistics of a column of `data_type`.
    #[must_use]
    pub fn apply_mode(self, mode: StatsMode, _data_type: &DataType) -> Self {
        match mode {
            StatsMode::None => Self::default(),
            StatsMode::Counts => Self { min: None, max: None, ..self },
            StatsMode::Full => self,
            StatsMode::Truncate(length) => {
                let null_count = self.null_count;
                match self.max.and_then(|max| cut_max(max, length)) {
                    Some(max) => Self { min: self.min.map(|min| cut_min(min, length)), max: Some(max), null_count },
                    // A bound alone is of no use to Java's readers, so both go.
                    None => Self { min: None, max: None, null_count },
                }
            }
        }
    }
}

fn cut_min(value: Datum, length: usize) -> Datum {
    match value {
        Datum::String(text) => Datum::String(text.chars().take(length).collect()),
        Datum::Bytes(mut bytes) => {
            bytes.truncate(length);
            Datum::Bytes(bytes)
        }
        other => other,
    }
}

/// The prefix, its last character or byte raised by one if anything was cut off; the ones before it if it is the highest. `None`
/// when all are the highest.
fn cut_max(value: Datum, length: usize) -> Option<Datum> {
    match value {
        Datum::String(text) => {
            let Some((end, _)) = text.char_indices().nth(length) else { return Some(Datum::String(text)) };
            let mut chars: Vec<char> = text.get(..end)?.chars().collect();
            while let Some(last) = chars.pop() {
                if let Some(next) = next_char(last) {
                    chars.push(next);
                    return Some(Datum::String(chars.into_iter().collect()));
                }
            }
            None
        }
        Datum::Bytes(mut bytes) if bytes.len() > length => {
            bytes.truncate(length);
            while let Some(last) = bytes.pop() {
                if let Some(next) = last.checked_add(1) {
                    bytes.push(next);
                    return Some(Datum::Bytes(bytes));
                }
            }
            None
        }
        other => Some(other),
    }
}

/// The character behind; that behind the surrogates for the one before them, since no text holds a lone surrogate.
fn next_char(last: char) -> Option<char> {
    match last {
        '\u{d7ff}' => Some('\u{e000}'),
        last => char::from_u32(u32::from(last) + 1),
    }
}

/// The statistics of `columns` (name, type, statistics) as a manifest holds them, and the names for `_VALUE_STATS_COLS`: with
/// `dense` the columns of which nothing is known are left out, and the names are of those kept unless that is all of them.
///
/// # Errors
/// As [`BinaryRow::encode`]: a bound is not of its column's type.
pub fn to_simple_stats(
    columns: &[(String, DataType, ColumnStats)],
    dense: bool,
) -> Result<(SimpleStats, Option<Vec<String>>)> {
    let kept: Vec<_> = columns.iter().filter(|column| !(dense && column.2.is_unknown())).collect();
    let types: Vec<_> = kept.iter().map(|column| column.1.with_nullable(true)).collect();
    let values = |pick: fn(&ColumnStats) -> &Option<Datum>| -> Vec<_> {
        kept.iter().map(|column| pick(&column.2).clone()).collect()
    };
    let stats = SimpleStats {
        min_values: BinaryRow::encode(&types, &values(|stats| &stats.min))?,
        max_values: BinaryRow::encode(&types, &values(|stats| &stats.max))?,
        null_counts: kept.iter().map(|column| column.2.null_count).collect(),
    };
    let names = (kept.len() < columns.len()).then(|| kept.iter().map(|column| column.0.clone()).collect());
    Ok((stats, names))
}
