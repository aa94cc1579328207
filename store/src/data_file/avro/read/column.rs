//! Decodes the values of one field into a column.
//!
//! Goes in: the type of the values in the file, and the type that the schema says. Comes out: an array in its in-memory form. Nulls are
//! a branch of a union, whichever it is. Answers to `FieldReaderFactory.NullableReader`.

use alluvium_format::arrow::to_arrow_type;
use alluvium_format::avro::{Decoder, Type};
use alluvium_format::{DataType, Error, ErrorKind, Result};
use arrow_array::ArrayRef;
use arrow_buffer::NullBufferBuilder;
use arrow_schema::DataType as ArrowType;

use super::values::Values;

/// Decodes values of one type.
#[derive(Debug)]
pub(super) struct ColumnDecoder {
    /// The branch of the union that is null; `None` when the values are of no union.
    null_branch: Option<i64>,
    nulls: NullBufferBuilder,
    values: Values,
    data_type: DataType,
    arrow: ArrowType,
}

impl ColumnDecoder {
    /// The decoder of values that are `in_file` into a column of `wanted`.
    ///
    /// # Errors
    /// `Unsupported` for VARIANT, BLOB and VECTOR; `Corrupt` when the types do not go together.
    pub(super) fn new(in_file: &Type, wanted: &DataType) -> Result<Self> {
        let (null_branch, plain) = match in_file {
            Type::Nullable { null_branch, value } => (Some(*null_branch), value.as_ref()),
            plain => (None, plain),
        };
        let values = Values::of(plain, wanted)?.ok_or_else(|| {
            let message = format!("it is {plain:?} in the file, where its schema says {wanted}");
            Error::new(ErrorKind::Corrupt, message)
        })?;
        let arrow = to_arrow_type(wanted)?;
        Ok(Self { null_branch, nulls: NullBufferBuilder::new(0), values, data_type: wanted.clone(), arrow })
    }

    /// Decodes one value.
    ///
    /// # Errors
    /// `Corrupt` with path and offset.
    #[inline]
    pub(super) fn decode(&mut self, decoder: &mut Decoder<'_>) -> Result<()> {
        if let Some(null_branch) = self.null_branch {
            match decoder.varint()? {
                branch if branch == null_branch => {
                    self.push_null();
                    return Ok(());
                }
                0 | 1 => {}
                other => return Err(decoder.corrupt(format!("a union of two has no branch {other}"))),
            }
        }
        self.values.decode(decoder)?;
        self.nulls.append_non_null();
        Ok(())
    }

    /// How many values there are since the last batch.
    pub(super) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// A null.
    pub(super) fn push_null(&mut self) {
        self.values.push_any();
        self.nulls.append_null();
    }

    /// The values since the last batch.
    ///
    /// # Errors
    /// `Corrupt` for texts that are no UTF-8, and for nulls where there must be none.
    pub(super) fn finish(&mut self) -> Result<ArrayRef> {
        let nulls = self.nulls.finish();
        self.values.finish((&self.data_type, &self.arrow), nulls)
    }
}
