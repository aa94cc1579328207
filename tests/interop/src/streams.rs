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

/// What Alluvium streams up to the latest snapshot, or why not.
pub fn ours(world: &World, case: &Case, options: &Options) -> Result<Changes, String> {
    let pairs: Vec<String> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let table = format!("db.{}", case.name);
    let mut args = vec!["tail", &table, "--to", "latest", "--output", "ndjson"];
    args.extend(pairs.iter().flat_map(|pair| ["-o", pair]));
    lines(world, &args).map(|rows| rows::by_key(&rows, &case.keys(), &case.compared_types()))
}

/// What Alluvium reads of a range of changes, or why not.
pub fn our_range(world: &World, case: &Case, options: &Options) -> Result<Changes, String> {
    let pairs: Vec<String> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let table = format!("db.{}", case.name);
    let mut args = vec!["scan", &table, "--output", "ndjson"];
    args.extend(pairs.iter().flat_map(|pair| ["-o", pair]));
    lines(world, &args).map(|rows| rows::by_key(&rows, &case.keys(), &case.compared_types()))
}

fn lines(world: &World, args: &[&str]) -> Result<Vec<Value>, String> {
    let output = world.alluvium.run_with_input(args, "");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).expect("standard output is UTF-8");
    Ok(text.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect())
}

/// What Paimon streams up to the latest snapshot, or why not.
pub fn theirs(world: &World, case: &Case, options: &Options) -> Result<Changes, String> {
    of_java(world, case, ("stream", options))
}

/// What Paimon reads of a range of changes, or why not.
pub fn their_range(world: &World, case: &Case, options: &Options) -> Result<Changes, String> {
    of_java(world, case, ("changes", options))
}

fn of_java(world: &World, case: &Case, (command, options): (&str, &Options)) -> Result<Changes, String> {
    let options: serde_json::Map<String, Value> =
        options.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let options = Value::Object(options).to_string();
    let rows = java().try_rows(&[command, world.warehouse(), "db", case.name, "--options", &options])?;
    Ok(rows::by_key(&rows, &case.keys(), &case.compared_types()))
}
