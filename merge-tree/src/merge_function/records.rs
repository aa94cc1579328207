//! The records that a merge function works over: a column of them is gathered no sooner and no further than it is asked for.
//!
//! Goes in: batches, and the place of each record in them. Comes out: sequence numbers and kinds at once; a whole column, or picked
//! values of it, on demand. Invariants: all batches have the same columns; a record goes by its number, from 0.

use alluvium_format::Result;
use arrow_array::{Array, ArrayRef, Int8Array, Int64Array, RecordBatch, UInt32Array, new_null_array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, SchemaRef};
use arrow_select::concat::concat;
use arrow_select::interleave::interleave;
use arrow_select::take::take;

use crate::key_value::{KeyValueBatch, kernel_error};

/// A record's batch, and its row there.
pub(crate) type Address = (usize, usize);

/// Records of one batch or of several.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    places: Places<'a>,
    sequences: Int64Array,
    kinds: Int8Array,
}

#[derive(Debug)]
enum Places<'a> {
    /// The rows of a batch, as they come.
    Batch(&'a RecordBatch),
    /// The rows of batches, one batch after the other, with their addresses.
    Batches(Vec<&'a RecordBatch>, Vec<Address>),
    Addresses(Vec<&'a RecordBatch>, &'a [Address]),
}

impl<'a> Records<'a> {
    /// All rows of a batch.
    pub(crate) fn of_batch(batch: &'a KeyValueBatch) -> Self {
        let places = Places::Batch(&batch.values);
        Self { places, sequences: batch.sequences.clone(), kinds: batch.kinds.clone() }
    }

    /// All rows of `batches`, one batch after the other, with their `sequences` and `kinds`.
    pub(crate) fn of_batches(batches: &'a [KeyValueBatch], sequences: Int64Array, kinds: Int8Array) -> Self {
        let places = match batches {
            [batch] => Places::Batch(&batch.values),
            _ => {
                let rows = |(at, batch): (usize, &KeyValueBatch)| (0..batch.num_rows()).map(move |row| (at, row));
                let addresses = batches.iter().enumerate().flat_map(rows).collect();
                Places::Batches(batches.iter().map(|batch| &batch.values).collect(), addresses)
            }
        };
        Self { places, sequences, kinds }
    }

    /// The rows at `addresses` of `batches`.
    pub(crate) fn of_addresses(
        batches: impl ExactSizeIterator<Item = &'a KeyValueBatch> + Clone,
        addresses: &'a [Address],
    ) -> Self {
        let sequences: Vec<&[i64]> = batches.clone().map(|batch| &**batch.sequences.values()).collect();
        let kinds: Vec<&[i8]> = batches.clone().map(|batch| &**batch.kinds.values()).collect();
        Self {
            places: Places::Addresses(batches.map(|batch| &batch.values).collect(), addresses),
            sequences: addresses.iter().map(|&(batch, row)| sequences[batch][row]).collect(),
            kinds: addresses.iter().map(|&(batch, row)| kinds[batch][row]).collect(),
        }
    }

    pub(crate) fn num_rows(&self) -> usize {
        self.sequences.len()
    }

    #[inline]
    pub(crate) fn sequence(&self, record: u32) -> i64 {
        self.sequences.value(record as usize)
    }

    #[inline]
    pub(crate) fn kind(&self, record: u32) -> i8 {
        self.kinds.value(record as usize)
    }

    /// The values of a column in all records.
    pub(crate) fn column(&self, column: usize) -> Result<ArrayRef> {
        match &self.places {
            Places::Batch(batch) => Ok(batch.column(column).clone()),
            Places::Batches(batches, _) => concat(&arrays_of(batches, column)).map_err(kernel_error),
            Places::Addresses(batches, addresses) => {
                interleave(&arrays_of(batches, column), addresses).map_err(kernel_error)
            }
        }
    }

    /// The values of a column, of `data_type`, in the given records; null for none.
    pub(crate) fn pick(&self, column: usize, data_type: &DataType, records: &UInt32Array) -> Result<ArrayRef> {
        let (batches, addresses) = match &self.places {
            Places::Batch(batch) => return take(batch.column(column), records, None).map_err(kernel_error),
            Places::Batches(batches, addresses) => (batches, &addresses[..]),
            Places::Addresses(batches, addresses) => (batches, *addresses),
        };
        let none = new_null_array(data_type, 1);
        let mut arrays = arrays_of(batches, column);
        if records.null_count() > 0 {
            arrays.push(&none);
        }
        let address_of = |record: Option<u32>| record.map_or((batches.len(), 0), |record| addresses[record as usize]);
        let picked: Vec<Address> = records.iter().map(address_of).collect();
        interleave(&arrays, &picked).map_err(kernel_error)
    }

    /// Where a column has values.
    pub(crate) fn validity(&self, column: usize) -> Validity<'_> {
        let (batches, addresses) = match &self.places {
            Places::Batch(batch) => return Validity { nulls: vec![batch.column(column).nulls()], addresses: None },
            Places::Batches(batches, addresses) => (batches, &addresses[..]),
            Places::Addresses(batches, addresses) => (batches, *addresses),
        };
        let nulls = batches.iter().map(|batch| batch.column(column).nulls()).collect();
        Validity { nulls, addresses: Some(addresses) }
    }

    /// All columns of all records, as a batch of `schema`.
    pub(crate) fn gather(&self, schema: &SchemaRef) -> Result<KeyValueBatch> {
        let columns: Result<Vec<_>> = (0..schema.fields().len()).map(|column| self.column(column)).collect();
        let values = RecordBatch::try_new(SchemaRef::clone(schema), columns?).map_err(kernel_error)?;
        Ok(KeyValueBatch { sequences: self.sequences.clone(), kinds: self.kinds.clone(), values })
    }
}

fn arrays_of<'a>(batches: &[&'a RecordBatch], column: usize) -> Vec<&'a dyn Array> {
    batches.iter().map(|batch| batch.column(column).as_ref()).collect()
}

/// Where a column has values.
pub(crate) struct Validity<'a> {
    /// By batch.
    nulls: Vec<Option<&'a NullBuffer>>,
    addresses: Option<&'a [Address]>,
}

impl Validity<'_> {
    /// Whether there is no null in the column.
    pub(crate) fn is_everywhere(&self) -> bool {
        self.nulls.iter().all(|nulls| nulls.is_none_or(|nulls| nulls.null_count() == 0))
    }

    /// Whether a record has a value.
    #[inline]
    pub(crate) fn has(&self, record: u32) -> bool {
        let (batch, row) = match self.addresses {
            Some(addresses) => addresses[record as usize],
            None => (0, record as usize),
        };
        self.nulls[batch].is_none_or(|nulls| nulls.is_valid(row))
    }
}
