//! File indexes: the container, and the indexes over one column, against what Java makes of the same rows.

use alluvium_format::arrow::array_from_datums;
use alluvium_format::file_index::{
    self, BloomFilter, FileIndex, FileIndexPlan, FileIndexPredicate, FileIndexResult, hash_of,
};
use alluvium_format::json_value::from_json;
use alluvium_format::{CompareOp, CoreOptions, DataField, DataType, Datum, ErrorKind, Predicate, TypeRoot, datum};
use bytes::Bytes;
use indexmap::IndexMap;
use proptest::prelude::*;
use serde_json::Value;

use crate::golden::{json, unhex};

/// A column and its values.
struct Column {
    field: DataField,
    values: Vec<Option<Datum>>,
}

impl Column {
    fn new(data_type: DataType, values: Vec<Option<Datum>>) -> Self {
        Self { field: DataField::new(0, "c", data_type), values }
    }

    /// The container of one index, written in two batches.
    fn container(&self, index_type: &str, options: &[(String, String)]) -> alluvium_format::Result<Vec<u8>> {
        let mut all = IndexMap::from([(format!("file-index.{index_type}.columns"), "c".to_owned())]);
        all.extend(options.iter().map(|(name, value)| (format!("file-index.{index_type}.c.{name}"), value.clone())));
        let plan = FileIndexPlan::of(std::slice::from_ref(&self.field), &CoreOptions::new(all))?.unwrap();
        let mut writer = plan.begin()?;
        let (first, second) = self.values.split_at(self.values.len() / 3);
        for part in [first, second] {
            writer.write(&[array_from_datums(&self.field.data_type, part)?])?;
        }
        writer.finish()
    }

    /// What a container says of a condition on the column.
    fn evaluate(&self, container: &Bytes, predicate: &Predicate) -> alluvium_format::Result<FileIndexResult> {
        let rows = self.values.len() as u64;
        FileIndexPredicate::open(container, &[("c", &self.field)], rows, "x")?.evaluate(predicate)
    }

    /// Whether a row passes, by the definition.
    fn passes(&self, row: usize, predicate: &Predicate) -> Option<bool> {
        let value = self.values[row].as_ref();
        match predicate {
            Predicate::Compare { op, literal, .. } => value.map(|value| {
                let order = datum::compare(value, literal);
                match op {
                    CompareOp::Eq => order.is_eq(),
                    CompareOp::NotEq => order.is_ne(),
                    CompareOp::Lt => order.is_lt(),
                    CompareOp::LtEq => order.is_le(),
                    CompareOp::Gt => order.is_gt(),
                    CompareOp::GtEq => order.is_ge(),
                }
            }),
            Predicate::In { literals, has_null, .. } => match value {
                None => None,
                Some(value) if literals.iter().any(|literal| datum::compare(value, literal).is_eq()) => Some(true),
                Some(_) if *has_null => None,
                Some(_) => Some(false),
            },
            Predicate::IsNull(_) => Some(value.is_none()),
            Predicate::IsNotNull(_) => Some(value.is_some()),
            Predicate::Not(inner) => self.passes(row, inner).map(|passes| !passes),
            Predicate::And(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.passes(row, part)).collect();
                if parts.contains(&Some(false)) { Some(false) } else { (!parts.contains(&None)).then_some(true) }
            }
            Predicate::Or(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.passes(row, part)).collect();
                if parts.contains(&Some(true)) { Some(true) } else { (!parts.contains(&None)).then_some(false) }
            }
            other => panic!("{other:?}"),
        }
    }

    /// The rows that pass.
    fn passing(&self, predicate: &Predicate) -> Vec<u32> {
        (0..self.values.len()).filter(|row| self.passes(*row, predicate) == Some(true)).map(|row| row as u32).collect()
    }
}

fn text_pairs(options: &Value) -> Vec<(String, String)> {
    let pairs = options.as_object().unwrap().iter();
    pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// The vectors of the columns whose values are said, Java's refusals included.
fn vectors() -> Vec<(Value, Column)> {
    let all = json("bytes/file-index.json");
    let typed = all.as_array().unwrap().iter().map(|vector| {
        let data_type = DataType::parse(vector["type"].as_str().unwrap()).unwrap();
        let values = vector["values"].as_array().unwrap().iter();
        let values = values.map(|value| from_json(value, &data_type).unwrap()).collect();
        (vector.clone(), Column::new(data_type, values))
    });
    typed.collect()
}

fn bytes_of(vector: &Value, name: &str) -> Vec<u8> {
    unhex(vector[name].as_str().unwrap())
}

#[test]
fn indexes_are_written_and_refused_as_java_does() {
    let (mut written, mut refused) = (0, 0);
    for (vector, column) in vectors() {
        let container = column.container(vector["index"].as_str().unwrap(), &text_pairs(&vector["options"]));
        if vector.get("body").is_some() {
            assert_eq!(container.unwrap(), bytes_of(&vector, "container"), "{vector}");
            written += 1;
        } else {
            assert_eq!(container.unwrap_err().kind(), ErrorKind::Unsupported, "{vector}");
            refused += 1;
        }
    }
    assert_eq!((written, refused), (49, 11));
}

/// The value of a row as the program that printed the vectors makes it.
fn value_by_rule(data_type: &DataType, vector: &Value, row: i64) -> Option<Datum> {
    let rule = |name: &str| vector[name].as_i64().unwrap();
    if rule("nullEvery") > 0 && row % rule("nullEvery") == 0 {
        return None;
    }
    let number = row / rule("step") * 7919 % rule("modulus") - rule("modulus") / 2;
    Some(match data_type.root {
        TypeRoot::TinyInt => Datum::TinyInt(number as i8),
        TypeRoot::SmallInt => Datum::SmallInt(number as i16),
        TypeRoot::Int => Datum::Int(number as i32),
        TypeRoot::Date => Datum::Date(number as i32),
        TypeRoot::BigInt => Datum::BigInt(number * 1_000_000_007),
        TypeRoot::Float => Datum::Float(number as f32 / 4.0),
        TypeRoot::Double => Datum::Double(number as f64 / 4.0),
        TypeRoot::Boolean => Datum::Boolean(number % 2 == 0),
        TypeRoot::Decimal { .. } => Datum::Decimal(i128::from(number)),
        TypeRoot::Timestamp(3) => Datum::Timestamp { millis: number, nanos_of_milli: 0 },
        TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_) => {
            Datum::Timestamp { millis: number.div_euclid(1000), nanos_of_milli: number.rem_euclid(1000) as i32 * 1000 }
        }
        _ => Datum::String(format!("v{number}")),
    })
}

#[test]
fn large_indexes_are_written_as_java_does_and_find_their_rows() {
    let vectors = json("bytes/file-index-rules.json");
    for vector in vectors.as_array().unwrap() {
        let data_type = DataType::parse(vector["type"].as_str().unwrap()).unwrap();
        let rows = vector["rows"].as_i64().unwrap();
        let values = (0..rows).map(|row| value_by_rule(&data_type, vector, row)).collect();
        let column = Column::new(data_type, values);
        let index_type = vector["index"].as_str().unwrap();
        let container = Bytes::from(column.container(index_type, &text_pairs(&vector["options"])).unwrap());
        let [index] = file_index::decode(&container, "x").unwrap().try_into().unwrap();
        let body = index.body.unwrap();
        assert_eq!(body.len() as u64, vector["length"].as_u64().unwrap(), "{vector}");
        match vector.get("body") {
            Some(_) => assert_eq!(body, bytes_of(vector, "body"), "{vector}"),
            None => assert_eq!(u64::from(crc32fast::hash(&body)), vector["crc32"].as_u64().unwrap(), "{vector}"),
        }
        let some = [0, rows / 3, rows - 1].into_iter().filter_map(|row| column.values.get(row as usize).cloned());
        for literal in some.flatten() {
            check_conditions(&column, index_type, &container, &literal);
        }
    }
}

fn compare(op: CompareOp, literal: &Datum) -> Predicate {
    Predicate::Compare { column: "c".to_owned(), op, literal: literal.clone() }
}

/// An index says exactly which rows pass where it says anything, and of a bloom filter nothing is missed.
fn check_conditions(column: &Column, index_type: &str, container: &Bytes, literal: &Datum) {
    use CompareOp as Op;
    let ops = [Op::Eq, Op::NotEq, Op::Lt, Op::LtEq, Op::Gt, Op::GtEq];
    let mut predicates: Vec<_> = ops.into_iter().map(|op| compare(op, literal)).collect();
    predicates.extend([Predicate::IsNull("c".into()), Predicate::IsNotNull("c".into())]);
    for predicate in predicates {
        let expected = column.passing(&predicate);
        let is_range = matches!(&predicate, Predicate::Compare { op: Op::Lt | Op::LtEq | Op::Gt | Op::GtEq, .. });
        match column.evaluate(container, &predicate).unwrap() {
            FileIndexResult::Rows(rows) => assert!(rows.iter().eq(expected), "{index_type} of {predicate:?}: {rows:?}"),
            FileIndexResult::Remain => assert!(index_type == "bloom-filter" || index_type == "bitmap" && is_range),
        }
    }
}

#[test]
fn containers_of_several_columns_are_as_java_writes_them() {
    let vectors = json("bytes/file-index-containers.json");
    for vector in vectors.as_array().unwrap() {
        let columns = vector["columns"].as_object().unwrap().iter();
        let fields: Vec<DataField> =
            columns.map(|(name, text)| DataField::new(0, name, DataType::from_json(text).unwrap())).collect();
        let rows = vector["rows"].as_array().unwrap();
        let columns = fields.iter().enumerate().map(|(at, field)| {
            let values: Vec<_> = rows.iter().map(|row| from_json(&row[at], &field.data_type).unwrap()).collect();
            array_from_datums(&field.data_type, &values).unwrap()
        });
        let options = CoreOptions::new(text_pairs(&vector["options"]).into_iter().collect());
        let plan = FileIndexPlan::of(&fields, &options).unwrap().unwrap();
        let mut writer = plan.begin().unwrap();
        writer.write(&columns.collect::<Vec<_>>()).unwrap();
        let container = writer.finish().unwrap();
        assert_eq!(container, bytes_of(vector, "container"), "{vector}");
        assert!(plan.is_embedded(container.len()) && !plan.is_embedded(2 << 20));
    }
}

#[test]
fn containers_are_read_as_java_writes_them() {
    for (vector, _) in vectors().into_iter().filter(|(vector, _)| vector.get("body").is_some()) {
        let container = bytes_of(&vector, "container");
        let index_type = vector["index"].as_str().unwrap().to_owned();
        let index = FileIndex { column: "c".to_owned(), index_type, body: Some(bytes_of(&vector, "body").into()) };
        assert_eq!(file_index::decode(&container.into(), "x").unwrap(), [index], "{vector}");
    }
}

#[test]
fn several_columns_and_an_empty_index() {
    let index = |column: &str, index_type: &str, body: Option<&'static [u8]>| FileIndex {
        column: column.to_owned(),
        index_type: index_type.to_owned(),
        body: body.map(Bytes::from_static),
    };
    let indexes =
        [index("a", "bloom-filter", Some(&[1, 2])), index("a", "bitmap", None), index("m[k]", "new", Some(&[3]))];
    let container = Bytes::from(file_index::encode(&indexes).unwrap());
    assert_eq!(file_index::decode(&container, "x").unwrap(), indexes);
    for length in 0..container.len() {
        if let Err(error) = file_index::decode(&container.slice(..length), "x") {
            assert!(error.to_string().starts_with("x is corrupt at byte "), "{error}");
        } else {
            assert!(length + 3 > container.len());
        }
    }
    let long = index(&"x".repeat(70_000), "bitmap", None);
    assert_eq!(file_index::encode(&[long]).unwrap_err().kind(), ErrorKind::Invalid);
}

/// Whoever writes redundant bytes behind the header says so by its length; indexes of types to come are passed over.
#[test]
fn redundant_bytes_and_unknown_types_are_passed_over() {
    let column = Column::new(DataType::nullable(TypeRoot::Int), vec![Some(Datum::Int(5)), None]);
    let bitmap = column.container("bitmap", &[]).unwrap();
    let [index] = file_index::decode(&Bytes::from(bitmap), "x").unwrap().try_into().unwrap();
    let unknown = FileIndex { index_type: "index-to-come".to_owned(), ..index.clone() };
    let plain = file_index::encode(&[unknown, index]).unwrap();
    let header_bytes = i32::from_be_bytes(plain[12..16].try_into().unwrap()) as usize;
    let mut padded = plain.clone();
    padded.splice(header_bytes..header_bytes, [7; 5]);
    padded[header_bytes - 4..header_bytes].copy_from_slice(&5_i32.to_be_bytes());
    padded[12..16].copy_from_slice(&(header_bytes as i32 + 5).to_be_bytes());
    for start in [header_bytes - 28, header_bytes - 12] {
        let old = i32::from_be_bytes(padded[start..start + 4].try_into().unwrap());
        padded[start..start + 4].copy_from_slice(&(old + 5).to_be_bytes());
    }
    let padded = Bytes::from(padded);
    assert_eq!(file_index::decode(&padded, "x").unwrap(), file_index::decode(&plain.into(), "x").unwrap());
    let found = column.evaluate(&padded, &compare(CompareOp::Eq, &Datum::Int(5))).unwrap();
    assert_eq!(found, FileIndexResult::Rows([0].into_iter().collect()));
}

#[test]
fn bloom_filters_as_java_builds_them() {
    for (vector, column) in vectors() {
        if vector["index"] != "bloom-filter" || vector.get("body").is_none() {
            continue;
        }
        let data_type = &column.field.data_type;
        let mut filter = BloomFilter::new(16, 0.01).unwrap();
        for (value, hash) in column.values.iter().zip(vector["hashes"].as_array().unwrap()) {
            let Some(value) = value else { continue };
            let found = hash_of(value, data_type).unwrap();
            assert_eq!(Some(found), hash.as_i64(), "{vector}");
            filter.add(found);
        }
        let read = BloomFilter::decode(&bytes_of(&vector, "body"), "x").unwrap();
        assert_eq!(read, filter);
        assert!(column.values.iter().flatten().all(|value| read.may_contain(hash_of(value, data_type).unwrap())));
    }
    assert_eq!(BloomFilter::new(1_000_000, 0.1).unwrap().encode().len(), 4 + 599_067);
    assert!(BloomFilter::new(0, 0.1).is_err() && BloomFilter::new(5, 1.0).is_err());
    for bytes in [&[][..], &[0, 0, 0, 7], &[0, 0, 0, 0, 1], &[0x7f, 0, 0, 0, 1]] {
        assert_eq!(BloomFilter::decode(bytes, "x").unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn options_that_are_wrong_are_refused() {
    let fields = [
        DataField::new(0, "a", DataType::nullable(TypeRoot::Int)),
        DataField::new(
            1,
            "m",
            DataType::from_json(&serde_json::json!({"type": "MAP", "key": "STRING", "value": "INT"})).unwrap(),
        ),
    ];
    let refusal = |pairs: &[(&str, &str)]| {
        let options = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        FileIndexPlan::of(&fields, &CoreOptions::new(options))
            .map(|plan| plan.is_some())
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        refusal(&[("file-index.read.enabled", "false"), ("file-index.in-manifest-threshold", "1 b")]),
        Ok(false)
    );
    assert_eq!(refusal(&[("file-index.bitmap.columns", " a , m[k]"), ("file-index.bitmap.m.version", "1")]), Ok(true));
    let wrong = [
        (&[("file-index.bitmap.columns", "a,,m[k]")][..], "must not have an empty column"),
        (&[("file-index.columns", "a")], "names no type of index"),
        (&[("file-index.bitmap.columns", "b")], "\"b\", which is no column: set it to columns there are, or reset it"),
        (&[("file-index.bitmap.columns", "m")], "a bitmap index over MAP"),
        (&[("file-index.bitmap.columns", "a[k]")], "a is no map from text"),
        (&[("file-index.fancy.columns", "a")], "file indexes of the type fancy"),
        (&[("file-index.bitmap.columns", "a"), ("file-index.bitmap.b.version", "1")], "does not name"),
        (&[("file-index.bitmap.columns", "a"), ("file-index.bitmap.a.version", "3")], "no version \"3\""),
        (&[("file-index.bloom-filter.columns", "a"), ("file-index.bloom-filter.a.items", "x")], "items is \"x\""),
    ];
    for (pairs, why) in wrong {
        let refused = refusal(pairs).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn values_that_an_index_does_not_hold_are_refused() {
    let least = Column::new(DataType::nullable(TypeRoot::BigInt), vec![Some(Datum::BigInt(i64::MIN))]);
    assert!(least.container("bsi", &[]).unwrap_err().to_string().contains("-9223372036854775808"));
    let long = Column::new(DataType::nullable(TypeRoot::VarChar(99)), vec![Some(Datum::String("x".repeat(90)))]);
    let small = [("index-block-size".to_owned(), "64 b".to_owned())];
    assert!(long.container("bitmap", &small).unwrap_err().to_string().contains("raise index-block-size"));
    assert!(long.container("range-bitmap", &[("chunk-size".to_owned(), "64 b".to_owned())]).is_ok());
    let wide = Column::new(
        DataType::nullable(TypeRoot::Decimal { precision: 30, scale: 0 }),
        vec![Some(Datum::Decimal(i128::from(i64::MAX) + 1))],
    );
    assert_eq!(wide.container("bsi", &[]).unwrap_err().kind(), ErrorKind::Invalid);
}

/// An index of other rows than the file's would leave out wrong ones.
#[test]
fn an_index_of_another_number_of_rows_is_corrupt() {
    let mut column = Column::new(DataType::nullable(TypeRoot::Int), vec![Some(Datum::Int(5)), None]);
    for index_type in ["bitmap", "bsi", "range-bitmap"] {
        let container = Bytes::from(column.container(index_type, &[]).unwrap());
        column.values.push(None);
        let error = column.evaluate(&container, &Predicate::IsNull("c".into())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        column.values.pop();
    }
}

/// Precisions beyond what an index keeps: rows that differ only there must not be left out.
#[test]
fn timestamps_that_are_cut_off_leave_nothing_out() {
    let moment = |nanos_of_milli| Datum::Timestamp { millis: -1, nanos_of_milli };
    let column = |precision, nanos: &[i32]| {
        let values = nanos.iter().map(|nanos| Some(moment(*nanos))).collect();
        Column::new(DataType::nullable(TypeRoot::Timestamp(precision)), values)
    };
    for column in [column(9, &[1, 2, 1000, 999_999]), column(6, &[0, 1000, 2000])] {
        for index_type in ["bloom-filter", "bitmap", "bsi"] {
            let container = Bytes::from(column.container(index_type, &[]).unwrap());
            for literal in [0, 1, 2, 999, 1000, 1001, 999_999] {
                for op in
                    [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::LtEq, CompareOp::Gt, CompareOp::GtEq]
                {
                    let predicate = compare(op, &moment(literal));
                    check_superset(&column, &container, &predicate);
                    check_superset(&column, &container, &Predicate::Not(Box::new(predicate)));
                }
            }
        }
    }
}

/// No row that passes is left out.
fn check_superset(column: &Column, container: &Bytes, predicate: &Predicate) {
    if let FileIndexResult::Rows(rows) = column.evaluate(container, predicate).unwrap() {
        let missed = column.passing(predicate).into_iter().find(|row| !rows.contains(*row));
        assert_eq!(missed, None, "{predicate:?} in {rows:?}");
    }
}

fn some_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(-0.0),
        Just(0.0),
        Just(f64::INFINITY),
        (-3_i8..3).prop_map(f64::from),
        any::<f64>()
    ]
}

/// Types with values of small domains and odd ones.
fn some_columns() -> impl Strategy<Value = (DataType, Vec<Option<Datum>>)> {
    let texts = prop_oneof!["[ab]{0,3}", "[a-zäß😀]{0,12}"];
    let number = prop_oneof![-4_i64..4, any::<i64>()];
    let moment = (-3_i64..3, 0_i32..1_000_000);
    let of = |root, values: BoxedStrategy<Datum>| {
        (Just(DataType::nullable(root)), prop::collection::vec(prop::option::weighted(0.8, values), 0..60))
    };
    prop_oneof![
        of(TypeRoot::Boolean, any::<bool>().prop_map(Datum::Boolean).boxed()),
        of(TypeRoot::TinyInt, any::<i8>().prop_map(Datum::TinyInt).boxed()),
        of(TypeRoot::SmallInt, (-9_i16..9).prop_map(Datum::SmallInt).boxed()),
        of(TypeRoot::Int, number.clone().prop_map(|number| Datum::Int(number as i32)).boxed()),
        of(TypeRoot::BigInt, number.clone().prop_map(|number| Datum::BigInt(number.max(-i64::MAX))).boxed()),
        of(TypeRoot::Float, some_float().prop_map(|float| Datum::Float(float as f32)).boxed()),
        of(TypeRoot::Double, some_float().prop_map(Datum::Double).boxed()),
        of(TypeRoot::VarChar(99), texts.prop_map(Datum::String).boxed()),
        of(TypeRoot::VarBinary(9), prop::collection::vec(0_u8..3, 0..4).prop_map(Datum::Bytes).boxed()),
        of(TypeRoot::Decimal { precision: 9, scale: 2 }, (-5_i128..5).prop_map(Datum::Decimal).boxed()),
        of(TypeRoot::Timestamp(9), moment.clone().prop_map(timestamp(1)).boxed()),
        of(TypeRoot::TimestampLtz(6), moment.clone().prop_map(timestamp(1000)).boxed()),
        of(TypeRoot::Timestamp(3), moment.prop_map(timestamp(1_000_000)).boxed()),
    ]
}

/// Moments whose nanoseconds are whole multiples of `unit`.
fn timestamp(unit: i32) -> impl Fn((i64, i32)) -> Datum {
    move |(millis, nanos)| Datum::Timestamp { millis, nanos_of_milli: nanos / unit * unit }
}

/// A condition over some of the values.
fn condition(choices: &[u8], values: &[Datum]) -> Predicate {
    let Some((choice, rest)) = choices.split_first() else { return Predicate::IsNotNull("c".to_owned()) };
    let literal = |at: u8| values[usize::from(at) % values.len()].clone();
    let (left, right) = rest.split_at(rest.len() / 2);
    match choice % 12 {
        0 => Predicate::IsNull("c".to_owned()),
        1 => Predicate::Not(Box::new(condition(rest, values))),
        2 => Predicate::And(vec![condition(left, values), condition(right, values)]),
        3 => Predicate::Or(vec![condition(left, values), condition(right, values)]),
        4 | 5 => Predicate::In {
            column: "c".to_owned(),
            literals: rest.iter().take(3).map(|at| literal(*at)).collect(),
            has_null: choice % 24 == 4,
        },
        op => {
            use CompareOp as Op;
            let ops = [Op::Eq, Op::NotEq, Op::Lt, Op::LtEq, Op::Gt, Op::GtEq];
            compare(ops[usize::from(op - 6)], &literal(choice / 12))
        }
    }
}

proptest! {
    #[test]
    fn no_index_leaves_out_a_row_that_passes(
        (data_type, values) in some_columns(),
        choices in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..12), 1..6),
        small in any::<bool>(),
    ) {
        let column = Column::new(data_type, values);
        let literals: Vec<Datum> = column.values.iter().flatten().cloned().collect();
        prop_assume!(!literals.is_empty());
        let options = |index_type: &str| match index_type {
            "bitmap" if small => vec![("index-block-size".to_owned(), "128 b".to_owned())],
            "bitmap" => vec![("version".to_owned(), "1".to_owned())],
            "range-bitmap" if small => vec![("chunk-size".to_owned(), "20 b".to_owned())],
            "bloom-filter" => vec![("items".to_owned(), "20".to_owned())],
            _ => Vec::new(),
        };
        for index_type in ["bloom-filter", "bitmap", "bsi", "range-bitmap"] {
            let Ok(container) = column.container(index_type, &options(index_type)) else { continue };
            let container = Bytes::from(container);
            for choices in &choices {
                check_superset(&column, &container, &condition(choices, &literals));
            }
        }
    }

    #[test]
    fn damaged_indexes_never_panic(
        (data_type, values) in some_columns(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let column = Column::new(data_type, values);
        let literals: Vec<Datum> = column.values.iter().flatten().cloned().collect();
        prop_assume!(!literals.is_empty());
        for index_type in ["bloom-filter", "bitmap", "bsi", "range-bitmap"] {
            let Ok(mut container) = column.container(index_type, &[]) else { continue };
            container.truncate(container.len().min(200_000));
            for (at, byte) in &damage {
                let at = at.index(container.len());
                container[at] ^= byte;
            }
            let cut = container[..cut.index(container.len())].to_vec();
            for damaged in [container, cut] {
                for op in [CompareOp::Eq, CompareOp::Lt, CompareOp::GtEq] {
                    let found = column.evaluate(&damaged.clone().into(), &compare(op, &literals[0]));
                    let found = found.map_err(|error| error.kind());
                    prop_assert!(matches!(found, Ok(_) | Err(ErrorKind::Corrupt | ErrorKind::Unsupported)), "{found:?}");
                }
            }
        }
    }

    #[test]
    fn a_bloom_filter_forgets_nothing(hashes in prop::collection::vec(any::<i64>(), 1..200), items in 1_u32..300) {
        let mut filter = BloomFilter::new(items, 0.1).unwrap();
        hashes.iter().for_each(|hash| filter.add(*hash));
        prop_assert!(hashes.iter().all(|hash| filter.may_contain(*hash)));
    }

    #[test]
    fn hostile_containers_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut container = unhex("00054e4ed01a35ae0000000100000036000000");
        container.extend(bytes);
        let _ = file_index::decode(&container.into(), "x").map_err(|error| assert_eq!(error.kind(), ErrorKind::Corrupt));
    }
}
