//! The fields that identify a row of an array of rows, as Java projects them into a `BinaryRow`.

use alluvium_format::data_type::{DataType, TypeRoot};
use alluvium_format::datum::Datum;
use alluvium_format::{BinaryRow, Result};

use super::element_type;

/// Which fields identify a row.
#[derive(Clone, Debug)]
pub(super) struct RowKey {
    positions: Vec<usize>,
    types: Vec<DataType>,
}

impl RowKey {
    /// The fields at `positions` of the rows of an array of `data_type`.
    pub(super) fn new(positions: &[usize], data_type: &DataType) -> Self {
        let fields = match &element_type(data_type).root {
            TypeRoot::Row(fields) => fields.as_slice(),
            _ => &[],
        };
        let types = positions.iter().filter_map(|at| fields.get(*at)).map(|field| field.data_type.clone()).collect();
        Self { positions: positions.to_vec(), types }
    }

    /// The key of a row.
    pub(super) fn of(&self, row: &[Option<Datum>]) -> Result<BinaryRow> {
        let values: Vec<Option<Datum>> = self.positions.iter().map(|at| row.get(*at).cloned().flatten()).collect();
        BinaryRow::encode(&self.types, &values)
    }
}
