//! Default values in the place of nulls, as rows are written.
//!
//! Goes in: a table's fields, then columns of them that were checked. Comes out: the columns without nulls where there is a default value.
//! Answers to `org.apache.paimon.casting.DefaultValueRow`.

use alluvium_format::arrow::array_from_datums;
use alluvium_format::{DataField, Result};
use alluvium_store::default_value;
use arrow_array::{Array, ArrayRef, BooleanArray, Scalar};
use arrow_select::zip::zip;

use crate::table_rows::kernel_error;

/// The default values of a table's columns, each as an array of one value.
#[derive(Debug)]
pub(crate) struct DefaultValues {
    values: Vec<Option<ArrayRef>>,
}

impl DefaultValues {
    /// Those of the fields, in their order.
    ///
    /// # Errors
    /// `Invalid` when a text is no value of its field's type; `Unsupported` for lists, maps and rows.
    pub(crate) fn of(fields: &[DataField]) -> Result<Self> {
        let values = fields.iter().map(|field| {
            let value = default_value(field)?;
            value.map(|value| array_from_datums(&field.data_type, &[Some(value)])).transpose()
        });
        Ok(Self { values: values.collect::<Result<_>>()? })
    }

    /// The columns, one for each field, with default values in the place of nulls.
    pub(crate) fn fill(&self, columns: Vec<ArrayRef>) -> Result<Vec<ArrayRef>> {
        let fill = |(column, value): (ArrayRef, &Option<ArrayRef>)| match (column.nulls(), value) {
            (Some(nulls), Some(value)) if nulls.null_count() > 0 => {
                let is_null = BooleanArray::from(!nulls.inner());
                zip(&is_null, &Scalar::new(value), &column).map_err(kernel_error)
            }
            _ => Ok(column),
        };
        columns.into_iter().zip(&self.values).map(fill).collect()
    }
}
