//! The rules of a table with `merge-engine = partial-update`.
//!
//! Goes in: schema and options. Comes out: the role of each column and the sequence groups, by name. Invariants: a column is in one
//! group at most; only columns of a group are aggregated. Answers to `PartialUpdateMergeFunction.Factory`.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_format::options::{CoreOptions, SequenceGroup};
use alluvium_format::{Error, Result, ResultExt, TableSchema};

use super::FieldAggregator;
use super::history::Retraction;

/// The aggregate function that a column without a group may name: it is what such a column does.
const LAST_NON_NULL_VALUE: &str = "last_non_null_value";

/// The last value of each column wins that is not null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialUpdate {
    pub(super) retraction: Retraction,
    pub(super) groups: Vec<Group>,
    /// The roles of columns; one that is not here is of no group.
    pub(super) columns: BTreeMap<String, Role>,
}

/// Columns that are updated in an order of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The columns that make the order, the first one first.
    pub(super) sequence_fields: Vec<String>,
    /// The columns that follow it.
    pub(super) members: Vec<String>,
    /// What a record of kind `-D` does that is not late in this group.
    pub(super) on_delete: OnDelete,
}

/// What a `-D` of a group does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnDelete {
    /// It retracts the values of the group.
    Retracts,
    /// It removes the whole row: `partial-update.remove-record-on-sequence-group`.
    RemovesRow,
}

/// What a column is. Groups are by their places among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Key,
    Sequence(usize),
    Member(usize),
    Aggregated(usize, Arc<FieldAggregator>),
}

impl PartialUpdate {
    /// The rules of a table.
    ///
    /// # Errors
    /// `Invalid` for options that name what there is not or contradict each other, and as [`FieldAggregator::new`]; `Unsupported` for
    /// a column of two sequence groups, where Java's answer depends on the order of a hash map.
    pub fn new(schema: &TableSchema, options: &CoreOptions) -> Result<Self> {
        let removing = options.partial_update_remove_record_on_sequence_group().unwrap_or_default();
        let mut groups = Vec::new();
        let mut columns = BTreeMap::new();
        for group in options.sequence_groups() {
            add_members(schema, &group, groups.len(), &mut columns)?;
            let removes = group.sequence_fields.iter().any(|name| removing.contains(name));
            let on_delete = if removes { OnDelete::RemovesRow } else { OnDelete::Retracts };
            groups.push(Group { sequence_fields: group.sequence_fields, members: group.members, on_delete });
        }
        if let Some(name) = removing.iter().find(|name| !matches!(columns.get(*name), Some(Role::Sequence(_)))) {
            return Err(Error::invalid(format!(
                "partial-update.remove-record-on-sequence-group names {name}, which is no sequence field: name columns that have a \
                 fields.{name}.sequence-group"
            )));
        }
        for name in &schema.primary_keys {
            if !matches!(columns.get(name), Some(Role::Sequence(_))) {
                columns.insert(name.clone(), Role::Key);
            }
        }
        let retraction = if options.ignore_delete()? {
            Retraction::Ignored
        } else if !groups.is_empty() {
            Retraction::ByGroup
        } else if options.partial_update_remove_record_on_delete()? {
            Retraction::RemovesRow
        } else {
            Retraction::Refused
        };
        let mut rules = Self { retraction, groups, columns };
        rules.aggregate(schema, options)?;
        Ok(rules)
    }

    /// Gives columns their aggregate functions.
    fn aggregate(&mut self, schema: &TableSchema, options: &CoreOptions) -> Result<()> {
        for field in &schema.fields {
            let name = options.field_aggregate_function(&field.name).or_else(|| options.default_aggregate_function());
            let Some(name) = name else { continue };
            match self.columns.get(&field.name) {
                Some(Role::Key | Role::Sequence(_) | Role::Aggregated(..)) => {}
                Some(Role::Member(group)) => {
                    let function = Arc::new(FieldAggregator::new(name, field, options)?);
                    let role = Role::Aggregated(*group, function);
                    self.columns.insert(field.name.clone(), role);
                }
                None if name == LAST_NON_NULL_VALUE => {}
                None => {
                    return Err(Error::invalid(format!(
                        "the column {} has the aggregate function {name} but no sequence group: partial-update aggregates only in \
                         the order of a group; add the column to a fields.….sequence-group, or take {LAST_NON_NULL_VALUE}",
                        field.name
                    )));
                }
            }
        }
        Ok(())
    }

    /// The columns that decide what becomes of `wanted`: the sequence fields of their groups. Those whose deletes remove a row are
    /// always among them, as they decide whether there is a row at all.
    pub(crate) fn required_columns<'a>(&'a self, wanted: &'a [String]) -> impl Iterator<Item = &'a str> {
        let asked =
            |group: &&Group| group.on_delete == OnDelete::RemovesRow || group.names().any(|name| wanted.contains(name));
        self.groups.iter().filter(asked).flat_map(|group| group.sequence_fields.iter().map(String::as_str))
    }
}

fn add_members(
    schema: &TableSchema,
    group: &SequenceGroup,
    at: usize,
    columns: &mut BTreeMap<String, Role>,
) -> Result<()> {
    schema.fields_of(&group.sequence_fields).context(|| format!("the option {}", group.option))?;
    schema.fields_of(&group.members).context(|| format!("the option {}", group.option))?;
    let option = &group.option;
    let mut add = |name: &String, role| match columns.insert(name.clone(), role) {
        None => Ok(()),
        Some(Role::Sequence(before) | Role::Member(before)) if before == at => {
            Err(Error::unsupported(format!("a column that is twice in a sequence group: {name}, in {option}")))
        }
        Some(_) => Err(Error::unsupported(format!("a column of two sequence groups: {name}, by {option} and another"))),
    };
    for name in &group.sequence_fields {
        add(name, Role::Sequence(at))?;
    }
    // A group may name its sequence fields among its members: they are in it anyway.
    for name in group.members.iter().filter(|name| !group.sequence_fields.contains(name)) {
        add(name, Role::Member(at))?;
    }
    Ok(())
}
