//! `merge-engine = aggregation` and its functions against a model that goes one row at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::options::CoreOptions;
use alluvium_format::{DataField, DataType, ErrorKind, Result, TableSchema, TypeRoot};
use alluvium_merge_tree::merge_function::{FieldAggregator, FoldOp, Folds};
use alluvium_merge_tree::{
    GroupMerge, KeyGroups, KeyValueBatch, MergeFunction, MergeOptions, SingleRecords, sort_buffer,
};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BinaryArray, Int8Array, Int64Array, RecordBatch};
use proptest::prelude::*;

use crate::records::cases;

/// A function of whole numbers, with what it remembers.
#[derive(Clone, Debug)]
struct Model {
    function: &'static str,
    ignore_retract: bool,
    accumulator: Option<i64>,
    seen: bool,
}

impl Model {
    fn new(function: &'static str, ignore_retract: bool) -> Self {
        Self { function, ignore_retract, accumulator: None, seen: false }
    }

    fn aggregate(&mut self, accumulator: Option<i64>, value: Option<i64>) -> Option<i64> {
        match (self.function, accumulator, value) {
            ("last_value" | "primary-key", _, value) => value,
            ("first_value", accumulator, value) => {
                if std::mem::replace(&mut self.seen, true) {
                    accumulator
                } else {
                    value
                }
            }
            ("first_non_null_value", accumulator, value) => {
                let takes = !self.seen && value.is_some();
                self.seen |= takes;
                if takes { value } else { accumulator }
            }
            (_, None, one) | (_, one, None) => one,
            ("sum", Some(a), Some(b)) => Some(a.wrapping_add(b)),
            ("product", Some(a), Some(b)) => Some(a.wrapping_mul(b)),
            ("min", Some(a), Some(b)) => Some(a.min(b)),
            ("max", Some(a), Some(b)) => Some(a.max(b)),
            ("last_non_null_value", _, Some(b)) => Some(b),
            (function, ..) => panic!("{function}"),
        }
    }

    /// `None`: the function refuses it.
    fn retract(&self, accumulator: Option<i64>, value: Option<i64>) -> Option<Option<i64>> {
        Some(match (self.function, accumulator, value) {
            ("last_value", ..) => None,
            ("primary-key", _, value) => value,
            ("last_non_null_value", accumulator, value) => accumulator.filter(|_| value.is_none()),
            ("sum", accumulator, None) | ("product", accumulator @ None, _) | ("product", accumulator, None) => {
                accumulator
            }
            ("sum", accumulator, Some(value)) => Some(accumulator.unwrap_or(0).wrapping_sub(value)),
            ("product", Some(_), Some(0)) => return None,
            ("product", Some(accumulator), Some(value)) => Some(accumulator.wrapping_div(value)),
            _ => return None,
        })
    }

    fn step(&mut self, op: FoldOp, value: Option<i64>) -> Option<()> {
        let accumulator = self.accumulator;
        self.accumulator = match op {
            FoldOp::Set => value,
            FoldOp::Aggregate => self.aggregate(accumulator, value),
            FoldOp::AggregateReversed => self.aggregate(value, accumulator),
            FoldOp::Retract if self.ignore_retract => accumulator,
            FoldOp::Retract => self.retract(accumulator, value)?,
        };
        Some(())
    }
}

const FUNCTIONS: [&str; 9] = [
    "sum",
    "product",
    "min",
    "max",
    "last_value",
    "last_non_null_value",
    "first_value",
    "first_non_null_value",
    "primary-key",
];

fn value() -> impl Strategy<Value = Option<i64>> {
    let edge = prop::sample::select(vec![0, 1, -1, 7, i64::MAX, i64::MIN]);
    prop::option::weighted(0.8, prop_oneof![edge, -100..100_i64])
}

proptest! {
    #![proptest_config(cases(1500))]

    /// Any steps, over any rows.
    #[test]
    fn a_fold_is_the_model(
        function in prop::sample::select(FUNCTIONS.to_vec()),
        ignore_retract: bool,
        (values, folds) in prop::collection::vec(value(), 1..12).prop_flat_map(|values| {
            let op = prop::sample::select(vec![
                FoldOp::Set, FoldOp::Aggregate, FoldOp::Aggregate, FoldOp::AggregateReversed, FoldOp::Retract,
            ]);
            let folds = prop::collection::vec(prop::collection::vec((0..values.len(), op), 0..6), 0..6);
            (Just(values), folds)
        }),
    ) {
        let field = DataField::new(1, "v", DataType::parse("BIGINT").unwrap());
        let option = ("fields.v.ignore-retract".to_owned(), ignore_retract.to_string());
        let aggregator = FieldAggregator::new(function, &field, &CoreOptions::new([option].into_iter().collect())).unwrap();
        let (mut plan, mut wanted) = (Folds::default(), Some(Vec::new()));
        for steps in &folds {
            let mut model = Model::new(function, ignore_retract);
            for (row, op) in steps {
                plan.push(u32::try_from(*row).unwrap(), *op);
                if model.step(*op, values[*row]).is_none() {
                    wanted = None;
                }
            }
            plan.end();
            wanted.iter_mut().for_each(|wanted| wanted.push(model.accumulator));
        }
        let input: ArrayRef = Arc::new(Int64Array::from(values));
        let got = aggregator.fold(&input, &plan).ok();
        let got = got.map(|array| array.as_primitive::<Int64Type>().iter().collect::<Vec<_>>());
        prop_assert_eq!(got, wanted);
    }
}

/// The columns behind the key `k`, and the function that each has in the table below.
const COLUMNS: [(&str, &str); 5] =
    [("s", "last_value"), ("n", "sum"), ("m", "max"), ("f", "first_value"), ("d", "last_non_null_value")];

#[derive(Clone, Debug, PartialEq)]
struct Record {
    key: i64,
    values: [Option<i64>; COLUMNS.len()],
    sequence: i64,
    kind: i8,
}

fn schema(options: &[(&str, &str)]) -> TableSchema {
    let names = ["k"].into_iter().chain(COLUMNS.map(|(name, _)| name));
    let data_type = |name: &str| if name == "k" { "BIGINT NOT NULL" } else { "BIGINT" };
    let field = |(id, name): (i32, &str)| DataField::new(id, name, DataType::parse(data_type(name)).unwrap());
    let all = [
        ("merge-engine", "aggregation"),
        ("sequence.field", "s"),
        ("fields.n.aggregate-function", "sum"),
        ("fields.m.aggregate-function", "max"),
        ("fields.f.aggregate-function", "first_value"),
    ];
    let options = all.iter().chain(options).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    TableSchema {
        version: 3,
        id: 0,
        fields: (0..).zip(names).map(field).collect(),
        highest_field_id: 5,
        partition_keys: Vec::new(),
        primary_keys: vec!["k".to_owned()],
        options: options.collect(),
        comment: None,
        time_millis: 0,
    }
}

fn merge_options(schema: &TableSchema) -> MergeOptions {
    MergeOptions::new(schema, &schema.core_options()).unwrap()
}

fn batch(schema: &TableSchema, records: &[Record]) -> KeyValueBatch {
    let keys: ArrayRef = Arc::new(records.iter().map(|record| Some(record.key)).collect::<Int64Array>());
    let columns = (0..COLUMNS.len())
        .map(|at| Arc::new(records.iter().map(|record| record.values[at]).collect::<Int64Array>()) as ArrayRef);
    let columns = std::iter::once(keys).chain(columns).collect();
    let values = RecordBatch::try_new(to_arrow_schema(&schema.fields).unwrap(), columns).unwrap();
    let sequences: Int64Array = records.iter().map(|record| Some(record.sequence)).collect();
    let kinds: Int8Array = records.iter().map(|record| Some(record.kind)).collect();
    KeyValueBatch::try_new(sequences, kinds, values).unwrap()
}

fn records(batch: &KeyValueBatch) -> Vec<Record> {
    let value = |column: usize, row: usize| {
        let column = batch.values.column(column).as_primitive::<Int64Type>();
        column.is_valid(row).then(|| column.value(row))
    };
    let record = |row| Record {
        key: value(0, row).unwrap(),
        values: std::array::from_fn(|at| value(at + 1, row)),
        sequence: batch.sequences.value(row),
        kind: batch.kinds.value(row),
    };
    (0..batch.num_rows()).map(record).collect()
}

/// What becomes of the records of a key; `None` when one is refused.
fn merged(records: &[Record], removes: bool, ignores: bool) -> Option<Record> {
    let mut columns = COLUMNS.map(|(name, function)| Model::new(function, ignores && (name == "m" || name == "f")));
    let mut kind = 0;
    for record in records {
        let replaces = removes && record.kind == 3;
        kind = if replaces { 3 } else { 0 };
        let op = match record.kind {
            _ if replaces => FoldOp::Set,
            1 | 3 => FoldOp::Retract,
            _ => FoldOp::Aggregate,
        };
        for (column, value) in columns.iter_mut().zip(record.values) {
            column.step(op, value)?;
        }
    }
    let last = records.last()?;
    Some(Record { key: last.key, values: columns.map(|column| column.accumulator), sequence: last.sequence, kind })
}

/// The records of each key in merge order: by the sequence column, nulls first, then by sequence number.
fn by_key(records: &[Record]) -> Vec<Vec<Record>> {
    let mut keys: BTreeMap<i64, Vec<Record>> = BTreeMap::new();
    for record in records {
        keys.entry(record.key).or_default().push(record.clone());
    }
    let mut groups: Vec<_> = keys.into_values().collect();
    groups.iter_mut().for_each(|group| group.sort_by_key(|record| (record.values[0], record.sequence)));
    groups
}

fn check(wanted: Option<Vec<Record>>, got: Result<Vec<Record>>, what: &str) {
    match (wanted, got) {
        (Some(wanted), Ok(got)) => assert_eq!(got, wanted, "{what}"),
        (None, Err(error)) => assert_eq!(error.kind(), ErrorKind::Invalid, "{what}: {error}"),
        (wanted, got) => panic!("{what}: wanted {wanted:?}, got {got:?}"),
    }
}

fn rows() -> impl Strategy<Value = Vec<Record>> {
    let kind = prop_oneof![5 => Just(0_i8), 1 => Just(1_i8), 1 => Just(2_i8), 2 => Just(3_i8)];
    let row = (0..5_i64, prop::array::uniform5(prop::option::weighted(0.8, 0..9_i64)), kind);
    prop::collection::vec(row, 1..24).prop_map(|rows| {
        let record = |(sequence, (key, values, kind))| Record { key, values, sequence, kind };
        (0..).zip(rows).map(record).collect()
    })
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn the_engine_is_the_model(rows in rows(), removes: bool, ignores: bool) {
        let ignores = ignores && !removes;
        let options: &[(&str, &str)] = match (removes, ignores) {
            (true, _) => &[("aggregation.remove-record-on-delete", "true")],
            (_, true) => &[("fields.m.ignore-retract", "true"), ("fields.f.ignore-retract", "true")],
            _ => &[],
        };
        let schema = schema(options);
        let (options, keys) = (merge_options(&schema), by_key(&rows));
        let passing = |group: &Vec<Record>| match &group[..] {
            [record] => Some(record.clone()),
            _ => merged(group, removes, ignores),
        };
        let buffered = sort_buffer(&[batch(&schema, &rows)], &options).map(|batch| records(&batch));
        check(keys.iter().map(passing).collect(), buffered, "a buffer");

        let in_order: Vec<Record> = keys.concat();
        let ends = keys.iter().scan(0, |end, group| {
            *end += u32::try_from(group.len()).unwrap();
            Some(*end)
        });
        let all = batch(&schema, &in_order);
        let groups = KeyGroups::try_new(all.clone(), vec![0; in_order.len()], ends.collect()).unwrap();
        let function = GroupMerge::new(&options.function, all.values.schema_ref()).unwrap();
        let every = function.merge(&groups, SingleRecords::Merge).map(|merged| records(&merged.rows));
        check(keys.iter().map(|group| merged(group, removes, ignores)).collect(), every, "every record merged");
    }
}

/// What Paimon 1.4.2 reads; see the golden case aggregation-remove-on-delete.
#[test]
fn an_insert_goes_on_from_the_values_of_the_delete_before_it() {
    let schema = schema(&[("aggregation.remove-record-on-delete", "true")]);
    let record = |sequence, kind, n| Record { key: 1, values: [Some(sequence), n, None, None, None], sequence, kind };
    let rows = [record(0, 0, Some(5)), record(1, 3, Some(7)), record(2, 0, Some(2))];
    let read = |count: usize| {
        let merged = sort_buffer(&[batch(&schema, &rows[..count])], &merge_options(&schema)).unwrap();
        records(&merged).into_iter().map(|record| (record.kind, record.values[1])).collect::<Vec<_>>()
    };
    assert_eq!(read(2), [(3, Some(7))]);
    assert_eq!(read(3), [(0, Some(9))]);
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let schema = schema(&[("aggregation.remove-record-on-delete", "true"), ("fields.n.ignore-retract", "true")]);
    let error = MergeOptions::new(&schema, &schema.core_options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("fields.n.ignore-retract"), "{error}");
}

#[test]
fn a_time_that_is_no_text_is_refused() {
    let row = |fields: &[&str]| {
        let field = |(id, name): (i32, &&str)| {
            DataField::new(id, *name, DataType::parse(if *name == "at" { "STRING" } else { "INT" }).unwrap())
        };
        DataType::nullable(TypeRoot::Row((0..).zip(fields).map(field).collect()))
    };
    let map = |fields: &[&str]| {
        DataType::nullable(TypeRoot::Map {
            key: Box::new(DataType::parse("INT").unwrap()),
            value: Box::new(row(fields)),
        })
    };
    let new = |fields: &[&str]| {
        FieldAggregator::new("merge_map_with_keytime", &DataField::new(1, "v", map(fields)), &CoreOptions::default())
    };
    assert!(new(&["n", "at"]).is_ok());
    let error = new(&["at", "n"]).unwrap_err();
    assert!(error.to_string().contains("fields.v.ts-field"), "{error}");
}

#[test]
fn only_the_columns_of_a_read_are_aggregated() {
    let schema = schema(&[]);
    let MergeFunction::Aggregation(function) = merge_options(&schema).function else { panic!("another engine") };
    let names = to_arrow_schema(&schema.fields[..3]).unwrap();
    let merge = GroupMerge::new(&MergeFunction::Aggregation(function), &names).unwrap();
    let row =
        |sequence, n| Record { key: 1, values: [Some(sequence), Some(n), Some(4), None, None], sequence, kind: 0 };
    let mut all = batch(&schema, &[row(0, 5), row(1, 6)]);
    all.values = all.values.project(&[0, 1, 2]).unwrap();
    let groups = KeyGroups::try_new(all, vec![0, 0], vec![2]).unwrap();
    let merged = merge.merge(&groups, SingleRecords::Pass).unwrap().rows;
    assert_eq!(merged.values.column(2).as_primitive::<Int64Type>().values(), &[11]);
    assert_eq!(merged.values.num_columns(), 3);
}

/// Sketches that Paimon wrote, of one function.
fn sketches(function: &str) -> Vec<Vec<u8>> {
    let file: serde_json::Value = serde_json::from_str(include_str!("aggregates/sketches.json")).unwrap();
    let groups = file["groups"].as_array().unwrap().iter().filter(|group| group["function"] == function);
    let records = groups.flat_map(|group| group["cases"].as_array().unwrap());
    let records = records.flat_map(|case| case["records"].as_array().unwrap());
    let unhex = |text: &str| {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    records.filter_map(|record| record[1].as_str()).filter(|text| text.len() < 6000).map(unhex).collect()
}

proptest! {
    #![proptest_config(cases(1500))]

    /// Damaged sketches are errors or other sketches, and nothing worse.
    #[test]
    fn damaged_sketches_are_survived(
        function in prop::sample::select(vec!["rbm32", "rbm64", "hll_sketch", "theta_sketch"]),
        which in any::<[prop::sample::Index; 2]>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        in_header: bool,
    ) {
        let sketches = sketches(function);
        let [mut broken, whole] = which.map(|which| which.get(&sketches).clone());
        let reach = if in_header { broken.len().min(48) } else { broken.len() };
        for (at, byte) in damage {
            broken[at.index(reach)] = byte;
        }
        if let Some(end) = end {
            broken.truncate(end.index(broken.len()));
        }
        let field = DataField::new(1, "v", DataType::parse("BYTES").unwrap());
        let aggregator = FieldAggregator::new(function, &field, &CoreOptions::default()).unwrap();
        let input: ArrayRef = Arc::new(BinaryArray::from_vec(vec![&broken, &whole]));
        let mut folds = Folds::default();
        [0, 1, 0].into_iter().for_each(|row| folds.push(row, FoldOp::Aggregate));
        folds.end();
        match aggregator.fold(&input, &folds) {
            Ok(union) => prop_assert_eq!(union.len(), 1),
            Err(error) => prop_assert!(matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unsupported), "{}", error),
        }
    }
}
