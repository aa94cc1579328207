//! Tables of `merge-engine = aggregation`: a random function for each column.

use serde_json::{Value, json};

use super::{ADDS, Draft};

/// Functions by column, those that can retract first.
fn choices() -> [(&'static str, Value, &'static [&'static str]); 9] {
    let items = json!({"type": "ARRAY", "element": {"type": "ROW", "fields": [
        {"id": 0, "name": "x", "type": "INT"}, {"id": 1, "name": "y", "type": "STRING"}]}});
    [
        ("a", json!("BIGINT"), &["sum", "last_value", "last_non_null_value", "product", "min", "max", "first_value"]),
        ("b", json!("STRING"), &["last_value", "last_non_null_value", "listagg", "min", "max", "first_non_null_value"]),
        ("c", json!("DOUBLE"), &["sum", "last_non_null_value", "min", "max"]),
        ("d", json!("DECIMAL(12, 2)"), &["sum", "last_value", "min", "max"]),
        ("e", json!("BOOLEAN"), &["last_non_null_value", "bool_and", "bool_or"]),
        ("f", json!({"type": "ARRAY", "element": "INT"}), &["collect", "last_value"]),
        ("g", json!({"type": "MAP", "key": "STRING NOT NULL", "value": "INT"}), &["merge_map"]),
        ("h", items, &["nested_update"]),
        ("i", json!("INT"), &["sum", "product", "max", "first_value"]),
    ]
}

/// Whether a function has a retraction.
fn retracts(function: &str) -> bool {
    matches!(function, "sum" | "last_value" | "last_non_null_value" | "collect" | "merge_map" | "nested_update")
}

pub(super) fn add(draft: &mut Draft<'_>) {
    let mut all_retract = true;
    for (name, data_type, functions) in choices() {
        if draft.chance(3) {
            continue;
        }
        draft.field(name, data_type);
        if draft.chance(6) {
            continue;
        }
        let function = draft.one_of(functions);
        draft.set(&format!("fields.{name}.aggregate-function"), function);
        details(draft, name, function);
        if !retracts(function) {
            if draft.chance(2) {
                draft.set(&format!("fields.{name}.ignore-retract"), true);
            } else {
                all_retract = false;
            }
        }
    }
    if !all_retract {
        draft.kinds = ADDS.to_vec();
    }
    let has_a = draft.fields.iter().any(|(name, _)| name == "a");
    if has_a && draft.chance(6) {
        draft.options.remove("fields.a.aggregate-function");
        draft.options.remove("fields.a.ignore-retract");
        draft.set("sequence.field", "a");
    }
}

fn details(draft: &mut Draft<'_>, name: &str, function: &str) {
    match function {
        "listagg" if draft.chance(2) => draft.set(&format!("fields.{name}.list-agg-delimiter"), ";"),
        "collect" => {
            draft.unordered.push(name.to_owned());
            if draft.chance(2) {
                draft.set(&format!("fields.{name}.distinct"), true);
            }
        }
        "nested_update" => {
            draft.unordered.push(name.to_owned());
            if draft.chance(2) {
                draft.set(&format!("fields.{name}.nested-key"), "x");
            }
        }
        _ => {}
    }
}
