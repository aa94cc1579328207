//! Sorting a write buffer against the model: every way to sort, and every cut into batches.

use alluvium_format::{Datum, ErrorKind};
use alluvium_merge_tree::{KeyValueBatch, sort_buffer, sort_records};
use proptest::prelude::*;

use crate::records::{Record, Shape, cases, cut, long_record, numbered, record, shape, shown};

fn check(shape: &Shape, records: &[Record], sizes: &[usize]) {
    let batches = cut(shape, records, sizes);
    if batches.is_empty() {
        return;
    }
    let merged = sort_buffer(&batches, &shape.options()).unwrap();
    let wanted = shape.merged(records.iter().cloned());
    assert_eq!(shown(&shape.records(&merged)), shown(&wanted), "merged: {shape:?}");
    let all = sort_records(&batches, &shape.options()).unwrap();
    let wanted: Vec<Record> = shape.sorted(records.iter().cloned()).into_iter().flatten().collect();
    assert_eq!(shown(&shape.records(&all)), shown(&wanted), "all records: {shape:?}");
}

proptest! {
    #![proptest_config(cases(500))]

    /// Numbers rise by arrival, as one writer gives them, or do not.
    #[test]
    fn a_sorted_buffer_is_the_model(
        (shape, records, sizes) in shape().prop_flat_map(|shape| {
            let rising = prop::collection::vec(record(&shape), 1..120).prop_map(numbered);
            let records = prop_oneof![rising.clone(), rising.prop_shuffle()];
            (Just(shape), records, prop::collection::vec(1..50_usize, 1..4))
        }),
    ) {
        check(&shape, &records, &sizes);
    }
}

proptest! {
    #![proptest_config(cases(24))]

    /// As many rows as a radix sort wants.
    #[test]
    fn large_buffers_are_the_model(
        (shape, records) in shape().prop_flat_map(|shape| {
            let records = prop::collection::vec(record(&shape), 512..900).prop_map(numbered);
            (Just(shape), records)
        }),
    ) {
        check(&shape, &records, &[300, 1, 500]);
    }
}

/// A scramble of `number` with all its bits.
fn scrambled(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// Keys of every width, around zero and at both ends: a word with the row number in it, a pair, or a comparison sorts them.
#[test]
fn keys_of_every_width_are_sorted() {
    let shape = Shape::of_key(&["BIGINT"]);
    for rows in [1_usize, 2, 511, 512, 700] {
        for bits in 0..=64_u32 {
            let mask = u64::MAX.checked_shr(64 - bits).unwrap_or(0);
            for base in
                [0, (mask / 2).wrapping_neg(), i64::MIN.cast_unsigned(), i64::MAX.cast_unsigned().wrapping_sub(mask)]
            {
                let key = |row: u64| base.wrapping_add(scrambled(row) & mask).cast_signed();
                let rows = u64::try_from(rows).unwrap();
                let records: Vec<Record> = (0..rows).map(|row| long_record(key(row), row.cast_signed())).collect();
                check(&shape, &records, &[400]);
            }
        }
    }
}

#[test]
fn wide_keys_are_sorted_by_all_their_bits() {
    let shape = Shape::of_key(&["BIGINT", "INT"]);
    for (high_bits, low_bits) in [(0, 32), (20, 32), (40, 32), (64, 32), (64, 0), (1, 1)] {
        let mask = |bits: u32| u64::MAX.checked_shr(64 - bits).unwrap_or(0);
        let record = |row: u64| {
            let high = (scrambled(row) & mask(high_bits)).cast_signed().wrapping_sub(1 << 19);
            let low = (scrambled(row + 1_000_000) & mask(low_bits)) as u32;
            let key = vec![Some(Datum::BigInt(high)), Some(Datum::Int(low.cast_signed()))];
            Record { key, ..long_record(0, row.cast_signed()) }
        };
        check(&shape, &(0..800).map(record).collect::<Vec<_>>(), &[1000]);
    }
}

/// Records that are in order already, with and without repeats, keep their places.
#[test]
fn buffers_in_order_are_left_as_they_are() {
    let shape = Shape::of_key(&["BIGINT"]);
    let ascending: Vec<Record> = (-300..300).map(|key| long_record(key, key + 300)).collect();
    check(&shape, &ascending, &[600]);
    let batch = shape.batch(&ascending);
    assert_eq!(sort_buffer(std::slice::from_ref(&batch), &shape.options()).unwrap(), batch);
    let repeated: Vec<Record> = (0..600).map(|at| long_record(at / 2, at)).collect();
    check(&shape, &repeated, &[600]);
}

#[test]
fn a_buffer_has_batches_of_one_schema() {
    let shape = Shape::of_key(&["BIGINT"]);
    let other = Shape::of_key(&["INT"]);
    let none: [KeyValueBatch; 0] = [];
    assert_eq!(sort_buffer(&none, &shape.options()).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(sort_records(&none, &shape.options()).unwrap_err().kind(), ErrorKind::Invalid);
    let batches = [shape.batch(&[]), other.batch(&[])];
    assert_eq!(sort_buffer(&batches, &shape.options()).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(sort_buffer(&batches[..1], &shape.options()).unwrap().num_rows(), 0);
}
