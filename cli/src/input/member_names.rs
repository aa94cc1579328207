//! What the names in an input stand for: a column of the table, the row kind, or nothing.
//!
//! Goes in: a name and its place among the names of its row. Comes out: its [`Slot`]. Rows mostly name the same members in the same order,
//! so the answer for a place is remembered and only compared.

use std::collections::HashMap;

use alluvium::{Error, Result, TableSchema};

use super::UnknownMembers;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The column at this index.
    Column(usize),
    /// The row kind.
    RowKind,
    /// Nothing; it is left out.
    Ignored,
}

/// The names that mean something.
#[derive(Clone, Debug)]
pub(super) struct MemberNames {
    slots: HashMap<String, Slot>,
    columns: Vec<String>,
    /// `None` where the row kind is not said by a member.
    rowkind_field: Option<String>,
    unknown: UnknownMembers,
    /// The name and the meaning that each place had last.
    remembered: Vec<(String, Slot)>,
}

impl MemberNames {
    /// The names of a table's columns and of the row kind.
    ///
    /// # Errors
    /// `Invalid` when a column has the name of the row kind's field.
    pub(super) fn new(schema: &TableSchema, rowkind_field: Option<&str>, unknown: UnknownMembers) -> Result<Self> {
        if let Some(rowkind_field) = rowkind_field
            && schema.index_of(rowkind_field).is_some()
        {
            return Err(Error::invalid(format!(
                "the table has a column {rowkind_field}, which is also the field of the row kind: give the row kind another field name with --rowkind-field NAME"
            )));
        }
        let columns: Vec<String> = schema.fields.iter().map(|field| field.name.clone()).collect();
        let mut slots: HashMap<String, Slot> =
            columns.iter().enumerate().map(|(index, name)| (name.clone(), Slot::Column(index))).collect();
        slots.extend(rowkind_field.map(|field| (field.to_owned(), Slot::RowKind)));
        let rowkind_field = rowkind_field.map(str::to_owned);
        Ok(Self { slots, columns, rowkind_field, unknown, remembered: Vec::new() })
    }

    /// How many columns the table has.
    pub(super) fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// What a name stands for.
    ///
    /// # Errors
    /// Says that there is no such column, and which there are.
    pub(super) fn slot(&self, name: &str) -> Result<Slot, String> {
        match (self.slots.get(name), self.unknown) {
            (Some(slot), _) => Ok(*slot),
            (None, UnknownMembers::Ignore) => Ok(Slot::Ignored),
            (None, UnknownMembers::Refuse) => Err(format!(
                "the table has no column {name:?}: its columns are {}; --ignore-unknown leaves out what is none",
                self.columns.join(", ")
            )),
        }
    }

    /// What the name at `place` of a row stands for.
    ///
    /// # Errors
    /// As [`MemberNames::slot`].
    pub(super) fn slot_at(&mut self, place: usize, name: &str) -> Result<Slot, String> {
        match self.remembered.get(place) {
            Some((remembered, slot)) if remembered == name => return Ok(*slot),
            _ => {}
        }
        let slot = self.slot(name)?;
        // Only names that mean something are kept, each as long as its column's.
        if slot != Slot::Ignored && place <= self.remembered.len() {
            let entry = (name.to_owned(), slot);
            match self.remembered.get_mut(place) {
                Some(remembered) => *remembered = entry,
                None => self.remembered.push(entry),
            }
        }
        Ok(slot)
    }

    /// As messages call what a slot is filled with.
    pub(super) fn shown(&self, slot: Slot) -> &str {
        match slot {
            Slot::Column(index) => self.columns.get(index).map_or("", String::as_str),
            Slot::RowKind => self.rowkind_field.as_deref().unwrap_or_default(),
            Slot::Ignored => "",
        }
    }
}
