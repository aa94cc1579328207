//! The changes of a lookup compaction: `changelog-producer = lookup`.
//!
//! Level 0 is merged with what the levels above have of its keys: with the record of the lowest level that has one, as those of the
//! levels above that are merged into it. Where the sections that are compacted have none, it is looked up. For example, going to level
//! 3 with `a@1` found on level 5, `a@7(L0) | b@3(L0) | c@5(L0) c@2(L3)` are an update of `a`, an insert of `b`, and an update of `c`.
//! Answers to `LookupChangelogMergeFunctionWrapper` and `LookupMergeFunction`.

use std::cmp::Ordering;

use alluvium_format::{Error, Result};
use arrow_schema::SchemaRef;

use super::images::{Images, gather};
use super::{ChangelogResult, ChangesWanted};
use crate::key_groups::KeyGroups;
use crate::key_value::{KeyValueBatch, is_retract};
use crate::merge_function::{GroupMerge, HighLevels, MergedKeys, SingleRecords};
use crate::merge_options::MergeOptions;
use crate::normalized_key::{EncodedKeys, KeyEncoder};

/// Records that were found for keys in levels above those that are compacted.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The key of the groups that each record is of, ascending.
    pub keys: Vec<u32>,
    /// The records, with all columns of the groups.
    pub records: KeyValueBatch,
    /// The level each was found on.
    pub levels: Vec<i32>,
}

/// How the records of a table whose compactions look up are merged.
#[derive(Debug)]
pub struct LookupMerge {
    merge: GroupMerge,
    /// Of the columns that order records before their sequence numbers do.
    sequence: Option<KeyEncoder>,
}

/// The keys that must be looked up: no record of them comes from a level above 0.
pub fn missing_keys(groups: &KeyGroups) -> Vec<u32> {
    let is_missing = |range: std::ops::Range<usize>| {
        groups.levels().get(range).is_some_and(|levels| levels.iter().all(|level| *level <= 0))
    };
    (0..).zip(groups.ranges()).filter(|(_, range)| is_missing(range.clone())).map(|(key, _)| key).collect()
}

impl LookupMerge {
    /// As `options` say, for batches whose values have the schema `columns`.
    ///
    /// # Errors
    /// `Invalid` when a column that is needed is not among them.
    pub fn new(options: &MergeOptions, columns: &SchemaRef) -> Result<Self> {
        Ok(Self {
            merge: GroupMerge::new(&options.function, columns)?,
            sequence: KeyEncoder::of_sequence(columns, &options.sequence_columns, options.sequence_order)?,
        })
    }

    /// Merges the records of level 0 of each key with the record of the lowest level above it, found or among the groups, which is
    /// the image before; with all records above it when the function is not [`crate::MergeFunction::Lookup`], and then the image before
    /// is what these make. Keys without a record of level 0 do not change.
    ///
    /// # Errors
    /// Those of the merge function; `Internal` when what was found is not of keys of the groups.
    pub fn lookup(&self, groups: &KeyGroups, found: Option<&Found>, wanted: &ChangesWanted) -> Result<ChangelogResult> {
        let completed;
        let groups = match found.filter(|found| !found.keys.is_empty()) {
            Some(found) => {
                completed = self.complete(groups, found)?;
                &completed
            }
            None => groups,
        };
        let merged = self.merge.merge(groups, SingleRecords::Merge)?;
        let changes = match (wanted, self.merge.high_levels()) {
            (ChangesWanted::Nothing, _) => merged.rows.slice(0, 0),
            (_, HighLevels::Lowest) => {
                changes(groups, groups.records(), |key| groups.high_level_record(key), &merged, wanted)?
            }
            (_, HighLevels::All) => {
                let before = self.merge_high_levels(groups)?;
                let row_of = |key: usize| before.keys.binary_search_by_key(&key, |of| *of as usize).ok();
                changes(groups, &before.rows, row_of, &merged, wanted)?
            }
        };
        Ok(ChangelogResult { rows: merged.rows, changes })
    }

    /// What the records above level 0 make of the keys that have others, too.
    fn merge_high_levels(&self, groups: &KeyGroups) -> Result<MergedKeys> {
        let (mut addresses, mut levels, mut ends, mut keys) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (key, range) in (0_u32..).zip(groups.ranges()) {
            if !groups.has_level_0(key as usize) {
                continue;
            }
            let before = addresses.len();
            for (row, level) in range.clone().zip(groups.levels().get(range).unwrap_or_default()) {
                if *level > 0 {
                    addresses.push((0, row));
                    levels.push(*level);
                }
            }
            if addresses.len() > before {
                ends.push(u32::try_from(addresses.len()).unwrap_or(u32::MAX));
                keys.push(key);
            }
        }
        let records = gather(&[groups.records(), groups.records()], &addresses)?;
        let mut merged = self.merge.merge(&KeyGroups::try_new(records, levels, ends)?, SingleRecords::Pass)?;
        merged.keys = merged.keys.iter().filter_map(|key| keys.get(*key as usize)).copied().collect();
        Ok(merged)
    }

    /// The groups with what was found, each record at its place in the merge order: behind those that it does not come before.
    fn complete(&self, groups: &KeyGroups, found: &Found) -> Result<KeyGroups> {
        let order = Order::of(self.sequence.as_ref(), groups.records(), &found.records)?;
        let rows = groups.records().num_rows() + found.keys.len();
        let (mut addresses, mut levels) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        let mut ends = Vec::with_capacity(groups.num_keys());
        let mut of_keys = found.keys.iter().zip(&found.levels).enumerate().peekable();
        for (key, range) in (0_u32..).zip(groups.ranges()) {
            let mut extra = of_keys.next_if(|(_, (of, _))| **of == key).map(|(row, (_, level))| (row, *level));
            for row in range {
                if let Some((found_row, level)) = extra.take_if(|(found_row, _)| order.is_before(*found_row, row)) {
                    addresses.push((1, found_row));
                    levels.push(level);
                }
                addresses.push((0, row));
                levels.extend(groups.levels().get(row));
            }
            if let Some((found_row, level)) = extra {
                addresses.push((1, found_row));
                levels.push(level);
            }
            ends.push(u32::try_from(addresses.len()).map_err(|_| Error::invalid("a batch of more than 2^32 records"))?);
        }
        if of_keys.next().is_some() {
            return Err(Error::internal("records were found for keys that nobody looked up"));
        }
        KeyGroups::try_new(gather(&[groups.records(), &found.records], &addresses)?, levels, ends)
    }
}

/// The changes of keys that have records of level 0: from what `before` has of them, where `row_of` says, to what was merged.
fn changes(
    groups: &KeyGroups,
    before: &KeyValueBatch,
    row_of: impl Fn(usize) -> Option<usize>,
    merged: &MergedKeys,
    wanted: &ChangesWanted,
) -> Result<KeyValueBatch> {
    let Some(mut images) = Images::new(before, &merged.rows, wanted)? else { return Ok(merged.rows.slice(0, 0)) };
    for (after, key) in merged.keys.iter().map(|key| *key as usize).enumerate() {
        if !groups.has_level_0(key) {
            continue;
        }
        match row_of(key) {
            Some(row) if !is_retract(before.kinds.value(row)) => images.changed(row, after),
            _ => images.appeared(after),
        }
    }
    images.gather()
}

/// The merge order between records found and records of the groups.
struct Order<'a> {
    records: &'a KeyValueBatch,
    found: &'a KeyValueBatch,
    /// The sequence columns of the records, and of those found.
    sequences: Option<(EncodedKeys, EncodedKeys)>,
}

impl<'a> Order<'a> {
    fn of(sequence: Option<&KeyEncoder>, records: &'a KeyValueBatch, found: &'a KeyValueBatch) -> Result<Self> {
        let encode = |encoder: &KeyEncoder| {
            Ok::<_, Error>((encoder.encode_batch(&records.values)?, encoder.encode_batch(&found.values)?))
        };
        Ok(Self { records, found, sequences: sequence.map(encode).transpose()? })
    }

    /// Whether a record found comes before one of the groups.
    fn is_before(&self, found_row: usize, row: usize) -> bool {
        let fields = match &self.sequences {
            Some((of_records, of_found)) => of_found.compare(found_row, of_records, row),
            None => Ordering::Equal,
        };
        fields.then_with(|| self.found.sequences.value(found_row).cmp(&self.records.sequences.value(row))).is_lt()
    }
}
