//! The order of the records of a sequence group.
//!
//! Goes in: the sequence fields of a batch. Comes out: whether a record has a place in the order, and which of two is the later. Null
//! is the earliest value; a record whose sequence fields are all null has no place. Answers to `UserDefinedSeqComparator`.

use std::cmp::Ordering;

use alluvium_format::{Error, Result};
use arrow_array::{Array, RecordBatch};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{Schema, SchemaRef};

use super::rules::{Group, OnDelete};
use crate::key_value::kernel_error;
use crate::merge_function::Records;
use crate::merge_options::SequenceOrder;
use crate::normalized_key::{KeyEncoder, Keys};

/// A group for batches of one schema.
#[derive(Debug)]
pub(super) struct GroupColumns {
    /// Of the sequence fields alone.
    schema: SchemaRef,
    encoder: KeyEncoder,
    /// Where they are among all columns.
    indices: Vec<usize>,
    on_delete: OnDelete,
}

impl GroupColumns {
    pub(super) fn new(columns: &Schema, group: &Group) -> Result<Self> {
        let indices: Vec<usize> = group.sequence_fields.iter().filter_map(|name| columns.index_of(name).ok()).collect();
        let schema = SchemaRef::new(columns.project(&indices).map_err(kernel_error)?);
        let encoder = KeyEncoder::of_sequence(&schema, &group.sequence_fields, SequenceOrder::Ascending)?;
        let encoder = encoder.ok_or_else(|| Error::internal("a sequence group without sequence fields"))?;
        Ok(Self { schema, encoder, indices, on_delete: group.on_delete })
    }
}

/// The order of the rows of one batch.
#[derive(Debug)]
pub(super) struct GroupOrder {
    keys: Keys,
    /// The rows with a value in some sequence field; `None`: all.
    present: Option<BooleanBuffer>,
    pub(super) on_delete: OnDelete,
}

impl GroupOrder {
    pub(super) fn of(group: &GroupColumns, records: &Records<'_>) -> Result<Self> {
        let columns: Result<Vec<_>> = group.indices.iter().map(|index| records.column(*index)).collect();
        let values = RecordBatch::try_new(SchemaRef::clone(&group.schema), columns?).map_err(kernel_error)?;
        let keys = group.encoder.encode(std::iter::once(&values))?;
        let mut present = None;
        for (at, column) in values.columns().iter().enumerate() {
            let nulls = column.nulls();
            present = match (nulls.map(|nulls| nulls.inner()), present) {
                (Some(nulls), None) if at == 0 => Some(nulls.clone()),
                (Some(nulls), Some(present)) => Some(&present | nulls),
                _ => None,
            };
            if present.is_none() {
                break;
            }
        }
        Ok(Self { keys, present, on_delete: group.on_delete })
    }

    /// Whether a row has a place in the order.
    #[inline]
    pub(super) fn has_place(&self, row: u32) -> bool {
        self.present.as_ref().is_none_or(|present| present.value(row as usize))
    }

    #[inline]
    pub(super) fn compare(&self, row: u32, other: u32) -> Ordering {
        self.keys.compare(row as usize, &self.keys, other as usize)
    }
}
