//! One table of each kind that other engines are asked to read, with the rows and changes that make it.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::cases::{Case, case, every_type};

/// A kind of table.
#[derive(Clone, Debug)]
pub struct Kind {
    /// What the matrix calls it.
    pub name: &'static str,
    /// A table of it.
    pub case: Case,
    /// Row kinds that it takes.
    row_kinds: &'static [&'static str],
    /// How its columns change half way.
    pub alter: Option<Value>,
}

const ALL: &[&str] = &["+I", "+I", "+U", "-U", "-D"];
const ADDS: &[&str] = &["+I"];

impl Kind {
    fn new(name: &'static str, case: Case) -> Self {
        let row_kinds = if case.keys().is_empty() { ADDS } else { ALL };
        Self { name, case, row_kinds, alter: None }
    }

    /// `count` rows of a seed, under a schema of the table.
    pub fn rows(&self, schema: &Value, seed: u64, count: usize) -> Vec<Value> {
        let mut rng = SmallRng::seed_from_u64(seed);
        let case = Case { schema: schema.clone(), ..self.case.clone() };
        let pool = self.case.random_keys(&mut SmallRng::seed_from_u64(7));
        let mut rows = case.random_changes(&mut rng, &pool, count);
        for row in &mut rows {
            row["rowkind"] = json!(self.row_kinds[rng.random_range(0..self.row_kinds.len())]);
        }
        rows
    }
}

fn keyed(name: &'static str, options: Value) -> Kind {
    let fields = [
        ("k", json!("INT")),
        ("a", json!("BIGINT")),
        ("b", json!("STRING")),
        ("c", json!("DECIMAL(12, 2)")),
        ("d", json!("TIMESTAMP(6)")),
        ("l", json!({"type": "ARRAY", "element": "INT"})),
    ];
    Kind::new(name, case("t", &fields, &["k"], &[], options))
}

fn partitioned(name: &'static str, keys: &[&str], options: Value) -> Kind {
    let fields = [("p", json!("DATE")), ("k", json!("INT")), ("a", json!("BIGINT")), ("b", json!("STRING"))];
    Kind::new(name, case("t", &fields, keys, &["p"], options))
}

fn append(name: &'static str, options: Value) -> Kind {
    let fields = [("k", json!("INT")), ("a", json!("BIGINT")), ("b", json!("STRING")), ("d", json!("DATE"))];
    Kind::new(name, case("t", &fields, &[], &[], options))
}

/// Every data type, or those that are everywhere.
fn typed(name: &'static str, everywhere: bool) -> Kind {
    let mut case = Case { name: "t", ..every_type() };
    let fields = case.schema["fields"].as_array_mut().expect("a schema has fields");
    let apart = ["MULTISET", "TIMESTAMP(9)"];
    fields.retain(|field| !everywhere || !apart.iter().any(|text| field["type"].to_string().contains(text)));
    Kind::new(name, case)
}

/// Every kind of the matrix.
pub fn all() -> Vec<Kind> {
    let mut kinds = vec![
        typed("every data type", false),
        typed("every data type but MULTISET and TIMESTAMP(9)", true),
        keyed("`deduplicate`", json!({"bucket": "2"})),
        partitioned("partitions of DATE", &["p", "k"], json!({"bucket": "1"})),
        keyed("sequence field", json!({"bucket": "1", "sequence.field": "a"})),
    ];
    kinds.extend(engines());
    kinds.extend(files());
    kinds.extend(buckets());
    kinds
}

fn engines() -> Vec<Kind> {
    let mut kinds = vec![
        keyed("`partial-update`", json!({"bucket": "1", "merge-engine": "partial-update", "ignore-delete": "true"})),
        keyed(
            "`aggregation`",
            json!({"bucket": "1", "merge-engine": "aggregation", "fields.a.aggregate-function": "max",
                   "fields.b.aggregate-function": "min"}),
        ),
        keyed("`first-row`", json!({"bucket": "1", "merge-engine": "first-row", "ignore-delete": "true"})),
        keyed("changelog producer `lookup`", json!({"bucket": "1", "changelog-producer": "lookup"})),
        keyed("deletion vectors", json!({"bucket": "1", "deletion-vectors.enabled": "true"})),
        keyed(
            "deletion vectors of 64 bits",
            json!({"bucket": "1", "deletion-vectors.enabled": "true", "deletion-vectors.bitmap64": "true"}),
        ),
    ];
    for kind in &mut kinds {
        if kind.name == "`aggregation`" {
            kind.row_kinds = ADDS;
        }
    }
    kinds
}

fn files() -> Vec<Kind> {
    let changes = json!([
        {"add": "e", "type": "INT", "after": "k"}, {"rename": "b", "to": "text"}, {"drop": "d"},
        {"retype": "a", "to": "DOUBLE"}, {"move": "c", "first": true}
    ]);
    vec![
        Kind { alter: Some(changes), ..keyed("columns that change", json!({"bucket": "1"})) },
        keyed("thin mode", json!({"bucket": "1", "data-file.thin-mode": "true"})),
        keyed("snappy", json!({"bucket": "1", "file.compression": "snappy"})),
        keyed("lz4", json!({"bucket": "1", "file.compression": "lz4"})),
        keyed("ORC files", json!({"bucket": "1", "file.format": "orc"})),
        keyed("Avro files", json!({"bucket": "1", "file.format": "avro"})),
        keyed("formats by level", json!({"bucket": "1", "file.format.per.level": "0:avro,5:orc"})),
        append(
            "file indexes",
            json!({"bucket": "-1", "file-index.bloom-filter.columns": "a", "file-index.bitmap.columns": "b",
                   "file-index.bsi.columns": "k", "file-index.range-bitmap.columns": "d"}),
        ),
    ]
}

fn buckets() -> Vec<Kind> {
    vec![
        append("append table", json!({"bucket": "-1"})),
        append("append table with buckets", json!({"bucket": "2", "bucket-key": "k"})),
        partitioned("append table with partitions of DATE", &[], json!({"bucket": "-1"})),
        keyed("dynamic buckets", json!({"bucket": "-1", "dynamic-bucket.target-row-num": "5"})),
        keyed("postpone buckets", json!({"bucket": "-2"})),
        partitioned("keys across partitions", &["k"], json!({"bucket": "-1"})),
    ]
}
