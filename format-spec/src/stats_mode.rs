//! How much a manifest keeps of a column's statistics: the option `metadata.stats-mode`.
//!
//! Answers to `SimpleColStatsCollector` and its four kinds.

use std::str::FromStr;

use crate::error::{Error, Result};

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatsMode {
    /// Nothing.
    None,
    /// The null count.
    Counts,
    /// Null count, and minimum and maximum cut to so many characters or bytes.
    Truncate(usize),
    /// Null count, minimum and maximum.
    Full,
}

impl FromStr for StatsMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let lower = text.trim().to_ascii_lowercase();
        match lower.as_str() {
            "none" => return Ok(Self::None),
            "counts" => return Ok(Self::Counts),
            "full" => return Ok(Self::Full),
            _ => {}
        }
        let length = lower.strip_prefix("truncate(").and_then(|rest| rest.strip_suffix(')'));
        match length.and_then(|length| length.trim().parse().ok()) {
            Some(length @ 1..) => Ok(Self::Truncate(length)),
            _ => Err(Error::invalid(format!("{text:?} is no statistics mode: none, counts, truncate(n) or full"))),
        }
    }
}
