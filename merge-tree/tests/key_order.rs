//! The order of keys, by hand: as Java orders its internal types, in manifests and in memory alike; and what `drop_deletes` leaves.

use std::cmp::Ordering;

use alluvium_format::{BinaryRow, Datum, ErrorKind};
use alluvium_merge_tree::comparator::Key;
use alluvium_merge_tree::{KeyValueBatch, drop_deletes, sort_buffer};
use arrow_array::{Int8Array, Int64Array};

use crate::records::{Record, Shape, long_record, numbered, shown};

fn text(value: &str) -> Datum {
    Datum::String(value.to_owned())
}

fn moment(millis: i64, nanos_of_milli: i32) -> Datum {
    Datum::Timestamp { millis, nanos_of_milli }
}

/// Values of each type, ascending by Java's comparators; those in one inner list are equal.
fn ascending() -> Vec<(&'static str, Vec<Vec<Datum>>)> {
    let each = |values: Vec<Datum>| values.into_iter().map(|value| vec![value]).collect::<Vec<_>>();
    vec![
        ("BOOLEAN", each(vec![Datum::Boolean(false), Datum::Boolean(true)])),
        ("TINYINT", each([i8::MIN, -1, 0, 1, i8::MAX].map(Datum::TinyInt).to_vec())),
        ("SMALLINT", each([i16::MIN, -1, 0, 1, i16::MAX].map(Datum::SmallInt).to_vec())),
        ("INT", each([i32::MIN, -1, 0, 1, i32::MAX].map(Datum::Int).to_vec())),
        ("BIGINT", each([i64::MIN, -1, 0, 1, i64::MAX].map(Datum::BigInt).to_vec())),
        ("DATE", each([-719_162, -1, 0, 20_000].map(Datum::Date).to_vec())),
        ("TIME(3)", each([0, 1, 86_399_999].map(Datum::Time).to_vec())),
        ("FLOAT", {
            let below = [f32::NEG_INFINITY, f32::MIN, -1.0, -f32::MIN_POSITIVE];
            let mut floats = each(below.map(Datum::Float).to_vec());
            floats.push([-0.0, 0.0].map(Datum::Float).to_vec());
            floats.extend(each([f32::from_bits(1), 1.0, f32::INFINITY].map(Datum::Float).to_vec()));
            // Every NaN is equal, and above infinity.
            floats.push([f32::NAN, -f32::NAN, f32::from_bits(0x7f80_0001)].map(Datum::Float).to_vec());
            floats
        }),
        ("DOUBLE", {
            let mut doubles = each([f64::NEG_INFINITY, -1.0].map(Datum::Double).to_vec());
            doubles.push([-0.0, 0.0].map(Datum::Double).to_vec());
            doubles.extend(each([5e-324, f64::INFINITY].map(Datum::Double).to_vec()));
            doubles.push([f64::NAN, -f64::NAN, f64::from_bits(0xfff0_0000_0000_0001)].map(Datum::Double).to_vec());
            doubles
        }),
        // By value, not by bytes: unscaled 9 < 10, −10 < −9.
        ("DECIMAL(10, 2)", each([-9_999_999_999, -10, -9, 0, 9, 10, 256, 9_999_999_999].map(Datum::Decimal).to_vec())),
        (
            "DECIMAL(38, 10)",
            each(
                [1 - 10_i128.pow(38), -(1 << 64), -1, 0, 1, 1 << 64, 10_i128.pow(38) - 1].map(Datum::Decimal).to_vec(),
            ),
        ),
        // By unsigned bytes of UTF-8: not by UTF-16 units, in which U+10000 would be below U+FFFF; a prefix is lower.
        ("STRING", each(["", "\0", "A", "Z", "a", "a\0", "aa", "b", "é", "\u{ffff}", "\u{10000}"].map(text).to_vec())),
        (
            "STRING",
            each(
                [
                    "sixteen bytes are",
                    "sixteen bytes are equal",
                    "sixteen bytes are equal, or more",
                    "sixteen bytes ar\u{ff}",
                ]
                .map(text)
                .to_vec(),
            ),
        ),
        (
            "BYTES",
            each(
                [vec![], vec![0], vec![0, 0], vec![1], vec![0x7f], vec![0x80], vec![0xff], vec![0xff, 0]]
                    .map(Datum::Bytes)
                    .to_vec(),
            ),
        ),
        ("TIMESTAMP(3)", each(vec![moment(-1, 0), moment(0, 0), moment(1, 0)])),
        ("TIMESTAMP(6)", each(vec![moment(-1, 0), moment(-1, 999_000), moment(0, 0), moment(0, 1000), moment(1, 0)])),
        ("TIMESTAMP(9)", each(vec![moment(-1, 0), moment(-1, 999_999), moment(0, 0), moment(0, 1), moment(1, 0)])),
        ("TIMESTAMP_LTZ(9)", each(vec![moment(-1, 999_999), moment(0, 0), moment(0, 1), moment(i64::MAX / 1000, 0)])),
    ]
}

fn decoded(shape: &Shape, key: &[Option<Datum>]) -> Key {
    Key::decode(&BinaryRow::encode(&shape.key, key).unwrap(), &shape.key).unwrap()
}

/// How the merge orders two keys: by sorting a buffer of them.
fn in_memory(shape: &Shape, a: &[Option<Datum>], b: &[Option<Datum>]) -> Ordering {
    let record = |key: &[Option<Datum>]| Record { key: key.to_vec(), ..long_record(0, 0) };
    let batch = shape.batch(&numbered(vec![record(a), record(b)]));
    let sorted = sort_buffer(&[batch], &shape.options()).unwrap();
    match sorted.sequences.values()[..] {
        [0, 1] => Ordering::Less,
        [1, 0] => Ordering::Greater,
        [1] => Ordering::Equal,
        _ => panic!("two records became {sorted:?}"),
    }
}

#[test]
fn keys_are_in_java_s_order_in_manifests_and_in_memory() {
    for (data_type, values) in ascending() {
        // Alone, before another column, and behind a text, so that each form of keys is met.
        for (before, after) in [(None, None), (None, Some("BIGINT")), (Some("STRING"), None)] {
            let types: Vec<&str> = before.into_iter().chain([data_type]).chain(after).collect();
            let shape = Shape::of_key(&types);
            let key = |value: &Datum| {
                let before = before.map(|_| Some(text("p")));
                let after = after.map(|_| Some(Datum::BigInt(7)));
                before.into_iter().chain([Some(value.clone())]).chain(after).collect::<Vec<_>>()
            };
            let flat = || values.iter().enumerate().flat_map(|(at, equal)| equal.iter().map(move |value| (at, value)));
            for (a, left) in flat() {
                for (b, right) in flat() {
                    let (left_key, right_key) = (key(left), key(right));
                    let at_rest = decoded(&shape, &left_key).cmp(&decoded(&shape, &right_key));
                    assert_eq!(at_rest, a.cmp(&b), "at rest, {shape:?}: {left:?} and {right:?}");
                    let sorted = in_memory(&shape, &left_key, &right_key);
                    assert_eq!(sorted, a.cmp(&b), "in memory, {shape:?}: {left:?} and {right:?}");
                }
            }
        }
    }
}

#[test]
fn the_first_column_goes_first() {
    let shape = Shape::of_key(&["INT", "STRING", "INT"]);
    let key = |a, b: &str, c| vec![Some(Datum::Int(a)), Some(text(b)), Some(Datum::Int(c))];
    let keys = [key(-1, "b", 9), key(1, "a", 9), key(1, "a\0", -9), key(1, "b", -1), key(1, "b", 0), key(2, "", -5)];
    for (a, left) in keys.iter().enumerate() {
        for (b, right) in keys.iter().enumerate() {
            assert_eq!(decoded(&shape, left).cmp(&decoded(&shape, right)), a.cmp(&b));
            assert_eq!(in_memory(&shape, left, right), a.cmp(&b));
        }
    }
}

#[test]
fn a_null_in_a_key_is_refused() {
    for key in [&["INT"][..], &["BIGINT", "INT"], &["TIMESTAMP(9)"]] {
        let mut nullable = Shape::of_key(key);
        nullable.key = nullable.key.iter().map(|data_type| data_type.with_nullable(true)).collect();
        let record = Record { key: vec![None; key.len()], ..long_record(0, 0) };
        let batch = nullable.batch(&[record]);
        let error = sort_buffer(&[batch], &nullable.options()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{key:?}: {error}");
    }
}

#[test]
fn deletes_are_dropped_and_the_rest_is_as_it_was() {
    let shape = Shape::of_key(&["BIGINT"]);
    let records: Vec<Record> = (0..8).map(|at| Record { kind: (at % 4) as i8, ..long_record(at, at) }).collect();
    let batch = shape.batch(&records);
    assert_eq!(batch.delete_row_count(), 4);
    let left: Vec<Record> = records.iter().filter(|record| record.kind % 2 == 0).cloned().collect();
    assert_eq!(shown(&shape.records(&drop_deletes(batch.clone()).unwrap())), shown(&left));
    let adds = shape.batch(&left);
    assert_eq!(drop_deletes(adds.clone()).unwrap(), adds);
    let slice = batch.slice(1, 1);
    assert_eq!(drop_deletes(slice).unwrap().num_rows(), 0);
}

#[test]
fn the_parts_of_a_batch_fit_together() {
    let shape = Shape::of_key(&["BIGINT"]);
    let values = shape.batch(&[long_record(1, 1), long_record(2, 2)]).values;
    let sequences = |values: Vec<Option<i64>>| Int64Array::from(values);
    let kinds = |values: Vec<Option<i8>>| Int8Array::from(values);
    let two = || sequences(vec![Some(1), Some(2)]);
    assert!(KeyValueBatch::try_new(two(), kinds(vec![Some(0), Some(3)]), values.clone()).is_ok());
    for (sequences, kinds) in [
        (sequences(vec![Some(1)]), kinds(vec![Some(0), Some(0)])),
        (two(), kinds(vec![Some(0)])),
        (sequences(vec![Some(1), None]), kinds(vec![Some(0), Some(0)])),
        (two(), kinds(vec![Some(0), None])),
        (two(), kinds(vec![Some(0), Some(4)])),
        (two(), kinds(vec![Some(-1), Some(0)])),
    ] {
        assert!(KeyValueBatch::try_new(sequences, kinds, values.clone()).is_err());
    }
}
