//! Aggregate functions against answers of Paimon's own library, case by case.
//!
//! The cases (`aggregates/*.json`) say where they are from. Each is the records of one key and the value that the library read back
//! after it merged them in one write buffer; those of the engine `partial-update` have a sequence, so that some come late.

use std::slice;

use alluvium_format::arrow::{array_from_datums, datum_at};
use alluvium_format::datum::compare_values;
use alluvium_format::json_value::{from_json, to_json};
use alluvium_format::options::CoreOptions;
use alluvium_format::{DataField, DataType, Datum, Result, TypeRoot};
use alluvium_merge_tree::merge_function::{FieldAggregator, FoldOp, Folds};
use serde_json::Value;

/// Cases of one function over one type.
struct Group {
    what: String,
    aggregator: Result<FieldAggregator>,
    data_type: DataType,
    cases: Vec<Case>,
    /// The function is refused, whatever the rows.
    refused: bool,
}

struct Case {
    values: Vec<Option<Datum>>,
    ops: Vec<FoldOp>,
    /// `None`: the library fails.
    result: Option<Option<Datum>>,
    text: String,
}

fn groups(json: &str) -> Vec<Group> {
    let file: Value = serde_json::from_str(json).unwrap();
    file["groups"].as_array().unwrap().iter().map(group).collect()
}

fn group(json: &Value) -> Group {
    let data_type = DataType::from_json(&json["type"]).unwrap();
    let field = DataField::new(1, "v", data_type.clone());
    let options = json["options"].as_object().into_iter().flatten();
    let options = options.map(|(name, value)| (format!("fields.v.{name}"), value.as_str().unwrap().to_owned()));
    let aggregator =
        FieldAggregator::new(json["function"].as_str().unwrap(), &field, &CoreOptions::new(options.collect()));
    let in_sequence = json["engine"] == "partial-update";
    let cases = json["cases"].as_array().into_iter().flatten().map(|case| self::case(case, &data_type, in_sequence));
    Group {
        what: format!("{} over {data_type} with {}", json["function"], json["options"]),
        aggregator,
        cases: cases.collect(),
        refused: json["refused"].is_string(),
        data_type,
    }
}

fn case(json: &Value, data_type: &DataType, in_sequence: bool) -> Case {
    let records = json["records"].as_array().unwrap();
    let mut highest: Option<i64> = None;
    let mut values = Vec::new();
    let mut ops = Vec::new();
    for record in records {
        let record = record.as_array().unwrap();
        let retracts = matches!(record[0].as_str().unwrap(), "-U" | "-D");
        let mut late = false;
        if in_sequence {
            let Some(sequence) = record[1].as_i64() else { continue };
            late = highest.is_some_and(|highest| sequence < highest);
            highest = highest.max(Some(sequence));
        }
        values.push(from_json(record.last().unwrap(), data_type).unwrap());
        ops.push(match (retracts, late) {
            (true, _) => FoldOp::Retract,
            (false, true) => FoldOp::AggregateReversed,
            (false, false) => FoldOp::Aggregate,
        });
    }
    if records.len() == 1 {
        values = vec![from_json(records[0].as_array().unwrap().last().unwrap(), data_type).unwrap()];
        ops = vec![FoldOp::Set];
    }
    let result = json.get("result").map(|result| from_json(result, &widest(data_type)).unwrap());
    Case { values, ops, result, text: json.to_string() }
}

/// The type with room for sums of decimals that are longer than the column, which the library keeps.
fn widest(data_type: &DataType) -> DataType {
    match data_type.root {
        TypeRoot::Decimal { scale, .. } => DataType::nullable(TypeRoot::Decimal { precision: 38, scale }),
        _ => data_type.clone(),
    }
}

/// The fold of one case, whose values begin at `row`.
fn push(folds: &mut Folds, case: &Case, row: usize) {
    for (at, op) in case.ops.iter().enumerate() {
        folds.push(u32::try_from(row + at).unwrap(), *op);
    }
    folds.end();
}

/// All cases that have an answer, in one column.
fn folded(group: &Group, cases: &[&Case]) -> Result<Vec<Option<Datum>>> {
    let mut folds = Folds::default();
    let mut values = Vec::new();
    for case in cases {
        push(&mut folds, case, values.len());
        values.extend_from_slice(&case.values);
    }
    let input = array_from_datums(&group.data_type, &values)?;
    let output = group.aggregator.as_ref().unwrap().fold(&input, &folds)?;
    assert_eq!(output.data_type(), input.data_type(), "{}", group.what);
    (0..output.len()).map(|row| datum_at(&output, &group.data_type, row)).collect()
}

fn check(json: &str) {
    let groups = groups(json);
    assert!(!groups.is_empty());
    for group in &groups {
        let answered: Vec<&Case> = group.cases.iter().filter(|case| case.result.is_some()).collect();
        if group.refused {
            assert!(group.aggregator.is_err(), "{} is taken", group.what);
            continue;
        }
        group.aggregator.as_ref().unwrap_or_else(|error| panic!("{}: {error}", group.what));
        let results = folded(group, &answered).unwrap_or_else(|error| panic!("{}: {error}", group.what));
        for (case, result) in answered.iter().zip(results) {
            // As JSON, in which every NaN is one and maps have no order.
            let (ours, theirs) = (shown(result.as_ref(), group), shown(case.result.clone().flatten().as_ref(), group));
            assert_eq!(ours, theirs, "{}: {}", group.what, case.text);
        }
        for case in group.cases.iter().filter(|case| case.result.is_none()) {
            assert!(folded(group, &[case]).is_err(), "{}: {} has an answer", group.what, case.text);
        }
    }
}

fn shown(value: Option<&Datum>, group: &Group) -> Value {
    let mut sorted = value.cloned();
    if let Some(value) = &mut sorted {
        sort_maps(value);
        sort_sets(value, group);
    }
    to_json(sorted.as_ref(), &widest(&group.data_type))
}

/// Floating-point numbers fall into few buckets of a Java hash set, whose trees are not followed, and binaries have a random hash code:
/// sets of them are compared without their order.
fn sort_sets(value: &mut Datum, group: &Group) {
    let unordered = matches!(&group.data_type.root,
        TypeRoot::Array(element) if matches!(element.root, TypeRoot::Float | TypeRoot::Double | TypeRoot::VarBinary(_)));
    if let Datum::Array(elements) = value
        && unordered
        && group.what.contains("distinct")
    {
        elements.sort_by(|a, b| compare_values(slice::from_ref(a), slice::from_ref(b)));
    }
}

fn sort_maps(value: &mut Datum) {
    match value {
        Datum::Map(pairs) => {
            pairs.iter_mut().filter_map(|(_, value)| value.as_mut()).for_each(sort_maps);
            // A map with binary keys may have one twice.
            pairs.sort_by(|(a, v), (b, w)| compare_values(&[a.clone(), v.clone()], &[b.clone(), w.clone()]));
        }
        Datum::Array(values) | Datum::Row(values) => values.iter_mut().flatten().for_each(sort_maps),
        _ => {}
    }
}

#[test]
fn functions_answer_as_paimon_does() {
    check(include_str!("aggregates/values.json"));
}

#[test]
fn sketches_unite_as_paimon_does() {
    check(include_str!("aggregates/sketches.json"));
}
