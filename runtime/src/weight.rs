//! How many bytes of a batch are its own.
//!
//! Goes in: changes. Comes out: bytes, of the rows alone where arrays are slices of larger ones, so that what is handed on and what is
//! given back are the same, and a slice does not count for the whole.

use alluvium_reader::ChangeBatch;
use arrow_array::cast::AsArray;
use arrow_array::{Array, OffsetSizeTrait};
use arrow_schema::DataType;

/// The bytes of the rows of a batch, one at least.
pub(crate) fn weight(batch: &ChangeBatch) -> usize {
    let rows = batch.rows.num_rows();
    rows + batch.rows.columns().iter().map(|column| column_weight(column.as_ref())).sum::<usize>() + 1
}

fn column_weight(column: &dyn Array) -> usize {
    let rows = column.len();
    match column.data_type() {
        DataType::Boolean => rows.div_ceil(8),
        DataType::Utf8 => texts(column.as_string::<i32>().value_offsets()),
        DataType::Binary => texts(column.as_binary::<i32>().value_offsets()),
        DataType::FixedSizeBinary(width) => rows * usize::try_from(*width).unwrap_or(0),
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let (from, to) = ends(list.value_offsets());
            rows * 4 + column_weight(list.values().slice(from, to - from).as_ref())
        }
        DataType::Map(..) => {
            let map = column.as_map();
            let (from, to) = ends(map.value_offsets());
            rows * 4 + column_weight(&map.entries().slice(from, to - from))
        }
        DataType::Struct(_) => column.as_struct().columns().iter().map(|child| column_weight(child.as_ref())).sum(),
        other => rows * other.primitive_width().unwrap_or(0),
    }
}

fn texts<O: OffsetSizeTrait>(offsets: &[O]) -> usize {
    let (from, to) = ends(offsets);
    to - from + size_of_val(offsets)
}

fn ends<O: OffsetSizeTrait>(offsets: &[O]) -> (usize, usize) {
    let end = |offset: Option<&O>| offset.map_or(0, |offset| offset.as_usize());
    (end(offsets.first()), end(offsets.last()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

    use super::*;

    #[test]
    fn a_slice_weighs_what_its_rows_weigh() {
        let texts: Vec<String> = (0..1000).map(|row| format!("text number {row:04}")).collect();
        let rows = RecordBatch::try_from_iter([
            ("a", Arc::new(Int64Array::from_iter_values(0..1000)) as ArrayRef),
            ("b", Arc::new(StringArray::from(texts)) as ArrayRef),
        ])
        .unwrap();
        let whole = ChangeBatch::inserts(rows);
        let tenth = ChangeBatch { kinds: whole.kinds.slice(500, 100), rows: whole.rows.slice(500, 100) };
        // A row: kind, number, offset, text; besides one offset more and one.
        assert_eq!(weight(&whole), 1000 * (1 + 8 + 4 + 16) + 4 + 1);
        assert_eq!(weight(&tenth), 100 * (1 + 8 + 4 + 16) + 4 + 1);
    }
}
