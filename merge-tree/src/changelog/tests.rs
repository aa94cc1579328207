//! Changes of random records, against models that go key by key as Java's wrappers do; and what equals what.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use alluvium_format::RowKind;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Float64Array, Int8Array, Int32Array, Int64Array, ListArray, MapArray, RecordBatch,
    StringArray, StructArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use proptest::prelude::*;

use super::first_row::first_row;
use super::full_compaction::full_compaction;
use super::lookup::{Found, LookupMerge, missing_keys};
use super::*;
use crate::key_groups::KeyGroups;
use crate::merge_function::{Deduplicate, Deletes, FirstRow, GroupMerge, MergeFunction};
use crate::merge_options::MergeOptions;

const MAX_LEVEL: i32 = 5;

/// A record: its sequence number, its kind, its sequence column, its value, and the level of its file.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Record {
    key: i32,
    sequence: i64,
    kind: RowKind,
    field: Option<i32>,
    value: i32,
    level: i32,
}

impl Record {
    fn order(&self) -> (Option<i32>, i64) {
        (self.field, self.sequence)
    }

    fn with(self, kind: RowKind) -> Self {
        Self { kind, ..self }
    }

    /// What is left of it in a batch.
    fn shown(self) -> (i32, i64, RowKind, Option<i32>, i32) {
        (self.key, self.sequence, self.kind, self.field, self.value)
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("k", DataType::Int32, false),
        Field::new("s", DataType::Int32, true),
        Field::new("v", DataType::Int32, true),
    ]))
}

fn batch(records: &[Record]) -> KeyValueBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(records.iter().map(|record| Some(record.key)).collect::<Int32Array>()),
        Arc::new(records.iter().map(|record| record.field).collect::<Int32Array>()),
        Arc::new(records.iter().map(|record| Some(record.value)).collect::<Int32Array>()),
    ];
    let sequences = records.iter().map(|record| Some(record.sequence)).collect::<Int64Array>();
    let kinds = records.iter().map(|record| Some(record.kind as i8)).collect::<Int8Array>();
    KeyValueBatch::try_new(sequences, kinds, RecordBatch::try_new(schema(), columns).unwrap()).unwrap()
}

fn groups(keys: &[Vec<Record>]) -> KeyGroups {
    let records: Vec<Record> = keys.iter().flatten().copied().collect();
    let mut end = 0;
    let ends = keys.iter().map(|records| {
        end += records.len() as u32;
        end
    });
    let levels = records.iter().map(|record| record.level).collect();
    KeyGroups::try_new(batch(&records), levels, ends.collect()).unwrap()
}

fn shown(batch: &KeyValueBatch) -> Vec<(i32, i64, RowKind, Option<i32>, i32)> {
    let column = |at: usize| batch.values.column(at).as_any().downcast_ref::<Int32Array>().unwrap().clone();
    let (keys, fields, values) = (column(0), column(1), column(2));
    (0..batch.num_rows())
        .map(|row| {
            let kind = RowKind::from_byte(batch.kinds.value(row)).unwrap();
            let field = fields.is_valid(row).then(|| fields.value(row));
            (keys.value(row), batch.sequences.value(row), kind, field, values.value(row))
        })
        .collect()
}

/// What Java's deduplicate makes of records in merge order.
fn deduplicated(records: &[Record], deletes: Deletes) -> Option<Record> {
    records.iter().rfind(|record| deletes == Deletes::Count || record.kind.is_add()).copied()
}

/// `FullChangelogMergeFunctionWrapper` for one key: the row, and the changes.
fn full_model(records: &[Record], deletes: Deletes, row_deduplicate: bool) -> (Option<Record>, Vec<Record>) {
    let top = records.iter().find(|record| record.level == MAX_LEVEL);
    let merged = match records {
        [only] => Some(*only),
        _ => deduplicated(records, deletes),
    };
    let mut changes = Vec::new();
    if let Some(merged) = merged {
        match top {
            None if merged.kind.is_add() => changes.push(merged.with(RowKind::Insert)),
            Some(top) if records.len() > 1 => {
                if !merged.kind.is_add() {
                    changes.push(top.with(RowKind::Delete));
                } else if !row_deduplicate || top.value != merged.value {
                    changes.extend([top.with(RowKind::UpdateBefore), merged.with(RowKind::UpdateAfter)]);
                }
            }
            _ => {}
        }
    }
    (merged.filter(|merged| merged.kind.is_add()), changes)
}

/// `LookupChangelogMergeFunctionWrapper` for one key.
fn lookup_model(
    records: &[Record],
    found: Option<Record>,
    deletes: Deletes,
    row_deduplicate: bool,
) -> (Option<Record>, Vec<Record>) {
    let mut candidates = records.to_vec();
    let mut high = candidates.iter().filter(|record| record.level > 0).min_by_key(|record| record.level).copied();
    if let (None, Some(found)) = (high, found) {
        let at = candidates.iter().position(|record| found.order() < record.order()).unwrap_or(candidates.len());
        candidates.insert(at, found);
        high = Some(found);
    }
    let counting: Vec<Record> =
        candidates.iter().filter(|record| record.level <= 0 || Some(**record) == high).copied().collect();
    let merged = deduplicated(&counting, deletes);
    let mut changes = Vec::new();
    if let Some(after) = merged.filter(|_| records.iter().any(|record| record.level == 0)) {
        match high.filter(|before| before.kind.is_add()) {
            None if after.kind.is_add() => changes.push(after.with(RowKind::Insert)),
            None => {}
            Some(before) if !after.kind.is_add() => changes.push(before.with(RowKind::Delete)),
            Some(before) if row_deduplicate && before.value == after.value => {}
            Some(before) => changes.extend([before.with(RowKind::UpdateBefore), after.with(RowKind::UpdateAfter)]),
        }
    }
    (merged, changes)
}

/// The same where several records above level 0 count: these make the image before.
fn all_levels_model(records: &[Record], deletes: Deletes, row_deduplicate: bool) -> (Option<Record>, Vec<Record>) {
    let high: Vec<Record> = records.iter().filter(|record| record.level > 0).copied().collect();
    let before = match &high[..] {
        [only] => Some(*only),
        _ => deduplicated(&high, deletes),
    };
    let merged = deduplicated(records, deletes);
    // As if they had been merged into one level before.
    let newer = records.iter().filter(|record| record.level == 0).copied();
    let mut settled: Vec<Record> = newer.chain(before.map(|before| Record { level: MAX_LEVEL, ..before })).collect();
    settled.sort_by_key(Record::order);
    (merged, lookup_model(&settled, None, deletes, row_deduplicate).1)
}

fn kinds() -> impl Strategy<Value = RowKind> {
    prop::sample::select(vec![RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter, RowKind::Delete])
}

/// Keys with one to five records each, in merge order, levels above 0 once a key; and a record that may be found.
fn keys() -> impl Strategy<Value = Vec<(Vec<Record>, Option<Record>)>> {
    let record = (kinds(), prop::option::of(0..3), 0..3_i32, 0..=MAX_LEVEL);
    let found = prop::option::of((kinds(), prop::option::of(0..3), 0..3_i32, 1..=MAX_LEVEL, 0..60_i64));
    let key = (prop::collection::vec(record, 1..6), found);
    prop::collection::vec(key, 1..12).prop_map(|keys| {
        let mut all = Vec::new();
        for (key, (parts, found)) in (0..).zip(keys) {
            let mut records: Vec<Record> = Vec::new();
            for (sequence, (kind, field, value, level)) in (0..).zip(parts) {
                if level == 0 || records.iter().all(|record| record.level != level) {
                    let sequence = 10 * sequence;
                    records.push(Record { key, sequence, kind, field, value, level });
                }
            }
            records.sort_by_key(Record::order);
            let found = found.map(|(kind, field, value, level, sequence)| {
                let sequence = if sequence % 10 == 0 { sequence + 1 } else { sequence };
                Record { key, sequence, kind, field, value, level }
            });
            all.push((records, found));
        }
        all
    })
}

fn wanted(row_deduplicate: bool) -> ChangesWanted {
    let ignored = vec!["s".to_owned()];
    if row_deduplicate { ChangesWanted::Differing(RecordEqualiser { ignored }) } else { ChangesWanted::All }
}

fn options(deletes: Deletes) -> MergeOptions {
    MergeOptions {
        sequence_columns: vec!["s".to_owned()],
        function: MergeFunction::Lookup(Box::new(MergeFunction::Deduplicate(Deduplicate { deletes }))),
        ..MergeOptions::deduplicate(["k"])
    }
}

fn deletes() -> impl Strategy<Value = Deletes> {
    prop::sample::select(vec![Deletes::Count, Deletes::Ignored])
}

proptest! {
    #[test]
    fn full_compactions_change_what_their_model_changes(
        keys in keys(), deletes in deletes(), row_deduplicate in any::<bool>(),
    ) {
        let records: Vec<Vec<Record>> = keys.into_iter().map(|(records, _)| records).collect();
        let merge = GroupMerge::new(&MergeFunction::Deduplicate(Deduplicate { deletes }), &schema()).unwrap();
        let result = full_compaction(&groups(&records), &merge, MAX_LEVEL, &wanted(row_deduplicate)).unwrap();
        let model: Vec<_> = records.iter().map(|records| full_model(records, deletes, row_deduplicate)).collect();
        let rows: Vec<_> = model.iter().filter_map(|(row, _)| row.map(Record::shown)).collect();
        let changes: Vec<_> = model.iter().flat_map(|(_, changes)| changes).map(|change| change.shown()).collect();
        prop_assert_eq!(shown(&result.rows), rows);
        prop_assert_eq!(shown(&result.changes), changes);
    }

    #[test]
    fn lookups_change_what_their_model_changes(
        keys in keys(), deletes in deletes(), row_deduplicate in any::<bool>(),
    ) {
        let records: Vec<Vec<Record>> = keys.iter().map(|(records, _)| records.clone()).collect();
        let groups = groups(&records);
        let missing = missing_keys(&groups);
        let looked_up = |key: u32| keys[key as usize].1.filter(|_| missing.contains(&key));
        let found: Vec<(u32, Record)> =
            (0..keys.len() as u32).filter_map(|key| Some((key, looked_up(key)?))).collect();
        let found = Found {
            keys: found.iter().map(|(key, _)| *key).collect(),
            records: batch(&found.iter().map(|(_, record)| *record).collect::<Vec<_>>()),
            levels: found.iter().map(|(_, record)| record.level).collect(),
        };
        let merge = LookupMerge::new(&options(deletes), &schema()).unwrap();
        let result = merge.lookup(&groups, Some(&found), &wanted(row_deduplicate)).unwrap();
        let model: Vec<_> = (0..).zip(&records)
            .map(|(key, records)| lookup_model(records, looked_up(key), deletes, row_deduplicate))
            .collect();
        let rows: Vec<_> = model.iter().filter_map(|(row, _)| row.map(Record::shown)).collect();
        let changes: Vec<_> = model.iter().flat_map(|(_, changes)| changes).map(|change| change.shown()).collect();
        prop_assert_eq!(shown(&result.rows), rows);
        prop_assert_eq!(shown(&result.changes), changes);
        let silent = merge.lookup(&groups, Some(&found), &ChangesWanted::Nothing).unwrap();
        prop_assert_eq!(silent.rows, result.rows);
        prop_assert_eq!(silent.changes.num_rows(), 0);
    }

    #[test]
    fn where_all_levels_count_they_make_the_image_before(
        keys in keys(), deletes in deletes(), row_deduplicate in any::<bool>(),
    ) {
        let records: Vec<Vec<Record>> = keys.into_iter().map(|(records, _)| records).collect();
        let merge = LookupMerge::new(&options(deletes).of_all_levels(), &schema()).unwrap();
        let result = merge.lookup(&groups(&records), None, &wanted(row_deduplicate)).unwrap();
        let model: Vec<_> =
            records.iter().map(|records| all_levels_model(records, deletes, row_deduplicate)).collect();
        let rows: Vec<_> = model.iter().filter_map(|(row, _)| row.map(Record::shown)).collect();
        let changes: Vec<_> = model.iter().flat_map(|(_, changes)| changes).map(|change| change.shown()).collect();
        prop_assert_eq!(shown(&result.rows), rows);
        prop_assert_eq!(shown(&result.changes), changes);
    }

    #[test]
    fn first_rows_appear_once(keys in keys(), known in prop::collection::vec(any::<bool>(), 12)) {
        let records: Vec<Vec<Record>> = keys.into_iter().map(|(records, _)| records).collect();
        let groups = groups(&records);
        let missing = super::first_row::missing_keys(&groups);
        let known: Vec<u32> = missing.into_iter().filter(|key| known[*key as usize]).collect();
        let function = MergeFunction::FirstRow(FirstRow { deletes: Deletes::Ignored });
        let merge = GroupMerge::new(&function, &schema()).unwrap();
        let result = first_row(&groups, &known, &merge, &ChangesWanted::All).unwrap();
        let (mut rows, mut changes) = (Vec::new(), Vec::new());
        for (key, records) in (0..).zip(&records) {
            let adding: Vec<&Record> = records.iter().filter(|record| record.kind.is_add()).collect();
            let Some(first) = adding.first() else { continue };
            let is_high = adding.iter().any(|record| record.level > 0);
            if is_high || !known.contains(&key) {
                rows.push(first.shown());
            }
            if !is_high && !known.contains(&key) {
                changes.push(first.shown());
            }
        }
        prop_assert_eq!(shown(&result.rows), rows);
        prop_assert_eq!(shown(&result.changes), changes);
    }
}

/// Whether two one-row columns are equal, as columns of a table.
fn are_equal(left: ArrayRef, right: ArrayRef) -> bool {
    let batch = |array: ArrayRef| RecordBatch::try_from_iter([("c", array)]).unwrap();
    RecordEqualiser::default().bind(&batch(left), &batch(right)).unwrap().equals(0, 0)
}

fn doubles(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn list(values: &[Option<i32>]) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(values.to_vec())]))
}

fn double_list(value: f64) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([Some(vec![Some(value)])]))
}

/// A map of these keys and values.
fn map(keys: ArrayRef, values: ArrayRef) -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("key", keys.data_type().clone(), false),
        Field::new("value", values.data_type().clone(), true),
    ]);
    let offsets = OffsetBuffer::from_lengths([keys.len()]);
    let entries = StructArray::new(fields.clone(), vec![keys, values], None);
    Arc::new(MapArray::new(
        Arc::new(Field::new("key_value", DataType::Struct(fields), false)),
        offsets,
        entries,
        None,
        false,
    ))
}

fn ints(values: &[Option<i32>]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn row(value: f64, text: Option<&str>) -> ArrayRef {
    let fields = Fields::from(vec![Field::new("a", DataType::Float64, true), Field::new("b", DataType::Utf8, true)]);
    Arc::new(StructArray::new(fields, vec![doubles(&[value]), Arc::new(StringArray::from(vec![text]))], None))
}

/// The answers are those of the code that Paimon 1.4.2 generates (`CodeGenUtils.newRecordEqualiser`, run).
#[test]
fn values_are_equal_where_java_says_so() {
    assert!(are_equal(doubles(&[0.0]), doubles(&[-0.0])));
    assert!(!are_equal(doubles(&[f64::NAN]), doubles(&[f64::NAN])));
    assert!(are_equal(ints(&[None]), ints(&[None])));
    assert!(!are_equal(ints(&[None]), ints(&[Some(1)])));
    assert!(are_equal(list(&[Some(1), Some(2)]), list(&[Some(1), Some(2)])));
    assert!(!are_equal(list(&[Some(1), Some(2)]), list(&[Some(2), Some(1)])));
    assert!(!are_equal(list(&[Some(1), None]), list(&[Some(1), None])), "null equals nothing in an array");
    assert!(are_equal(double_list(0.0), double_list(-0.0)));
    assert!(!are_equal(double_list(f64::NAN), double_list(f64::NAN)));
    assert!(are_equal(row(0.0, None), row(-0.0, None)));
    assert!(!are_equal(row(f64::NAN, Some("a")), row(f64::NAN, Some("a"))));
}

#[test]
fn maps_are_equal_where_java_says_so() {
    let one_two = || ints(&[Some(1), Some(2)]);
    let text = |values: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    assert!(are_equal(map(one_two(), text(["a", "b"])), map(ints(&[Some(2), Some(1)]), text(["b", "a"]))));
    assert!(!are_equal(map(one_two(), text(["a", "b"])), map(one_two(), text(["a", "c"]))));
    assert!(are_equal(map(one_two(), ints(&[Some(127), Some(-128)])), map(one_two(), ints(&[Some(127), Some(-128)]))));
    assert!(!are_equal(map(one_two(), ints(&[Some(1), Some(128)])), map(one_two(), ints(&[Some(1), Some(128)]))));
    assert!(!are_equal(map(one_two(), ints(&[Some(1), None])), map(one_two(), ints(&[Some(1), None]))));
    assert!(!are_equal(map(one_two(), doubles(&[1.0, 2.0])), map(one_two(), doubles(&[1.0, 2.0]))));
    let bytes = |values: Vec<&[u8]>| -> ArrayRef { Arc::new(BinaryArray::from(values)) };
    assert!(!are_equal(map(bytes(vec![b"a"]), ints(&[Some(1)])), map(bytes(vec![b"a"]), ints(&[Some(1)]))));
    assert!(are_equal(map(bytes(vec![]), ints(&[])), map(bytes(vec![]), ints(&[]))));
}

#[test]
fn ignored_columns_do_not_count() {
    let record = |field, value| Record { key: 1, sequence: 1, kind: RowKind::Insert, field, value, level: 0 };
    let equal = |ignored: &[&str], right: Record| {
        let equaliser = RecordEqualiser { ignored: ignored.iter().map(|name| (*name).to_owned()).collect() };
        let (left, right) = (batch(&[record(Some(1), 7)]), batch(&[right]));
        equaliser.bind(&left.values, &right.values).unwrap().equals(0, 0)
    };
    assert!(equal(&[], record(Some(1), 7)));
    assert!(!equal(&[], record(Some(2), 7)));
    assert!(equal(&["s"], record(None, 7)));
    assert!(!equal(&["s"], record(None, 8)));
}
