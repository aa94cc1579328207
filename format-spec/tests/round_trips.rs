//! Any value of any type goes through rows, columns and JSON and comes back; hostile bytes give errors.

use std::slice;

use alluvium_format::arrow::{array_from_datums, datum_at, to_arrow_type};
use alluvium_format::bucket::{assign_buckets, bucket_of_row};
use alluvium_format::datum::{compare, compare_values};
use alluvium_format::json_value::{from_json, to_json};
use alluvium_format::partition::{NameStyle, PartitionNaming, partition_path};
use alluvium_format::text_value::{from_text, to_text};
use alluvium_format::{BinaryRow, BucketFunction, DataField, DataType, Datum, ErrorKind, TypeRoot};
use proptest::prelude::*;

fn atom() -> impl Strategy<Value = TypeRoot> {
    prop_oneof![
        prop::sample::select(vec![
            TypeRoot::Boolean,
            TypeRoot::TinyInt,
            TypeRoot::SmallInt,
            TypeRoot::Int,
            TypeRoot::BigInt,
            TypeRoot::Float,
            TypeRoot::Double,
            TypeRoot::Date,
            TypeRoot::Time(3),
            TypeRoot::Char(40),
            TypeRoot::VarChar(TypeRoot::STRING_LENGTH),
            TypeRoot::Binary(40),
            TypeRoot::VarBinary(TypeRoot::STRING_LENGTH),
        ]),
        (1..=38_u8).prop_flat_map(|precision| {
            (0..=precision).prop_map(move |scale| TypeRoot::Decimal { precision, scale })
        }),
        (0..=9_u8).prop_map(TypeRoot::Timestamp),
        (0..=9_u8).prop_map(TypeRoot::TimestampLtz),
    ]
}

fn nullable(root: TypeRoot) -> BoxedStrategy<DataType> {
    any::<bool>().prop_map(move |nullable| DataType { root: root.clone(), nullable }).boxed()
}

fn data_type() -> BoxedStrategy<DataType> {
    let leaf = atom().prop_flat_map(nullable).boxed();
    leaf.prop_recursive(3, 12, 3, |inner| {
        let root = prop_oneof![
            inner.clone().prop_map(|element| TypeRoot::Array(Box::new(element))),
            (atom(), inner.clone()).prop_map(|(key, value)| TypeRoot::Map {
                key: Box::new(DataType::not_null(key)),
                value: Box::new(value)
            }),
            atom().prop_map(|element| TypeRoot::Multiset(Box::new(DataType::not_null(element)))),
            prop::collection::vec(inner, 1..3).prop_map(|types| {
                let field = |(i, t): (usize, DataType)| DataField::new(i as i32 + 7, format!("f{i}"), t);
                TypeRoot::Row(types.into_iter().enumerate().map(field).collect())
            }),
        ];
        root.prop_flat_map(nullable)
    })
    .boxed()
}

fn timestamp(precision: u8) -> BoxedStrategy<Datum> {
    // Years 1 to 9999.
    (-62_135_596_800_000..253_402_300_799_999_i64, 0..1_000_000_i32)
        .prop_map(move |(millis, nanos)| {
            let step = 10_i64.pow(9 - u32::from(precision));
            let nanos_of_second = millis.rem_euclid(1000) * 1_000_000 + i64::from(nanos);
            let kept = nanos_of_second / step * step;
            let millis = millis.div_euclid(1000) * 1000 + kept / 1_000_000;
            Datum::Timestamp { millis, nanos_of_milli: (kept % 1_000_000) as i32 }
        })
        .boxed()
}

fn pairs(key: &DataType, value: &DataType) -> BoxedStrategy<Datum> {
    prop::collection::vec((present(&key.root).prop_map(Some), of_type(value)), 0..4)
        .prop_map(|pairs| {
            let mut kept: Vec<(Option<Datum>, Option<Datum>)> = Vec::new();
            for (key, value) in pairs {
                let again = |other: &Option<Datum>| same(slice::from_ref(other), slice::from_ref(&key));
                if !kept.iter().any(|(other, _)| again(other)) {
                    kept.push((key, value));
                }
            }
            Datum::Map(kept)
        })
        .boxed()
}

fn present(root: &TypeRoot) -> BoxedStrategy<Datum> {
    match root {
        TypeRoot::Boolean => any::<bool>().prop_map(Datum::Boolean).boxed(),
        TypeRoot::TinyInt => any::<i8>().prop_map(Datum::TinyInt).boxed(),
        TypeRoot::SmallInt => any::<i16>().prop_map(Datum::SmallInt).boxed(),
        TypeRoot::Int => any::<i32>().prop_map(Datum::Int).boxed(),
        TypeRoot::BigInt => any::<i64>().prop_map(Datum::BigInt).boxed(),
        TypeRoot::Float => any::<f32>().prop_map(Datum::Float).boxed(),
        TypeRoot::Double => any::<f64>().prop_map(Datum::Double).boxed(),
        TypeRoot::Decimal { precision, .. } => {
            let limit = 10_i128.pow(u32::from(*precision));
            (1 - limit..limit).prop_map(Datum::Decimal).boxed()
        }
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => ".{0,20}".prop_map(Datum::String).boxed(),
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => {
            prop::collection::vec(any::<u8>(), 0..20).prop_map(Datum::Bytes).boxed()
        }
        TypeRoot::Date => (-719_162..2_932_897).prop_map(Datum::Date).boxed(),
        TypeRoot::Time(_) => (0..86_400_000).prop_map(Datum::Time).boxed(),
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => timestamp(*precision),
        TypeRoot::Array(element) => prop::collection::vec(of_type(element), 0..40).prop_map(Datum::Array).boxed(),
        TypeRoot::Map { key, value } => pairs(key, value),
        TypeRoot::Multiset(element) => pairs(element, &DataType::not_null(TypeRoot::Int)),
        TypeRoot::Row(fields) => {
            fields.iter().map(|field| of_type(&field.data_type)).collect::<Vec<_>>().prop_map(Datum::Row).boxed()
        }
        other => panic!("{other} has no values here"),
    }
}

fn of_type(data_type: &DataType) -> BoxedStrategy<Option<Datum>> {
    let present = present(&data_type.root);
    if data_type.nullable { prop::option::weighted(0.8, present).boxed() } else { present.prop_map(Some).boxed() }
}

/// Types with rows of values of them.
fn table(types: BoxedStrategy<DataType>) -> impl Strategy<Value = (Vec<DataType>, Vec<Vec<Option<Datum>>>)> {
    prop::collection::vec(types, 1..4).prop_flat_map(|types| {
        let row: Vec<_> = types.iter().map(of_type).collect();
        (Just(types), prop::collection::vec(row, 1..5))
    })
}

fn columns(types: &[DataType], rows: &[Vec<Option<Datum>>]) -> Vec<arrow_array::ArrayRef> {
    let column = |index: usize| -> Vec<_> { rows.iter().map(|row| row[index].clone()).collect() };
    types.iter().enumerate().map(|(index, t)| array_from_datums(t, &column(index)).unwrap()).collect()
}

fn same(left: &[Option<Datum>], right: &[Option<Datum>]) -> bool {
    compare_values(left, right).is_eq()
}

proptest! {
    #[test]
    fn types_come_back((data_type, text) in data_type().prop_map(|t| (t.clone(), t.to_string()))) {
        prop_assert_eq!(&DataType::from_json(&data_type.to_json()).unwrap(), &data_type);
        if !data_type.is_nested() {
            prop_assert_eq!(DataType::parse(&text.to_lowercase()).unwrap(), data_type);
        }
    }

    #[test]
    fn rows_columns_and_json_hold_every_value((types, rows) in table(data_type())) {
        let columns = columns(&types, &rows);
        for (index, row) in rows.iter().enumerate() {
            let binary = BinaryRow::encode(&types, row).unwrap();
            let read = BinaryRow::from_serialized(&binary.to_serialized()).unwrap();
            prop_assert_eq!(&read, &binary);
            prop_assert!(same(&read.decode(&types).unwrap(), row));
            for (value, (data_type, column)) in row.iter().zip(types.iter().zip(&columns)) {
                prop_assert_eq!(column.data_type(), &to_arrow_type(data_type).unwrap());
                prop_assert!(same(&[datum_at(column, data_type, index).unwrap()], slice::from_ref(value)));
                let json = to_json(value.as_ref(), data_type).to_string();
                let back = from_json(&serde_json::from_str(&json).unwrap(), data_type).unwrap();
                prop_assert_eq!(to_json(back.as_ref(), data_type).to_string(), json);
                if !data_type.is_nested() {
                    prop_assert!(same(&[back], slice::from_ref(value)));
                }
            }
        }
    }

    #[test]
    fn texts_come_back((data_type, value) in atom().prop_flat_map(|root| {
        let value = present(&root);
        (Just(DataType::not_null(root)), value)
    })) {
        let text = to_text(&value, &data_type).unwrap();
        prop_assert!(compare(&from_text(&text, &data_type).unwrap(), &value).is_eq(), "{}", text);
    }

    #[test]
    fn buckets_of_columns_are_those_of_rows((types, rows) in table(atom().prop_flat_map(nullable).boxed())) {
        let columns = columns(&types, &rows);
        for function in [BucketFunction::Default, BucketFunction::Hive] {
            for buckets in [1, 7, 128] {
                let of_rows: Result<Vec<i32>, _> = rows
                    .iter()
                    .map(|row| bucket_of_row(function, buckets, &types, &BinaryRow::encode(&types, row).unwrap()))
                    .collect();
                match (assign_buckets(function, buckets, &types, &columns), of_rows) {
                    (Ok(assigned), Ok(of_rows)) => {
                        prop_assert!(assigned.iter().all(|bucket| (0..buckets).contains(bucket)));
                        prop_assert_eq!(assigned, of_rows);
                    }
                    // One bucket needs no hash.
                    (Ok(assigned), Err(_)) => prop_assert!(buckets == 1 && assigned.iter().all(|bucket| *bucket == 0)),
                    (Err(error), _) => prop_assert!(function == BucketFunction::Hive, "{}", error),
                }
            }
        }
    }

    #[test]
    fn partitions_stay_inside_the_table(
        names in prop::collection::vec("[./:=% a-c\u{1}ü]{1,6}", 1..3),
        values in prop::collection::vec(prop::option::of("[./\\\\:=% a-c\u{1}ü]{0,6}"), 3),
        legacy in any::<bool>(),
    ) {
        let string = DataType::parse("STRING").unwrap();
        let fields: Vec<_> = names.iter().map(|name| DataField::new(0, name, string.clone())).collect();
        let values: Vec<_> = values[..names.len()].iter().map(|v| v.clone().map(Datum::String)).collect();
        let row = BinaryRow::encode(&vec![string.clone(); names.len()], &values).unwrap();
        let style = if legacy { NameStyle::Legacy } else { NameStyle::Cast };
        let path = partition_path(&fields, &row, &PartitionNaming { default_name: "none".to_owned(), style }).unwrap();
        let parts: Vec<&str> = path.strip_suffix('/').unwrap().split('/').collect();
        prop_assert_eq!(parts.len(), names.len(), "{}", &path);
        for part in parts {
            prop_assert!(part.matches('=').count() == 1 && !part.ends_with('=') && !part.contains(['\\', ':']), "{}", &path);
        }
    }

    #[test]
    fn hostile_rows_are_refused_or_read(
        (types, rows) in table(data_type()),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = BinaryRow::encode(&types, &rows[0]).unwrap().to_serialized();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let cut = &bytes[..length.index(bytes.len() + 1)];
        for bytes in [&bytes[..], cut] {
            if let Err(error) = BinaryRow::from_serialized(bytes).and_then(|row| row.decode(&types)) {
                prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
            }
        }
    }

    #[test]
    fn hostile_texts_are_refused_or_read(text in ".{0,30}", data_type in atom().prop_map(DataType::nullable)) {
        let _ = DataType::parse(&text);
        let _ = from_text(&text, &data_type);
        if let Ok(Some(value)) = from_json(&serde_json::Value::String(text), &data_type) {
            prop_assert!(to_text(&value, &data_type).is_some());
        }
    }
}

#[test]
fn a_row_that_points_many_times_at_the_same_bytes_is_refused() {
    // 4096 lists that are all the one list of 32768 numbers.
    let types = [DataType::parse("INT ARRAY ARRAY").unwrap()];
    let numbers = 32_768_usize;
    let lists = 4096_usize;
    let outer = 4 + lists / 32 * 4 + lists * 8;
    let outer = outer.next_multiple_of(8);
    let inner = 4 + numbers / 32 * 4 + numbers * 4;
    let mut bytes = 1_u32.to_be_bytes().to_vec();
    bytes.extend([0; 8]);
    bytes.extend((16_u64 << 32 | (outer + inner) as u64).to_le_bytes());
    let mut nested = vec![0; outer + inner];
    nested[..4].copy_from_slice(&(lists as u32).to_le_bytes());
    for list in 0..lists {
        let at = 4 + lists / 32 * 4 + list * 8;
        nested[at..at + 8].copy_from_slice(&((outer as u64) << 32 | inner as u64).to_le_bytes());
    }
    nested[outer..outer + 4].copy_from_slice(&(numbers as u32).to_le_bytes());
    bytes.extend(nested);
    let error = BinaryRow::from_serialized(&bytes).unwrap().decode(&types).unwrap_err();
    assert_eq!(error.to_string(), "a binary row is corrupt: its parts overlap");
}

#[test]
fn claimed_lengths_are_not_believed() {
    let array = [DataType::parse("INT ARRAY").unwrap()];
    let mut row = BinaryRow::encode(&array, &[Some(Datum::Array(vec![Some(Datum::Int(1))]))]).unwrap().to_serialized();
    row[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(BinaryRow::from_serialized(&row).unwrap().decode(&array).unwrap_err().kind(), ErrorKind::Corrupt);
    for arity in [2_i32, -1, i32::MAX] {
        let mut row = BinaryRow::empty().to_serialized();
        row[..4].copy_from_slice(&arity.to_be_bytes());
        assert_eq!(BinaryRow::from_serialized(&row).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn wrong_values_are_refused_in_words() {
    for (json, data_type, says) in [
        ("128", "TINYINT", "128 is no TINYINT"),
        ("\"7\"", "INT", "\"7\" is no INT"),
        ("1.5", "BIGINT", "1.5 is no BIGINT"),
        ("null", "INT NOT NULL", "null for INT NOT NULL"),
        ("\"2013-02-30\"", "DATE", "write it like 2013-01-31"),
        ("\"1.234\"", "DECIMAL(5, 2)", "too many digits after the point"),
        ("\"1234.5\"", "DECIMAL(5, 2)", "too many digits"),
        ("\"0g\"", "BYTES", "two hexadecimal digits a byte"),
        ("\"abcd\"", "VARCHAR(3)", "4 characters is too long"),
        ("[1, \"x\"]", "INT ARRAY", "item 1: "),
    ] {
        let data_type = DataType::parse(data_type).unwrap();
        let error = from_json(&serde_json::from_str(json).unwrap(), &data_type).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error} does not say {says}");
    }
}
