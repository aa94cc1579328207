//! The tables whose files are in Avro, all or some.

use serde_json::json;

use super::{Case, case, every_type};

/// Tables of Avro files, and of some among others.
pub(super) fn all() -> Vec<Case> {
    let fields = [("k", json!("INT")), ("v", json!("BIGINT")), ("s", json!("STRING"))];
    let small = |name, options| Case { key_pool: 8, ..case(name, &fields, &["k"], &[], options) };
    let per_level = json!({"bucket": "1", "file.format.per.level": "0:avro", "file.compression.per.level": "0:snappy"});
    let changes = json!({"bucket": "1", "changelog-producer": "input", "changelog-file.format": "avro"});
    let vectors = json!({"bucket": "1", "file.format": "avro", "deletion-vectors.enabled": "true"});
    let thin = json!({"bucket": "1", "file.format": "avro", "data-file.thin-mode": "true", "avro.codec": "deflate"});
    vec![
        every_type_in_avro(),
        small("avro_at_level_0", per_level),
        small("avro_changes", changes),
        small("avro_with_deletion_vectors", vectors),
        small("avro_thin", thin),
    ]
}

/// All types but those that Avro files do not hold: timestamps of more than 6 digits, and multisets of what is no text.
fn every_type_in_avro() -> Case {
    let mut case = Case { name: "every_type_in_avro", ..every_type() };
    let fields = case.schema["fields"].as_array_mut().expect("a schema has fields");
    fields.retain(|field| !["t9", "z9", "aa", "ro"].contains(&field["name"].as_str().unwrap_or_default()));
    let row = json!({"type": "ROW", "fields": [
        {"id": 0, "name": "x", "type": "INT"},
        {"id": 1, "name": "y", "type": {"type": "ARRAY", "element": "STRING"}},
        {"id": 2, "name": "z", "type": {"type": "ROW", "fields": [
            {"id": 3, "name": "p", "type": "DECIMAL(20, 5)"}, {"id": 4, "name": "q", "type": "TIMESTAMP(6)"}]}}]});
    let list = json!({"type": "ARRAY", "element": {"type": "ARRAY", "element": "TIMESTAMP(3)"}});
    let decimals = json!({"type": "MAP", "key": "DECIMAL(9, 3) NOT NULL", "value": "BYTES"});
    for (name, data_type) in [("aa", list), ("md", decimals), ("ro", row)] {
        fields.push(json!({"name": name, "type": data_type}));
    }
    case.schema["options"]["file.format"] = json!("avro");
    case
}
