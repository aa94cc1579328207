//! Some rows of a batch.

use alluvium_format::{Error, Result};
use alluvium_reader::ChangeBatch;
use arrow_array::UInt32Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int8Type;
use arrow_schema::ArrowError;
use arrow_select::take::{take, take_record_batch};

/// The rows at these places, in this order.
///
/// # Errors
/// `Internal` where there is no such place.
pub(crate) fn rows_at(batch: &ChangeBatch, places: Vec<u32>) -> Result<ChangeBatch> {
    let failed = |error: ArrowError| Error::internal("taking rows of a batch failed").with_source(error);
    let places = UInt32Array::from(places);
    let kinds = take(&batch.kinds, &places, None).map_err(failed)?.as_primitive::<Int8Type>().clone();
    Ok(ChangeBatch { kinds, rows: take_record_batch(&batch.rows, &places).map_err(failed)? })
}
