//! The records of each key that a merge function sees.
//!
//! Goes in: keys with their records, or rows in merge order. Comes out: for each key the rows to merge, or the one that passes.
//! Invariants: a key has one row or more; rows are numbers of [`super::Records`], in any order.

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

    /// The records of keys that follow each other: `ends` tells where each key ends, `level_of` the level of a record.
    pub(crate) fn of_keys(
        ends: &[u32],
        singles: SingleRecords,
        high_levels: HighLevels,
        level_of: impl Fn(u32) -> i32,
    ) -> Self {
        let mut candidates = Self::with_capacity(ends.last().map_or(0, |end| *end as usize));
        let mut rows: Vec<u32> = Vec::new();
        let mut start = 0;
        for end in ends {
            rows.clear();
            rows.extend(start..*end);
            start = *end;
            let passes = rows.len() == 1 && singles == SingleRecords::Pass;
            high_levels.retain(&mut rows, |row| level_of(*row));
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
