//! Random rows of an [`AnyTable`], by the schema that it has by then.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::AnyTable;
use crate::engines::changes::value;
use crate::rows::random_value;

const KEYS: usize = 10;
const VALUES: usize = 4;

/// The values of keys and partitions, and where those of other columns come from.
#[derive(Clone, Debug)]
pub(super) struct Domains {
    keys: Vec<Value>,
    partitions: Vec<Value>,
    seed: u64,
}

impl Domains {
    /// Of a table with these columns.
    pub(super) fn random(rng: &mut SmallRng, fields: &[(String, Value)], nullable_partition: bool) -> Self {
        let types: BTreeMap<&str, &Value> = fields.iter().map(|(name, is)| (name.as_str(), is)).collect();
        let mut of = |name: &str, count: usize| -> Vec<Value> {
            let Some(data_type) = types.get(name).and_then(|is| is.as_str()) else { return vec![Value::Null] };
            let not_null = json!(format!("{data_type} NOT NULL"));
            (0..count).map(|_| key_value(rng, &not_null)).collect()
        };
        let (keys, mut partitions) = (of("k", KEYS), of("p", 3));
        // Paimon's lookups name local files by the partition, and cannot where it holds the sign of folders.
        partitions.retain(|value| !value.to_string().contains('/'));
        if partitions.is_empty() {
            partitions.push(json!("x"));
        }
        if nullable_partition {
            partitions.push(Value::Null);
        }
        Self { keys, partitions, seed: rng.random() }
    }

    /// A value of the few that a type has here; now and then one of all.
    fn any(&self, rng: &mut SmallRng, data_type: &Value) -> Value {
        if rng.random_ratio(1, 6) {
            return random_value(rng, data_type);
        }
        let number = rng.random_range(0..VALUES) as u64;
        let text = data_type.to_string();
        let of_type = text.bytes().fold(self.seed, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
        random_value(&mut SmallRng::seed_from_u64(of_type.wrapping_add(number)), data_type)
    }
}

/// Small numbers, so that keys meet; edges among them.
fn key_value(rng: &mut SmallRng, data_type: &Value) -> Value {
    match data_type.as_str() {
        Some("INT NOT NULL" | "BIGINT NOT NULL") if rng.random_ratio(3, 4) => json!(rng.random_range(-3..9)),
        _ => random_value(rng, data_type),
    }
}

/// Whether the engines' own small values, whose sums are exact, are had of a type.
fn is_small(data_type: &Value) -> bool {
    ["BIGINT", "STRING", "DOUBLE", "DECIMAL(12, 2)", "BOOLEAN"].iter().any(|text| data_type == text)
        || data_type == "INT"
}

impl AnyTable {
    /// `count` random changes under a schema of the table.
    pub fn changes(&self, rng: &mut SmallRng, schema: &Value, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.change(rng, schema)).collect()
    }

    fn change(&self, rng: &mut SmallRng, schema: &Value) -> Value {
        let mut row = json!({ "rowkind": self.kinds[rng.random_range(0..self.kinds.len())] });
        for field in schema["fields"].as_array().expect("a schema has fields") {
            let name = field["name"].as_str().unwrap_or_default();
            row[name] = self.value(rng, schema, name, &field["type"]);
        }
        row
    }

    fn value(&self, rng: &mut SmallRng, schema: &Value, name: &str, data_type: &Value) -> Value {
        let among = |list: &Value| list.as_array().is_some_and(|names| names.iter().any(|is| is == name));
        if among(&schema["partitionKeys"]) {
            return self.domains.partitions[rng.random_range(0..self.domains.partitions.len())].clone();
        }
        if among(&schema["primaryKeys"]) || schema["options"]["bucket-key"] == name {
            return self.domains.keys[rng.random_range(0..self.domains.keys.len())].clone();
        }
        let of_engine = name.len() == 1 && self.case.schema["fields"].to_string().contains(&format!("\"{name}\""));
        if (of_engine && !name.starts_with('k')) || is_small(data_type) && rng.random() {
            return if rng.random_ratio(1, 4) && !not_null(data_type) { Value::Null } else { small(rng, data_type) };
        }
        self.domains.any(rng, data_type)
    }
}

fn not_null(data_type: &Value) -> bool {
    data_type.as_str().is_some_and(|text| text.ends_with("NOT NULL"))
}

/// A value of the engines' domains; of any domain where a column was changed to a type that they have not.
fn small(rng: &mut SmallRng, data_type: &Value) -> Value {
    let nested = data_type["type"].as_str().is_some_and(|root| ["ARRAY", "MAP", "ROW"].contains(&root));
    if is_small(data_type) || nested { value(rng, data_type) } else { random_value(rng, data_type) }
}
