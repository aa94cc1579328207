//! File indexes on columns that their type takes, kept in manifests or beside the files.

use serde_json::Value;

use super::Draft;

/// The types of columns that an index has a form for.
fn takes(index: &str, data_type: &Value) -> bool {
    let text = data_type.as_str().unwrap_or_default();
    let numbers = ["TINYINT", "SMALLINT", "INT", "BIGINT", "DATE", "TIMESTAMP(3)", "TIMESTAMP(6)"];
    numbers.contains(&text) || (index != "bsi" && ["STRING", "VARCHAR(9)", "CHAR(3)"].contains(&text))
}

/// Adds indexes to a third of the tables.
pub(super) fn add(draft: &mut Draft<'_>) {
    if !draft.chance(3) {
        return;
    }
    let mut any = false;
    for index in ["bloom-filter", "bitmap", "bsi", "range-bitmap"] {
        if draft.chance(2) {
            continue;
        }
        let columns: Vec<String> = draft
            .fields
            .iter()
            .filter(|(name, data_type)| !draft.partitions.contains(&name.as_str()) && takes(index, data_type))
            .map(|(name, _)| name.clone())
            .collect();
        if columns.is_empty() {
            continue;
        }
        let first = draft.one_of(&columns);
        let second = draft.one_of(&columns);
        let list = if first == second { first.clone() } else { format!("{first},{second}") };
        draft.set(&format!("file-index.{index}.columns"), list);
        draft.label(format!("index: {index}"));
        any = true;
        if index == "bitmap" && draft.chance(3) {
            draft.set(&format!("file-index.bitmap.{first}.version"), 1);
        }
    }
    if any {
        let (threshold, place) =
            draft.one_of(&[("1 b", "beside files"), ("500 b", "by size"), ("1 mb", "in manifests")]);
        draft.set("file-index.in-manifest-threshold", threshold);
        draft.label(format!("indexes: {place}"));
    }
}
