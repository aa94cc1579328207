//! Pruning by statistics: whatever the values, a file with a row that passes is never left out.

use alluvium_format::datum::compare;
use alluvium_format::{ColumnRange, CompareOp, Datum, Predicate};
use proptest::prelude::*;

const OPS: [CompareOp; 6] =
    [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::LtEq, CompareOp::Gt, CompareOp::GtEq];

/// SQL's answer for one value; `None` is unknown.
fn passes(predicate: &Predicate, value: Option<&Datum>) -> Option<bool> {
    match predicate {
        Predicate::True => Some(true),
        Predicate::False => Some(false),
        Predicate::Compare { op, literal, .. } => {
            let order = compare(value?, literal);
            Some(match op {
                CompareOp::Eq => order.is_eq(),
                CompareOp::NotEq => order.is_ne(),
                CompareOp::Lt => order.is_lt(),
                CompareOp::LtEq => order.is_le(),
                CompareOp::Gt => order.is_gt(),
                CompareOp::GtEq => order.is_ge(),
            })
        }
        Predicate::In { literals, has_null, .. } => {
            let value = value?;
            let found = literals.iter().any(|literal| compare(value, literal).is_eq());
            if !found && *has_null { None } else { Some(found) }
        }
        Predicate::IsNull(_) => Some(value.is_none()),
        Predicate::IsNotNull(_) => Some(value.is_some()),
        Predicate::And(parts) => {
            let answers: Vec<_> = parts.iter().map(|part| passes(part, value)).collect();
            let no = answers.contains(&Some(false));
            if no {
                Some(false)
            } else if answers.contains(&None) {
                None
            } else {
                Some(true)
            }
        }
        Predicate::Or(parts) => {
            let answers: Vec<_> = parts.iter().map(|part| passes(part, value)).collect();
            let yes = answers.contains(&Some(true));
            if yes {
                Some(true)
            } else if answers.contains(&None) {
                None
            } else {
                Some(false)
            }
        }
        Predicate::Not(inner) => passes(inner, value).map(|answer| !answer),
        Predicate::Like { .. } => unreachable!("no text here"),
    }
}

fn predicate(literal: BoxedStrategy<Datum>) -> impl Strategy<Value = Predicate> {
    let leaf = prop_oneof![
        (prop::sample::select(&OPS[..]), literal.clone()).prop_map(|(op, literal)| Predicate::Compare {
            column: "c".to_owned(),
            op,
            literal
        }),
        (prop::collection::vec(literal, 0..3), any::<bool>()).prop_map(|(literals, has_null)| Predicate::In {
            column: "c".to_owned(),
            literals,
            has_null
        }),
        Just(Predicate::IsNull("c".to_owned())),
        Just(Predicate::IsNotNull("c".to_owned())),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::Or),
            inner.prop_map(|inner| Predicate::Not(Box::new(inner))),
        ]
    })
}

/// The range of the values as Parquet gives it: without NaN.
fn range(values: &[Option<Datum>]) -> ColumnRange {
    let known = || values.iter().flatten().filter(|value| !matches!(value, Datum::Double(v) if v.is_nan()));
    ColumnRange {
        min: known().min_by(|a, b| compare(a, b)).cloned(),
        max: known().max_by(|a, b| compare(a, b)).cloned(),
        null_count: Some(values.iter().filter(|value| value.is_none()).count() as i64),
        row_count: Some(values.len() as i64),
    }
}

fn check(predicate: &Predicate, values: &[Option<Datum>]) -> Result<(), TestCaseError> {
    let some_pass = values.iter().any(|value| passes(predicate, value.as_ref()) == Some(true));
    let unknown = ColumnRange { row_count: Some(values.len() as i64), ..ColumnRange::default() };
    for range in [range(values), unknown, ColumnRange::default()] {
        prop_assert!(!some_pass || predicate.may_match(&|_| range.clone()), "{:?}", range);
    }
    Ok(())
}

fn numbers() -> BoxedStrategy<Datum> {
    (-3..4_i32).prop_map(Datum::Int).boxed()
}

fn doubles() -> BoxedStrategy<Datum> {
    prop::sample::select(vec![-1.0, -0.0, 0.0, 1.0, f64::INFINITY, f64::NAN]).prop_map(Datum::Double).boxed()
}

proptest! {
    #[test]
    fn no_file_with_a_passing_row_is_left_out(
        predicate in predicate(numbers()),
        values in prop::collection::vec(prop::option::of(numbers()), 1..4),
    ) {
        check(&predicate, &values)?;
    }

    #[test]
    fn nor_one_with_a_passing_double(
        predicate in predicate(doubles()),
        values in prop::collection::vec(prop::option::of(doubles()), 1..4),
    ) {
        check(&predicate, &values)?;
    }
}

#[test]
fn a_bound_of_zero_stands_for_either_zero() {
    let zeros = [Datum::Double(-0.0), Datum::Double(0.0)];
    for (bound, literal) in zeros.iter().flat_map(|bound| zeros.iter().map(move |literal| (bound, literal))) {
        let range = ColumnRange::of_value(Some(bound.clone()));
        for op in [CompareOp::Eq, CompareOp::LtEq, CompareOp::GtEq] {
            let predicate = Predicate::Compare { column: "c".to_owned(), op, literal: literal.clone() };
            assert!(predicate.may_match(&|_| range.clone()), "{bound:?} {op:?} {literal:?}");
        }
    }
    let below = Predicate::Compare { column: "c".to_owned(), op: CompareOp::Lt, literal: Datum::Double(-0.0) };
    assert!(!below.may_match(&|_| ColumnRange::of_value(Some(Datum::Double(0.0)))));
}

#[test]
fn files_that_cannot_match_are_left_out() {
    let between = |min, max| ColumnRange {
        min: Some(Datum::Int(min)),
        max: Some(Datum::Int(max)),
        null_count: Some(0),
        row_count: Some(9),
    };
    let compare = |op, literal| Predicate::Compare { column: "c".to_owned(), op, literal: Datum::Int(literal) };
    let left_out = [
        compare(CompareOp::Eq, 9),
        compare(CompareOp::Lt, 3),
        compare(CompareOp::LtEq, 2),
        compare(CompareOp::Gt, 5),
        compare(CompareOp::GtEq, 6),
        Predicate::In { column: "c".to_owned(), literals: vec![Datum::Int(1), Datum::Int(7)], has_null: true },
        Predicate::IsNull("c".to_owned()),
        Predicate::False,
        Predicate::and([compare(CompareOp::Gt, 3), compare(CompareOp::Gt, 5)]),
        Predicate::Or(vec![compare(CompareOp::Lt, 3), compare(CompareOp::Gt, 5)]),
    ];
    for predicate in left_out {
        assert!(!predicate.may_match(&|_| between(3, 5)), "{predicate:?}");
    }
    assert!(!compare(CompareOp::NotEq, 3).may_match(&|_| between(3, 3)));
    let predicate = Predicate::and([compare(CompareOp::Gt, 3), Predicate::True]);
    assert_eq!((predicate.columns(), predicate.conjuncts().len()), (vec!["c"], 1));
}
