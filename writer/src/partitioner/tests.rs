//! Splitting against looking at one row after the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_format::Datum;
use alluvium_format::bucket::bucket_of_row;
use alluvium_format::{TypeRoot, arrow::datum_at};
use arrow_array::{Int8Array, Int32Array, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;

use super::*;

fn partitioner(partitioned: bool, buckets: i32) -> Partitioner {
    let text = DataType::nullable(TypeRoot::VarChar(TypeRoot::STRING_LENGTH));
    let int = DataType::not_null(TypeRoot::Int);
    let partition = if partitioned { vec![(0, text), (1, int.clone())] } else { Vec::new() };
    let columns = |columns: Vec<(usize, DataType)>| {
        let (places, types) = columns.into_iter().unzip();
        Columns { places, types }
    };
    Partitioner {
        partition: columns(partition),
        key: columns(vec![(2, int)]),
        buckets: Buckets::Fixed(BucketFunction::Default, buckets),
    }
}

/// Rows `p, q, k, number`; the number is that of the row.
fn rows(values: &[(Option<String>, i32, i32)]) -> TableRows {
    let p: ArrayRef = Arc::new(values.iter().map(|(p, _, _)| p.clone()).collect::<StringArray>());
    let q: ArrayRef = Arc::new(Int32Array::from_iter_values(values.iter().map(|(_, q, _)| *q)));
    let k: ArrayRef = Arc::new(Int32Array::from_iter_values(values.iter().map(|(_, _, k)| *k)));
    let number: ArrayRef = Arc::new(Int64Array::from_iter_values(0..values.len() as i64));
    let values = RecordBatch::try_from_iter_with_nullable([
        ("p", p, true),
        ("q", q, true),
        ("k", k, true),
        ("number", number, true),
    ]);
    let values = values.unwrap();
    let kinds = Int8Array::from_iter_values((0..values.num_rows()).map(|row| (row % 4) as i8));
    TableRows { values, kinds }
}

fn numbers(rows: &TableRows) -> Vec<i64> {
    let number = DataType::not_null(TypeRoot::BigInt);
    let value = |row| match datum_at(rows.values.column(3), &number, row).unwrap() {
        Some(Datum::BigInt(value)) => value,
        other => panic!("{other:?}"),
    };
    (0..rows.len()).map(value).collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

type Bucketed = BTreeMap<(Vec<u8>, i32), Vec<i64>>;

fn split(partitioner: &mut Partitioner, rows: TableRows) -> Bucketed {
    let mut bucketed = Bucketed::new();
    for (bucket, rows) in block_on(partitioner.split(rows)).unwrap() {
        let numbers = numbers(&rows);
        let kinds: Vec<i64> = rows.kinds.values().iter().map(|kind| i64::from(*kind)).collect();
        assert_eq!(kinds, numbers.iter().map(|number| number % 4).collect::<Vec<_>>(), "kinds go with their rows");
        let twice = bucketed.insert((bucket.partition.to_serialized(), bucket.bucket), numbers);
        assert_eq!(twice, None);
    }
    bucketed
}

fn one_by_one(partitioner: &Partitioner, buckets: i32, values: &[(Option<String>, i32, i32)]) -> Bucketed {
    let mut bucketed = Bucketed::new();
    for (number, (p, q, k)) in (0..).zip(values) {
        let partition = if partitioner.partition.types.is_empty() {
            BinaryRow::empty()
        } else {
            let values = [p.clone().map(Datum::String), Some(Datum::Int(*q))];
            BinaryRow::encode(&partitioner.partition.types, &values).unwrap()
        };
        let types = &partitioner.key.types;
        let key = BinaryRow::encode(types, &[Some(Datum::Int(*k))]).unwrap();
        let bucket = bucket_of_row(BucketFunction::Default, buckets, types, &key).unwrap();
        bucketed.entry((partition.to_serialized(), bucket)).or_default().push(number);
    }
    bucketed
}

#[test]
fn rows_of_one_bucket_are_not_copied() {
    let rows = rows(&[(None, 1, 1), (None, 1, 2), (None, 1, 3)]);
    for mut partitioner in [partitioner(true, 1), partitioner(false, 1)] {
        let split = block_on(partitioner.split(rows.clone())).unwrap();
        assert_eq!(split.len(), 1);
        for (mine, given) in split[0].1.values.columns().iter().zip(rows.values.columns()) {
            assert!(Arc::ptr_eq(mine, given));
        }
    }
}

proptest! {
    #[test]
    fn every_row_goes_to_its_bucket_in_order(
        values in prop::collection::vec((prop::option::of("[a-c]{0,9}"), 0..3i32, any::<i32>()), 0..200),
        partitioned in any::<bool>(),
        buckets in prop_oneof![1..8i32, Just(1_000_000)],
    ) {
        let mut partitioner = partitioner(partitioned, buckets);
        prop_assert_eq!(split(&mut partitioner, rows(&values)), one_by_one(&partitioner, buckets, &values));
    }
}
