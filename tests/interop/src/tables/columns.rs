//! Columns of every type beside those that the engine asked for.

use serde_json::{Value, json};

use super::Draft;

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

/// Adds up to six columns.
pub(super) fn add(draft: &mut Draft<'_>) {
    let avro = draft.labels.iter().any(|label| label == "format: avro" || label == "format: per level")
        || draft.is("changelog-file.format", "avro")
        || draft.labels.iter().any(|label| label == "buckets: postpone");
    let mut types = types();
    // Paimon's Avro has no finer ones.
    types.retain(|data_type| !avro || !data_type.as_str().is_some_and(|text| text.starts_with("TIMESTAMP(9)")));
    let count = draft.one_of(&[0, 1, 2, 3, 6]);
    for number in 0..count {
        let data_type = draft.one_of(&types);
        draft.fields.push((format!("x{number}"), data_type));
    }
}
