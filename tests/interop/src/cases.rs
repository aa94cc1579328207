//! The tables both sides work on: key types, partitions, buckets, sequence fields and the options of the write path.

mod avro;

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

use crate::rows::random_value;

/// A table both sides work on.
#[derive(Clone, Debug)]
pub struct Case {
    /// The table's name.
    pub name: &'static str,
    /// As `table create --schema` takes it.
    pub schema: Value,
    /// How many distinct keys there are about.
    pub key_pool: usize,
    /// Columns whose lists have no order.
    pub unordered: Vec<String>,
}

impl Case {
    /// Column name to type.
    pub fn types(&self) -> BTreeMap<String, Value> {
        let fields = self.schema["fields"].as_array().expect("a schema has fields");
        fields.iter().map(|f| (f["name"].as_str().unwrap_or_default().to_owned(), f["type"].clone())).collect()
    }

    /// Column name to type for comparisons: lists without order are multisets.
    pub fn compared_types(&self) -> BTreeMap<String, Value> {
        let mut types = self.types();
        for name in &self.unordered {
            if let Some(data_type) = types.get_mut(name) {
                data_type["type"] = json!("UNORDERED");
            }
        }
        types
    }

    /// The primary key; of a table without one, the columns by which its rows keep their order: those of partitions and buckets.
    pub fn keys(&self) -> Vec<String> {
        let names = |member: &str| -> Vec<String> {
            let names = self.schema[member].as_array().expect("a schema has keys");
            names.iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect()
        };
        if !self.is_appended() {
            return names("primaryKeys");
        }
        let bucket_key = self.schema["options"]["bucket-key"].as_str().into_iter();
        names("partitionKeys").into_iter().chain(bucket_key.flat_map(|key| key.split(',').map(str::to_owned))).collect()
    }

    /// Whether it has no primary key.
    pub fn is_appended(&self) -> bool {
        self.schema["primaryKeys"].as_array().is_some_and(Vec::is_empty)
    }

    /// The columns by which rows can be sorted.
    pub fn sortable_columns(&self) -> Vec<String> {
        let fields = self.schema["fields"].as_array().expect("a schema has fields").iter();
        let atomic = fields.filter(|field| field["type"].is_string());
        atomic.map(|field| field["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn sequence_columns(&self) -> impl Iterator<Item = &str> {
        self.schema["options"]["sequence.field"].as_str().into_iter().flat_map(|names| names.split(','))
    }

    /// `count` random changes over a pool of keys made from `seed_keys`.
    pub fn random_changes(&self, rng: &mut SmallRng, pool: &[Vec<Value>], count: usize) -> Vec<Value> {
        let (keys, types) = (self.keys(), self.types());
        (0..count)
            .map(|_| {
                let kinds = if self.is_appended() { 0..3 } else { 0..5 };
                let kind = ["+I", "+I", "+U", "-U", "-D"][rng.random_range(kinds)];
                let mut row = json!({ "rowkind": kind });
                for (name, data_type) in &types {
                    row[name] = random_value(rng, data_type);
                }
                for (name, value) in keys.iter().zip(&pool[rng.random_range(0..pool.len())]) {
                    row[name] = value.clone();
                }
                for column in self.sequence_columns() {
                    // Java holds NaN equal to every number: what it makes of one depends on how it sorts.
                    if row[column] == json!("NaN") {
                        row[column] = json!(-0.0);
                    }
                }
                if let Some(column) = self.schema["options"]["rowkind.field"].as_str() {
                    row[column] = row["rowkind"].clone();
                }
                row
            })
            .collect()
    }

    /// Random keys, as lists of values in key order.
    pub fn random_keys(&self, rng: &mut SmallRng) -> Vec<Vec<Value>> {
        let types = self.types();
        let not_null = |data_type: &Value| {
            json!(format!("{} NOT NULL", data_type.as_str().unwrap_or_default().trim_end_matches(" NOT NULL")))
        };
        let columns: Vec<Value> = self.keys().iter().map(|key| not_null(&types[key])).collect();
        (0..self.key_pool).map(|_| columns.iter().map(|column| random_value(rng, column)).collect()).collect()
    }
}

pub(crate) fn case(
    name: &'static str,
    fields: &[(&str, Value)],
    keys: &[&str],
    partitions: &[&str],
    options: Value,
) -> Case {
    let fields: Vec<Value> =
        fields.iter().map(|(name, data_type)| json!({ "name": name, "type": data_type })).collect();
    let schema = json!({ "fields": fields, "primaryKeys": keys, "partitionKeys": partitions, "options": options });
    Case { name, schema, key_pool: 30, unordered: Vec::new() }
}

/// Every table of the harness.
pub fn all() -> Vec<Case> {
    let mut cases = keyed();
    cases.extend(with_options());
    cases.extend(appended());
    cases.push(every_type());
    cases.extend(in_orc());
    cases.extend(avro::all());
    cases
}

fn keyed() -> Vec<Case> {
    let value = ("v", json!("BIGINT"));
    let text = ("s", json!("STRING"));
    vec![
        case("bigint_key", &[("k", json!("BIGINT")), value.clone(), text.clone()], &["k"], &[], json!({"bucket": "1"})),
        case("string_key", &[("k", json!("STRING")), value.clone()], &["k"], &[], json!({"bucket": "2"})),
        case("decimal_key", &[("k", json!("DECIMAL(30, 4)")), value.clone()], &["k"], &[], json!({"bucket": "1"})),
        case(
            "timestamp_key",
            &[("k", json!("TIMESTAMP(6)")), ("j", json!("TIMESTAMP(9)")), value.clone()],
            &["k", "j"],
            &[],
            json!({"bucket": "1"}),
        ),
        case(
            "binary_key",
            &[("k", json!("VARBINARY(12)")), ("b", json!("BOOLEAN")), value.clone()],
            &["k", "b"],
            &[],
            json!({"bucket": "1"}),
        ),
        case(
            "composite_key",
            &[
                ("v", json!("BIGINT")),
                ("a", json!("INT")),
                ("b", json!("STRING")),
                ("c", json!("DATE")),
                ("d", json!("DOUBLE")),
            ],
            &["b", "a", "c", "d"],
            &[],
            json!({"bucket": "3", "bucket-key": "a,b"}),
        ),
        case(
            "partitioned",
            &[("p", json!("STRING")), ("d", json!("DATE")), ("k", json!("INT")), value.clone()],
            &["p", "d", "k"],
            &["p", "d"],
            json!({"bucket": "2"}),
        ),
        case(
            "partitioned_cast_names",
            &[("t", json!("TIMESTAMP(3)")), ("k", json!("INT")), value, text],
            &["t", "k"],
            &["t"],
            json!({"bucket": "1", "partition.legacy-name": "false"}),
        ),
    ]
}

fn with_options() -> Vec<Case> {
    let fields = [("k", json!("INT")), ("g", json!("INT")), ("h", json!("DOUBLE")), ("s", json!("STRING"))];
    let small = |name, options| Case { key_pool: 8, ..case(name, &fields, &["k"], &[], options) };
    vec![
        small("sequence_field", json!({"bucket": "1", "sequence.field": "g"})),
        small(
            "sequence_fields_descending",
            json!({"bucket": "1", "sequence.field": "h,g", "sequence.field.sort-order": "descending"}),
        ),
        small("ignore_delete", json!({"bucket": "1", "ignore-delete": "true"})),
        small("ignore_update_before", json!({"bucket": "1", "ignore-update-before": "true"})),
        small("rowkind_field", json!({"bucket": "1", "rowkind.field": "s"})),
        small("write_only", json!({"bucket": "2", "write-only": "true"})),
        small("low_trigger", json!({"bucket": "1", "num-sorted-run.compaction-trigger": "2", "num-levels": "4"})),
        small("thin_mode", json!({"bucket": "1", "data-file.thin-mode": "true"})),
        small(
            "full_stats",
            json!({"bucket": "1", "metadata.stats-mode": "full", "metadata.stats-dense-store": "false"}),
        ),
        small("snappy", json!({"bucket": "1", "file.compression": "snappy"})),
    ]
}

/// Tables of ORC files, and of some among others.
fn in_orc() -> Vec<Case> {
    let fields = [("k", json!("INT")), ("v", json!("BIGINT")), ("s", json!("STRING"))];
    let small = |name, options| Case { key_pool: 8, ..case(name, &fields, &["k"], &[], options) };
    let mut every = Case { name: "every_type_in_orc", ..every_type() };
    every.schema["options"]["file.format"] = json!("orc");
    let per_level = json!({"bucket": "1", "file.format.per.level": "0:orc", "file.compression.per.level": "0:zlib"});
    let changes = json!({"bucket": "1", "changelog-producer": "input", "changelog-file.format": "orc"});
    let vectors = json!({"bucket": "1", "file.format": "orc", "deletion-vectors.enabled": "true"});
    vec![
        every,
        small("orc_at_level_0", per_level),
        small("orc_changes", changes),
        small("orc_with_deletion_vectors", vectors),
    ]
}

/// Tables without a primary key.
fn appended() -> Vec<Case> {
    let fields = [("p", json!("STRING")), ("k", json!("INT")), ("g", json!("BIGINT")), ("s", json!("STRING"))];
    let fields = |count: usize| &fields[fields.len() - count..];
    vec![
        case("append_unaware", fields(3), &[], &[], json!({"bucket": "-1", "compaction.min.file-num": "3"})),
        case("append_partitioned", fields(4), &[], &["p"], json!({"compaction.min.file-num": "2"})),
        case(
            "append_bucketed",
            fields(3),
            &[],
            &[],
            json!({"bucket": "3", "bucket-key": "k", "compaction.min.file-num": "3"}),
        ),
        case(
            "append_partitioned_bucketed",
            fields(4),
            &[],
            &["p"],
            json!({"bucket": "2", "bucket-key": "k,g", "write-only": "true", "metadata.stats-mode": "full"}),
        ),
    ]
}

pub(crate) fn every_type() -> Case {
    let row = json!({"type": "ROW", "fields": [
        {"id": 0, "name": "x", "type": "INT"},
        {"id": 1, "name": "y", "type": {"type": "ARRAY", "element": "STRING"}},
        {"id": 2, "name": "z", "type": {"type": "ROW", "fields": [{"id": 3, "name": "p", "type": "DECIMAL(20, 5)"}, {"id": 4, "name": "q", "type": "TIMESTAMP(9)"}]}}]});
    let fields = [
        ("k", json!("INT")),
        ("bo", json!("BOOLEAN")),
        ("ti", json!("TINYINT")),
        ("si", json!("SMALLINT")),
        ("bi", json!("BIGINT")),
        ("fl", json!("FLOAT")),
        ("db", json!("DOUBLE")),
        ("d9", json!("DECIMAL(9, 3)")),
        ("dc", json!("DECIMAL(18, 2)")),
        ("dw", json!("DECIMAL(38, 10)")),
        ("ch", json!("CHAR(3)")),
        ("vc", json!("VARCHAR(9)")),
        ("st", json!("STRING")),
        ("bn", json!("BINARY(2)")),
        ("vb", json!("VARBINARY(20)")),
        ("by", json!("BYTES")),
        ("dt", json!("DATE")),
        ("tm", json!("TIME(3)")),
        ("t0", json!("TIMESTAMP(0)")),
        ("t3", json!("TIMESTAMP(3)")),
        ("t6", json!("TIMESTAMP(6)")),
        ("t9", json!("TIMESTAMP(9)")),
        ("z3", json!("TIMESTAMP(3) WITH LOCAL TIME ZONE")),
        ("z6", json!("TIMESTAMP(6) WITH LOCAL TIME ZONE")),
        ("z9", json!("TIMESTAMP(9) WITH LOCAL TIME ZONE")),
        ("ar", json!({"type": "ARRAY", "element": "INT"})),
        ("aa", json!({"type": "ARRAY", "element": {"type": "ARRAY", "element": "TIMESTAMP(9)"}})),
        ("mp", json!({"type": "MAP", "key": "STRING NOT NULL", "value": "DOUBLE"})),
        ("mi", json!({"type": "MAP", "key": "INT NOT NULL", "value": {"type": "ARRAY", "element": "BIGINT"}})),
        ("ms", json!({"type": "MULTISET", "element": "STRING NOT NULL"})),
        ("ro", row),
    ];
    case("every_type", &fields, &["k"], &[], json!({"bucket": "1"}))
}
