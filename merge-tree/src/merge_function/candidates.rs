//! The records of each key that a merge function sees.
//!
//! Goes in: keys with their records, or rows in merge order. Comes out: for each key the rows to merge, or the one that passes.
//! Invariants: a key has one row or more; rows are addresses into one batch of records, in any place of it.

use crate::key_groups::KeyGroups;

use super::SingleRecords;

/// Which records of levels above 0 are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HighLevels {
    All,
    /// Only that of the lowest such level.
    Lowest,
}

impl HighLevels {
    /// Leaves of `records`, whose levels `level_of` tells, those that count.
    #[inline]
    pub(crate) fn retain<T>(self, records: &mut Vec<T>, level_of: impl Fn(&T) -> i32) {
        if self == Self::Lowest
            && let Some(lowest) = records.iter().map(&level_of).filter(|level| *level > 0).min()
        {
            records.retain(|record| level_of(record) <= lowest);
        }
    }
}

/// The rows of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyRecords<'a> {
    /// It passes unchanged.
    Pass(u32),
    /// They are merged, in this order.
    Merge(&'a [u32]),
}

/// The rows of keys.
#[derive(Clone, Debug)]
pub(crate) struct Candidates {
    rows: Vec<u32>,
    ends: Vec<u32>,
    passes: Vec<bool>,
}

impl Candidates {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self { rows: Vec::with_capacity(rows), ends: Vec::new(), passes: Vec::new() }
    }

    /// The records of `groups`.
    pub(crate) fn of_groups(groups: &KeyGroups, singles: SingleRecords, high_levels: HighLevels) -> Self {
        let mut candidates = Self::with_capacity(groups.records().num_rows());
        let mut rows = Vec::new();
        for range in groups.ranges() {
            rows.clear();
            rows.extend((0_u32..).skip(range.start).take(range.len()));
            let passes = rows.len() == 1 && singles == SingleRecords::Pass;
            high_levels.retain(&mut rows, |row| groups.levels()[*row as usize]);
            candidates.push(&rows, passes);
        }
        candidates
    }

    /// Adds a key with records of no level; a single one passes.
    pub(crate) fn push_key(&mut self, rows: &[u32]) {
        self.push(rows, rows.len() == 1);
    }

    fn push(&mut self, rows: &[u32], passes: bool) {
        self.rows.extend_from_slice(rows);
        self.ends.push(u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
        self.passes.push(passes);
    }

    /// How many keys there are.
    pub(crate) fn num_keys(&self) -> usize {
        self.ends.len()
    }

    /// The keys one after the other.
    pub(crate) fn keys(&self) -> impl Iterator<Item = KeyRecords<'_>> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).zip(&self.passes).map(|((start, end), passes)| {
            let rows = &self.rows[*start as usize..*end as usize];
            match rows {
                [row] if *passes => KeyRecords::Pass(*row),
                _ => KeyRecords::Merge(rows),
            }
        })
    }
}
