//! Random rows by type, and rows in a form that can be compared: parsed values, FLOAT as 32 bits, maps as sorted pairs.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Map, Value, json};

/// NDJSON of `rows`.
pub fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// The rows as a sorted list of comparable texts.
pub fn multiset(rows: &[Value], types: &BTreeMap<String, Value>) -> Vec<String> {
    let mut out: Vec<String> = rows.iter().map(|row| comparable(row, types)).collect();
    out.sort_unstable();
    out
}

/// The changes of each key, in order.
pub fn by_key(rows: &[Value], keys: &[String], types: &BTreeMap<String, Value>) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let key: Vec<Value> = keys.iter().map(|key| normal(&row[key], &types[key])).collect();
        let change = format!("{} {}", row["rowkind"].as_str().unwrap_or("?"), comparable(row, types));
        out.entry(Value::Array(key).to_string()).or_default().push(change);
    }
    out
}

fn comparable(row: &Value, types: &BTreeMap<String, Value>) -> String {
    let row: BTreeMap<&String, Value> =
        types.iter().map(|(name, data_type)| (name, normal(&row[name], data_type))).collect();
    serde_json::to_string(&row).expect("a row is JSON")
}

/// The first word of a type: `BIGINT` of `BIGINT NOT NULL`, `DECIMAL` of `DECIMAL(10, 2)`.
pub(crate) fn root(data_type: &Value) -> &str {
    let text = data_type.as_str().or_else(|| data_type["type"].as_str()).unwrap_or_default();
    text.split(['(', ' ']).next().unwrap_or_default()
}

fn normal(value: &Value, data_type: &Value) -> Value {
    if value.is_null() {
        return Value::Null;
    }
    match root(data_type) {
        "FLOAT" => value.as_f64().map_or_else(|| value.clone(), |x| json!((x as f32).to_string())),
        "DOUBLE" => value.as_f64().map_or_else(|| value.clone(), |x| json!(x.to_string())),
        "UNORDERED" => {
            let mut list: Vec<Value> = items(value).iter().map(|item| normal(item, &data_type["element"])).collect();
            list.sort_by_key(Value::to_string);
            Value::Array(list)
        }
        "ARRAY" => Value::Array(items(value).iter().map(|item| normal(item, &data_type["element"])).collect()),
        "MAP" => pairs(value, &data_type["key"], &data_type["value"]),
        "MULTISET" => pairs(value, &data_type["element"], &json!("INT")),
        "ROW" => Value::Object(
            items(&data_type["fields"])
                .iter()
                .map(|field| {
                    let name = field["name"].as_str().unwrap_or_default();
                    (name.to_owned(), normal(&value[name], &field["type"]))
                })
                .collect::<Map<_, _>>(),
        ),
        _ => value.clone(),
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn pairs(value: &Value, key_type: &Value, value_type: &Value) -> Value {
    let pairs: Vec<(Value, Value)> = match value {
        Value::Object(map) => map.iter().map(|(k, v)| (json!(k), v.clone())).collect(),
        _ => items(value).iter().map(|pair| (pair[0].clone(), pair[1].clone())).collect(),
    };
    let mut out: Vec<Value> = pairs.iter().map(|(k, v)| json!([normal(k, key_type), normal(v, value_type)])).collect();
    out.sort_by_key(Value::to_string);
    Value::Array(out)
}

/// A random value of a type; null now and then where the type allows it.
pub fn random_value(rng: &mut SmallRng, data_type: &Value) -> Value {
    let text = data_type.as_str().or_else(|| data_type["type"].as_str()).unwrap_or_default();
    if !text.ends_with("NOT NULL") && rng.random_ratio(1, 6) {
        return Value::Null;
    }
    match root(data_type) {
        "ARRAY" => {
            Value::Array((0..rng.random_range(0..4)).map(|_| random_value(rng, &data_type["element"])).collect())
        }
        "MAP" => random_map(rng, &data_type["key"], &data_type["value"]),
        "MULTISET" => random_map(rng, &data_type["element"], &json!("INT NOT NULL")),
        "ROW" => Value::Object(
            items(&data_type["fields"])
                .iter()
                .map(|field| (field["name"].as_str().unwrap_or_default().to_owned(), random_value(rng, &field["type"])))
                .collect(),
        ),
        _ => random_atom(rng, text),
    }
}

fn random_map(rng: &mut SmallRng, key: &Value, value: &Value) -> Value {
    let entries: BTreeMap<String, Value> = (0..rng.random_range(0..4))
        .map(|_| {
            let key = random_atom(rng, key.as_str().unwrap_or_default());
            (key.to_string(), json!([key, random_value(rng, value)]))
        })
        .collect();
    Value::Array(entries.into_values().collect())
}

/// The number in `NAME(p)` or `NAME(p, s)`, at position `index`.
fn parameter(text: &str, index: usize) -> Option<u32> {
    let inside = text.split_once('(')?.1.split_once(')')?.0;
    inside.split(',').nth(index)?.trim().parse().ok()
}

const WORDS: &[&str] =
    &["", "a", "b", "seven77", "eight888", "a text of more than sixteen characters", "ü日😀", "z ~/%"];

fn random_atom(rng: &mut SmallRng, text: &str) -> Value {
    match root(&json!(text)) {
        "BOOLEAN" => json!(rng.random::<bool>()),
        "TINYINT" => json!(rng.random::<i8>()),
        "SMALLINT" => json!(rng.random::<i16>()),
        "INT" => json!(rng.random::<i32>()),
        "BIGINT" => json!(rng.random::<i64>()),
        "FLOAT" => {
            [json!(1.5), json!(-0.25), json!("NaN"), json!("Infinity"), json!(3.0e10)][rng.random_range(0..5)].clone()
        }
        "DOUBLE" => [json!(0.1), json!(-2.5e300), json!("NaN"), json!("-Infinity"), json!(0.0), json!(-0.0)]
            [rng.random_range(0..6)]
        .clone(),
        "DECIMAL" => random_decimal(rng, text),
        "CHAR" | "VARCHAR" => {
            let length = parameter(text, 0).unwrap_or(1) as usize;
            json!(WORDS[rng.random_range(0..WORDS.len())].chars().take(length).collect::<String>())
        }
        "STRING" => json!(WORDS[rng.random_range(0..WORDS.len())]),
        "BINARY" | "VARBINARY" | "BYTES" => {
            let length = parameter(text, 0).unwrap_or(20).min(20) as usize;
            json!((0..rng.random_range(0..=length)).map(|_| format!("{:02x}", rng.random::<u8>())).collect::<String>())
        }
        "DATE" => json!(["1969-12-31", "2013-01-31", "9999-12-31", "2024-02-29"][rng.random_range(0..4)]),
        "TIME" => json!(["00:00:00.000", "23:59:59.999", "10:00:00.001"][rng.random_range(0..3)]),
        "TIMESTAMP" => random_timestamp(rng, text),
        other => panic!("no random values for {other}"),
    }
}

fn random_decimal(rng: &mut SmallRng, text: &str) -> Value {
    let (precision, scale) = (parameter(text, 0).unwrap_or(10), parameter(text, 1).unwrap_or(0));
    let limit = 10i128.pow(precision.min(30));
    let unscaled = rng.random_range(-limit + 1..limit);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    json!(format!("{sign}{whole}{point}{fraction}"))
}

fn random_timestamp(rng: &mut SmallRng, text: &str) -> Value {
    let precision = parameter(text, 0).unwrap_or(6) as usize;
    // ORC cannot tell the last second before 1970 from the first one after it.
    let second = ["1969-12-31T23:59:58", "2013-01-31T10:00:00", "1900-01-01T00:00:00", "2024-02-29T12:34:56"]
        [rng.random_range(0..4)];
    let fraction: String = format!("{:09}", rng.random_range(0..1_000_000_000u32)).chars().take(precision).collect();
    let point = if precision > 0 { "." } else { "" };
    let zone = if text.contains("LOCAL TIME ZONE") { "Z" } else { "" };
    json!(format!("{second}{point}{fraction}{zone}"))
}
