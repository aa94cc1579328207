//! Column statistics, their modes, and the statistics of a manifest.

use std::sync::Arc;

use alluvium_format::arrow::array_from_datums;
use alluvium_format::json_value::from_json;
use alluvium_format::stats::{stats_of_array, to_simple_stats};
use alluvium_format::{ColumnStats, DataType, Datum, StatsMode, TypeRoot, datum};
use arrow_array::{ArrayRef, Float64Array, Int64Array, TimestampMicrosecondArray};
use proptest::prelude::*;
use serde_json::Value;

use crate::golden::{json, unhex};

/// The type of a vector: a type text, or the object of a nested type.
fn data_type(json: &Value) -> DataType {
    match json {
        Value::String(text) => DataType::parse(text).unwrap(),
        nested => DataType::from_json_without_ids(nested).unwrap(),
    }
}

fn stats(data_type: &DataType, json: &Value) -> ColumnStats {
    ColumnStats {
        min: from_json(&json["min"], data_type).unwrap(),
        max: from_json(&json["max"], data_type).unwrap(),
        null_count: json["nullCount"].as_i64(),
    }
}

/// NaN equals NaN here.
fn same(left: &ColumnStats, right: &ColumnStats) -> bool {
    format!("{left:?}") == format!("{right:?}")
}

fn datums(data_type: &DataType, json: &Value) -> Vec<Option<Datum>> {
    json.as_array().unwrap().iter().map(|value| from_json(value, data_type).unwrap()).collect()
}

#[test]
fn modes_as_java_has_them() {
    let vectors = json("bytes/column-stats.json");
    for vector in vectors.as_array().unwrap() {
        let data_type = data_type(&vector["type"]);
        let full = stats(&data_type, &vector["full"]);
        for mode in ["none", "counts", "truncate(16)", "full"] {
            let found = full.clone().apply_mode(mode.parse().unwrap(), &data_type);
            let expected = stats(&data_type, &vector[mode]);
            assert!(same(&found, &expected), "{mode}: {found:?} is not {expected:?}");
        }
    }
}

#[test]
fn arrays_as_java_collects_them() {
    let vectors = json("bytes/column-stats.json");
    let mut checked = 0;
    for vector in vectors.as_array().unwrap() {
        let data_type = data_type(&vector["type"]);
        // Of these a Parquet file has no bounds, while row by row there are some.
        if matches!(data_type.root, TypeRoot::Array(_) | TypeRoot::Timestamp(9)) {
            continue;
        }
        let datums = datums(&data_type, &vector["values"]);
        let expected = stats(&data_type, &vector["full"]);
        let found = stats_of_array(&array_from_datums(&data_type, &datums).unwrap(), &data_type);
        assert!(same(&found, &expected), "{found:?} is not {expected:?}");
        // In two halves, merged.
        let (left, right) = datums.split_at(datums.len() / 2);
        let half =
            |datums: &[Option<Datum>]| stats_of_array(&array_from_datums(&data_type, datums).unwrap(), &data_type);
        let merged = half(left).merge(half(right));
        assert!(same(&merged, &expected), "{merged:?} is not {expected:?}");
        checked += 1;
    }
    assert!(checked > 18, "{checked}");
}

#[test]
fn simple_stats_as_java_lays_them_out() {
    let vectors = json("bytes/simple-stats.json");
    for vector in vectors.as_array().unwrap() {
        let columns = vector["columns"].as_array().unwrap().iter().enumerate();
        let columns: Vec<_> = columns
            .map(|(index, column)| {
                let data_type = data_type(&column["type"]);
                let mode = column["mode"].as_str().unwrap().parse().unwrap();
                let datums = datums(&data_type, &column["values"]);
                let mut full = stats_of_array(&array_from_datums(&data_type, &datums).unwrap(), &data_type);
                // Java's row-by-row collectors count the nulls of nested columns.
                full.null_count = Some(datums.iter().filter(|datum| datum.is_none()).count() as i64);
                (format!("f{index}"), data_type.clone(), full.apply_mode(mode, &data_type))
            })
            .collect();
        let dense = vector["metadata.stats-dense-store"].as_bool().unwrap();
        let (found, names) = to_simple_stats(&columns, dense).unwrap();
        let bytes = |name: &str| unhex(vector[name].as_str().unwrap());
        assert_eq!(found.min_values.to_serialized(), bytes("_MIN_VALUES"), "{vector}");
        assert_eq!(found.max_values.to_serialized(), bytes("_MAX_VALUES"), "{vector}");
        let counts: Vec<_> = vector["_NULL_COUNTS"].as_array().unwrap().iter().map(Value::as_i64).collect();
        assert_eq!(found.null_counts, counts, "{vector}");
        assert_eq!(serde_json::to_value(&names).unwrap(), vector["_VALUE_STATS_COLS"], "{vector}");
    }
}

#[test]
fn types_without_bounds() {
    let stats = |array: ArrayRef, root: TypeRoot| stats_of_array(&array, &DataType::nullable(root));
    let micros: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), None, Some(1_000_001)]));
    let bound = |millis, nanos_of_milli| Some(Datum::Timestamp { millis, nanos_of_milli });
    let expected = ColumnStats { min: bound(-1, 999_000), max: bound(1000, 1000), null_count: Some(1) };
    assert_eq!(stats(micros.clone(), TypeRoot::Timestamp(6)), expected);
    assert_eq!(stats(micros.clone(), TypeRoot::TimestampLtz(9)), ColumnStats::of_nulls(1));
    assert_eq!(stats(micros.clone(), TypeRoot::Int), ColumnStats::of_nulls(1));
    let element = Box::new(DataType::nullable(TypeRoot::Int));
    assert_eq!(stats(micros, TypeRoot::Array(element)), ColumnStats::default());
}

#[test]
fn truncated_bounds() {
    let check = |max: &str, length: usize, expected: Option<&str>| {
        let datum = |text: &str| Some(Datum::String(text.to_owned()));
        let full = ColumnStats { min: datum(max), max: datum(max), null_count: Some(0) };
        let found = full.apply_mode(StatsMode::Truncate(length), &DataType::nullable(TypeRoot::VarChar(9)));
        assert_eq!(found.max, expected.and_then(datum), "{max:?} to {length}");
    };
    check("abc", 3, Some("abc"));
    check("abcd", 3, Some("abd"));
    check("a\u{d7ff}x", 2, Some("a\u{e000}"));
    check("a\u{10ffff}x", 2, Some("b"));
    check("\u{10ffff}x", 1, None);
    let bytes = |bytes: &[u8]| Some(Datum::Bytes(bytes.to_vec()));
    let full = ColumnStats { min: bytes(&[1, 2, 3]), max: bytes(&[1, 255, 3]), null_count: Some(0) };
    let found = full.apply_mode(StatsMode::Truncate(2), &DataType::nullable(TypeRoot::VarBinary(9)));
    assert_eq!((found.min, found.max), (bytes(&[1, 2]), bytes(&[2])));
}

proptest! {
    /// Bounds cover every value, cut or not, and are values when not cut.
    #[test]
    fn bounds_cover_the_values(texts in prop::collection::vec(prop::option::of(".{0,6}"), 0..20), length in 1_usize..5) {
        let data_type = DataType::nullable(TypeRoot::VarChar(TypeRoot::STRING_LENGTH));
        let datums: Vec<_> = texts.into_iter().map(|text| text.map(Datum::String)).collect();
        let full = stats_of_array(&array_from_datums(&data_type, &datums).unwrap(), &data_type);
        let cut = full.clone().apply_mode(StatsMode::Truncate(length), &data_type);
        for value in datums.iter().flatten() {
            for stats in [&full, &cut] {
                let holds = |bound: &Option<Datum>, unwanted| bound.as_ref().is_none_or(|bound| datum::compare(bound, value) != unwanted);
                prop_assert!(holds(&stats.min, std::cmp::Ordering::Greater) && holds(&stats.max, std::cmp::Ordering::Less));
            }
        }
        prop_assert_eq!(full.min.is_some(), datums.iter().any(Option::is_some));
    }

    #[test]
    fn numbers_are_ordered_as_java_orders_them(values in prop::collection::vec(prop::option::of(any::<f64>()), 0..40)) {
        let array: ArrayRef = Arc::new(Float64Array::from(values.clone()));
        let found = stats_of_array(&array, &DataType::nullable(TypeRoot::Double));
        let datums: Vec<_> = values.iter().flatten().map(|value| Datum::Double(*value)).collect();
        let bound = |wanted| datums.iter().cloned().reduce(|left, right| if datum::compare(&right, &left) == wanted { right } else { left });
        let expected = ColumnStats {
            min: bound(std::cmp::Ordering::Less),
            max: bound(std::cmp::Ordering::Greater),
            null_count: Some((values.len() - datums.len()) as i64),
        };
        prop_assert!(same(&found, &expected), "{:?} is not {:?}", found, expected);
    }

    #[test]
    fn a_slice_has_its_own_statistics(values in prop::collection::vec(prop::option::of(any::<i64>()), 1..40), from in 0_usize..40) {
        let from = from % values.len();
        let whole: ArrayRef = Arc::new(Int64Array::from(values.clone()));
        let found = stats_of_array(&whole.slice(from, values.len() - from), &DataType::nullable(TypeRoot::BigInt));
        let rest = &values[from..];
        prop_assert_eq!(found.min, rest.iter().flatten().min().map(|value| Datum::BigInt(*value)));
        prop_assert_eq!(found.max, rest.iter().flatten().max().map(|value| Datum::BigInt(*value)));
        prop_assert_eq!(found.null_count, Some(rest.iter().filter(|value| value.is_none()).count() as i64));
    }
}
