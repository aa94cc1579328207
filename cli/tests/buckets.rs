//! Numbers of buckets from a shell: rows that wait for theirs, and partitions that are split anew.

use serde_json::json;

use crate::shell::Shell;

fn with_orders(options: &str) -> Shell {
    let shell = Shell::new();
    let schema = r#"{"fields":[{"name":"id","type":"BIGINT NOT NULL"},{"name":"day","type":"STRING NOT NULL"}],"primaryKeys":["id","day"],"partitionKeys":["day"],"options":{OPTIONS}}"#;
    shell.write("orders.json", schema.replace("OPTIONS", options));
    shell.ok("alluvium -w wh db create shop");
    shell.ok("alluvium -w wh table create shop.orders --schema orders.json");
    shell
}

fn ingest(shell: &Shell, ids: std::ops::Range<i32>) {
    let rows: String = ids.map(|id| format!("{{\"id\":{id},\"day\":\"d{}\"}}\n", id % 2)).collect();
    shell.write("rows.ndjson", rows);
    shell.ok("alluvium -w wh ingest shop.orders rows.ndjson");
}

const SCAN: &str = "alluvium -w wh scan shop.orders --output ndjson";

#[test]
fn rows_wait_for_a_compaction() {
    let shell = with_orders(r#""bucket":"-2","postpone.default-bucket-num":"2""#);
    ingest(&shell, 0..20);
    assert_eq!(shell.ok(SCAN), "");
    let picture = shell.ok("alluvium -w wh inspect shop.orders");
    assert!(picture.contains("bucket -2: 1 run, 1 file") && picture.contains("reads leave it out"), "{picture}");
    assert!(!picture.contains("next compaction"), "{picture}");
    let outlook = shell.ok("alluvium -w wh compact shop.orders --dry-run --json");
    assert_eq!(outlook.lines().filter(|line| line.contains(r#""bucket":-2"#)).count(), 2, "{outlook}");
    assert_eq!(shell.ok(SCAN), "");
    let report = shell.json("alluvium -w wh compact shop.orders --json");
    assert_eq!((&report["snapshot"], &report["buckets"]), (&json!(2), &json!(4)), "{report}");
    assert_eq!(shell.sorted(SCAN).len(), 20);
    ingest(&shell, 10..30);
    assert_eq!(shell.sorted(SCAN).len(), 20);
    // A partition that is split anew keeps its rows, and what waits.
    shell.run("alluvium -w wh rescale shop.orders").fails(1, &["say how many"]);
    let report = shell.json("alluvium -w wh rescale shop.orders --bucket-num 3 --partition day=d1 --json");
    assert_eq!((&report["partitions"], &report["rows"], &report["buckets"]), (&json!(1), &json!(10), &json!(3)));
    assert_eq!(shell.sorted(SCAN).len(), 20);
    let run = shell.run("alluvium -w wh compact-database shop");
    assert!(run.err.contains("shop.orders: left alone") && run.err.contains("by itself"), "{}", run.err);
    shell.ok("alluvium -w wh compact shop.orders --full");
    assert_eq!(shell.sorted(SCAN).len(), 30);
}

#[test]
fn partitions_are_split_anew() {
    let shell = with_orders(r#""bucket":"1""#);
    ingest(&shell, 0..20);
    let rows = shell.sorted(SCAN);
    let run = shell.run("alluvium -w wh rescale shop.orders --bucket-num 4");
    assert_eq!(run.status, Some(0), "{run:?}");
    assert!(run.err.contains("20 rows of 2 partitions are in 4 buckets each, snapshot 2"), "{}", run.err);
    assert!(run.err.contains("table alter shop.orders --set bucket=4"), "{}", run.err);
    assert_eq!(shell.sorted(SCAN), rows);
    shell.run("alluvium -w wh ingest shop.orders rows.ndjson").fails(1, &["is split into 4 buckets"]);
    shell.ok("alluvium -w wh table alter shop.orders --set bucket=4");
    ingest(&shell, 20..30);
    assert_eq!(shell.sorted(SCAN).len(), 30);
    let run = shell.run("alluvium -w wh rescale shop.orders");
    assert!(run.err.contains("every partition has 4 buckets"), "{}", run.err);
    shell.run("alluvium -w wh rescale shop.orders --bucket-num 0").fails(1, &["one at least"]);
    shell.run("alluvium -w wh rescale shop.orders --partition nope=1").fails(2, &["--partition"]);
}

#[test]
fn a_key_moves_between_partitions() {
    let shell = Shell::new();
    let schema = r#"{"fields":[{"name":"id","type":"BIGINT NOT NULL"},{"name":"day","type":"STRING"}],"primaryKeys":["id"],"partitionKeys":["day"]}"#;
    shell.write("orders.json", schema);
    shell.ok("alluvium -w wh db create shop");
    shell.ok("alluvium -w wh table create shop.orders --schema orders.json");
    for day in ["d1", "d2"] {
        let rows: String = (0..3).map(|id| format!("{{\"id\":{id},\"day\":\"{day}\"}}\n")).collect();
        shell.write("rows.ndjson", rows);
        shell.ok("alluvium -w wh ingest shop.orders rows.ndjson");
    }
    shell.write("row.ndjson", r#"{"id":1,"day":null}"#);
    shell.ok("alluvium -w wh ingest shop.orders row.ndjson");
    let expected = [r#"{"id":0,"day":"d2"}"#, r#"{"id":1,"day":null}"#, r#"{"id":2,"day":"d2"}"#];
    assert_eq!(shell.sorted(SCAN), expected);
    shell.ok("alluvium -w wh compact shop.orders --full");
    assert_eq!(shell.sorted(SCAN), expected);
    shell
        .run("alluvium -w wh ingest shop.orders row.ndjson --overwrite --partition day=d2")
        .fails(1, &["its keys may be in the others"]);
    shell.ok("alluvium -w wh ingest shop.orders row.ndjson --overwrite");
    assert_eq!(shell.sorted(SCAN), [r#"{"id":1,"day":null}"#]);
}
