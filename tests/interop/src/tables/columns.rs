//! Columns of every type beside those that the engine asked for.

use serde_json::{Map, Value, json};

use super::Draft;

/// The bucket of rows that wait for theirs: Avro, whatever else is not.
const POSTPONE: &str = "-2";

fn types() -> Vec<Value> {
    let row = json!({"type": "ROW", "fields": [
        {"id": 0, "name": "x", "type": "INT"},
        {"id": 1, "name": "y", "type": {"type": "ARRAY", "element": "STRING"}},
        {"id": 2, "name": "z", "type": {"type": "ROW", "fields": [{"id": 3, "name": "q", "type": "DECIMAL(20, 5)"}]}}]});
    let mut types: Vec<Value> = [
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INT",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL(9, 3)",
        "DECIMAL(18, 2)",
        "DECIMAL(38, 10)",
        "CHAR(3)",
        "VARCHAR(9)",
        "STRING",
        "BINARY(2)",
        "VARBINARY(20)",
        "BYTES",
        "DATE",
        "TIME(3)",
        "TIMESTAMP(0)",
        "TIMESTAMP(3)",
        "TIMESTAMP(6)",
        "TIMESTAMP(9)",
        "TIMESTAMP(3) WITH LOCAL TIME ZONE",
        "TIMESTAMP(6) WITH LOCAL TIME ZONE",
        "TIMESTAMP(9) WITH LOCAL TIME ZONE",
    ]
    .iter()
    .map(|text| json!(text))
    .collect();
    types.extend([
        json!({"type": "ARRAY", "element": "INT"}),
        json!({"type": "ARRAY", "element": {"type": "ARRAY", "element": "TIMESTAMP(6)"}}),
        json!({"type": "MAP", "key": "STRING NOT NULL", "value": "DOUBLE"}),
        json!({"type": "MAP", "key": "INT NOT NULL", "value": {"type": "ARRAY", "element": "BIGINT"}}),
        json!({"type": "MULTISET", "element": "STRING NOT NULL"}),
        row,
    ]);
    types
}

/// Whether files of a table with these options are Avro, some or all.
pub(super) fn writes_avro(options: &Map<String, Value>) -> bool {
    let is =
        |option: &str, value: &str| options.get(option).and_then(Value::as_str).is_some_and(|is| is.contains(value));
    let formats = ["file.format", "file.format.per.level", "changelog-file.format"];
    formats.iter().any(|option| is(option, "avro")) || is("bucket", POSTPONE)
}

/// Adds up to six columns.
pub(super) fn add(draft: &mut Draft<'_>) {
    let mut types = types();
    // Paimon's Avro has no finer ones.
    if writes_avro(&draft.options) {
        types.retain(|data_type| !data_type.as_str().is_some_and(|text| text.starts_with("TIMESTAMP(9)")));
    }
    let count = draft.one_of(&[0, 1, 2, 3, 6]);
    for number in 0..count {
        let data_type = draft.one_of(&types);
        draft.fields.push((format!("x{number}"), data_type));
    }
}
