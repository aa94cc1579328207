//! The options of merge engines: what becomes of the records of one key, column by column.
//!
//! Goes in: the options. Comes out: functions and groups of columns by name; whether the columns are there is for the caller to check.
//! Names in lists are taken as they are, without trimming: so does Java. Answers to the accessors of `CoreOptions` that
//! `PartialUpdateMergeFunction` and `AggregateMergeFunction` ask.

use super::{ChangelogProducer, CoreOptions, MergeEngine, key};
use crate::error::Result;

/// `fields.<sequence fields>.sequence-group = <members>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceGroup {
    /// The columns whose values order the updates of the group.
    pub sequence_fields: Vec<String>,
    /// The columns that are updated in that order.
    pub members: Vec<String>,
    /// The option's key, for errors.
    pub option: String,
}

impl CoreOptions {
    /// All `fields.….sequence-group`, in the order of their keys.
    pub fn sequence_groups(&self) -> Vec<SequenceGroup> {
        let names = |text: &str| text.split(',').map(str::to_owned).collect();
        let mut groups: Vec<SequenceGroup> = self
            .iter()
            .filter_map(|(option, members)| {
                let fields = option.strip_prefix(key::FIELDS_PREFIX)?.strip_suffix(key::SEQUENCE_GROUP_SUFFIX)?;
                Some(SequenceGroup {
                    sequence_fields: names(fields),
                    members: names(members.trim()),
                    option: option.to_owned(),
                })
            })
            .collect();
        groups.sort_by(|a, b| a.option.cmp(&b.option));
        groups
    }

    /// `fields.<column>.aggregate-function`.
    pub fn field_aggregate_function(&self, column: &str) -> Option<&str> {
        self.get(&format!("{}{column}{}", key::FIELDS_PREFIX, key::AGGREGATE_FUNCTION_SUFFIX))
    }

    /// `fields.default-aggregate-function`.
    pub fn default_aggregate_function(&self) -> Option<&str> {
        self.get(key::DEFAULT_AGGREGATE_FUNCTION)
    }

    /// `fields.<column>.ignore-retract`.
    pub fn field_ignore_retract(&self, column: &str) -> Result<bool> {
        self.flag(&format!("{}{column}{}", key::FIELDS_PREFIX, key::IGNORE_RETRACT_SUFFIX))
    }

    /// `partial-update.remove-record-on-delete`.
    pub fn partial_update_remove_record_on_delete(&self) -> Result<bool> {
        self.flag(key::PARTIAL_UPDATE_REMOVE_RECORD_ON_DELETE)
    }

    /// `partial-update.remove-record-on-sequence-group`: sequence fields; `None` when it is not set.
    pub fn partial_update_remove_record_on_sequence_group(&self) -> Option<Vec<String>> {
        let names = self.get(key::PARTIAL_UPDATE_REMOVE_RECORD_ON_SEQUENCE_GROUP)?;
        Some(names.split(',').map(str::to_owned).collect())
    }

    /// `aggregation.remove-record-on-delete`.
    pub fn aggregation_remove_record_on_delete(&self) -> Result<bool> {
        self.flag(key::AGGREGATION_REMOVE_RECORD_ON_DELETE)
    }

    /// `changelog-producer.row-deduplicate`.
    pub fn changelog_row_deduplicate(&self) -> Result<bool> {
        self.flag(key::CHANGELOG_ROW_DEDUPLICATE)
    }

    /// `changelog-producer.row-deduplicate-ignore-fields`.
    pub fn changelog_row_deduplicate_ignored_fields(&self) -> Vec<String> {
        let names = self.get(key::CHANGELOG_ROW_DEDUPLICATE_IGNORE_FIELDS);
        names.map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default()
    }

    /// `force-lookup`.
    pub fn force_lookup(&self) -> Result<bool> {
        self.flag(key::FORCE_LOOKUP)
    }

    /// Whether compactions of level 0 look up the records of levels above: for `changelog-producer = lookup`, deletion vectors,
    /// `merge-engine = first-row` and `force-lookup`. Answers to `CoreOptions.needLookup`.
    pub fn need_lookup(&self) -> Result<bool> {
        Ok(self.changelog_producer()? == ChangelogProducer::Lookup
            || self.merge_engine()? == MergeEngine::FirstRow
            || self.deletion_vectors_enabled()?
            || self.force_lookup()?)
    }
}
