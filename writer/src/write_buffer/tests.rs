//! What a buffer holds, whatever the sizes of the batches that it takes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use arrow_array::{Int8Array, Int32Array, Int64Array, RecordBatch};
use proptest::prelude::*;

use super::*;

/// Rows numbered from `start`.
fn batch(start: usize, rows: usize) -> KeyValueBatch {
    let numbers = start as i64..(start + rows) as i64;
    let column: ArrayRef = Arc::new(Int32Array::from_iter_values(numbers.clone().map(|number| number as i32)));
    let values = RecordBatch::try_from_iter([("k", column)]).unwrap();
    KeyValueBatch::try_new(Int64Array::from_iter_values(numbers), Int8Array::from(vec![0; rows]), values).unwrap()
}

#[test]
fn rows_that_come_one_by_one_are_put_together() {
    let mut buffer = WriteBuffer::default();
    for row in 0..100_000 {
        buffer.push(batch(row, 1)).unwrap();
    }
    // What a row takes is 13 bytes; the rest are the arrays.
    assert!(buffer.bytes() < 2_000_000, "{} bytes", buffer.bytes());
    assert!(buffer.rows.batches.len() < 300, "{} batches", buffer.rows.batches.len());
}

#[test]
fn a_slice_counts_its_own_rows_only() {
    let large = batch(0, 100_000);
    let mut buffer = WriteBuffer::default();
    buffer.push(large.slice(500, 2_000)).unwrap();
    assert!((26_000..40_000).contains(&buffer.bytes()), "{} bytes", buffer.bytes());
}

#[test]
fn what_could_not_be_sorted_together_is_not_put_together() {
    let mut buffer = WriteBuffer::default();
    let one = batch(0, 10);
    assert!(!buffer.must_be_flushed_before(&one));
    buffer.push(one.clone()).unwrap();
    assert!(!buffer.must_be_flushed_before(&one));
    buffer.rows.spilled_bytes = FLUSH_BYTES_MAX;
    assert!(buffer.must_be_flushed_before(&one), "those on the disk count, too");
    buffer.rows.spilled_bytes = 0;
    buffer.rows.rows = FLUSH_ROWS_MAX;
    assert!(buffer.must_be_flushed_before(&one));
}

proptest! {
    #[test]
    fn rows_keep_their_order(sizes in prop::collection::vec(prop_oneof![9 => 0..4usize, 1 => 1000..1100usize], 0..300)) {
        let mut buffer = WriteBuffer::default();
        let mut rows = 0;
        for size in sizes {
            buffer.push(batch(rows, size)).unwrap();
            rows += size;
            prop_assert_eq!(buffer.bytes(), buffer.rows.batches.iter().map(KeyValueBatch::rows_bytes).sum::<usize>());
        }
        prop_assert_eq!(buffer.is_empty(), rows == 0);
        let taken = buffer.take().load().unwrap();
        prop_assert!(buffer.is_empty() && buffer.bytes() == 0);
        let sequences: Vec<i64> = taken.iter().flat_map(|batch| batch.sequences.values().to_vec()).collect();
        prop_assert_eq!(sequences, (0..rows as i64).collect::<Vec<_>>());
    }
}
