//! Whether the options of a merge engine make sense: sequence fields, sequence groups, aggregate functions, deletes.
//!
//! Goes in: options and the schema they belong to. Comes out: nothing, or an error that says what is wrong, why, and what to do. Whether
//! an aggregate function is there and takes a column's type is for the merge to say, which has the functions. Answers to the rules of
//! `SchemaValidation` and of the factory of `PartialUpdateMergeFunction`.

use std::collections::{HashMap, HashSet};

use super::{CoreOptions, MergeEngine, key};
use crate::data_type::TypeRoot;
use crate::error::{Error, Result, ResultExt};
use crate::schema::TableSchema;

/// The aggregate function that partial-update has without a sequence group too: it is what it does anyway.
const LAST_NON_NULL_VALUE: &str = "last_non_null_value";
/// What stands in the place of a column in `fields.default-aggregate-function`.
const DEFAULT_FUNCTION: &str = "default-aggregate-function";

impl CoreOptions {
    /// The rules of the merge engine.
    pub(super) fn validate_merge(&self, schema: &TableSchema) -> Result<()> {
        self.validate_field_options(schema)?;
        self.validate_sequence(schema)?;
        self.validate_rowkind(schema)?;
        if schema.primary_keys.is_empty() {
            return Ok(());
        }
        match self.merge_engine()? {
            MergeEngine::PartialUpdate => self.validate_partial_update(schema),
            MergeEngine::Aggregation => self.validate_ignored_retractions(schema),
            MergeEngine::Deduplicate | MergeEngine::FirstRow => Ok(()),
        }
    }

    /// Every option `fields.<columns>.…` is about columns of the table.
    fn validate_field_options(&self, schema: &TableSchema) -> Result<()> {
        for (name, _) in self.iter() {
            let Some(rest) = name.strip_prefix(key::FIELDS_PREFIX) else { continue };
            let columns = rest.split('.').next().unwrap_or_default();
            for column in columns.split(',').filter(|column| *column != DEFAULT_FUNCTION) {
                schema.fields_of(&[column]).context(|| format!("the option {name}"))?;
            }
        }
        Ok(())
    }

    fn validate_sequence(&self, schema: &TableSchema) -> Result<()> {
        let names = self.sequence_fields();
        if names.is_empty() {
            return Ok(());
        }
        schema.fields_of(&names).context(|| format!("the option {}", key::SEQUENCE_FIELD))?;
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                return Err(self.conflict(key::SEQUENCE_FIELD, &format!("itself: it names {name} twice")));
            }
            if let Some(function) = self.field_aggregate_function(name) {
                let with = format!("fields.{name}.aggregate-function = {function}: a sequence is not aggregated");
                return Err(self.conflict(key::SEQUENCE_FIELD, &with));
            }
        }
        if self.merge_engine()? == MergeEngine::FirstRow {
            let with = "merge-engine = first-row, where the row written first stays: leave it away";
            return Err(self.conflict(key::SEQUENCE_FIELD, with));
        }
        if schema.is_cross_partition_update() {
            let with = "a primary key without the partition columns: add them to the key, or leave it away";
            return Err(self.conflict(key::SEQUENCE_FIELD, with));
        }
        Ok(())
    }

    fn validate_rowkind(&self, schema: &TableSchema) -> Result<()> {
        let Some(name) = self.rowkind_field() else { return Ok(()) };
        let fields = schema.fields_of(&[name]).context(|| format!("the option {}", key::ROWKIND_FIELD))?;
        let is_text = |root: &TypeRoot| matches!(root, TypeRoot::Char(_) | TypeRoot::VarChar(_));
        if fields.iter().all(|field| is_text(&field.data_type.root)) {
            return Ok(());
        }
        Err(Error::invalid(format!("the option {} names {name}, which is no text", key::ROWKIND_FIELD)))
    }

    fn validate_partial_update(&self, schema: &TableSchema) -> Result<()> {
        let (sequences, members) = self.validate_sequence_groups(schema)?;
        let (on_delete, on_group) =
            (key::PARTIAL_UPDATE_REMOVE_RECORD_ON_DELETE, key::PARTIAL_UPDATE_REMOVE_RECORD_ON_SEQUENCE_GROUP);
        if self.partial_update_remove_record_on_delete()? {
            if self.ignore_delete()? {
                return Err(self.conflict(on_delete, "ignore-delete: a delete either removes a row or is ignored"));
            }
            if !sequences.is_empty() {
                let with =
                    format!("sequence groups: take {on_group} with the sequence fields whose deletes remove a row");
                return Err(self.conflict(on_delete, &with));
            }
        }
        if let Some(names) = self.partial_update_remove_record_on_sequence_group() {
            if self.ignore_delete()? {
                return Err(self.conflict(on_group, "ignore-delete: a delete either removes a row or is ignored"));
            }
            if let Some(name) = names.iter().find(|name| !sequences.contains(*name)) {
                return Err(self.conflict(on_group, &format!("{name}, which is no sequence field of a sequence group")));
            }
        }
        for field in &schema.fields {
            let name = &field.name;
            let protected = members.contains(name) || sequences.contains(name) || schema.primary_keys.contains(name);
            let function = self.field_aggregate_function(name).or_else(|| self.default_aggregate_function());
            if let Some(function) = function.filter(|function| !protected && *function != LAST_NON_NULL_VALUE) {
                return Err(Error::invalid(format!(
                    "the column {name} is aggregated by {function} but is in no sequence group: partial-update aggregates \
                     only what has an order; add it to a fields.<sequence field>.sequence-group"
                )));
            }
        }
        self.validate_ignored_retractions(schema)
    }

    /// The sequence fields of all groups and the members of all groups.
    fn validate_sequence_groups(&self, schema: &TableSchema) -> Result<(HashSet<String>, HashSet<String>)> {
        let (mut sequences, mut group_of) = (HashSet::new(), HashMap::new());
        for group in self.sequence_groups() {
            let all: Vec<&String> = group.sequence_fields.iter().chain(&group.members).collect();
            schema.fields_of(&all).context(|| format!("the option {}", group.option))?;
            for name in &group.members {
                if let Some(other) = group_of.insert(name.clone(), group.option.clone()) {
                    return Err(Error::invalid(format!(
                        "the column {name} is in the sequence groups of {other} and {}: it can follow one order only",
                        group.option
                    )));
                }
            }
            sequences.extend(group.sequence_fields);
        }
        Ok((sequences, group_of.into_keys().collect()))
    }

    /// What a retraction does is said once.
    fn validate_ignored_retractions(&self, schema: &TableSchema) -> Result<()> {
        for field in &schema.fields {
            if self.field_ignore_retract(&field.name)? && self.aggregation_remove_record_on_delete()? {
                let with = format!("fields.{}.ignore-retract: a delete either removes a row or is ignored", field.name);
                return Err(self.conflict(key::AGGREGATION_REMOVE_RECORD_ON_DELETE, &with));
            }
        }
        Ok(())
    }
}
