//! Neighbouring records of a data file, decoded, with their keys: what lookups search in and caches keep.
//!
//! Goes in: rows of a data file. Comes out: the same as one batch of columns for the local disk, and back. Invariant: keys ascend.

use std::sync::Arc;

use alluvium_format::key_value_file::{SEQUENCE_NUMBER, VALUE_KIND};
use alluvium_format::{Error, Result};
use alluvium_merge_tree::{EncodedKeys, KeyEncoder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int8Array, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::data_file::DataFileBatch;

/// Records of a data file.
#[derive(Debug)]
pub(super) struct Block {
    /// The columns that are kept.
    pub(super) values: RecordBatch,
    /// Sequence numbers and kinds, where records are kept and not only their keys.
    pub(super) system: Option<(Int64Array, Int8Array)>,
    /// The key of each record, ascending.
    pub(super) keys: EncodedKeys,
    /// The position of the first record in the data file.
    pub(super) first_row: u64,
    /// Bytes of memory that it takes.
    pub(super) memory_bytes: usize,
}

impl Block {
    /// The block of a batch that starts at a position of its file.
    pub(super) fn of(batch: DataFileBatch, encoder: &KeyEncoder, first_row: u64) -> Result<Self> {
        let system = match (batch.sequences, batch.kinds) {
            (Some(sequences), Some(kinds)) => Some((sequences, kinds)),
            (None, None) => None,
            _ => return Err(Error::internal("one system column of a data file was read without the other")),
        };
        let keys = encoder.encode_batch(&batch.values)?;
        let memory_bytes = batch.values.get_array_memory_size()
            + keys.memory_bytes()
            + system
                .as_ref()
                .map_or(0, |(sequences, kinds)| sequences.get_array_memory_size() + kinds.get_array_memory_size());
        Ok(Self { keys, values: batch.values, system, first_row, memory_bytes })
    }

    /// The block of what [`Block::columns`] made, all in one buffer of so many bytes.
    pub(super) fn of_columns(
        (columns, bytes): (RecordBatch, usize),
        shape: &BlockShape,
        first_row: u64,
    ) -> Result<Self> {
        let (_, mut columns, _) = columns.into_parts();
        let system = columns.split_off(shape.values.fields().len().min(columns.len()));
        let system = match system.as_slice() {
            [] => None,
            [sequences, kinds] => {
                let sequences = sequences.as_primitive_opt::<Int64Type>().cloned();
                sequences.zip(kinds.as_primitive_opt::<Int8Type>().cloned())
            }
            _ => return Err(Error::internal("a block has more columns than it was written with")),
        };
        let values = RecordBatch::try_new(Arc::clone(&shape.values), columns).map_err(|error| {
            Error::internal("a block has other columns than it was written with").with_source(error)
        })?;
        let keys = shape.encoder.encode_batch(&values)?;
        let memory_bytes = bytes + keys.memory_bytes();
        Ok(Self { keys, values, system, first_row, memory_bytes })
    }

    /// The records `offset..offset + length` as columns of [`BlockShape::columns`], without copying them.
    pub(super) fn columns(&self, shape: &BlockShape, offset: usize, length: usize) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> =
            self.values.columns().iter().map(|column| column.slice(offset, length)).collect();
        if let Some((sequences, kinds)) = &self.system {
            columns.push(Arc::new(sequences.slice(offset, length)));
            columns.push(Arc::new(kinds.slice(offset, length)));
        }
        RecordBatch::try_new(Arc::clone(&shape.columns), columns)
            .map_err(|error| Error::internal("rows of a data file are not as they were asked for").with_source(error))
    }

    pub(super) fn num_rows(&self) -> usize {
        self.values.num_rows()
    }

    /// Bytes of its columns, whatever else is in their buffers.
    pub(super) fn column_bytes(&self) -> Result<usize> {
        let system = self.system.as_ref().map_or(0, |_| self.num_rows() * (size_of::<i64>() + size_of::<i8>()));
        let sizes = self.values.columns().iter().map(|column| column.to_data().get_slice_memory_size());
        let columns = sizes.sum::<std::result::Result<usize, _>>();
        Ok(system + columns.map_err(|error| Error::internal("columns without a size").with_source(error))?)
    }
}

/// What all blocks of a file have in common.
#[derive(Debug)]
pub(super) struct BlockShape {
    /// The columns that are kept.
    values: SchemaRef,
    /// The same with the system columns behind them.
    columns: SchemaRef,
    pub(super) encoder: KeyEncoder,
}

impl BlockShape {
    /// Blocks of these columns, with system columns or without.
    pub(super) fn new(values: SchemaRef, kept: KeptColumns, encoder: KeyEncoder) -> Self {
        let system = match kept {
            KeptColumns::Keys => Vec::new(),
            KeptColumns::All => vec![
                Arc::new(Field::new(SEQUENCE_NUMBER, DataType::Int64, false)),
                Arc::new(Field::new(VALUE_KIND, DataType::Int8, false)),
            ],
        };
        let columns: Vec<_> = values.fields().iter().cloned().chain(system).collect();
        Self { values, columns: Arc::new(Schema::new(columns)), encoder }
    }

    /// The schema of a block as columns.
    pub(super) fn columns(&self) -> &SchemaRef {
        &self.columns
    }
}

/// What of a data file is kept to look up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum KeptColumns {
    /// The key columns.
    Keys,
    /// All columns of the table, the sequence numbers and the kinds.
    All,
}
