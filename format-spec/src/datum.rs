//! One value of a column outside of a batch: a partition value, a key bound, a literal of a predicate, a statistic.
//!
//! Null is `Option::<Datum>::None`. Values are those of Paimon's internal types: dates are days and times milliseconds of the
//! day, timestamps are milliseconds since 1970 (floor) and the nanoseconds within that millisecond (0 to 999 999).

use std::cmp::Ordering;

/// A value that is not null.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are the type names")]
pub enum Datum {
    Boolean(bool),
    TinyInt(i8),
    SmallInt(i16),
    Int(i32),
    BigInt(i64),
    Float(f32),
    Double(f64),
    /// The unscaled value; precision and scale are the column's.
    Decimal(i128),
    /// CHAR, VARCHAR and STRING.
    String(String),
    /// BINARY, VARBINARY and BYTES.
    Bytes(Vec<u8>),
    /// Days since 1970-01-01.
    Date(i32),
    /// Milliseconds of the day.
    Time(i32),
    /// TIMESTAMP and TIMESTAMP WITH LOCAL TIME ZONE.
    Timestamp {
        millis: i64,
        nanos_of_milli: i32,
    },
    Array(Vec<Option<Datum>>),
    /// MAP; and MULTISET, whose values are `Int` counts.
    Map(Vec<(Option<Datum>, Option<Datum>)>),
    Row(Vec<Option<Datum>>),
}

/// The order of two values of one type, as Paimon orders its internal types: texts and binaries by unsigned bytes, floats as
/// `Float.compare` does (-0.0 before 0.0, NaN last), lists item by item with nulls first.
pub fn compare(left: &Datum, right: &Datum) -> Ordering {
    match (left, right) {
        (Datum::Boolean(a), Datum::Boolean(b)) => a.cmp(b),
        (Datum::TinyInt(a), Datum::TinyInt(b)) => a.cmp(b),
        (Datum::SmallInt(a), Datum::SmallInt(b)) => a.cmp(b),
        (Datum::Int(a), Datum::Int(b)) | (Datum::Date(a), Datum::Date(b)) | (Datum::Time(a), Datum::Time(b)) => {
            a.cmp(b)
        }
        (Datum::BigInt(a), Datum::BigInt(b)) => a.cmp(b),
        (Datum::Float(a), Datum::Float(b)) => compare_doubles(f64::from(*a), f64::from(*b)),
        (Datum::Double(a), Datum::Double(b)) => compare_doubles(*a, *b),
        (Datum::Decimal(a), Datum::Decimal(b)) => a.cmp(b),
        (Datum::String(a), Datum::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Datum::Bytes(a), Datum::Bytes(b)) => a.cmp(b),
        (Datum::Timestamp { millis: a, nanos_of_milli: an }, Datum::Timestamp { millis: b, nanos_of_milli: bn }) => {
            (a, an).cmp(&(b, bn))
        }
        (Datum::Array(a), Datum::Array(b)) | (Datum::Row(a), Datum::Row(b)) => compare_values(a, b),
        (Datum::Map(a), Datum::Map(b)) => compare_pairs(a, b),
        _ => variant(left).cmp(&variant(right)),
    }
}

/// The order of two lists of values, nulls first, the shorter first when one begins the other.
pub fn compare_values(left: &[Option<Datum>], right: &[Option<Datum>]) -> Ordering {
    left.iter()
        .zip(right)
        .map(|(a, b)| match (a, b) {
            (Some(a), Some(b)) => compare(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
        .find(|order| order.is_ne())
        .unwrap_or_else(|| left.len().cmp(&right.len()))
}

/// The order of keys and of sequence columns: that of [`compare_values`], but for -0.0, which is 0.0. Java compares them with `<` and
/// `>`; so it also holds NaN equal to every number, which is no order. Here NaN is above all numbers, as elsewhere.
pub fn compare_keys(left: &[Option<Datum>], right: &[Option<Datum>]) -> Ordering {
    let numbers = |a: f64, b: f64| compare_doubles(a + 0.0, b + 0.0);
    let mut pairs = left.iter().zip(right).map(|(a, b)| match (a, b) {
        (Some(Datum::Float(a)), Some(Datum::Float(b))) => numbers(f64::from(*a), f64::from(*b)),
        (Some(Datum::Double(a)), Some(Datum::Double(b))) => numbers(*a, *b),
        (Some(a), Some(b)) => compare(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
    pairs.find(|order| order.is_ne()).unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn compare_pairs(left: &[(Option<Datum>, Option<Datum>)], right: &[(Option<Datum>, Option<Datum>)]) -> Ordering {
    let flat = |pairs: &[(Option<Datum>, Option<Datum>)]| -> Vec<Option<Datum>> {
        pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect()
    };
    compare_values(&flat(left), &flat(right))
}

/// `Double.compare`: every NaN is one, and the last.
fn compare_doubles(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => a.total_cmp(&b),
        (a, b) => a.cmp(&b),
    }
}

/// A place for each variant, so that the order is total even over values of different types.
fn variant(value: &Datum) -> u8 {
    match value {
        Datum::Boolean(_) => 0,
        Datum::TinyInt(_) => 1,
        Datum::SmallInt(_) => 2,
        Datum::Int(_) => 3,
        Datum::BigInt(_) => 4,
        Datum::Float(_) => 5,
        Datum::Double(_) => 6,
        Datum::Decimal(_) => 7,
        Datum::String(_) => 8,
        Datum::Bytes(_) => 9,
        Datum::Date(_) => 10,
        Datum::Time(_) => 11,
        Datum::Timestamp { .. } => 12,
        Datum::Array(_) => 13,
        Datum::Map(_) => 14,
        Datum::Row(_) => 15,
    }
}
