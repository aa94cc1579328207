//! Conditions, projections and limits over the tables that Paimon wrote: what they leave out is what they must, whatever was pruned
//! by partition, bucket and statistics, and whatever runs overlap.

use std::sync::Arc;

use alluvium::format::{CompareOp, Predicate, TypeRoot};
use alluvium::{DataField, Datum, Error, ErrorKind, FileSystemCatalog, SchemaDefinition, Table};
use alluvium_reader::filter_batch;
use alluvium_sim::{Replay, seeds};
use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch};
use futures::TryStreamExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::read_golden::{Case, Row, case_names, rows_of};

/// Values of a column that are compared with.
const LITERALS: usize = 2;

async fn all_rows(table: &Table) -> Vec<RecordBatch> {
    let batches: Vec<RecordBatch> = table.read().execute().await.unwrap().try_collect().await.unwrap();
    // The rows of that table wait for their buckets.
    assert_eq!(batches.is_empty(), table.name() == "golden.postpone", "{}", table.name());
    batches
}

fn rows(batches: &[RecordBatch], fields: &[DataField]) -> Vec<String> {
    let mut rows: Vec<String> =
        batches.iter().flat_map(|batch| rows_of(batch, fields)).map(|row: Row| format!("{row:?}")).collect();
    rows.sort_unstable();
    rows
}

fn is_comparable(field: &DataField) -> bool {
    !matches!(
        field.data_type.root,
        TypeRoot::Array(_) | TypeRoot::Map { .. } | TypeRoot::Multiset(_) | TypeRoot::Row(_)
    )
}

/// Some values that the column has: from the middle and the last row.
fn literals(rows: &[Row], column: usize) -> Vec<Datum> {
    let values: Vec<&Datum> = rows.iter().filter_map(|row| row[column].as_ref()).collect();
    let picked = [values.len() / 2, values.len().saturating_sub(1)];
    let mut literals: Vec<Datum> = picked.iter().filter_map(|at| values.get(*at).copied().cloned()).collect();
    literals.dedup();
    literals.truncate(LITERALS);
    literals
}

fn compare(column: &str, op: CompareOp, literal: &Datum) -> Predicate {
    Predicate::Compare { column: column.to_owned(), op, literal: literal.clone() }
}

/// Conditions on single columns, and pairs of them.
fn predicates(fields: &[DataField], rows: &[Row]) -> Vec<Predicate> {
    let mut single = Vec::new();
    for (at, field) in fields.iter().enumerate().filter(|(_, field)| is_comparable(field)) {
        let name = field.name.as_str();
        let literals = literals(rows, at);
        for literal in &literals {
            let ops = [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::GtEq];
            single.extend(ops.iter().map(|op| compare(name, *op, literal)));
        }
        single.push(Predicate::In { column: name.to_owned(), literals, has_null: false });
        single.push(Predicate::IsNull(name.to_owned()));
        single.push(Predicate::IsNotNull(name.to_owned()));
    }
    let pairs: Vec<Predicate> = single
        .iter()
        .zip(single.iter().rev())
        .step_by(5)
        .flat_map(|(a, b)| {
            let (both, either) = (vec![a.clone(), b.clone()], vec![a.clone(), b.clone()]);
            [Predicate::And(both), Predicate::Or(either), Predicate::Not(Box::new(a.clone()))]
        })
        .collect();
    single.into_iter().chain(pairs).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_read_is_the_whole_read_filtered() {
    for name in case_names() {
        let case = Case::open(&name);
        let table = case.table("").await;
        let fields = table.schema().fields.clone();
        let whole = all_rows(&table).await;
        let decoded: Vec<Row> = whole.iter().flat_map(|batch| rows_of(batch, &fields)).collect();
        for predicate in predicates(&fields, &decoded) {
            let read = table.read().filter(predicate.clone()).execute().await.unwrap();
            let got: Vec<RecordBatch> = read.try_collect().await.unwrap();
            let wanted: Vec<RecordBatch> = whole.iter().map(|batch| filter_batch(&predicate, batch).unwrap()).collect();
            assert_eq!(rows(&got, &fields), rows(&wanted, &fields), "{name}: {predicate:?}");
        }
    }
}

/// A condition of up to `depth` levels over these.
fn random_predicate(random: &mut StdRng, single: &[Predicate], depth: u32) -> Predicate {
    let parts = |random: &mut StdRng| {
        let count = random.random_range(1..=3);
        (0..count).map(|_| random_predicate(random, single, depth - 1)).collect()
    };
    match if depth == 0 { 0 } else { random.random_range(0..6) } {
        0 | 1 => single[random.random_range(0..single.len())].clone(),
        2 | 3 => Predicate::And(parts(random)),
        4 => Predicate::Or(parts(random)),
        _ => Predicate::Not(Box::new(random_predicate(random, single, depth - 1))),
    }
}

/// Where a row is not simply the last record of its key: level 0 that is left out, rows that are deleted by position, rows made of
/// several records.
#[tokio::test(flavor = "multi_thread")]
async fn random_conditions_leave_of_merged_rows_what_they_must() {
    let merged =
        |name: &String| ["dv-", "first-row", "partial-update", "aggregation"].iter().any(|of| name.starts_with(of));
    for name in case_names().into_iter().filter(merged) {
        let case = Case::open(&name);
        let table = case.table("").await;
        let fields = table.schema().fields.clone();
        let whole = all_rows(&table).await;
        let decoded: Vec<Row> = whole.iter().flat_map(|batch| rows_of(batch, &fields)).collect();
        let single = predicates(&fields, &decoded);
        for seed in seeds(40) {
            let predicate = random_predicate(&mut StdRng::seed_from_u64(seed), &single, 3);
            let _replay = Replay::new(seed, format!("{name}: {predicate:?}"));
            let read = table.read().filter(predicate.clone()).execute().await.unwrap();
            let got: Vec<RecordBatch> = read.try_collect().await.unwrap();
            let wanted: Vec<RecordBatch> = whole.iter().map(|batch| filter_batch(&predicate, batch).unwrap()).collect();
            assert_eq!(rows(&got, &fields), rows(&wanted, &fields));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_keeps_the_rows_and_the_order_asked_for() {
    for name in case_names() {
        let case = Case::open(&name);
        let table = case.table("").await;
        let fields = table.schema().fields.clone();
        let whole = all_rows(&table).await;
        let backwards: Vec<usize> = (0..fields.len()).rev().collect();
        for columns in [backwards, vec![fields.len() - 1], vec![0], vec![]] {
            let picked: Vec<DataField> = columns.iter().map(|at| fields[*at].clone()).collect();
            let names: Vec<String> = picked.iter().map(|field| field.name.clone()).collect();
            // The condition is on a column that is mostly not returned.
            let predicate = Predicate::IsNotNull(fields[fields.len() / 2].name.clone());
            let read = table.read().columns(names).filter(predicate.clone()).execute().await.unwrap();
            let got: Vec<RecordBatch> = read.try_collect().await.unwrap();
            let filtered = whole.iter().map(|batch| filter_batch(&predicate, batch).unwrap());
            let wanted: Vec<RecordBatch> = filtered.map(|batch| batch.project(&columns).unwrap()).collect();
            assert_eq!(rows(&got, &picked), rows(&wanted, &picked), "{name}: {columns:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_gives_that_many_rows_of_the_table() {
    for name in ["dedup-three-buckets", "dedup-upgrade-levels", "append-unaware", "many-manifests", "dedup-one-bucket"]
    {
        let case = Case::open(name);
        let table = case.table("").await;
        let fields = table.schema().fields.clone();
        let whole = rows(&all_rows(&table).await, &fields);
        for limit in [0, 1, 2, whole.len(), whole.len() + 5] {
            let read = table.read().limit(limit).execute().await.unwrap();
            let got = rows(&read.try_collect::<Vec<_>>().await.unwrap(), &fields);
            assert_eq!(got.len(), limit.min(whole.len()), "{name}: {limit}");
            assert!(got.iter().all(|row| whole.contains(row)), "{name}: {limit}");
        }
    }
}

/// The error of a read that is asked for wrongly.
async fn refused(columns: &[&str], predicate: Predicate) -> Error {
    let case = Case::open("dedup-one-bucket");
    let table = case.table("").await;
    table.read().columns(columns.iter().copied()).filter(predicate).plan().await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_columns_are_named_before_anything_is_read() {
    let case = Case::open("dedup-one-bucket");
    let table = case.table("").await;
    let known: Vec<&str> = table.schema().fields.iter().map(|field| field.name.as_str()).collect();
    let missing = refused(&["nope"], Predicate::True).await;
    let twice = refused(&[known[0], known[0]], Predicate::True).await;
    let filtered = refused(&[known[0]], Predicate::IsNull("nope".to_owned())).await;
    for (error, word) in [(&missing, known[0]), (&twice, "twice"), (&filtered, known[0])] {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    let literal = compare(known[0], CompareOp::Eq, &Datum::Bytes(vec![1]));
    assert_eq!(refused(&[known[0]], literal).await.kind(), ErrorKind::Invalid);
}

/// As keys -0.0 and 0.0 are one, in conditions they are two.
#[tokio::test(flavor = "multi_thread")]
async fn the_sign_of_a_zero_key_brings_no_older_version_back() {
    let catalog = FileSystemCatalog::open("memory:", Default::default()).unwrap();
    catalog.create_database("db").await.unwrap();
    let definition = br#"{"fields":[{"name":"k","type":"DOUBLE"},{"name":"v","type":"INT"}],
        "primaryKeys":["k"],"options":{"bucket":"1"}}"#;
    let definition = SchemaDefinition::from_json(definition).unwrap();
    let table = catalog.create_table("db.zeros", definition).await.unwrap();
    let mut write = table.stream_write("writer").await.unwrap();
    for (identifier, (key, value)) in (1..).zip([(-0.0, 1), (0.0, 2)]) {
        let keys: ArrayRef = Arc::new(Float64Array::from(vec![key]));
        let values: ArrayRef = Arc::new(Int32Array::from(vec![value]));
        write.write(RecordBatch::try_from_iter([("k", keys), ("v", values)]).unwrap(), None).await.unwrap();
        write.commit(identifier).await.unwrap();
    }
    write.close().await.unwrap();
    let fields = table.schema().fields.clone();
    let whole = all_rows(&table).await;
    assert_eq!(whole.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    for literal in [-0.0, 0.0].map(Datum::Double) {
        for op in [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::LtEq, CompareOp::Gt, CompareOp::GtEq] {
            let predicate = compare("k", op, &literal);
            let read = table.read().filter(predicate.clone()).execute().await.unwrap();
            let got: Vec<RecordBatch> = read.try_collect().await.unwrap();
            let wanted: Vec<RecordBatch> = whole.iter().map(|batch| filter_batch(&predicate, batch).unwrap()).collect();
            assert_eq!(rows(&got, &fields), rows(&wanted, &fields), "{predicate:?}");
        }
    }
}
