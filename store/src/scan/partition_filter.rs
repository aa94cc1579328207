//! Which partitions a scan wants: by a condition, or one by one.
//!
//! Goes in: statistics of a manifest, or a partition row. Comes out: whether it may hold, or is, a partition that is wanted. Invariant:
//! wrong only in saying yes of a manifest. Answers to `org.apache.paimon.partition.PartitionPredicate`.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use alluvium_format::{
    BinaryRow, ColumnRange, DataType, Datum, ManifestFileMeta, Predicate, Result, SimpleStats, datum,
};

use crate::table_store::TableStore;

/// The partitions that are wanted.
#[derive(Clone, Debug)]
pub(crate) struct PartitionFilter {
    types: Vec<DataType>,
    wanted: Wanted,
}

#[derive(Clone, Debug)]
enum Wanted {
    All,
    Matching { names: Vec<String>, predicate: Predicate },
    Among { rows: HashSet<BinaryRow>, values: Vec<Vec<Option<Datum>>> },
}

impl PartitionFilter {
    /// All partitions.
    pub(crate) fn all(table: &TableStore) -> Self {
        Self { types: table.partition_types(), wanted: Wanted::All }
    }

    /// Those for which a condition may be true; columns that are no partition columns may be anything.
    pub(crate) fn matching(table: &TableStore, predicate: &Predicate) -> Self {
        let types = table.partition_types();
        let wanted = match predicate {
            Predicate::True => Wanted::All,
            predicate => {
                Wanted::Matching { names: table.schema().partition_keys.clone(), predicate: predicate.clone() }
            }
        };
        Self { types, wanted }
    }

    /// These and no others.
    pub(crate) fn among(types: Vec<DataType>, rows: HashSet<BinaryRow>) -> Result<Self> {
        // Without partition columns there is one partition, and nothing to compare.
        if types.is_empty() && !rows.is_empty() {
            return Ok(Self { types, wanted: Wanted::All });
        }
        let values = rows.iter().map(|row| row.decode(&types)).collect::<Result<_>>()?;
        Ok(Self { types, wanted: Wanted::Among { rows, values } })
    }

    /// The manifests that may hold an entry of a wanted partition.
    pub(crate) fn pruned(&self, manifests: &[ManifestFileMeta]) -> Result<Vec<ManifestFileMeta>> {
        let mut kept = Vec::with_capacity(manifests.len());
        for meta in manifests {
            if self.may_have(meta)? {
                kept.push(meta.clone());
            }
        }
        Ok(kept)
    }

    /// Whether a manifest may hold an entry of a wanted partition.
    pub(crate) fn may_have(&self, meta: &ManifestFileMeta) -> Result<bool> {
        if matches!(self.wanted, Wanted::All) {
            return Ok(true);
        }
        let ranges = self.ranges(&meta.partition_stats, meta.num_added_files.saturating_add(meta.num_deleted_files))?;
        Ok(match &self.wanted {
            Wanted::All => true,
            Wanted::Matching { names, predicate } => predicate.may_match(&|name| named(names, &ranges, name)),
            Wanted::Among { values, .. } => values.iter().any(|values| within(values, &ranges)),
        })
    }

    /// Remembers what it found out of each partition, as entries of one partition are many.
    pub(crate) fn remembering(&self) -> RememberingFilter<'_> {
        RememberingFilter { filter: self, known: HashMap::new() }
    }

    fn passes(&self, partition: &BinaryRow) -> Result<bool> {
        match &self.wanted {
            Wanted::All => Ok(true),
            Wanted::Among { rows, .. } => Ok(rows.contains(partition)),
            Wanted::Matching { names, predicate } => {
                let values = partition.decode(&self.types)?;
                let ranges: Vec<ColumnRange> = values.into_iter().map(ColumnRange::of_value).collect();
                Ok(predicate.may_match(&|name| named(names, &ranges, name)))
            }
        }
    }

    fn ranges(&self, stats: &SimpleStats, entries: i64) -> Result<Vec<ColumnRange>> {
        let (mins, maxs) = (stats.min_values.decode(&self.types)?, stats.max_values.decode(&self.types)?);
        let counts = stats.null_counts.iter().copied().chain(std::iter::repeat(None));
        let ranges = mins.into_iter().zip(maxs).zip(counts);
        Ok(ranges
            .map(|((min, max), null_count)| ColumnRange { min, max, null_count, row_count: Some(entries) })
            .collect())
    }
}

/// The range of a column by name; nothing is known of columns that are no partition columns.
fn named(names: &[String], ranges: &[ColumnRange], name: &str) -> ColumnRange {
    let at = names.iter().position(|other| other == name);
    at.and_then(|at| ranges.get(at)).cloned().unwrap_or_default()
}

fn within(values: &[Option<Datum>], ranges: &[ColumnRange]) -> bool {
    values.iter().zip(ranges).all(|(value, range)| match value {
        None => range.null_count != Some(0),
        Some(value) => {
            let above = |min: &Datum| datum::compare(value, min) != Ordering::Less;
            let below = |max: &Datum| datum::compare(value, max) != Ordering::Greater;
            range.min.as_ref().is_none_or(above) && range.max.as_ref().is_none_or(below)
        }
    })
}

/// A filter with what it found out so far.
#[derive(Debug)]
pub(crate) struct RememberingFilter<'a> {
    filter: &'a PartitionFilter,
    known: HashMap<BinaryRow, bool>,
}

impl RememberingFilter<'_> {
    /// Whether a partition is wanted.
    pub(crate) fn passes(&mut self, partition: &BinaryRow) -> Result<bool> {
        if !matches!(self.filter.wanted, Wanted::Matching { .. }) {
            return self.filter.passes(partition);
        }
        if let Some(known) = self.known.get(partition) {
            return Ok(*known);
        }
        let passes = self.filter.passes(partition)?;
        self.known.insert(partition.clone(), passes);
        Ok(passes)
    }
}
