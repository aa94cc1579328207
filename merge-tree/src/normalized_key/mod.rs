//! Normalised keys: a key as one value whose plain order is the order of the key.
//!
//! Goes in: the key columns of a batch (or its sequence columns). Comes out: a `u64` a row where the columns fit into 64 bits,
//! a `u128` where they fit into 128, else the bytes of `arrow-row` with their first 16 beside them. Invariants: for any two rows
//! of any two batches of one encoder, comparing `Keys` is comparing the columns in order as Java does: numbers by value, strings
//! and bytes as unsigned bytes, floats by `<` (−0.0 is 0.0, every NaN equal and highest), null lowest.
//! Answers to the generated `NormalizedKeyComputer` and `RecordComparator`.

mod encoded;
mod packed;
mod rows;

use std::cmp::Ordering;

use alluvium_format::{Error, Result};
use arrow_array::{ArrayRef, BinaryArray, RecordBatch};
use arrow_schema::{DataType, Schema};

pub use encoded::EncodedKeys;
pub(crate) use packed::{Lane, Packed, Word};
use rows::RowEncoder;
pub(crate) use rows::RowKeys;

use crate::merge_options::SequenceOrder;

/// Keys of many rows, comparable with each other.
pub(crate) trait KeyStore: Sized {
    /// What decides most comparisons: all of the key, or its beginning.
    type Head: Copy + Ord;

    fn from_keys(keys: Keys) -> Option<Self>;
    fn len(&self) -> usize;
    fn head(&self, row: usize) -> Self::Head;

    /// Compares what the heads leave open; called with equal heads only.
    fn compare_tails(&self, row: usize, other: &Self, other_row: usize) -> Ordering;

    #[inline]
    fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let heads = self.head(row).cmp(&other.head(other_row));
        heads.then_with(|| self.compare_tails(row, other, other_row))
    }

    /// The first row, if any, whose key is not above that of the row before.
    fn first_descent(&self) -> Option<usize> {
        (1..self.len()).find(|row| self.compare(row - 1, self, *row).is_ge())
    }
}

/// The keys of a batch.
#[derive(Debug)]
pub(crate) enum Keys {
    Packed64(Packed<u64>),
    Packed128(Packed<u128>),
    Rows(RowKeys),
}

impl Keys {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Packed64(keys) => keys.len(),
            Self::Packed128(keys) => keys.len(),
            Self::Rows(keys) => keys.len(),
        }
    }

    /// Compares two rows; both stores come from one encoder.
    #[inline]
    pub(crate) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        match (self, other) {
            (Self::Packed64(a), Self::Packed64(b)) => a.compare(row, b, other_row),
            (Self::Packed128(a), Self::Packed128(b)) => a.compare(row, b, other_row),
            (Self::Rows(a), Self::Rows(b)) => a.compare(row, b, other_row),
            _ => {
                debug_assert!(false, "keys of two encoders were compared");
                Ordering::Equal
            }
        }
    }
}

/// Which form an encoder gives its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyForm {
    Packed64,
    Packed128,
    Rows,
}

/// Makes keys that compare fast of batches of one schema.
#[derive(Debug)]
pub struct KeyEncoder {
    columns: Vec<(usize, String)>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Packed64(Vec<Lane>),
    Packed128(Vec<Lane>),
    Rows(RowEncoder),
}

impl KeyEncoder {
    /// Of key columns, which are ascending and never null.
    ///
    /// # Errors
    /// `Invalid` when the schema lacks one of them, or there is none; `Unsupported` for a type that has no order.
    pub fn of_key(schema: &Schema, columns: &[String]) -> Result<Self> {
        if columns.is_empty() {
            return Err(Error::invalid("a merge needs a key: the table has no primary key"));
        }
        Self::new(schema, columns, &Role::Key)
    }

    /// Of sequence columns, which may be null: null is lowest in either order.
    pub(crate) fn of_sequence(schema: &Schema, columns: &[String], order: SequenceOrder) -> Result<Option<Self>> {
        if columns.is_empty() {
            return Ok(None);
        }
        Self::new(schema, columns, &Role::Sequence(order)).map(Some)
    }

    fn new(schema: &Schema, names: &[String], role: &Role) -> Result<Self> {
        let mut columns = Vec::with_capacity(names.len());
        let mut types = Vec::with_capacity(names.len());
        let mut lanes = Some(Vec::with_capacity(names.len()));
        for name in names {
            let Some((index, field)) = schema.column_with_name(name) else {
                return Err(Error::invalid(format!("the columns of a merge lack {}column {name}", role.adjective())));
            };
            columns.push((index, name.clone()));
            types.push(field.data_type().clone());
            let nullable = field.is_nullable() && matches!(role, Role::Sequence(_));
            let lane = Lane::of(field.data_type(), nullable, role.order());
            lanes = lanes.zip(lane).map(|(mut lanes, lane): (Vec<Lane>, Lane)| {
                lanes.push(lane);
                lanes
            });
        }
        let form = match lanes {
            Some(lanes) if Lane::total_bits(&lanes) <= u64::BITS => Form::Packed64(lanes),
            Some(lanes) if Lane::total_bits(&lanes) <= u128::BITS => Form::Packed128(lanes),
            _ => Form::Rows(RowEncoder::new(&types, role.order())?),
        };
        Ok(Self { columns, form })
    }

    /// Which variant of [`Keys`] comes out.
    pub(crate) fn form(&self) -> KeyForm {
        match self.form {
            Form::Packed64(_) => KeyForm::Packed64,
            Form::Packed128(_) => KeyForm::Packed128,
            Form::Rows(_) => KeyForm::Rows,
        }
    }

    /// The keys of `batches`, one batch after the other. `Invalid` on null in a column that has none by its schema.
    pub(crate) fn encode<'a>(&self, batches: impl Iterator<Item = &'a RecordBatch>) -> Result<Keys> {
        let mut keys = match &self.form {
            Form::Packed64(_) => Keys::Packed64(Packed::default()),
            Form::Packed128(_) => Keys::Packed128(Packed::default()),
            Form::Rows(encoder) => Keys::Rows(encoder.empty()),
        };
        for batch in batches {
            let arrays = self.arrays(batch)?;
            match (&self.form, &mut keys) {
                (Form::Packed64(lanes), Keys::Packed64(keys)) => keys.append(lanes, &arrays, batch.num_rows())?,
                (Form::Packed128(lanes), Keys::Packed128(keys)) => keys.append(lanes, &arrays, batch.num_rows())?,
                (Form::Rows(encoder), Keys::Rows(keys)) => encoder.append(keys, &arrays)?,
                _ => return Err(Error::internal("a key encoder made keys of another form")),
            }
        }
        Ok(keys)
    }

    fn arrays(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.columns
            .iter()
            .map(|(index, name)| match batch.columns().get(*index) {
                Some(array) => Ok(array.clone()),
                None => Err(Error::invalid(format!("a batch of the merge lacks column {name}"))),
            })
            .collect()
    }
}

/// The rows of these columns as bytes, whose plain order is the order of the columns, one after the other: null is lowest, and no row
/// begins with all of another one.
///
/// # Errors
/// `Unsupported` for a type that has no order.
pub fn ordered_bytes(columns: &[ArrayRef]) -> Result<BinaryArray> {
    let types: Vec<DataType> = columns.iter().map(|column| column.data_type().clone()).collect();
    RowEncoder::new(&types, SequenceOrder::Ascending)?.bytes(columns)
}

enum Role {
    Key,
    Sequence(SequenceOrder),
}

impl Role {
    fn order(&self) -> SequenceOrder {
        match self {
            Self::Key => SequenceOrder::Ascending,
            Self::Sequence(order) => *order,
        }
    }

    fn adjective(&self) -> &'static str {
        match self {
            Self::Key => "key ",
            Self::Sequence(_) => "sequence ",
        }
    }
}

/// Whether a type is the two-part form of timestamps finer than microseconds: milliseconds and nanoseconds of a millisecond.
fn is_moment(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => {
            let types: Vec<_> = fields.iter().map(|field| field.data_type()).collect();
            types == [&DataType::Int64, &DataType::Int32]
        }
        _ => false,
    }
}
