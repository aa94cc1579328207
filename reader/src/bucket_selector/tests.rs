//! Which conditions fix a bucket, and that no bucket with a row that passes is left out.
#![allow(clippy::unwrap_used, missing_docs)]

use alluvium_format::bucket::bucket_of_row;
use alluvium_format::{BinaryRow, BucketFunction, CompareOp, DataType, Datum, Predicate, TableSchema, TypeRoot};
use proptest::prelude::*;

use super::BucketSelector;

fn schema() -> TableSchema {
    let text = r#"{"fields":[{"name":"p","type":"INT NOT NULL"},{"name":"a","type":"INT NOT NULL"},{"name":"b","type":"STRING NOT NULL"},
        {"name":"v","type":"DOUBLE"}],"partitionKeys":["p"],"primaryKeys":["p","a","b"],"options":{"bucket":"8"}}"#;
    alluvium_format::SchemaDefinition::from_json(text.as_bytes()).unwrap().into_schema(0).unwrap()
}

fn equal(column: &str, literal: Datum) -> Predicate {
    Predicate::Compare { column: column.to_owned(), op: CompareOp::Eq, literal }
}

fn text(value: &str) -> Datum {
    Datum::String(value.to_owned())
}

fn one_of(column: &str, literals: Vec<Datum>) -> Predicate {
    Predicate::In { column: column.to_owned(), literals, has_null: false }
}

fn bucket(a: i32, b: &str, total: i32) -> i32 {
    let types = [DataType::not_null(TypeRoot::Int), DataType::not_null(TypeRoot::VarChar(TypeRoot::STRING_LENGTH))];
    let key = BinaryRow::encode(&types, &[Some(Datum::Int(a)), Some(text(b))]).unwrap();
    bucket_of_row(BucketFunction::Default, total, &types, &key).unwrap()
}

fn selected(predicate: &Predicate, total: i32) -> Vec<i32> {
    let mut selector = BucketSelector::new(&schema(), predicate).unwrap();
    (0..total.max(1)).filter(|bucket| selector.may_hold(*bucket, total)).collect()
}

#[test]
fn a_whole_key_selects_its_bucket() {
    let key = Predicate::And(vec![equal("a", Datum::Int(1)), equal("b", text("x"))]);
    assert_eq!(selected(&key, 8), [bucket(1, "x", 8)]);
    // By the number of buckets that each entry was written with.
    assert_eq!(selected(&key, 5), [bucket(1, "x", 5)]);
    let either = Predicate::Or(vec![equal("a", Datum::Int(1)), one_of("a", vec![Datum::Int(7)])]);
    let mut wanted = vec![bucket(1, "x", 8), bucket(7, "x", 8)];
    wanted.sort_unstable();
    wanted.dedup();
    assert_eq!(selected(&Predicate::And(vec![either, equal("b", text("x"))]), 8), wanted);
}

#[test]
fn anything_less_selects_all() {
    let all: Vec<i32> = (0..8).collect();
    let part = equal("a", Datum::Int(1));
    let other =
        Predicate::Or(vec![Predicate::And(vec![part.clone(), equal("b", text("x"))]), equal("v", Datum::Double(1.0))]);
    let above = Predicate::Compare { column: "b".to_owned(), op: CompareOp::Gt, literal: text("x") };
    let many = one_of("a", (0..2000).map(Datum::Int).collect());
    let and_b = |first: Predicate| Predicate::And(vec![first, equal("b", text("x"))]);
    for predicate in [Predicate::True, part.clone(), other, Predicate::And(vec![part.clone(), above]), and_b(many)] {
        assert_eq!(selected(&predicate, 8), all, "{predicate:?}");
    }
    assert_eq!(selected(&and_b(Predicate::Not(Box::new(part.clone()))), 8), all);
    // Dynamic and unaware buckets are not by hash.
    assert_eq!(selected(&and_b(part), -1), [0]);
}

proptest! {
    #[test]
    fn no_bucket_of_a_row_that_passes_is_left_out(
        keys in prop::collection::vec((0..4i32, "[ab]{0,2}"), 1..6),
        picked in any::<prop::sample::Index>(),
        total in 1..9i32,
    ) {
        let predicate = Predicate::And(vec![
            one_of("a", keys.iter().map(|(a, _)| Datum::Int(*a)).collect()),
            one_of("b", keys.iter().map(|(_, b)| text(b)).collect()),
        ]);
        let (a, b) = picked.get(&keys);
        prop_assert!(selected(&predicate, total).contains(&bucket(*a, b, total)));
    }
}
