//! The filter beside a model that goes row by row over plain values.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::cmp::Ordering;
use std::sync::Arc;

use alluvium_format::{CompareOp, Datum, Predicate};
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    StructArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType as ArrowType, Field, Fields};
use proptest::prelude::*;

use super::{check_filter, filter_batch, matching_rows};

type Row = Vec<Option<Datum>>;

const COLUMNS: [&str; 7] = ["i", "d", "s", "b", "m", "u", "w"];

/// A batch of the columns i INT, d DOUBLE, s STRING, b DECIMAL(10,2), m TIMESTAMP(3), u TIMESTAMP(6), w TIMESTAMP(9).
fn batch(rows: &[Row]) -> RecordBatch {
    fn column<T>(rows: &[Row], index: usize, of: impl Fn(&Datum) -> T) -> Vec<Option<T>> {
        rows.iter().map(|row| row[index].as_ref().map(&of)).collect()
    }
    let int = column(rows, 0, |d| if let Datum::Int(v) = d { *v } else { panic!("{d:?}") });
    let double = column(rows, 1, |d| if let Datum::Double(v) = d { *v } else { panic!("{d:?}") });
    let text = column(rows, 2, |d| if let Datum::String(v) = d { v.clone() } else { panic!("{d:?}") });
    let decimal = column(rows, 3, |d| if let Datum::Decimal(v) = d { *v } else { panic!("{d:?}") });
    let parts = |index| {
        column(rows, index, |d| match d {
            Datum::Timestamp { millis, nanos_of_milli } => (*millis, *nanos_of_milli),
            other => panic!("{other:?}"),
        })
    };
    let millis: Vec<Option<i64>> = parts(4).iter().map(|p| p.map(|(m, _)| m)).collect();
    let micros: Vec<Option<i64>> = parts(5).iter().map(|p| p.map(|(m, n)| m * 1000 + i64::from(n / 1000))).collect();
    let wide = parts(6);
    let fields = Fields::from(vec![
        Field::new("millis", ArrowType::Int64, false),
        Field::new("nanos_of_milli", ArrowType::Int32, false),
    ]);
    let children: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(wide.iter().map(|p| p.map_or(0, |(m, _)| m)).collect::<Vec<_>>())),
        Arc::new(Int32Array::from(wide.iter().map(|p| p.map_or(0, |(_, n)| n)).collect::<Vec<_>>())),
    ];
    let nulls = NullBuffer::from(wide.iter().map(Option::is_some).collect::<Vec<_>>());
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(int)),
        Arc::new(Float64Array::from(double)),
        Arc::new(StringArray::from(text)),
        Arc::new(Decimal128Array::from(decimal).with_precision_and_scale(10, 2).unwrap()),
        Arc::new(TimestampMillisecondArray::from(millis)),
        Arc::new(TimestampMicrosecondArray::from(micros)),
        Arc::new(StructArray::new(fields, children, Some(nulls))),
    ];
    RecordBatch::try_from_iter_with_nullable(COLUMNS.into_iter().zip(arrays).map(|(name, array)| (name, array, true)))
        .unwrap()
}

/// `Float.compare` of Java, and the plain order of everything else.
fn order(left: &Datum, right: &Datum) -> Ordering {
    match (left, right) {
        (Datum::Int(l), Datum::Int(r)) => l.cmp(r),
        (Datum::Double(l), Datum::Double(r)) => match (l.is_nan(), r.is_nan()) {
            (false, false) => l.total_cmp(r),
            (l, r) => l.cmp(&r),
        },
        (Datum::String(l), Datum::String(r)) => l.as_bytes().cmp(r.as_bytes()),
        (Datum::Decimal(l), Datum::Decimal(r)) => l.cmp(r),
        (Datum::Timestamp { millis: lm, nanos_of_milli: ln }, Datum::Timestamp { millis: rm, nanos_of_milli: rn }) => {
            (lm, ln).cmp(&(rm, rn))
        }
        (l, r) => panic!("{l:?} beside {r:?}"),
    }
}

fn value<'a>(row: &'a Row, column: &str) -> Option<&'a Datum> {
    row[COLUMNS.iter().position(|name| *name == column).unwrap()].as_ref()
}

/// SQL's three values: `None` is unknown.
fn model(predicate: &Predicate, row: &Row) -> Option<bool> {
    match predicate {
        Predicate::True => Some(true),
        Predicate::False => Some(false),
        Predicate::Compare { column, op, literal } => {
            let order = order(value(row, column)?, literal);
            Some(match op {
                CompareOp::Eq => order.is_eq(),
                CompareOp::NotEq => order.is_ne(),
                CompareOp::Lt => order.is_lt(),
                CompareOp::LtEq => order.is_le(),
                CompareOp::Gt => order.is_gt(),
                CompareOp::GtEq => order.is_ge(),
            })
        }
        Predicate::In { column, literals, has_null } => {
            let value = value(row, column)?;
            let found = literals.iter().any(|literal| order(value, literal).is_eq());
            if found { Some(true) } else { (!has_null).then_some(false) }
        }
        Predicate::Like { .. } => unreachable!("has its own table"),
        Predicate::IsNull(column) => Some(value(row, column).is_none()),
        Predicate::IsNotNull(column) => Some(value(row, column).is_some()),
        Predicate::And(parts) => {
            let all: Vec<_> = parts.iter().map(|part| model(part, row)).collect();
            if all.contains(&Some(false)) { Some(false) } else { (!all.contains(&None)).then_some(true) }
        }
        Predicate::Or(parts) => {
            let any: Vec<_> = parts.iter().map(|part| model(part, row)).collect();
            if any.contains(&Some(true)) { Some(true) } else { (!any.contains(&None)).then_some(false) }
        }
        Predicate::Not(inner) => model(inner, row).map(|value| !value),
    }
}

fn timestamp(nanos: impl Strategy<Value = i32>) -> impl Strategy<Value = Datum> {
    (-2_i64..3, nanos).prop_map(|(millis, nanos_of_milli)| Datum::Timestamp { millis, nanos_of_milli })
}

fn datum(column: usize) -> BoxedStrategy<Datum> {
    match column {
        0 => (-2..3).prop_map(Datum::Int).boxed(),
        1 => prop::sample::select(vec![-1.0, -0.0, 0.0, 1.5, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY])
            .prop_map(Datum::Double)
            .boxed(),
        2 => prop::sample::select(vec!["", "a", "ab", "b", "ü", "\u{10000}", "\u{ffff}"])
            .prop_map(|text| Datum::String(text.to_owned()))
            .boxed(),
        3 => (-2_i128..3).prop_map(Datum::Decimal).boxed(),
        4 => timestamp(Just(0)).boxed(),
        5 => timestamp((0..3).prop_map(|micros| micros * 1000)).boxed(),
        _ => timestamp(0..3).boxed(),
    }
}

fn row() -> impl Strategy<Value = Row> {
    (0..COLUMNS.len()).map(|column| prop::option::weighted(0.8, datum(column))).collect::<Vec<_>>()
}

/// Literals of timestamps may be finer than their columns.
fn literal(column: usize) -> BoxedStrategy<Datum> {
    if (4..=6).contains(&column) { timestamp(0..2001).boxed() } else { datum(column) }
}

fn leaf() -> impl Strategy<Value = Predicate> {
    let op = prop::sample::select(vec![
        CompareOp::Eq,
        CompareOp::NotEq,
        CompareOp::Lt,
        CompareOp::LtEq,
        CompareOp::Gt,
        CompareOp::GtEq,
    ]);
    (0..COLUMNS.len()).prop_flat_map(move |index| {
        let column = COLUMNS[index].to_owned();
        let (c1, c2, c3, c4) = (column.clone(), column.clone(), column.clone(), column);
        prop_oneof![
            4 => (op.clone(), literal(index)).prop_map(move |(op, literal)| Predicate::Compare {
                column: c1.clone(), op, literal }),
            2 => (prop::collection::vec(literal(index), 0..3), any::<bool>()).prop_map(move |(literals, has_null)| {
                Predicate::In { column: c2.clone(), literals, has_null } }),
            1 => Just(Predicate::IsNull(c3)),
            1 => Just(Predicate::IsNotNull(c4)),
        ]
    })
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let leaf = prop_oneof![8 => leaf(), 1 => Just(Predicate::True), 1 => Just(Predicate::False)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::Or),
            inner.prop_map(|inner| Predicate::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_the_model(rows in prop::collection::vec(row(), 1..20), predicate in predicate()) {
        let wanted: Vec<bool> = rows.iter().map(|row| model(&predicate, row) == Some(true)).collect();
        let found = matching_rows(&predicate, &batch(&rows)).unwrap();
        prop_assert_eq!(found, BooleanArray::from(wanted));
    }
}

fn like(pattern: &str) -> Predicate {
    Predicate::Like { column: "s".to_owned(), pattern: pattern.to_owned(), escape: None }
}

#[test]
fn like_is_unknown_for_null() {
    let of = |text: Option<&str>| {
        let mut row: Row = vec![None; COLUMNS.len()];
        row[2] = text.map(|text| Datum::String(text.to_owned()));
        row
    };
    let batch = batch(&[of(Some("flight")), of(None), of(Some("flow"))]);
    assert_eq!(matching_rows(&like("fl_w"), &batch).unwrap(), BooleanArray::from(vec![false, false, true]));
    let not = Predicate::Not(Box::new(like("fl_w")));
    assert_eq!(matching_rows(&not, &batch).unwrap(), BooleanArray::from(vec![true, false, false]));
    assert_eq!(filter_batch(&not, &batch).unwrap().num_rows(), 1);
}

#[test]
fn refuses_unknown_columns_and_other_types_before_reading() {
    let schema = batch(&[]).schema();
    let of = |column: &str, literal| Predicate::Compare { column: column.to_owned(), op: CompareOp::Eq, literal };
    let unknown = check_filter(&of("x", Datum::Int(1)), &schema).unwrap_err().to_string();
    assert!(unknown.contains("\"x\"") && unknown.contains("i, d, s"), "{unknown}");
    let mismatch = check_filter(&of("i", Datum::BigInt(1)), &schema).unwrap_err().to_string();
    assert!(mismatch.contains("\"i\""), "{mismatch}");
    let wide = check_filter(&of("w", Datum::Int(1)), &schema).unwrap_err().to_string();
    assert!(wide.contains("\"w\""), "{wide}");
    assert!(check_filter(&of("i", Datum::Int(1)), &schema).is_ok());
}
