//! Random tables and rows of them, of any types.

use alluvium_format::arrow::{array_from_datums, to_arrow_schema};
use alluvium_format::{DataField, DataType, Datum, TypeRoot};
use alluvium_merge_tree::KeyValueBatch;
use arrow_array::{Int8Array, Int64Array, RecordBatch};
use rand::Rng;
use rand::rngs::SmallRng;

/// A type without parts, whose timestamps are of these precisions.
pub(crate) fn atom(random: &mut SmallRng, precisions: std::ops::RangeInclusive<u8>) -> TypeRoot {
    match random.random_range(0..15) {
        0 => TypeRoot::Boolean,
        1 => TypeRoot::TinyInt,
        2 => TypeRoot::SmallInt,
        3 => TypeRoot::Int,
        4 => TypeRoot::BigInt,
        5 => TypeRoot::Float,
        6 => TypeRoot::Double,
        7 => TypeRoot::Date,
        8 => TypeRoot::Time(random.random_range(0..=3)),
        9 => TypeRoot::Char(40),
        10 => TypeRoot::VarChar(TypeRoot::STRING_LENGTH),
        11 => TypeRoot::VarBinary(TypeRoot::STRING_LENGTH),
        12 => {
            let precision = random.random_range(1..=38);
            TypeRoot::Decimal { precision, scale: random.random_range(0..=precision) }
        }
        13 => TypeRoot::Timestamp(random.random_range(precisions)),
        _ => TypeRoot::TimestampLtz(random.random_range(precisions)),
    }
}

/// A type that nests up to `depth` deep, of atoms that `atom` gives.
pub(crate) fn data_type(random: &mut SmallRng, depth: usize, atom: &impl Fn(&mut SmallRng) -> TypeRoot) -> DataType {
    let text = || DataType::not_null(TypeRoot::VarChar(9));
    let root = match if depth == 0 { 9 } else { random.random_range(0..10) } {
        0 => TypeRoot::Array(Box::new(data_type(random, depth - 1, atom))),
        1 => {
            let key = Box::new(DataType::not_null(atom(random)));
            TypeRoot::Map { key, value: Box::new(data_type(random, depth - 1, atom)) }
        }
        2 => TypeRoot::Map { key: Box::new(text()), value: Box::new(data_type(random, depth - 1, atom)) },
        3 => TypeRoot::Multiset(Box::new(text())),
        4 => {
            let fields = (0..random.random_range(1..4))
                .map(|id| DataField::new(id, format!("f{id}"), data_type(random, depth - 1, atom)));
            TypeRoot::Row(fields.collect())
        }
        _ => atom(random),
    };
    DataType { root, nullable: random.random_ratio(2, 3) }
}

/// A value of a type; null now and then where the type allows it.
pub(crate) fn value(random: &mut SmallRng, data_type: &DataType) -> Option<Datum> {
    if data_type.nullable && random.random_ratio(1, 4) {
        return None;
    }
    let count = random.random_range(0..4);
    Some(match &data_type.root {
        TypeRoot::Boolean => Datum::Boolean(random.random()),
        TypeRoot::TinyInt => Datum::TinyInt(random.random()),
        TypeRoot::SmallInt => Datum::SmallInt(random.random()),
        TypeRoot::Int => Datum::Int(random.random()),
        TypeRoot::BigInt => Datum::BigInt(random.random::<i64>() >> random.random_range(0..64)),
        TypeRoot::Float => Datum::Float(random.random_range(-1e30..1e30)),
        TypeRoot::Double => Datum::Double([random.random_range(-1e300..1e300), -0.0, f64::INFINITY][count.min(2)]),
        TypeRoot::Date => Datum::Date(random.random_range(-700_000..2_900_000)),
        TypeRoot::Time(_) => Datum::Time(random.random_range(0..86_400_000)),
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => Datum::String(["", "a", "ü日😀", "text"][count].to_owned()),
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => {
            Datum::Bytes((0..random.random_range(0..20)).map(|_| random.random()).collect())
        }
        TypeRoot::Decimal { precision, .. } => {
            let limit = 10_i128.pow(u32::from(random.random_range(1..=*precision)));
            Datum::Decimal(random.random_range(1 - limit..limit))
        }
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => timestamp(random, *precision),
        TypeRoot::Array(element) => Datum::Array((0..count).map(|_| value(random, element)).collect()),
        TypeRoot::Map { key, value } => map(random, (key, value), count),
        TypeRoot::Multiset(element) => map(random, (element, &DataType::not_null(TypeRoot::Int)), count),
        TypeRoot::Row(fields) => Datum::Row(fields.iter().map(|field| value(random, &field.data_type)).collect()),
        other => panic!("no values of {other}"),
    })
}

fn map(random: &mut SmallRng, (key, of): (&DataType, &DataType), count: usize) -> Datum {
    let mut pairs: Vec<(Option<Datum>, Option<Datum>)> = Vec::new();
    for _ in 0..count {
        let key = value(random, &key.with_nullable(false));
        if pairs.iter().all(|(known, _)| format!("{known:?}") != format!("{key:?}")) {
            pairs.push((key, value(random, of)));
        }
    }
    Datum::Map(pairs)
}

fn timestamp(random: &mut SmallRng, precision: u8) -> Datum {
    let step = 10_i64.pow(9 - u32::from(precision));
    let millis = random.random_range(-62_135_596_800_000..253_402_300_799_999_i64);
    let nanos = (millis.rem_euclid(1000) * 1_000_000 + random.random_range(0..1_000_000)) / step * step;
    let millis = millis.div_euclid(1000) * 1000 + nanos / 1_000_000;
    Datum::Timestamp { millis, nanos_of_milli: (nanos % 1_000_000) as i32 }
}

/// Rows with the keys 0, 1 … in the first column, an INT, and anything in the others.
pub(crate) fn rows(random: &mut SmallRng, fields: &[DataField], count: i32) -> KeyValueBatch {
    let columns = fields.iter().enumerate().map(|(index, field)| {
        let values = (0..count).map(|row| match index {
            0 => Some(Datum::Int(row)),
            _ => value(random, &field.data_type),
        });
        let values: Vec<_> = values.collect();
        array_from_datums(&field.data_type, &values).unwrap()
    });
    let columns = columns.collect();
    let values = RecordBatch::try_new(to_arrow_schema(fields).unwrap(), columns).unwrap();
    let kinds = Int8Array::from_iter_values((0..count).map(|_| random.random_range(0..4)));
    let sequences = Int64Array::from_iter_values((0..count).map(|_| random.random_range(0..1_000_000)));
    KeyValueBatch::try_new(sequences, kinds, values).unwrap()
}
