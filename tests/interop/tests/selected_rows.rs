//! Rows that Java picks out of the middle of files that Alluvium wrote: by indexes of rows, and under a limit beside deleted rows.

use std::collections::BTreeSet;

use alluvium_interop::World;
use alluvium_interop::cases::Case;
use alluvium_interop::rows::multiset;
use alluvium_interop::world::{Side, java};
use serde_json::{Value, json};

const ROWS: i64 = 3000;

/// A table of columns whose values are near each other, constant, null at times, or texts.
fn case(primary_keys: &[&str], options: Value) -> Case {
    let schema = json!({
        "fields": [
            {"name": "id", "type": "BIGINT NOT NULL"},
            {"name": "n", "type": "INT"},
            {"name": "same", "type": "INT"},
            {"name": "day", "type": "DATE"},
            {"name": "list", "type": {"type": "ARRAY", "element": "BIGINT"}},
            {"name": "s", "type": "STRING"},
        ],
        "primaryKeys": primary_keys,
        "partitionKeys": [],
        "options": options,
    });
    Case { name: "t", schema, key_pool: 0, unordered: Vec::new() }
}

fn row(id: i64) -> Value {
    json!({
        "id": id,
        "n": (id % 7 != 0).then_some(id * 3),
        "same": 5,
        "day": "2013-01-31",
        "list": [id, null, id + 1],
        "s": format!("text {}", id % 11),
    })
}

#[test]
fn java_reads_the_rows_that_indexes_name() {
    if crate::skipped("java_reads_the_rows_that_indexes_name") {
        return;
    }
    for (index, columns) in [("bitmap", "n,s"), ("bsi", "id,n"), ("range-bitmap", "id,n")] {
        for primary_keys in [&["id"][..], &[]] {
            let bucket = if primary_keys.is_empty() { "-1" } else { "1" };
            let mut options = json!({"bucket": bucket, "file.format": "parquet", "metadata.stats-mode": "none"});
            options[format!("file-index.{index}.columns")] = json!(columns);
            let case = case(primary_keys, options);
            let world = World::new();
            world.create(Side::Alluvium, &case);
            let rows: Vec<Value> = (0..ROWS).map(row).collect();
            world.write(Side::Alluvium, &case, &rows, 1);
            world.compact(Side::Alluvium, &case, true);
            for id in [1, 2, 8, 9, 1023, 1024, 2998] {
                let filter = json!({"op": "=", "column": "n", "value": id * 3}).to_string();
                let found = java().rows(&["read", world.warehouse(), "db", "t", "--filter", &filter]);
                let types = case.compared_types();
                let expected: Vec<Value> = if id % 7 == 0 { Vec::new() } else { vec![row(id)] };
                assert_eq!(multiset(&found, &types), multiset(&expected, &types), "n = {} by {index}", id * 3);
            }
        }
    }
}

#[test]
fn java_reads_the_first_rows_that_are_left() {
    if crate::skipped("java_reads_the_first_rows_that_are_left") {
        return;
    }
    let options = json!({"bucket": "1", "file.format": "parquet", "deletion-vectors.enabled": "true"});
    let case = case(&["id"], options);
    let world = World::new();
    world.create(Side::Alluvium, &case);
    let rows: Vec<Value> = (0..ROWS).map(row).collect();
    world.write(Side::Alluvium, &case, &rows, 1);
    world.compact(Side::Alluvium, &case, true);
    let deletes: Vec<Value> = (0..4).map(|id| json!({"rowkind": "-D", "id": id})).collect();
    world.write(Side::Alluvium, &case, &deletes, 1);
    let types = case.compared_types();
    let left: BTreeSet<String> = multiset(&rows[4..], &types).into_iter().collect();
    for limit in 1..12 {
        let found = java().rows(&["read", world.warehouse(), "db", "t", "--limit", &limit.to_string()]);
        let found = multiset(&found, &types);
        assert!(found.len() >= limit, "{} rows with the limit {limit}", found.len());
        let wrong: Vec<&String> = found.iter().filter(|row| !left.contains(*row)).collect();
        assert!(wrong.is_empty(), "rows that are not there, with the limit {limit}: {wrong:?}");
    }
}
