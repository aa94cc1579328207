//! Random changes of an [`EngineTable`].

use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

use super::EngineTable;

const PARTITIONS: [&str; 2] = ["x", "y z"];
const WORDS: [&str; 5] = ["", "a", "b", "a;b", "seven77"];

impl EngineTable {
    /// `count` random changes.
    pub fn changes(&self, rng: &mut SmallRng, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.change(rng)).collect()
    }

    fn change(&self, rng: &mut SmallRng) -> Value {
        let kind = self.kinds[rng.random_range(0..self.kinds.len())];
        let mut row = json!({ "rowkind": kind });
        for field in self.case.schema["fields"].as_array().expect("a schema has fields") {
            let name = field["name"].as_str().unwrap_or_default();
            row[name] = match name {
                "k" => json!(rng.random_range(0..self.case.key_pool)),
                "p" => json!(PARTITIONS[rng.random_range(0..PARTITIONS.len())]),
                _ if rng.random_ratio(1, 4) => Value::Null,
                _ => value(rng, &field["type"]),
            };
        }
        row
    }
}

/// A value of a small domain.
pub(crate) fn value(rng: &mut SmallRng, data_type: &Value) -> Value {
    match data_type.as_str().or_else(|| data_type["type"].as_str()).unwrap_or_default() {
        "BIGINT" | "INT" => json!(rng.random_range(-3..9)),
        "STRING" | "STRING NOT NULL" => json!(WORDS[rng.random_range(0..WORDS.len())]),
        "DOUBLE" => json!(f64::from(rng.random_range(-8..20)) / 4.0),
        "DECIMAL(12, 2)" => json!(format!("{}.{:02}", rng.random_range(0..50), rng.random_range(0..100))),
        "BOOLEAN" => json!(rng.random::<bool>()),
        "ARRAY" => Value::Array((0..rng.random_range(0..4)).map(|_| value(rng, &data_type["element"])).collect()),
        "MAP" => {
            let mut map = serde_json::Map::new();
            for _ in 0..rng.random_range(0..3) {
                map.insert(WORDS[rng.random_range(0..WORDS.len())].to_owned(), value(rng, &data_type["value"]));
            }
            Value::Object(map)
        }
        "ROW" => {
            let fields = data_type["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
            let named = fields
                .iter()
                .map(|field| (field["name"].as_str().unwrap_or_default().to_owned(), value(rng, &field["type"])));
            Value::Object(named.collect())
        }
        other => panic!("no values for {other}"),
    }
}
