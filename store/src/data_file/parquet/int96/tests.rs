//! Timestamps as INT96 and back.

use std::sync::Arc;

use alluvium_format::arrow::{array_from_datums, to_arrow_type};
use alluvium_format::{DataField, DataType, Datum, ErrorKind, TypeRoot};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray};
use proptest::prelude::*;

use super::{INT96_BYTES, has_int96, stored_type, to_memory, to_stored};

const WIDE: TypeRoot = TypeRoot::Timestamp(9);

fn moment(millis: i64, nanos_of_milli: i32) -> Option<Datum> {
    Some(Datum::Timestamp { millis, nanos_of_milli })
}

fn stored_bytes(millis: i64, nanos_of_milli: i32) -> Vec<u8> {
    let data_type = DataType::nullable(WIDE);
    let array = array_from_datums(&data_type, &[moment(millis, nanos_of_milli)]).unwrap();
    to_stored(&array, &data_type).unwrap().as_fixed_size_binary().value(0).to_vec()
}

fn bytes_of(nanos_of_day: i64, julian_day: i32) -> Vec<u8> {
    let mut out = nanos_of_day.to_le_bytes().to_vec();
    out.extend_from_slice(&julian_day.to_le_bytes());
    out
}

#[test]
fn a_moment_is_its_julian_day_and_the_nanoseconds_of_that_day() {
    let table = [
        (0, 0, 0, 2_440_588),
        (1, 234_567, 1_234_567, 2_440_588),
        (86_399_999, 999_999, 86_399_999_999_999, 2_440_588),
        (86_400_000, 0, 0, 2_440_589),
        (-1, 999_999, 86_399_999_999_999, 2_440_587),
        (-86_400_000, 0, 0, 2_440_587),
        (-86_400_001, 0, 86_399_999_000_000, 2_440_586),
        (253_402_300_799_999, 999_999, 86_399_999_999_999, 5_373_484),
        (-62_135_596_800_000, 0, 0, 1_721_426),
    ];
    for (millis, nanos, nanos_of_day, julian_day) in table {
        assert_eq!(stored_bytes(millis, nanos), bytes_of(nanos_of_day, julian_day), "{millis} ms and {nanos} ns");
    }
}

/// Java truncates towards zero, and so writes what lies before 1970 with negative nanoseconds of a later day.
#[test]
fn negative_nanoseconds_of_the_day_are_read_as_the_moment_they_mean() {
    let data_type = DataType::nullable(WIDE);
    let values = [bytes_of(-1, 2_440_588), bytes_of(-500_000, 2_440_588), bytes_of(-86_399_999_999_999, 2_440_588)];
    let stored: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter(values.iter()).unwrap());
    let wanted = array_from_datums(&data_type, &[moment(-1, 999_999), moment(-1, 500_000), moment(-86_400_000, 1)]);
    assert_eq!(&to_memory(&stored, &data_type).unwrap(), &wanted.unwrap());
}

#[test]
fn whatever_bytes_come_become_a_moment() {
    let data_type = DataType::nullable(WIDE);
    let extremes = [(i64::MIN, i32::MIN), (i64::MAX, i32::MAX), (i64::MIN, i32::MAX), (0, i32::MIN)];
    let values: Vec<Vec<u8>> = extremes.iter().map(|(nanos, day)| bytes_of(*nanos, *day)).collect();
    let stored: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter(values.iter()).unwrap());
    assert_eq!(to_memory(&stored, &data_type).unwrap().len(), extremes.len());
}

#[test]
fn a_moment_beyond_all_julian_days_is_refused() {
    let data_type = DataType::nullable(WIDE);
    for millis in [i64::MIN, i64::MAX] {
        let array = array_from_datums(&data_type, &[moment(millis, 0)]).unwrap();
        assert_eq!(to_stored(&array, &data_type).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

/// A ROW of an ARRAY, a MAP and a MULTISET of wide timestamps beside one of none.
fn nested_type() -> DataType {
    let wide = || Box::new(DataType::nullable(WIDE));
    let zoned = Box::new(DataType::not_null(TypeRoot::TimestampLtz(7)));
    let map = TypeRoot::Map { key: zoned, value: Box::new(DataType::nullable(TypeRoot::Array(wide()))) };
    DataType::nullable(TypeRoot::Row(vec![
        DataField::new(1, "list", DataType::nullable(TypeRoot::Array(wide()))),
        DataField::new(2, "map", DataType::nullable(map)),
        DataField::new(3, "set", DataType::nullable(TypeRoot::Multiset(Box::new(DataType::not_null(WIDE))))),
        DataField::new(4, "text", DataType::nullable(TypeRoot::VarChar(9))),
    ]))
}

#[test]
fn the_stored_type_has_twelve_bytes_for_each_wide_timestamp() {
    assert!(has_int96(&nested_type()));
    let text = stored_type(&nested_type()).unwrap().to_string();
    assert_eq!(text.matches("FixedSizeBinary(12)").count(), 4, "{text}");
    let narrow = DataType::nullable(TypeRoot::Array(Box::new(DataType::nullable(TypeRoot::Timestamp(6)))));
    assert!(!has_int96(&narrow));
    assert_eq!(stored_type(&narrow).unwrap(), to_arrow_type(&narrow).unwrap());
    assert_eq!(INT96_BYTES, 12);
}

fn any_moment() -> impl Strategy<Value = Datum> {
    (-62_135_596_800_000_i64..253_402_300_800_000, 0..1_000_000)
        .prop_map(|(millis, nanos_of_milli)| Datum::Timestamp { millis, nanos_of_milli })
}

fn any_nested() -> impl Strategy<Value = Option<Datum>> {
    let list = || proptest::option::of(proptest::collection::vec(proptest::option::of(any_moment()), 0..4));
    let map = proptest::option::of(proptest::collection::vec((any_moment(), list()), 0..3));
    let set = proptest::option::of(proptest::collection::vec((any_moment(), 1..5), 0..3));
    proptest::option::of((list(), map, set, proptest::option::of("[a-z]{0,3}"))).prop_map(|row| {
        row.map(|(list, map, set, text)| {
            let pairs = |(key, items): (Datum, Option<Vec<Option<Datum>>>)| (Some(key), items.map(Datum::Array));
            Datum::Row(vec![
                list.map(Datum::Array),
                map.map(|map| Datum::Map(map.into_iter().map(pairs).collect())),
                set.map(|set| {
                    Datum::Map(set.into_iter().map(|(key, count)| (Some(key), Some(Datum::Int(count)))).collect())
                }),
                text.map(Datum::String),
            ])
        })
    })
}

proptest! {
    /// Slices too: their lists share the values of the whole array.
    #[test]
    fn nested_columns_come_back_as_they_were(
        rows in proptest::collection::vec(any_nested(), 1..30),
        cut in 0_usize..30,
    ) {
        let data_type = nested_type();
        let array = array_from_datums(&data_type, &rows).unwrap();
        let start = cut.min(rows.len());
        for array in [array.slice(start, rows.len() - start), array.slice(0, start), array] {
            let stored = to_stored(&array, &data_type).unwrap();
            prop_assert_eq!(stored.data_type(), &stored_type(&data_type).unwrap());
            let back = to_memory(&stored, &data_type).unwrap();
            prop_assert_eq!(back.data_type(), array.data_type());
            prop_assert_eq!(&back, &array);
        }
    }
}
