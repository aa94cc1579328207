//! Which encodings are chosen.

use std::sync::Arc;

use alluvium_format::arrow::array_from_datums;
use alluvium_format::{DataType, Datum, TypeRoot};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float64Array, Int8Array,
    Int32Array, Int64Array, StringArray, TimestampMillisecondArray,
};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::ColumnEncoding::{DeltaBinaryPacked, Dictionary, Plain};
use super::{AllowedEncodings, ColumnEncoding, choose_encoding, choose_encodings};

const ALL: AllowedEncodings = AllowedEncodings { dictionary: true, delta: true };
const NO_DICTIONARY: AllowedEncodings = AllowedEncodings { dictionary: false, delta: true };
const NO_DELTA: AllowedEncodings = AllowedEncodings { dictionary: true, delta: false };

fn chosen(column: ArrayRef) -> ColumnEncoding {
    choose_encoding(&column, ALL)
}

fn longs(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn texts(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

#[test]
fn integers_near_each_other_are_differences() {
    let mut random = SmallRng::seed_from_u64(1);
    assert_eq!(chosen(longs(0..2000)), DeltaBinaryPacked);
    assert_eq!(chosen(longs((0..2000).map(|row| row * 3 + 1_700_000_000_000))), DeltaBinaryPacked);
    assert_eq!(chosen(longs((0..2000).map(|_| random.random_range(0..65_536)))), DeltaBinaryPacked);
    assert_eq!(chosen(longs((0..2000).map(|_| 7))), DeltaBinaryPacked);
    let kinds: ArrayRef = Arc::new(Int8Array::from_iter_values((0..2000).map(|row| i8::from(row % 9 == 0) * 3)));
    assert_eq!(chosen(kinds), DeltaBinaryPacked);
    let days: ArrayRef = Arc::new(Date32Array::from_iter_values((0..2000).map(|row| 19_000 + row / 100)));
    assert_eq!(chosen(days), DeltaBinaryPacked);
    let millis = (0..2000).map(|row| 1_700_000_000_000 + row * 1000 + random.random_range(0..500));
    assert_eq!(chosen(Arc::new(TimestampMillisecondArray::from_iter_values(millis))), DeltaBinaryPacked);
}

#[test]
fn integers_without_pattern_are_plain_unless_few() {
    let mut random = SmallRng::seed_from_u64(2);
    assert_eq!(chosen(longs((0..2000).map(|_| random.random()))), Plain);
    let narrow: ArrayRef = Arc::new(Int32Array::from_iter_values((0..2000).map(|_| random.random())));
    assert_eq!(chosen(narrow), Plain);
    let few: Vec<i64> = (0..50).map(|_| random.random()).collect();
    assert_eq!(chosen(longs((0..2000).map(|_| few[random.random_range(0..few.len())]))), Dictionary);
}

#[test]
fn wrapping_differences_do_no_harm() {
    assert_eq!(chosen(longs([i64::MIN, i64::MAX, 0, i64::MIN, -1].into_iter())), Plain);
}

#[test]
fn texts_are_dictionaries_unless_nearly_all_are_different() {
    let mut random = SmallRng::seed_from_u64(3);
    assert_eq!(chosen(texts((0..2000).map(|row| format!("order number {row}")))), Plain);
    assert_eq!(chosen(texts((0..2000).map(|_| format!("user {}", random.random_range(0..1024))))), Dictionary);
    let binaries: Vec<Vec<u8>> = (0..2000_u32).map(|row| row.to_le_bytes().to_vec()).collect();
    assert_eq!(chosen(Arc::new(BinaryArray::from_iter_values(&binaries))), Plain);
    assert_eq!(chosen(Arc::new(BinaryArray::from_iter_values(binaries.iter().map(|_| [1, 2, 3])))), Dictionary);
}

#[test]
fn floats_are_plain_unless_few() {
    let mut random = SmallRng::seed_from_u64(4);
    let many: ArrayRef = Arc::new(Float64Array::from_iter_values((0..2000).map(|_| random.random::<f64>())));
    assert_eq!(chosen(many), Plain);
    let prices = (0..2000).map(|_| f64::from(random.random_range(0..100)) / 4.0);
    assert_eq!(chosen(Arc::new(Float64Array::from_iter_values(prices))), Dictionary);
}

#[test]
fn decimals_follow_their_width() {
    let of = |precision| {
        let array = Decimal128Array::from_iter_values((0..2000).map(|row| row * 5));
        Arc::new(array.with_precision_and_scale(precision, 2).unwrap()) as ArrayRef
    };
    assert_eq!(chosen(of(9)), DeltaBinaryPacked);
    assert_eq!(chosen(of(18)), DeltaBinaryPacked);
    assert_eq!(chosen(of(19)), Plain);
}

#[test]
fn what_has_no_choice_is_plain() {
    assert_eq!(chosen(Arc::new(BooleanArray::from(vec![true; 100]))), Plain);
    let fixed = FixedSizeBinaryArray::try_from_iter([[0_u8; 12]; 100].iter()).unwrap();
    assert_eq!(chosen(Arc::new(fixed)), Plain);
}

#[test]
fn nulls_and_nothing_at_all_have_an_encoding() {
    chosen(longs(std::iter::empty()));
    chosen(texts(std::iter::empty()));
    assert_eq!(chosen(Arc::new(Int64Array::from(vec![None; 100]))), DeltaBinaryPacked);
    let mixed = (0..2000).map(|row| (row % 2 == 0).then_some(row));
    assert_eq!(chosen(Arc::new(Int64Array::from_iter(mixed))), DeltaBinaryPacked);
}

#[test]
fn a_dictionary_that_is_forbidden_is_plain() {
    let column = texts((0..2000).map(|row| format!("user {}", row % 10)));
    assert_eq!(choose_encoding(&column, ALL), Dictionary);
    assert_eq!(choose_encoding(&column, NO_DICTIONARY), Plain);
    assert_eq!(choose_encoding(&longs(0..2000), NO_DICTIONARY), DeltaBinaryPacked);
}

#[test]
fn differences_that_are_forbidden_are_plain_or_a_dictionary() {
    assert_eq!(choose_encoding(&longs(0..2000), NO_DELTA), Plain);
    assert_eq!(choose_encoding(&longs((0..2000).map(|_| 7)), NO_DELTA), Dictionary);
    assert_eq!(choose_encoding(&longs((0..2000).map(|row| row % 300)), NO_DELTA), Dictionary);
    let nulls: ArrayRef = Arc::new(Int64Array::from(vec![None; 100]));
    assert_eq!(choose_encoding(&nulls, NO_DELTA), Plain);
    let neither = AllowedEncodings { dictionary: false, delta: false };
    assert_eq!(choose_encoding(&longs((0..2000).map(|_| 7)), neither), Plain);
}

#[test]
fn each_leaf_of_a_nested_column_has_its_own() {
    let map = TypeRoot::Map {
        key: Box::new(DataType::not_null(TypeRoot::BigInt)),
        value: Box::new(DataType::nullable(TypeRoot::Array(Box::new(DataType::nullable(TypeRoot::VarChar(9)))))),
    };
    let row = |row: i64| {
        let items = Datum::Array(vec![Some(Datum::String("same".to_owned())), None]);
        Some(Datum::Map(vec![(Some(Datum::BigInt(row)), Some(items))]))
    };
    let rows: Vec<Option<Datum>> = (0..500).map(row).collect();
    let column = array_from_datums(&DataType::nullable(map), &rows).unwrap();
    let mut out = Vec::new();
    choose_encodings(&column.slice(100, 200), ALL, &mut out);
    assert_eq!(out, [DeltaBinaryPacked, Dictionary]);
}
