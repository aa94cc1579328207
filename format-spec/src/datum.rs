//! One value of a column outside of a batch: a partition value, a key bound, a literal of a predicate, a statistic.
//!
//! Null is `Option::<Datum>::None`. Values are those of Paimon's internal types: dates are days and times milliseconds of the
//! day, timestamps are milliseconds since 1970 (floor) and the nanoseconds within that millisecond (0 to 999 999).

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
