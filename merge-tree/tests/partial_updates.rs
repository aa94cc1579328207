//! Partial update against the model: all its options, any order of columns, any cut into runs and batches.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{DataField, DataType, ErrorKind, Result, TableSchema};
use alluvium_merge_tree::{
    GroupMerge, KeyGroups, KeyValueBatch, MergeFunction, MergeOptions, MergeStep, MergedKeys, SingleRecords, SortMerge,
    sort_buffer,
};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int8Array, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;

use crate::partial_update_model::{Function, Model, Record};
use crate::records::cases;

/// The columns but for the key: `a` and `b` of no group; `x`, `n` (a sum) and `o` (the last value that is not null) in the order of
/// `g`; `y` in the order of `h`, then `i`.
const COLUMNS: [&str; 9] = ["a", "b", "g", "x", "n", "o", "h", "i", "y"];
const TEXT: [&str; 5] = ["a", "x", "o", "i", "y"];
const GROUPS: [(&str, &str); 4] = [
    ("fields.g.sequence-group", "x,n,o"),
    ("fields.h,i.sequence-group", "y"),
    ("fields.n.aggregate-function", "sum"),
    ("fields.o.aggregate-function", "last_non_null_value"),
];

/// A table: the columns in some order, and some options.
#[derive(Clone, Debug)]
struct Table {
    columns: Vec<String>,
    options: BTreeMap<String, String>,
}

impl Table {
    fn new(columns: &[&str], options: &[(&str, &str)]) -> Self {
        let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Self { columns: columns.iter().map(|name| (*name).to_owned()).collect(), options }
    }

    fn schema(&self) -> TableSchema {
        let data_type = |name: &str| match name {
            "k" => "BIGINT NOT NULL",
            _ if TEXT.contains(&name) => "STRING",
            _ => "BIGINT",
        };
        let field =
            |(id, name): (i32, &String)| DataField::new(id, name.clone(), DataType::parse(data_type(name)).unwrap());
        let mut options = self.options.clone();
        options.insert("merge-engine".to_owned(), "partial-update".to_owned());
        TableSchema {
            version: 3,
            id: 0,
            fields: (0..).zip(&self.columns).map(field).collect(),
            highest_field_id: i32::try_from(self.columns.len()).unwrap(),
            partition_keys: Vec::new(),
            primary_keys: vec!["k".to_owned()],
            options: options.into_iter().collect(),
            comment: None,
            time_millis: 0,
        }
    }

    fn merge_options(&self) -> MergeOptions {
        let schema = self.schema();
        MergeOptions::new(&schema, &schema.core_options()).unwrap()
    }

    fn model(&self) -> Model {
        let at = |name: &str| self.columns.iter().position(|column| column == name).unwrap();
        let mut model = Model {
            ignore_delete: self.options.contains_key("ignore-delete"),
            remove_record_on_delete: self.options.contains_key("partial-update.remove-record-on-delete"),
            comparators: vec![None; self.columns.len()],
            aggregators: vec![None; self.columns.len()],
            partial_delete: Vec::new(),
        };
        model.aggregators[at("k")] = Some(Function::PrimaryKey);
        if self.options.contains_key(GROUPS[0].0) {
            for name in ["g", "x", "n", "o"] {
                model.comparators[at(name)] = Some(vec![at("g")]);
            }
            for name in ["h", "i", "y"] {
                model.comparators[at(name)] = Some(vec![at("h"), at("i")]);
            }
            model.aggregators[at("n")] = Some(Function::Sum);
            model.aggregators[at("o")] = Some(Function::LastNonNullValue);
        }
        if let Some(names) = self.options.get("partial-update.remove-record-on-sequence-group") {
            model.partial_delete = names.split(',').map(at).collect();
        }
        model
    }

    fn batch(&self, records: &[Record]) -> KeyValueBatch {
        let column = |at: usize| -> ArrayRef {
            let values = records.iter().map(|record| record.values[at]);
            match TEXT.contains(&self.columns[at].as_str()) {
                true => Arc::new(values.map(|value| value.map(|value| format!("{value:04}"))).collect::<StringArray>()),
                false => Arc::new(values.collect::<Int64Array>()),
            }
        };
        let schema = to_arrow_schema(&self.schema().fields).unwrap();
        let values = RecordBatch::try_new(schema, (0..self.columns.len()).map(column).collect()).unwrap();
        let sequences: Int64Array = records.iter().map(|record| record.sequence).collect();
        let kinds: Int8Array = records.iter().map(|record| record.kind).collect();
        KeyValueBatch::try_new(sequences, kinds, values).unwrap()
    }

    fn records(&self, batch: &KeyValueBatch) -> Vec<Record> {
        let value = |column: &ArrayRef, row: usize| match column.as_string_opt::<i32>() {
            _ if column.is_null(row) => None,
            Some(texts) => Some(texts.value(row).parse().unwrap()),
            None => Some(column.as_primitive::<Int64Type>().value(row)),
        };
        let record = |row| {
            let values: Vec<_> = batch.values.columns().iter().map(|column| value(column, row)).collect();
            let key = batch.values.column_by_name("k").map(|column| value(column, row).unwrap()).unwrap();
            Record { key, values, sequence: batch.sequences.value(row), kind: batch.kinds.value(row), level: -1 }
        };
        (0..batch.num_rows()).map(record).collect()
    }

    fn merged(&self, merged: &MergedKeys) -> Vec<Record> {
        self.records(&merged.rows)
    }
}

/// The records of each key, from the earliest to the latest.
fn by_key(runs: &[Vec<Record>]) -> Vec<Vec<Record>> {
    let mut keys: BTreeMap<i64, Vec<Record>> = BTreeMap::new();
    for record in runs.iter().flatten() {
        keys.entry(record.key).or_default().push(record.clone());
    }
    let mut groups: Vec<_> = keys.into_values().collect();
    groups.iter_mut().for_each(|group| group.sort_by_key(|record| record.sequence));
    groups
}

/// What of the records of a key is merged in a table whose compactions look up.
fn looked_up(group: &[Record]) -> Vec<&Record> {
    let lowest = group.iter().map(|record| record.level).filter(|level| *level > 0).min();
    group.iter().filter(|record| record.level <= 0 || Some(record.level) == lowest).collect()
}

fn of_no_level(record: &Record) -> Record {
    Record { level: -1, ..record.clone() }
}

/// What the model makes of keys, a single record passing; `None` where it refuses one.
fn reduced(model: &Model, groups: &[Vec<Record>]) -> Option<Vec<Record>> {
    let reduce = |group: &Vec<Record>| match &group[..] {
        [record] => Some(of_no_level(record)),
        records => model.merge(records),
    };
    groups.iter().map(reduce).collect()
}

/// Drives a merge over the runs, cut into batches of `batch_rows`.
fn drive(table: &Table, runs: &[Vec<Record>], batch_rows: usize, mut merge: SortMerge) -> Result<Vec<MergeStep>> {
    let mut batches: Vec<VecDeque<(i32, KeyValueBatch)>> = Vec::new();
    for run in runs {
        let batch = |records: &[Record]| (records[0].level, table.batch(records));
        batches.push(run.chunks(batch_rows).map(batch).collect());
    }
    let mut steps = Vec::new();
    loop {
        match merge.step()? {
            MergeStep::Need(run) => match batches[run].pop_front() {
                Some((level, batch)) => merge.feed_level(run, level, Some(batch))?,
                None => merge.feed(run, None)?,
            },
            MergeStep::Done => return Ok(steps),
            step => steps.push(step),
        }
    }
}

fn check(wanted: Option<Vec<Record>>, got: Result<Vec<Record>>, what: &str) {
    match (wanted, got) {
        (Some(wanted), Ok(got)) => assert_eq!(got, wanted, "{what}"),
        (None, Err(error)) => assert_eq!(error.kind(), ErrorKind::Invalid, "{what}: {error}"),
        (wanted, got) => panic!("{what}: wanted {wanted:?}, got {got:?}"),
    }
}

/// The groups that a grouped merge gives, each step as records by key.
fn grouped(table: &Table, runs: &[Vec<Record>], batch_rows: usize, target_rows: usize) -> Vec<KeyGroups> {
    let options = table.merge_options();
    let schema = to_arrow_schema(&table.schema().fields).unwrap();
    let merge = SortMerge::grouped_with_target_rows(runs.len(), &options, schema, target_rows).unwrap();
    let steps = drive(table, runs, batch_rows, merge).unwrap().into_iter();
    steps
        .map(|step| match step {
            MergeStep::Groups(groups) => groups,
            step => panic!("a grouped merge gave {step:?}"),
        })
        .collect()
}

fn check_table(table: &Table, runs: &[Vec<Record>], batch_rows: usize, target_rows: usize) {
    let (model, options) = (table.model(), table.merge_options());
    let schema = to_arrow_schema(&table.schema().fields).unwrap();
    let keys = by_key(runs);

    // A merge of runs, and one of groups.
    let merge = SortMerge::with_target_rows(runs.len(), &options, schema.clone(), target_rows).unwrap();
    let merged = drive(table, runs, batch_rows, merge).map(|steps| {
        let records = |step: &MergeStep| match step {
            MergeStep::Ready(batch) => table.records(batch),
            step => panic!("a merge gave {step:?}"),
        };
        steps.iter().flat_map(records).collect()
    });
    check(reduced(&model, &keys), merged, "runs");
    let groups = grouped(table, runs, batch_rows, target_rows);
    let mut listed = Vec::new();
    for groups in &groups {
        let records = table.records(groups.records()).into_iter().zip(groups.levels());
        let records: Vec<_> = records.map(|(record, level)| Record { level: *level, ..record }).collect();
        listed.extend(groups.ranges().map(|range| records[range].to_vec()));
    }
    assert_eq!(listed, keys, "groups");
    let function = GroupMerge::new(&options.function, &schema).unwrap();
    let every = |function: &GroupMerge| -> Result<Vec<Record>> {
        let merged = groups.iter().map(|groups| function.merge(groups, SingleRecords::Merge));
        Ok(merged.collect::<Result<Vec<_>>>()?.iter().flat_map(|merged| table.merged(merged)).collect())
    };
    check(keys.iter().map(|group| model.merge(group)).collect(), every(&function), "every record merged");
    let lookup = MergeFunction::Lookup(Box::new(options.function.clone()));
    let lookup = GroupMerge::new(&lookup, &schema).unwrap();
    check(keys.iter().map(|group| model.merge(looked_up(group))).collect(), every(&lookup), "looked up");

    // A write buffer in which the records come run after run.
    let batches: Vec<_> = runs.iter().flat_map(|run| run.chunks(batch_rows)).map(|rows| table.batch(rows)).collect();
    if !batches.is_empty() {
        let sorted = sort_buffer(&batches, &options).map(|batch| table.records(&batch));
        check(reduced(&model, &keys), sorted, "a buffer");
    }
}

/// Runs of records with each key once in a run; the first runs are of level 0, the others of a level each, as later as they are lower.
fn runs(columns: Vec<String>) -> impl Strategy<Value = Vec<Vec<Record>>> {
    let value = |name: &str| -> BoxedStrategy<Option<i64>> {
        match name {
            "g" | "h" | "i" => prop::option::weighted(0.8, 0..4_i64).boxed(),
            _ => prop::option::weighted(0.7, 0..100_i64).boxed(),
        }
    };
    let values: Vec<_> = columns.iter().map(|name| value(name)).collect();
    let kind = prop_oneof![4 => Just(0_i8), 1 => Just(1_i8), 1 => Just(2_i8), 2 => Just(3_i8)];
    let run = prop::collection::btree_map(0..9_i64, (values, kind), 0..9);
    let key_at = columns.iter().position(|name| name == "k").unwrap();
    (prop::collection::vec(run, 1..6), 0..5_usize).prop_map(move |(runs, of_level_0)| {
        let count = runs.len();
        let level = |run: usize| i32::try_from((run + 1).saturating_sub(of_level_0)).unwrap();
        let record = |run: usize, at: usize, (key, (mut values, kind)): (i64, (Vec<Option<i64>>, i8))| {
            values[key_at] = Some(key);
            let sequence = i64::try_from((count - run) * 100 + at).unwrap();
            Record { key, values, sequence, kind, level: level(run) }
        };
        let runs = runs.into_iter().enumerate();
        runs.map(|(run, rows)| rows.into_iter().enumerate().map(|(at, row)| record(run, at, row)).collect()).collect()
    })
}

fn table() -> impl Strategy<Value = Table> {
    let names: Vec<&str> = COLUMNS.into_iter().chain(["k"]).collect();
    let removes =
        |names: &'static str| [&GROUPS[..], &[("partial-update.remove-record-on-sequence-group", names)]].concat();
    let options: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![("ignore-delete", "true")],
        vec![("partial-update.remove-record-on-delete", "true")],
        vec![("fields.default-aggregate-function", "last_non_null_value"), ("ignore-delete", "true")],
        GROUPS.to_vec(),
        [&GROUPS[..], &[("ignore-delete", "true")]].concat(),
        removes("g"),
        removes("i"),
        removes("g,h"),
    ];
    (Just(names).prop_shuffle(), prop::sample::select(options))
        .prop_map(|(columns, options)| Table::new(&columns, &options))
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn partial_update_is_the_model(
        (table, runs) in table().prop_flat_map(|table| {
            let runs = runs(table.columns.clone());
            (Just(table), runs)
        }),
        batch_rows in 1..12_usize,
        target_rows in 1..20_usize,
    ) {
        check_table(&table, &runs, batch_rows, target_rows);
    }
}

proptest! {
    #![proptest_config(cases(400))]

    /// A read of some columns sees in them what a read of all columns sees.
    #[test]
    fn a_projection_changes_no_value(
        (table, runs) in table().prop_flat_map(|table| {
            let runs = runs(table.columns.clone());
            (Just(table), runs)
        }),
        wanted in prop::sample::subsequence(COLUMNS.to_vec(), 0..COLUMNS.len()),
    ) {
        let options = table.merge_options();
        let required = options.required_columns(wanted.iter().copied());
        prop_assert_eq!(&required[0], "k");
        let read: Vec<&str> = wanted.iter().copied()
            .chain(required.iter().map(String::as_str).filter(|name| !wanted.contains(name)))
            .collect();
        for groups in grouped(&table, &runs, 100, 100) {
            let whole = GroupMerge::new(&options.function, groups.records().values.schema_ref()).unwrap();
            let project = |batch: &RecordBatch| {
                let places: Vec<usize> = read.iter().map(|name| batch.schema_ref().index_of(name).unwrap()).collect();
                batch.project(&places).unwrap()
            };
            let mut records = groups.records().clone();
            records.values = project(&records.values);
            let ends = groups.ranges().map(|range| u32::try_from(range.end).unwrap()).collect();
            let narrow = KeyGroups::try_new(records, groups.levels().to_vec(), ends).unwrap();
            let part = GroupMerge::new(&options.function, narrow.records().values.schema_ref()).unwrap();
            let (Ok(whole), part) = (whole.merge(&groups, SingleRecords::Merge), part.merge(&narrow, SingleRecords::Merge))
            else { continue };
            let part = part.unwrap();
            prop_assert_eq!(project(&whole.rows.values), part.rows.values);
            prop_assert_eq!((whole.rows.sequences, whole.rows.kinds), (part.rows.sequences, part.rows.kinds));
        }
    }
}

/// What Paimon 1.4.2 made of these records; see the golden case partial-update-sequence-groups.
#[test]
fn late_and_null_sequences_leave_a_group_as_it_is() {
    let columns = ["k", "a", "g", "x", "n", "b", "o", "h", "i", "y"];
    let table = Table::new(&columns, &GROUPS);
    let record = |sequence: i64, kind: i8, [a, g, x, n]: [Option<i64>; 4]| Record {
        key: 1,
        values: vec![Some(1), a, g, x, n, None, None, None, None, None],
        sequence,
        kind,
        level: 0,
    };
    let records = [
        record(0, 0, [Some(1), Some(2), Some(10), Some(10)]),
        record(1, 0, [Some(2), Some(1), Some(11), Some(20)]),
        record(2, 0, [Some(3), None, Some(12), Some(40)]),
        record(3, 0, [None, Some(3), None, Some(80)]),
        record(4, 3, [Some(9), Some(3), Some(99), Some(5)]),
        record(5, 3, [Some(9), Some(1), Some(99), Some(5)]),
    ];
    let wanted = [
        [Some(1), Some(2), Some(10), Some(10)],
        [Some(2), Some(2), Some(10), Some(30)],
        [Some(3), Some(2), Some(10), Some(30)],
        [Some(3), Some(3), None, Some(110)],
        [Some(3), Some(3), None, Some(105)],
        [Some(3), Some(3), None, Some(100)],
    ];
    for (count, wanted) in (1..).zip(wanted) {
        let merged = sort_buffer(&[table.batch(&records[..count])], &table.merge_options()).unwrap();
        let sequence = i64::try_from(count - 1).unwrap();
        assert_eq!(table.records(&merged), [Record { level: -1, ..record(sequence, 0, wanted) }], "{count} records");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let columns = ["k", "a", "b", "g", "h"];
    for (options, kind, word) in [
        (&[("fields.g.sequence-group", "a,nowhere")][..], ErrorKind::Invalid, "nowhere"),
        (&[("fields.gone.sequence-group", "a")], ErrorKind::Invalid, "gone"),
        (
            &[("fields.g.sequence-group", "a"), ("fields.h.sequence-group", "b,a")],
            ErrorKind::Unsupported,
            "two sequence groups: a",
        ),
        (&[("fields.g.sequence-group", "a,a")], ErrorKind::Unsupported, "twice in a sequence group: a"),
        (&[("fields.a.aggregate-function", "sum")], ErrorKind::Invalid, "sequence group"),
        (
            &[("fields.g.sequence-group", "a"), ("partial-update.remove-record-on-sequence-group", "a")],
            ErrorKind::Invalid,
            "no sequence field",
        ),
    ] {
        let schema = Table::new(&columns, options).schema();
        let error = MergeOptions::new(&schema, &schema.core_options()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_refused_retraction_says_what_to_set() {
    let table = Table::new(&["k", "a"], &[]);
    let record = |sequence, kind| Record { key: 1, values: vec![Some(1), Some(7)], sequence, kind, level: 0 };
    let alone = sort_buffer(&[table.batch(&[record(0, 3)])], &table.merge_options()).unwrap();
    assert_eq!(table.records(&alone), [Record { level: -1, ..record(0, 3) }], "a lone record passes");
    let error = sort_buffer(&[table.batch(&[record(0, 0), record(1, 3)])], &table.merge_options()).unwrap_err();
    for option in ["ignore-delete", "remove-record-on-delete", "sequence-group", "remove-record-on-sequence-group"] {
        assert!(error.to_string().contains(option), "{error}");
    }
}

/// A merge cannot go by columns that are not read.
#[test]
fn a_group_needs_its_sequence_fields() {
    let table = Table::new(&["k", "a", "g"], &[("fields.g.sequence-group", "a")]);
    let schema = to_arrow_schema(&table.schema().fields[..2]).unwrap();
    let error = SortMerge::new(1, &table.merge_options(), schema).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("sequence column g")), (ErrorKind::Invalid, true), "{error}");
}

/// A column without null keeps its promise: rather no row than one with a hole.
#[test]
fn a_column_without_null_is_never_null() {
    let mut schema = Table::new(&["k", "b", "g"], &[("fields.g.sequence-group", "b")]).schema();
    schema.fields[1].data_type.nullable = false;
    let options = MergeOptions::new(&schema, &schema.core_options()).unwrap();
    let columns = to_arrow_schema(&schema.fields).unwrap();
    let values = |rows: usize| -> Vec<ArrayRef> {
        (0..3).map(|_| Arc::new(Int64Array::from(vec![1; rows])) as ArrayRef).collect()
    };
    let batch = |kinds: Vec<i8>| {
        let rows = kinds.len();
        let sequences: Int64Array = (0..).take(rows).collect::<Vec<i64>>().into();
        let values = RecordBatch::try_new(columns.clone(), values(rows)).unwrap();
        KeyValueBatch::try_new(sequences, kinds.into(), values).unwrap()
    };
    assert_eq!(sort_buffer(&[batch(vec![0, 2])], &options).unwrap().num_rows(), 1);
    let error = sort_buffer(&[batch(vec![0, 3])], &options).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("column b")), (ErrorKind::Invalid, true), "{error}");
}
