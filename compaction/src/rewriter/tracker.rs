//! How a table's compactions find out what their records change: the pure part of a tracked pass.
//!
//! Goes in: the records of keys, and what was found of them in the levels above. Comes out: which keys to look up, then the merged rows
//! and the changes. Answers to the `MergeFunctionWrapper`s of `FullChangelogMergeTreeCompactRewriter` and
//! `LookupMergeTreeCompactRewriter`, and to the choice of a `PersistProcessor` in `MergeTreeCompactManagerFactory`.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{CoreOptions, DataField, Error, MergeEngine, Result, TableSchema};
use alluvium_merge_tree::changelog::first_row::{self, first_row};
use alluvium_merge_tree::changelog::full_compaction::full_compaction;
use alluvium_merge_tree::changelog::lookup::{self, Found, LookupMerge};
use alluvium_merge_tree::changelog::{ChangelogResult, ChangesWanted, RecordEqualiser};
use alluvium_merge_tree::{GroupMerge, KeyGroups, MergeOptions, RecordLevelExpire};
use alluvium_store::lookup::{LookupFound, LookupWanted};
use arrow_array::BooleanArray;

use crate::strategy::{DeletionMode, LookupRules, RewriterKind};

/// Finds out what records change.
#[derive(Debug)]
pub(crate) struct Tracker {
    rule: Rule,
    wanted: ChangesWanted,
    deletion_mode: DeletionMode,
    fields: Arc<[DataField]>,
}

#[derive(Debug)]
enum Rule {
    FullCompaction(GroupMerge),
    Lookup(LookupMerge, LookupWanted),
    FirstRow(GroupMerge),
    /// Rows of levels above are deleted by vectors, and nothing else comes of it.
    Deletions,
}

/// Keys to look up, and what was found.
#[derive(Debug)]
pub(super) struct Answer {
    /// Which keys of the groups were asked for, ascending.
    pub(super) asked: Vec<u32>,
    /// What was found, by the rows of the question.
    pub(super) found: LookupFound,
}

impl Tracker {
    /// That of a table; `None` when its compactions only merge.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub(crate) fn new(
        schema: &TableSchema,
        options: &CoreOptions,
        merge: &MergeOptions,
        kind: &RewriterKind,
    ) -> Result<Option<Self>> {
        let fields: Arc<[DataField]> = schema.fields.as_slice().into();
        let columns = to_arrow_schema(&fields)?;
        let changes = || {
            Ok::<_, Error>(match options.changelog_row_deduplicate()? {
                true => ChangesWanted::Differing(RecordEqualiser {
                    ignored: options.changelog_row_deduplicate_ignored_fields(),
                }),
                false => ChangesWanted::All,
            })
        };
        let (rule, wanted) = match kind {
            RewriterKind::Plain => return Ok(None),
            RewriterKind::FullChangelog => {
                (Rule::FullCompaction(GroupMerge::new(&merge.function, &columns)?), changes()?)
            }
            RewriterKind::Lookup(rules) => {
                let wanted = if rules.writes_changelog { changes()? } else { ChangesWanted::Nothing };
                let rule = match rules.engine {
                    MergeEngine::FirstRow => Rule::FirstRow(GroupMerge::new(&merge.function, &columns)?),
                    _ => Rule::Lookup(LookupMerge::new(merge, &columns)?, wanted_of(rules)),
                };
                (rule, wanted)
            }
        };
        Ok(Some(Self { rule, wanted, deletion_mode: kind.deletion_mode(), fields }))
    }

    /// One that marks rows of levels above as deleted, for files that stay as they are.
    ///
    /// # Errors
    /// `Invalid` when the schema lacks a key column.
    pub(crate) fn of_deletions(schema: &TableSchema, merge: &MergeOptions) -> Result<Self> {
        let fields = schema.fields_of(&merge.required_columns([]))?.into();
        let (wanted, deletion_mode) = (ChangesWanted::Nothing, DeletionMode::Vectors);
        Ok(Self { rule: Rule::Deletions, wanted, deletion_mode, fields })
    }

    /// The columns that must be read.
    pub(super) fn fields(&self) -> Arc<[DataField]> {
        Arc::clone(&self.fields)
    }

    /// Whether changes come out.
    pub(crate) fn writes_changelog(&self) -> bool {
        self.wanted != ChangesWanted::Nothing
    }

    /// Whether rows come out, not only deletions.
    pub(super) fn merges(&self) -> bool {
        !matches!(self.rule, Rule::Deletions)
    }

    /// Whether what is found is deleted where it was found.
    pub(super) fn marks_deletions(&self) -> bool {
        self.deletion_mode == DeletionMode::Vectors
    }

    /// What of a record that is found is wanted; `None`: nothing is looked up.
    pub(super) fn lookup_wanted(&self) -> Option<LookupWanted> {
        match self.rule {
            Rule::FullCompaction(_) => None,
            Rule::Lookup(_, wanted) => Some(wanted),
            Rule::FirstRow(_) => Some(LookupWanted::Existence),
            Rule::Deletions => Some(LookupWanted::Place),
        }
    }

    /// The keys that must be looked up.
    pub(super) fn missing_keys(&self, groups: &KeyGroups) -> Vec<u32> {
        match self.rule {
            Rule::FullCompaction(_) => Vec::new(),
            Rule::Lookup(..) | Rule::Deletions => lookup::missing_keys(groups),
            Rule::FirstRow(_) => first_row::missing_keys(groups),
        }
    }

    /// The rows and the changes, in a compaction to `output_level`; `None` when rows are only deleted.
    ///
    /// # Errors
    /// Those of the merge function.
    pub(super) fn merge(
        &self,
        groups: &KeyGroups,
        answer: Option<Answer>,
        output_level: i32,
    ) -> Result<Option<ChangelogResult>> {
        let result = match &self.rule {
            Rule::Deletions => return Ok(None),
            Rule::FullCompaction(merge) => full_compaction(groups, merge, output_level, &self.wanted)?,
            Rule::FirstRow(merge) => {
                let known = answer.map(|answer| answer.keys()).transpose()?.unwrap_or_default();
                first_row(groups, &known, merge, &self.wanted)?
            }
            Rule::Lookup(merge, _) => {
                let found = answer.map(Answer::into_found).transpose()?.flatten();
                merge.lookup(groups, found.as_ref(), &self.wanted)?
            }
        };
        Ok(Some(result))
    }
}

/// Whether a table's lookups need the records, or only where they lie.
fn wanted_of(rules: &LookupRules) -> LookupWanted {
    let is_merged = rules.engine != MergeEngine::Deduplicate || rules.has_sequence_field;
    match rules.deletion_mode {
        DeletionMode::Vectors if !rules.writes_changelog && !is_merged => LookupWanted::Place,
        _ => LookupWanted::Record,
    }
}

impl Answer {
    /// Without the records that are too old, as if they had not been found.
    ///
    /// # Errors
    /// `Internal` when the records lack their time.
    pub(super) fn without_expired(mut self, expire: &RecordLevelExpire, now_millis: i64) -> Result<Self> {
        let Some(records) = self.found.records.take() else { return Ok(self) };
        let fresh = expire.fresh(&records.values, now_millis)?;
        let LookupFound { keys, levels, places, .. } = self.found;
        self.found = LookupFound {
            keys: retained(keys, &fresh),
            records: Some(expire.retain(records, now_millis)?),
            levels: retained(levels, &fresh),
            places: retained(places, &fresh),
        };
        Ok(self)
    }

    /// The keys of the groups that were found.
    fn keys(&self) -> Result<Vec<u32>> {
        let of_group = |row: &u32| {
            let key = self.asked.get(*row as usize).copied();
            key.ok_or_else(|| Error::internal("a lookup found a key that nobody asked for"))
        };
        self.found.keys.iter().map(of_group).collect()
    }

    /// The records by the keys of the groups; `None` when only places were asked for.
    fn into_found(self) -> Result<Option<Found>> {
        let keys = self.keys()?;
        let LookupFound { records, levels, .. } = self.found;
        Ok(records.map(|records| Found { keys, records, levels }))
    }
}

fn retained<T>(all: Vec<T>, keep: &BooleanArray) -> Vec<T> {
    all.into_iter().zip(keep).filter(|(_, keep)| *keep == Some(true)).map(|(item, _)| item).collect()
}
