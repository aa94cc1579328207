//! Random changes of a schema, and altering tables by either side.
//!
//! Goes in: a random number generator and the columns there are. Comes out: a change, as `table alter --changes` and the Java side take
//! it; it may be one that both refuse.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

use crate::World;
use crate::rows::root;
use crate::world::{Side, java};

/// Types that columns are changed from and to.
pub const TYPES: [&str; 22] = [
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL(10, 2)",
    "DECIMAL(5, 0)",
    "CHAR(5)",
    "VARCHAR(5)",
    "STRING",
    "BINARY(4)",
    "BYTES",
    "DATE",
    "TIME(3)",
    "TIMESTAMP(3)",
    "TIMESTAMP(6)",
    "TIMESTAMP(3) WITH LOCAL TIME ZONE",
    "INT ARRAY",
    "INT MULTISET",
    "STRING NOT NULL",
];

/// Alters a table by a side, or says why not.
pub fn alter(world: &World, side: Side, table: &str, changes: &Value) -> Result<(), String> {
    let changes = changes.to_string();
    match side {
        Side::Java => java().call(&["alter", world.warehouse(), "db", table, &changes]).map(drop),
        Side::Alluvium => ours(world, table, &changes, &[]),
    }
}

fn ours(world: &World, table: &str, changes: &str, more: &[&str]) -> Result<(), String> {
    let name = format!("db.{table}");
    let args = [&["table", "alter", &name, "--changes", "-"], more].concat();
    let output = world.alluvium.run_with_input(&args, changes);
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Whether Alluvium takes the changes; nothing is changed.
pub fn planned(world: &World, table: &str, changes: &Value) -> Result<(), String> {
    ours(world, table, &changes.to_string(), &["--dry-run"])
}

/// A table's schema as far as it must be the same of both: all but when it was made, and the order of options.
pub fn schema(world: &World, table: &str) -> Value {
    let text = world.alluvium.run(&["table", "describe", &format!("db.{table}"), "--json"], "");
    let mut schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
    schema["timeMillis"] = Value::Null;
    let options = schema["options"].as_object().expect("a schema has options");
    let options: BTreeMap<String, Value> = options.clone().into_iter().collect();
    schema["options"] = json!(options);
    schema
}

/// Both sides take the changes, or refuse them, and make the same of them: `side` changes `mixed`, Java changes `twin`.
pub fn agree_on(world: &World, side: Side, changes: &Value, seed: u64) {
    let plan = planned(world, "mixed", changes);
    let of_java = alter(world, Side::Java, "twin", changes);
    match (&plan, &of_java) {
        (Ok(()), Ok(())) => {
            alter(world, side, "mixed", changes).expect("what is taken once is taken again");
            let (mixed, twin) = (schema(world, "mixed"), schema(world, "twin"));
            assert_eq!(mixed, twin, "INTEROP_SEED={seed}: {changes} by {side:?} (left) and by Java (right)");
        }
        (Err(_), Err(_)) => {
            assert!(alter(world, side, "mixed", changes).is_err(), "INTEROP_SEED={seed}: {changes} by {side:?}");
        }
        _ => panic!("INTEROP_SEED={seed}: {changes}: Alluvium: {plan:?}, Java: {of_java:?}"),
    }
}

/// A change, which may be refused.
pub fn random_change(rng: &mut SmallRng, fields: &[Value], number: usize) -> Value {
    let names: Vec<&str> = fields.iter().filter_map(|field| field["name"].as_str()).collect();
    let nested: Vec<String> = fields.iter().flat_map(nested_paths).collect();
    let column = names[rng.random_range(0..names.len())];
    let other = names[rng.random_range(0..names.len())];
    let path = if nested.is_empty() || rng.random() { column } else { &nested[rng.random_range(0..nested.len())] };
    let fresh = format!("c{number}");
    let data_type = TYPES[rng.random_range(0..TYPES.len() - 1)];
    match rng.random_range(0..14) {
        0 => json!({"add": fresh, "type": data_type}),
        1 => json!({"add": fresh, "type": data_type, "after": column}),
        2 => json!({"add": fresh, "type": {"type": "ROW", "fields": [{"name": "u", "type": "INT"}]}, "first": true}),
        3 if path.contains('.') => json!({"add": format!("{}.{fresh}", parent(path)), "type": "INT"}),
        4 if path.contains('.') => json!({"add": format!("{}.{fresh}", parent(path)), "type": "STRING"}),
        5 => json!({"rename": column, "to": fresh}),
        // Paimon takes `m.value` of a map for the column after it.
        6 => json!({"drop": path.strip_suffix(".value").unwrap_or(path)}),
        7 | 8 => {
            // Texts that are no numbers would make rows that no side can read any more.
            let wider = ["BIGINT", "DOUBLE", "STRING", "DECIMAL(20, 0)", "INT"];
            json!({"retype": path, "to": wider[rng.random_range(0..wider.len())]})
        }
        9 => json!({"move": column, "after": other}),
        10 => json!({"move": column, "first": true}),
        11 => json!({"default": column, "to": "7"}),
        12 => json!({"nullable": path}),
        _ => json!({"set": "snapshot.num-retained.max", "to": (number + 100).to_string()}),
    }
}

/// The paths of what a ROW, an ARRAY of ROWs or a MAP holds.
fn nested_paths(field: &Value) -> Vec<String> {
    let (name, data_type) = (field["name"].as_str().unwrap_or_default(), &field["type"]);
    let below = |prefix: String, data_type: &Value| -> Vec<String> {
        let fields = data_type["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        fields.iter().filter_map(|field| Some(format!("{prefix}.{}", field["name"].as_str()?))).collect()
    };
    match root(data_type) {
        "ROW" => below(name.to_owned(), data_type),
        "ARRAY" => below(format!("{name}.element"), &data_type["element"]),
        "MAP" => vec![format!("{name}.value")],
        _ => Vec::new(),
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(parent, _)| parent)
}

/// Whether reading under a change could fail for values that are there, as for a text that becomes a number.
pub fn may_break_values(change: &Value, fields: &[Value]) -> bool {
    let (Some(path), Some(to)) = (change["retype"].as_str(), change["to"].as_str()) else { return false };
    let from = type_at(path, fields);
    let from = from.as_str().unwrap_or_default().split(['(', ' ']).next().unwrap_or_default();
    match from {
        "STRING" | "VARCHAR" | "CHAR" => to != "STRING",
        "FLOAT" | "DOUBLE" => to.starts_with("DECIMAL"),
        "BYTES" | "BINARY" => true,
        _ => false,
    }
}

/// The type of a column, or of what is nested in one.
fn type_at(path: &str, fields: &[Value]) -> Value {
    let named = |fields: &[Value], name: &str| {
        let field = fields.iter().find(|field| field["name"] == name);
        field.map_or(Value::Null, |field| field["type"].clone())
    };
    let mut names = path.split('.');
    let column = named(fields, names.next().unwrap_or_default());
    names.fold(column, |data_type, name| match data_type["fields"].as_array() {
        Some(fields) => named(fields, name),
        None => data_type[name].clone(),
    })
}
