//! What goes out comes back in: every type, through JSON, CSV and Parquet.

use std::fs;
use std::sync::Arc;

use alluvium::arrow_array::{ArrayRef, RecordBatch};
use alluvium::format::json_value::to_json;
use alluvium::format::text_value::to_text;
use alluvium::format::{TypeRoot, arrow};
use alluvium::{DataField, DataType, Datum, TableSchema};
use proptest::prelude::*;

use super::super::OutputFormat;
use super::written;
use crate::input::{InputOptions, OnError, RowReader, UnknownMembers};

/// A type and a value of it at a time.
fn typed(root: TypeRoot) -> BoxedStrategy<Option<Datum>> {
    let value: BoxedStrategy<Datum> = match &root {
        TypeRoot::Boolean => any::<bool>().prop_map(Datum::Boolean).boxed(),
        TypeRoot::TinyInt => any::<i8>().prop_map(Datum::TinyInt).boxed(),
        TypeRoot::SmallInt => any::<i16>().prop_map(Datum::SmallInt).boxed(),
        TypeRoot::Int => any::<i32>().prop_map(Datum::Int).boxed(),
        TypeRoot::BigInt => any::<i64>().prop_map(Datum::BigInt).boxed(),
        TypeRoot::Float => (any::<u32>().prop_map(f32::from_bits)).prop_map(|v| Datum::Float(one_nan_float(v))).boxed(),
        TypeRoot::Double => (any::<u64>().prop_map(f64::from_bits)).prop_map(|v| Datum::Double(one_nan(v))).boxed(),
        TypeRoot::Decimal { precision, .. } => {
            let limit = 10_i128.pow(u32::from(*precision));
            prop_oneof![(1 - limit)..limit, -1000_i128.min(limit - 1)..1000.min(limit)].prop_map(Datum::Decimal).boxed()
        }
        TypeRoot::VarChar(length) if *length < 10 => "[aü😀,\"]{0,4}".prop_map(Datum::String).boxed(),
        TypeRoot::VarChar(_) => prop_oneof![".{0,8}", "[\"\\\\,\n\r\t\u{0}a]{0,6}"].prop_map(Datum::String).boxed(),
        TypeRoot::VarBinary(_) => prop::collection::vec(any::<u8>(), 0..6).prop_map(Datum::Bytes).boxed(),
        TypeRoot::Date => (-800_000..3_000_000).prop_map(Datum::Date).boxed(),
        TypeRoot::Time(_) => (0..86_400_000).prop_map(Datum::Time).boxed(),
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => timestamp(*precision),
        TypeRoot::Array(element) => {
            prop::collection::vec(typed(element.root.clone()), 0..3).prop_map(Datum::Array).boxed()
        }
        TypeRoot::Map { key, value } => map(&key.root, typed(value.root.clone())),
        TypeRoot::Multiset(element) => map(&element.root, (0..9).prop_map(|count| Some(Datum::Int(count))).boxed()),
        TypeRoot::Row(fields) => fields
            .iter()
            .map(|field| typed(field.data_type.root.clone()))
            .collect::<Vec<_>>()
            .prop_map(Datum::Row)
            .boxed(),
        other => panic!("{other}"),
    };
    prop::option::weighted(0.8, value).boxed()
}

fn one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

fn one_nan_float(value: f32) -> f32 {
    if value.is_nan() { f32::NAN } else { value }
}

fn map(key: &TypeRoot, value: BoxedStrategy<Option<Datum>>) -> BoxedStrategy<Datum> {
    // Keys are unique and not null; those of text first, as JSON objects have them.
    let key = typed(key.clone()).prop_filter_map("a key", |key| key);
    prop::collection::vec((key, value), 0..3)
        .prop_map(|mut pairs| {
            pairs.dedup_by(|a, b| a.0 == b.0);
            if pairs.len() > 1 && pairs.first().map(|pair| &pair.0) == pairs.last().map(|pair| &pair.0) {
                pairs.pop();
            }
            Datum::Map(pairs.into_iter().map(|(key, value)| (Some(key), value)).collect())
        })
        .boxed()
}

fn timestamp(precision: u8) -> BoxedStrategy<Datum> {
    let step = 10_i64.pow(9 - u32::from(precision));
    // What nanoseconds of 64 bits hold.
    (i64::MIN / 2..i64::MAX / 2)
        .prop_map(move |nanos| {
            let nanos = nanos - nanos.rem_euclid(step);
            Datum::Timestamp {
                millis: nanos.div_euclid(1_000_000),
                nanos_of_milli: i32::try_from(nanos.rem_euclid(1_000_000)).unwrap(),
            }
        })
        .boxed()
}

/// Every type; the timestamps that Parquet has no form for inside of others stay outside.
fn roots() -> Vec<TypeRoot> {
    let text = || DataType::nullable(TypeRoot::VarChar(TypeRoot::STRING_LENGTH));
    let of = |root| Box::new(DataType::nullable(root));
    let mut roots = vec![
        TypeRoot::Boolean,
        TypeRoot::TinyInt,
        TypeRoot::SmallInt,
        TypeRoot::Int,
        TypeRoot::BigInt,
        TypeRoot::Float,
        TypeRoot::Double,
        TypeRoot::Decimal { precision: 4, scale: 2 },
        TypeRoot::Decimal { precision: 18, scale: 0 },
        TypeRoot::Decimal { precision: 38, scale: 38 },
        TypeRoot::VarChar(5),
        TypeRoot::VarChar(TypeRoot::STRING_LENGTH),
        TypeRoot::VarBinary(TypeRoot::STRING_LENGTH),
        TypeRoot::Date,
        TypeRoot::Time(3),
        TypeRoot::Array(of(TypeRoot::Int)),
        TypeRoot::Array(of(TypeRoot::Decimal { precision: 38, scale: 2 })),
        TypeRoot::Map { key: of(TypeRoot::VarChar(5)), value: of(TypeRoot::Double) },
        TypeRoot::Map { key: of(TypeRoot::Int), value: Box::new(text()) },
        TypeRoot::Multiset(of(TypeRoot::VarChar(5))),
        TypeRoot::Row(vec![
            DataField::new(100, "a", DataType::nullable(TypeRoot::Float)),
            DataField::new(101, "b", DataType::nullable(TypeRoot::Array(Box::new(text())))),
        ]),
    ];
    roots.extend((0..=9).map(TypeRoot::Timestamp));
    roots.extend([0, 3, 5, 6, 9].map(TypeRoot::TimestampLtz));
    roots
}

fn fields() -> Vec<DataField> {
    let field = |(id, root)| DataField::new(id as i32, format!("c{id}"), DataType::nullable(root));
    roots().into_iter().enumerate().map(field).collect()
}

fn rows() -> impl Strategy<Value = Vec<(Vec<Option<Datum>>, i8)>> {
    let row: Vec<_> = roots().into_iter().map(typed).collect();
    prop::collection::vec((row, 0_i8..4), 0..4)
}

fn read(bytes: &[u8], ending: &str, fields: &[DataField]) -> Vec<(Vec<Option<Datum>>, i8)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("rows.{ending}"));
    fs::write(&path, bytes).unwrap();
    let schema = Arc::new(TableSchema {
        version: 3,
        id: 0,
        fields: fields.to_vec(),
        highest_field_id: 1000,
        partition_keys: Vec::new(),
        primary_keys: Vec::new(),
        options: Default::default(),
        comment: None,
        time_millis: 0,
    });
    let options = InputOptions {
        format: None,
        rowkind_field: "rowkind".to_owned(),
        unknown: UnknownMembers::Refuse,
        on_error: OnError::Stop,
    };
    let mut reader = RowReader::open(&[path.to_str().unwrap().to_owned()], schema, options).unwrap();
    let mut rows = Vec::new();
    while let Some(batch) = reader.next_batch(3).unwrap() {
        let values = (0..batch.rows.num_rows()).map(|row| (row_of(&batch.rows, fields, row), batch.kinds.value(row)));
        rows.extend(values);
    }
    rows
}

fn row_of(batch: &RecordBatch, fields: &[DataField], row: usize) -> Vec<Option<Datum>> {
    let value = |(column, field): (&ArrayRef, &DataField)| arrow::datum_at(column, &field.data_type, row).unwrap();
    batch.columns().iter().zip(fields).map(value).collect()
}

type Rows = [(Vec<Option<Datum>>, i8)];

/// The first value that is another, by their texts, where every NaN is one and -0.0 is another than 0.0.
fn difference(found: &Rows, wanted: &Rows, fields: &[DataField]) -> Option<String> {
    if found.len() != wanted.len() {
        return Some(format!("{} rows instead of {}", found.len(), wanted.len()));
    }
    for ((found, kind), (wanted, wanted_kind)) in found.iter().zip(wanted) {
        if kind != wanted_kind {
            return Some(format!("row kind {kind} instead of {wanted_kind}"));
        }
        for ((found, wanted), field) in found.iter().zip(wanted).zip(fields) {
            if format!("{found:?}") != format!("{wanted:?}") {
                return Some(format!("{}: {found:?} instead of {wanted:?}", field.data_type));
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_goes_out_comes_back_in(rows in rows()) {
        let fields = fields();
        let (values, kinds): (Vec<_>, Vec<i8>) = rows.iter().cloned().unzip();
        for (format, ending) in [(OutputFormat::Ndjson, "ndjson"), (OutputFormat::Csv, "csv"), (OutputFormat::Parquet, "parquet")] {
            let bytes = written(&fields, &values, Some(&kinds), format).unwrap();
            let found = read(&bytes, ending, &fields);
            let difference = difference(&found, &rows, &fields);
            prop_assert!(difference.is_none(), "{ending}: {difference:?}");
        }
    }

    #[test]
    fn json_lines_are_the_json_of_their_values(rows in rows()) {
        let fields = fields();
        let values: Vec<_> = rows.into_iter().map(|(row, _)| row).collect();
        let text = String::from_utf8(written(&fields, &values, None, OutputFormat::Ndjson).unwrap()).unwrap();
        let wanted: String = values.iter().map(|row| {
            let members: serde_json::Map<_, _> = fields
                .iter()
                .zip(row)
                .map(|(field, value)| (field.name.clone(), to_json(value.as_ref(), &field.data_type)))
                .collect();
            format!("{}\n", serde_json::Value::Object(members))
        }).collect();
        prop_assert_eq!(text, wanted);
    }

    #[test]
    fn csv_fields_are_the_texts_of_their_values(rows in rows()) {
        // Floats have the form of JSON instead.
        let keep = |field: &DataField| !field.data_type.is_nested() && !matches!(field.data_type.root, TypeRoot::Float | TypeRoot::Double);
        let fields = fields();
        let bytes = written(&fields, &rows.iter().map(|(row, _)| row.clone()).collect::<Vec<_>>(), None, OutputFormat::Csv).unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let records: Vec<csv::StringRecord> = reader.records().map(|record| record.unwrap()).collect();
        prop_assert_eq!(records.len(), rows.len());
        for (record, (row, _)) in records.iter().zip(&rows) {
            for ((field, value), text) in fields.iter().zip(row).zip(record).filter(|((field, _), _)| keep(field)) {
                let wanted = value.as_ref().and_then(|value| to_text(value, &field.data_type)).unwrap_or_default();
                prop_assert_eq!(text, wanted, "{}", field.data_type);
            }
        }
    }
}
