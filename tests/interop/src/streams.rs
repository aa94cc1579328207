//! Streams of both sides over one table, with the same options: the changes of each key, in order.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::World;
use crate::cases::Case;
use crate::rows;
use crate::world::java;

/// Options, as both sides take them.
pub type Options = Vec<(&'static str, String)>;

/// The changes of each key, in order.
pub type Changes = BTreeMap<String, Vec<String>>;

/// A system table that shows changes as rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// `$audit_log`.
    AuditLog,
    /// `$binlog`.
    Binlog,
}

impl Log {
    fn suffix(self) -> &'static str {
        match self {
            Self::AuditLog => "audit_log",
            Self::Binlog => "binlog",
        }
    }

    /// Its rows, by the key that they have, or have last.
    fn by_key(self, rows: &[Value], keys: &[String]) -> Changes {
        let mut out = Changes::new();
        for row in rows {
            let last = |key: &String| match (self, row[key].as_array()) {
                (Self::Binlog, Some(values)) => values.last().cloned().unwrap_or_default(),
                _ => row[key].clone(),
            };
            let key: Vec<Value> = keys.iter().map(last).collect();
            out.entry(Value::Array(key).to_string()).or_default().push(row.to_string());
        }
        out
    }
}

/// What Alluvium streams up to the latest snapshot, or why not.
pub fn ours(world: &World, case: &Case, options: &Options) -> Result<Changes, String> {
    our_rows(world, (&name(case), &["tail", "--to", "latest"]), options).map(|rows| by_key(case, &rows))
}

/// What Alluvium reads of a range of changes, or why not.
pub fn our_range(world: &World, case: &Case, options: &Options) -> Result<Changes, String> {
    our_rows(world, (&name(case), &["scan"]), options).map(|rows| by_key(case, &rows))
}

/// What Alluvium streams of a log.
pub fn our_log(world: &World, case: &Case, log: Log, options: &Options) -> Result<Changes, String> {
    let table = format!("{}${}", name(case), log.suffix());
    our_rows(world, (&table, &["tail", "--to", "latest"]), options).map(|rows| log.by_key(&rows, &case.keys()))
}

/// What Alluvium reads of the rows of a log.
pub fn our_stored(world: &World, case: &Case, log: Log) -> Result<Changes, String> {
    let table = format!("{}${}", name(case), log.suffix());
    our_rows(world, (&table, &["scan"]), &Options::new()).map(|rows| log.by_key(&rows, &case.keys()))
}

/// What Paimon streams up to the latest snapshot, or why not.
pub fn theirs(world: &World, case: &Case, options: &Options) -> Result<Changes, String> {
    their_rows(world, case, &["stream"], options).map(|rows| by_key(case, &rows))
}

/// What Paimon reads of a range of changes, or why not.
pub fn their_range(world: &World, case: &Case, options: &Options) -> Result<Changes, String> {
    their_rows(world, case, &["changes"], options).map(|rows| by_key(case, &rows))
}

/// What Paimon streams of a log.
pub fn their_log(world: &World, case: &Case, log: Log, options: &Options) -> Result<Changes, String> {
    let rows = their_rows(world, case, &["stream", "--system", log.suffix()], options)?;
    Ok(log.by_key(&rows, &case.keys()))
}

/// What Paimon reads of the rows of a log.
pub fn their_stored(world: &World, case: &Case, log: Log) -> Result<Changes, String> {
    let rows = their_rows(world, case, &["changes", "--system", log.suffix()], &Options::new())?;
    Ok(log.by_key(&rows, &case.keys()))
}

/// What a command of ours that begins with these words prints of a table, or why not.
pub fn our_rows(world: &World, (table, words): (&str, &[&str]), options: &Options) -> Result<Vec<Value>, String> {
    let pairs: Vec<String> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut args = vec![words[0], table, "--output", "ndjson"];
    args.extend(&words[1..]);
    args.extend(pairs.iter().flat_map(|pair| ["-o", pair]));
    let output = world.alluvium.run_with_input(&args, "");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).expect("standard output is UTF-8");
    Ok(text.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect())
}

/// What a command of Java that begins with these words prints of the case's table, or why not.
pub fn their_rows(world: &World, case: &Case, words: &[&str], options: &Options) -> Result<Vec<Value>, String> {
    let options: serde_json::Map<String, Value> =
        options.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let options = Value::Object(options).to_string();
    let table = [world.warehouse(), "db", case.name, "--options", &options];
    java().try_rows(&[&words[..1], &table, &words[1..]].concat())
}

/// Changes of a case's table, by key.
pub fn by_key(case: &Case, changes: &[Value]) -> Changes {
    rows::by_key(changes, &case.keys(), &case.compared_types())
}

fn name(case: &Case) -> String {
    format!("db.{}", case.name)
}
