//! Records on the local disk that did not fit into memory.
//!
//! Goes in: batches of records of one schema. Comes out: handles by which they are read back, in any order and as they were. Invariant:
//! the file is there as long as one of its handles is. All of it blocks: call it where CPU-bound work runs. Answers to
//! `org.apache.paimon.disk.ExternalBuffer` and the spilling of `BinaryExternalSortBuffer` and `MergeSorter`.

use std::sync::Arc;

use alluvium_format::key_value_file::{SEQUENCE_NUMBER, VALUE_KIND};
use alluvium_format::options::LookupCompression;
use alluvium_format::{Error, Result};
use alluvium_merge_tree::KeyValueBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int64Type};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::block_codec::{BlockFile, BlockPlace, BlockWriter};
use crate::local_disk::LocalDisk;

/// Writes records to a file of the local disk.
pub struct SpillWriter {
    blocks: BlockWriter,
    /// Of the values, and of what is written.
    schema: Option<(SchemaRef, SchemaRef)>,
    places: Vec<(BlockPlace, usize)>,
}

/// A batch on the local disk.
#[derive(Clone, Debug)]
pub struct SpilledBatch {
    file: Arc<BlockFile>,
    values: SchemaRef,
    place: BlockPlace,
    rows: usize,
}

impl SpillWriter {
    /// A new file.
    ///
    /// # Errors
    /// `Storage` with the path; `Invalid` for a level that the codec does not have.
    pub fn new(disk: &LocalDisk, compression: LookupCompression) -> Result<Self> {
        let blocks = BlockWriter::new(disk.create()?, compression)?;
        Ok(Self { blocks, schema: None, places: Vec::new() })
    }

    /// Writes a batch, which has the schema of those before it.
    ///
    /// # Errors
    /// `Storage` with the path when the disk has no room. The file is of no use then, and goes with this.
    pub fn write(&mut self, batch: &KeyValueBatch) -> Result<()> {
        let (_, schema) = self.schema.get_or_insert_with(|| schemas_of(&batch.values));
        let columns = batch.values.columns().iter().cloned();
        let system: [ArrayRef; 2] = [Arc::new(batch.sequences.clone()), Arc::new(batch.kinds.clone())];
        let columns = columns.chain(system).collect();
        let records = RecordBatch::try_new(Arc::clone(schema), columns)
            .map_err(|error| Error::internal("batches of one spilled file differ").with_source(error))?;
        self.places.push((self.blocks.write(&records)?, batch.num_rows()));
        Ok(())
    }

    /// The batches, in the order in which they were written.
    pub fn finish(self) -> Vec<SpilledBatch> {
        let Some((values, schema)) = self.schema else { return Vec::new() };
        let file = Arc::new(self.blocks.finish(schema));
        let batch = |(place, rows)| SpilledBatch { file: Arc::clone(&file), values: Arc::clone(&values), place, rows };
        self.places.into_iter().map(batch).collect()
    }
}

impl SpilledBatch {
    /// How many rows it has.
    pub fn num_rows(&self) -> usize {
        self.rows
    }

    /// The batch.
    ///
    /// # Errors
    /// `Storage` when the disk fails; `Corrupt` when it gives back other bytes than it was given.
    pub fn read(&self) -> Result<KeyValueBatch> {
        let records = self.file.read(&self.place)?;
        let mut columns = records.columns().to_vec();
        let (Some(kinds), Some(sequences)) = (columns.pop(), columns.pop()) else { return Err(other_columns()) };
        let values = RecordBatch::try_new(Arc::clone(&self.values), columns).map_err(|_| other_columns())?;
        let sequences = sequences.as_primitive_opt::<Int64Type>().cloned().ok_or_else(other_columns)?;
        let kinds = kinds.as_primitive_opt::<Int8Type>().cloned().ok_or_else(other_columns)?;
        KeyValueBatch::try_new(sequences, kinds, values)
    }
}

fn other_columns() -> Error {
    Error::internal("a spilled batch came back with other columns")
}

/// The schema of the values, and that with the system columns behind them.
fn schemas_of(values: &RecordBatch) -> (SchemaRef, SchemaRef) {
    let schema = values.schema();
    let mut fields = schema.fields().to_vec();
    fields.push(Arc::new(Field::new(SEQUENCE_NUMBER, DataType::Int64, false)));
    fields.push(Arc::new(Field::new(VALUE_KIND, DataType::Int8, false)));
    (schema, Arc::new(Schema::new(fields)))
}

impl std::fmt::Debug for SpillWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpillWriter").field("batches", &self.places.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
