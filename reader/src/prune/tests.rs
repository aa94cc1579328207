//! The law of pruning: what a plan leaves out changes no answer, above all not by bringing older versions back.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_format::{
    BinaryRow, CompareOp, DataFileMeta, DataType, Datum, FileKind, ManifestEntry, Predicate, SimpleStats, TableSchema,
};
use proptest::prelude::*;

use super::{Pruning, WrittenSchemas};
use crate::bucket_files::by_bucket;
use crate::split_generator::{FileFacts, SplitRules};

fn schema() -> Arc<TableSchema> {
    let text = r#"{"fields":[{"name":"p","type":"INT NOT NULL"},{"name":"k","type":"INT NOT NULL"},{"name":"v","type":"INT"}],
        "partitionKeys":["p"],"primaryKeys":["p","k"],"options":{"bucket":"1"}}"#;
    let definition = alluvium_format::SchemaDefinition::from_json(text.as_bytes()).unwrap();
    Arc::new(definition.into_schema(0).unwrap())
}

/// A record: `None` is a delete.
type Records = BTreeMap<i32, Option<i32>>;

/// One file of a partition, the newer the larger its number.
#[derive(Clone, Debug)]
struct ModelFile {
    partition: i32,
    level: i32,
    records: Records,
}

fn row(types: &[DataType], values: &[Option<i32>]) -> BinaryRow {
    let values: Vec<Option<Datum>> = values.iter().map(|value| value.map(Datum::Int)).collect();
    BinaryRow::encode(types, &values).unwrap()
}

fn stats(types: &[DataType], columns: &[Vec<Option<i32>>]) -> SimpleStats {
    let pick = |best: fn(i32, i32) -> i32| -> Vec<Option<i32>> {
        columns.iter().map(|column| column.iter().copied().flatten().reduce(best)).collect()
    };
    let nulls = |column: &Vec<Option<i32>>| Some(column.iter().filter(|value| value.is_none()).count() as i64);
    SimpleStats {
        min_values: row(types, &pick(i32::min)),
        max_values: row(types, &pick(i32::max)),
        null_counts: columns.iter().map(nulls).collect(),
    }
}

fn entry(number: usize, file: &ModelFile) -> ManifestEntry {
    let schema = schema();
    let keys: Vec<Option<i32>> = file.records.keys().copied().map(Some).collect();
    let types: Vec<DataType> = schema.fields.iter().map(|field| field.data_type.clone()).collect();
    // A delete carries the values of the row that it deletes; here none.
    let values: Vec<Option<i32>> = file.records.values().copied().collect();
    let partition = vec![Some(file.partition); keys.len()];
    let meta = DataFileMeta {
        row_count: keys.len() as i64,
        min_key: row(&schema.key_types(), &keys[..1]),
        max_key: row(&schema.key_types(), &keys[keys.len() - 1..]),
        key_stats: stats(&schema.key_types(), std::slice::from_ref(&keys)),
        value_stats: stats(&types, &[partition, keys, values.clone()]),
        delete_row_count: Some(values.iter().filter(|value| value.is_none()).count() as i64),
        ..crate::split_generator::tests::file(&format!("{number} L{} 0..0 0", file.level))
    };
    let partition = row(&schema.partition_types(), &[Some(file.partition)]);
    ManifestEntry { kind: FileKind::Add, partition, bucket: 0, total_buckets: 1, file: meta }
}

/// What passes of some files when all that is known of them is merged.
fn merged(files: &[(usize, &ModelFile)], predicate: &Predicate) -> Vec<(i32, i32, i32)> {
    let mut rows: BTreeMap<(i32, i32), (usize, Option<i32>)> = BTreeMap::new();
    for (number, file) in files {
        for (key, value) in &file.records {
            let slot = rows.entry((file.partition, *key)).or_insert((*number, *value));
            if slot.0 <= *number {
                *slot = (*number, *value);
            }
        }
    }
    rows.into_iter()
        .filter_map(|((partition, key), (_, value))| value.map(|value| (partition, key, value)))
        .filter(|row| passes(predicate, *row))
        .collect()
}

fn passes(predicate: &Predicate, row: (i32, i32, i32)) -> bool {
    match predicate {
        Predicate::True => true,
        Predicate::Compare { column, op, literal: Datum::Int(literal) } => {
            let value = match column.as_str() {
                "p" => row.0,
                "k" => row.1,
                _ => row.2,
            };
            match op {
                CompareOp::Eq => value == *literal,
                CompareOp::Lt => value < *literal,
                CompareOp::GtEq => value >= *literal,
                other => panic!("{other:?} is not in the model"),
            }
        }
        Predicate::And(parts) => parts.iter().all(|part| passes(part, row)),
        Predicate::Or(parts) => parts.iter().any(|part| passes(part, row)),
        other => panic!("{other:?} is not in the model"),
    }
}

/// Files of a table that looks nothing up.
struct Facts<'a> {
    pruning: &'a Pruning<'a>,
    values: &'a [Option<Datum>],
}

impl FileFacts for Facts<'_> {
    fn may_match(&self, file: &DataFileMeta) -> bool {
        self.pruning.values_may_match(self.values, file)
    }

    fn is_looked_up(&self, _: &DataFileMeta) -> bool {
        false
    }
}

/// The files that a plan reads together, by their numbers.
fn planned(files: &[ModelFile], predicate: &Predicate) -> Vec<Vec<usize>> {
    let schema = schema();
    let written = WrittenSchemas::from([(0, Arc::clone(&schema))]);
    let pruning = Pruning { schema: &schema, predicate, written: &written, reads_indexes: true };
    let entries = files.iter().enumerate().map(|(number, file)| entry(number, file)).collect();
    let entries = pruning.prune(entries).unwrap();
    let rules = SplitRules::new(&schema.core_options(), Some(schema.key_types())).unwrap();
    let mut splits = Vec::new();
    for bucket in by_bucket(entries, &schema.partition_types()).unwrap() {
        let facts = Facts { pruning: &pruning, values: &bucket.values };
        splits.extend(rules.split(bucket.files, &facts).unwrap());
    }
    splits.iter().map(|(files, _)| files.iter().map(|file| file.file_name.parse().unwrap()).collect()).collect()
}

fn read(files: &[ModelFile], predicate: &Predicate) -> Vec<(i32, i32, i32)> {
    let mut rows: Vec<(i32, i32, i32)> = planned(files, predicate)
        .iter()
        .flat_map(|split| {
            let files: Vec<(usize, &ModelFile)> = split.iter().map(|number| (*number, &files[*number])).collect();
            merged(&files, predicate)
        })
        .collect();
    rows.sort_unstable();
    rows
}

fn compare(column: &str, op: CompareOp, literal: i32) -> Predicate {
    Predicate::Compare { column: column.to_owned(), op, literal: Datum::Int(literal) }
}

fn any_predicate() -> impl Strategy<Value = Predicate> {
    let ops = prop::sample::select(vec![CompareOp::Eq, CompareOp::Lt, CompareOp::GtEq]);
    let leaf = (prop::sample::select(vec!["p", "k", "v"]), ops, 0..10i32)
        .prop_map(|(column, op, literal)| compare(column, op, literal));
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Predicate::And),
            prop::collection::vec(inner, 1..3).prop_map(Predicate::Or),
        ]
    })
}

fn any_file() -> impl Strategy<Value = ModelFile> {
    let records = prop::collection::btree_map(0..10i32, prop::option::weighted(0.8, 0..10i32), 1..4);
    (0..2i32, 0..3i32, records).prop_map(|(partition, level, records)| ModelFile { partition, level, records })
}

proptest! {
    #[test]
    fn pruning_changes_no_answer(files in prop::collection::vec(any_file(), 1..8), predicate in any_predicate()) {
        let all: Vec<(usize, &ModelFile)> = files.iter().enumerate().collect();
        prop_assert_eq!(read(&files, &predicate), merged(&all, &predicate));
    }
}

fn file(partition: i32, records: &[(i32, Option<i32>)]) -> ModelFile {
    ModelFile { partition, level: 0, records: records.iter().copied().collect() }
}

#[test]
fn a_filter_on_values_brings_no_older_version_back() {
    let files = [file(0, &[(1, Some(100)), (2, Some(200))]), file(0, &[(1, Some(10)), (2, None)])];
    let predicate = compare("v", CompareOp::GtEq, 100);
    assert_eq!(planned(&files, &predicate), [[0, 1]]);
    assert_eq!(read(&files, &predicate), []);
}

#[test]
fn leaves_out_what_cannot_pass() {
    let files = [
        file(0, &[(1, Some(1)), (2, Some(2))]),
        file(0, &[(5, Some(5)), (6, Some(6))]),
        file(1, &[(1, Some(9))]),
        file(1, &[(1, Some(8))]),
    ];
    let cases: [(Predicate, &[&[usize]]); 6] = [
        (Predicate::True, &[&[0, 1], &[2, 3]]),
        (compare("p", CompareOp::Eq, 0), &[&[0, 1]]),
        (compare("k", CompareOp::GtEq, 3), &[&[1]]),
        (compare("v", CompareOp::Lt, 3), &[&[0]]),
        // One of two files that overlap can pass: both are read.
        (compare("v", CompareOp::Eq, 8), &[&[2, 3]]),
        (compare("v", CompareOp::Eq, 7), &[]),
    ];
    for (predicate, wanted) in cases {
        assert_eq!(planned(&files, &predicate), wanted, "{predicate:?}");
    }
}
