//! One column without parts, as Parquet gives it, in its in-memory form.
//!
//! Goes in: an array of the type that the Parquet schema says. Comes out: an array of the type that the table's schema says; values
//! are the same, their width or unit may be another. What does not fit is an error, never another value.

use std::sync::Arc;

use alluvium_format::arrow::{UTC, to_arrow_type};
use alluvium_format::{DataType, Error, ErrorKind, Result, TypeRoot};
use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{Array, ArrayRef};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DECIMAL128_MAX_PRECISION, DataType as ArrowType};

use crate::data_file::reader::Moments;

/// The array in memory; `None` when its type cannot hold values of `wanted`.
///
/// # Errors
/// `Corrupt` when a value does not fit.
pub(super) fn to_memory(array: &ArrayRef, wanted: &DataType) -> Result<Option<ArrayRef>> {
    let arrow = to_arrow_type(wanted)?;
    if *array.data_type() == arrow {
        return Ok(Some(Arc::clone(array)));
    }
    let found = array.data_type();
    let is_integer = found.is_integer();
    let is_text = matches!(found, ArrowType::Utf8 | ArrowType::Binary | ArrowType::FixedSizeBinary(_));
    Ok(match &wanted.root {
        TypeRoot::TinyInt | TypeRoot::SmallInt | TypeRoot::Int | TypeRoot::BigInt if is_integer => {
            Some(cast(array, &arrow)?)
        }
        TypeRoot::Float | TypeRoot::Double if found.is_floating() => Some(cast(array, &arrow)?),
        TypeRoot::Decimal { .. } if matches!(found, ArrowType::Decimal128(..) | ArrowType::Decimal256(..)) => {
            Some(cast(array, &arrow)?)
        }
        TypeRoot::Decimal { scale, .. } if is_integer => {
            // Whole numbers without annotation are unscaled values.
            let unscaled = cast(array, &ArrowType::Decimal128(DECIMAL128_MAX_PRECISION, 0))?;
            let unscaled = unscaled.as_primitive::<Decimal128Type>().clone();
            let scaled = unscaled.with_precision_and_scale(DECIMAL128_MAX_PRECISION, scale.cast_signed());
            let scaled: ArrayRef = Arc::new(scaled.map_err(does_not_fit)?);
            Some(cast(&scaled, &arrow)?)
        }
        TypeRoot::Char(_) | TypeRoot::VarChar(_) | TypeRoot::Binary(_) | TypeRoot::VarBinary(_) if is_text => {
            let binary = cast(array, &ArrowType::Binary)?;
            Some(cast(&binary, &arrow)?)
        }
        TypeRoot::Date if *found == ArrowType::Int32 => Some(cast(array, &arrow)?),
        TypeRoot::Time(_) if matches!(found, ArrowType::Int32 | ArrowType::Time64(_)) => Some(cast(array, &arrow)?),
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => {
            let zone = matches!(wanted.root, TypeRoot::TimestampLtz(_)).then_some(UTC);
            Moments::of(array, *precision)?.map(|moments| moments.to_precision(*precision, zone)).transpose()?
        }
        _ => None,
    })
}

/// The kernel's cast, which refuses values that do not fit.
fn cast(array: &ArrayRef, to: &ArrowType) -> Result<ArrayRef> {
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() }).map_err(does_not_fit)
}

fn does_not_fit(error: ArrowError) -> Error {
    Error::new(ErrorKind::Corrupt, "a value does not fit its type").with_source(error)
}
