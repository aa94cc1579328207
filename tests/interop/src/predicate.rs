//! Random predicates in three forms: SQL for Alluvium, JSON for Paimon, and a judge over rows that neither of them wrote.
//!
//! Literals are values that rows have, or their neighbours by chance. FLOAT and DOUBLE are only asked for null: the engines of the
//! world do not agree where NaN and -0.0 lie. Instants are compared by Paimon and here in UTC, and their literals have a zone in SQL, so
//! they are only asked for null, too.

use std::cmp::Ordering;

use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

use crate::rows::{random_value, root};

/// A predicate over a table's columns.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// A comparison with a literal: false for null.
    Compare { op: &'static str, column: String, data_type: Value, literal: Value },
    /// One of the literals, or none of them: false for null.
    In { negated: bool, column: String, data_type: Value, literals: Vec<Value> },
    /// Whether there is a value.
    Null { negated: bool, column: String },
    /// All, or any.
    Both { all: bool, parts: Vec<Predicate> },
}

const COMPARISONS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];

impl Predicate {
    /// A random predicate over `fields`, its literals mostly from `rows`.
    pub fn random(rng: &mut SmallRng, fields: &[Value], rows: &[Value]) -> Self {
        if rng.random_ratio(1, 3) {
            let parts = (0..rng.random_range(2..4)).map(|_| Self::leaf(rng, fields, rows)).collect();
            return Self::Both { all: rng.random(), parts };
        }
        Self::leaf(rng, fields, rows)
    }

    fn leaf(rng: &mut SmallRng, fields: &[Value], rows: &[Value]) -> Self {
        let field = &fields[rng.random_range(0..fields.len())];
        let column = field["name"].as_str().unwrap_or_default().to_owned();
        let data_type = field["type"].clone();
        if !compares(&data_type) || rng.random_ratio(1, 8) {
            return Self::Null { negated: rng.random(), column };
        }
        let literals: Vec<Value> =
            (0..rng.random_range(1..4)).map(|_| literal(rng, &column, &data_type, rows)).collect();
        if rng.random_ratio(1, 3) {
            return Self::In { negated: rng.random(), column, data_type, literals };
        }
        let ordered = if root(&data_type) == "BOOLEAN" { 2 } else { COMPARISONS.len() };
        Self::Compare { op: COMPARISONS[rng.random_range(0..ordered)], column, data_type, literal: literals[0].clone() }
    }

    /// As `scan --where` takes it.
    pub fn sql(&self) -> String {
        match self {
            Self::Compare { op, column, data_type, literal } => {
                format!("{column} {op} {}", sql_literal(data_type, literal))
            }
            Self::In { negated, column, data_type, literals } => {
                let literals: Vec<String> = literals.iter().map(|literal| sql_literal(data_type, literal)).collect();
                format!("{column} {}IN ({})", if *negated { "NOT " } else { "" }, literals.join(", "))
            }
            Self::Null { negated, column } => format!("{column} IS {}NULL", if *negated { "NOT " } else { "" }),
            Self::Both { all, parts } => {
                let parts: Vec<String> = parts.iter().map(|part| format!("({})", part.sql())).collect();
                parts.join(if *all { " AND " } else { " OR " })
            }
        }
    }

    /// As the Java side takes it.
    pub fn json(&self) -> Value {
        match self {
            Self::Compare { op, column, literal, .. } => json!({"op": op, "column": column, "value": literal}),
            Self::In { negated, column, literals, .. } => {
                json!({"op": if *negated { "not in" } else { "in" }, "column": column, "values": literals})
            }
            Self::Null { negated, column } => {
                json!({"op": if *negated { "is not null" } else { "is null" }, "column": column})
            }
            Self::Both { all, parts } => {
                let parts: Vec<Value> = parts.iter().map(Self::json).collect();
                json!({"op": if *all { "and" } else { "or" }, "of": parts})
            }
        }
    }

    /// Whether it is true for a row.
    pub fn holds(&self, row: &Value) -> bool {
        match self {
            Self::Compare { op, column, data_type, literal } => {
                !row[column].is_null() && fits(op, order(data_type, &row[column], literal))
            }
            Self::In { negated, column, data_type, literals } => {
                let value = &row[column];
                let is_in = || literals.iter().any(|literal| order(data_type, value, literal).is_eq());
                !value.is_null() && is_in() != *negated
            }
            Self::Null { negated, column } => row[column].is_null() != *negated,
            Self::Both { all: true, parts } => parts.iter().all(|part| part.holds(row)),
            Self::Both { all: false, parts } => parts.iter().any(|part| part.holds(row)),
        }
    }
}

/// Whether values of a type are compared with literals.
fn compares(data_type: &Value) -> bool {
    let zoned = data_type.as_str().is_some_and(|text| text.contains("LOCAL TIME ZONE"));
    let types = [
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INT",
        "BIGINT",
        "DECIMAL",
        "CHAR",
        "VARCHAR",
        "STRING",
        "DATE",
        "TIMESTAMP",
    ];
    !zoned && types.contains(&root(data_type))
}

fn literal(rng: &mut SmallRng, column: &str, data_type: &Value, rows: &[Value]) -> Value {
    let known: Vec<&Value> = rows.iter().map(|row| &row[column]).filter(|value| !value.is_null()).collect();
    if known.is_empty() || rng.random_ratio(1, 5) {
        let not_null = format!("{} NOT NULL", data_type.as_str().unwrap_or_default().trim_end_matches(" NOT NULL"));
        return random_value(rng, &json!(not_null));
    }
    known[rng.random_range(0..known.len())].clone()
}

fn sql_literal(data_type: &Value, literal: &Value) -> String {
    match (root(data_type), literal) {
        ("DECIMAL", Value::String(digits)) => digits.clone(),
        (_, Value::String(text)) => format!("'{}'", text.replace('\'', "''")),
        _ => literal.to_string(),
    }
}

fn fits(op: &str, order: Ordering) -> bool {
    match op {
        "=" => order.is_eq(),
        "<>" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }
}

fn order(data_type: &Value, a: &Value, b: &Value) -> Ordering {
    if root(data_type) == "DECIMAL" {
        return unscaled(a).cmp(&unscaled(b));
    }
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => a.as_i64().cmp(&b.as_i64()),
    }
}

/// The digits of a decimal; both of a comparison have one scale.
fn unscaled(decimal: &Value) -> i128 {
    let digits = decimal.as_str().unwrap_or_default().replace('.', "");
    digits.parse().unwrap_or_else(|_| panic!("{decimal} is a decimal"))
}
