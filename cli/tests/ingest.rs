//! `ingest`: what becomes of rows, when they are committed, and where a later run goes on.

use std::io::Write;

use crate::shell::{Shell, kill, wait_until};

const ROWS: &str = "{\"id\":1,\"total\":\"9.50\"}\n{\"id\":2,\"total\":\"1.00\"}\n{\"id\":3}\n";

fn snapshots(shell: &Shell) -> Vec<serde_json::Value> {
    let report = shell.json("alluvium -w wh inspect shop.orders --json --limit 1000");
    report["snapshots"].as_array().unwrap().clone()
}

fn rows(shell: &Shell) -> Vec<String> {
    shell.sorted("alluvium -w wh scan shop.orders --output ndjson")
}

#[test]
fn rows_are_committed_by_number() {
    let shell = Shell::with_orders();
    shell.write("rows.ndjson", ROWS);
    let report = shell.json("alluvium -w wh ingest shop.orders rows.ndjson --commit-rows 2 --json");
    assert_eq!((&report["rows"], &report["commits"]), (&3.into(), &2.into()), "{report}");
    let counts: Vec<_> = snapshots(&shell).iter().map(|snapshot| snapshot["deltaRecordCount"].clone()).collect();
    assert_eq!(counts, [1, 2], "the last first");
    assert_eq!(
        rows(&shell),
        ["{\"id\":1,\"total\":\"9.50\"}", "{\"id\":2,\"total\":\"1.00\"}", "{\"id\":3,\"total\":null}"]
    );
}

#[test]
fn standard_input_is_committed_as_it_comes() {
    let shell = Shell::with_orders();
    let mut child = shell.start(&["-w", "wh", "ingest", "shop.orders", "-", "--commit-interval", "50ms"]);
    let mut input = child.stdin.take().unwrap();
    for (id, snapshot) in [(1, "snapshot-1"), (2, "snapshot-2")] {
        writeln!(input, "{{\"id\":{id}}}").unwrap();
        input.flush().unwrap();
        let file = shell.path("wh/shop.db/orders/snapshot").join(snapshot);
        wait_until(snapshot, || file.exists());
    }
    // An unfinished line is no row yet; its end makes it one.
    input.write_all(b"{\"id\":").unwrap();
    input.flush().unwrap();
    input.write_all(b"3}").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert_eq!(rows(&shell).len(), 3);
}

#[test]
fn the_same_files_of_the_same_user_go_on() {
    let shell = Shell::with_orders();
    shell.write("rows.ndjson", ROWS);
    let line = "alluvium -w wh ingest shop.orders rows.ndjson --commit-user u --json";
    assert_eq!(shell.json(line)["rows"], 3);
    let again = shell.json(line);
    assert_eq!((&again["rows"], &again["commits"]), (&0.into(), &0.into()), "{again}");
    assert_eq!(again["resumedAt"], serde_json::json!({ "file": 0, "row": 3 }));
    shell.write("rows.ndjson", format!("{ROWS}{{\"id\":4}}\n"));
    let more = shell.json(line);
    assert_eq!((&more["rows"], &more["commitIdentifier"]), (&1.into(), &2.into()), "{more}");
    // Another file starts at its beginning; so does a nobody.
    shell.write("other.ndjson", ROWS);
    let other = shell.json("alluvium -w wh ingest shop.orders other.ndjson --commit-user u --json");
    assert_eq!((&other["rows"], &other["commitIdentifier"]), (&3.into(), &3.into()), "{other}");
    assert_eq!(shell.json("alluvium -w wh ingest shop.orders rows.ndjson --json")["rows"], 4);
    // Fewer rows than are committed: another file under the same name.
    assert_eq!(shell.json(line)["rows"], 4, "the last commit was of another file");
    shell.write("rows.ndjson", "{\"id\":1}\n");
    shell.run(line).fails(1, &["rows.ndjson"]);
}

#[test]
fn an_overwrite_replaces_the_table_or_a_partition() {
    let shell = Shell::with_orders();
    shell.write("rows.ndjson", ROWS);
    shell.ok("alluvium -w wh ingest shop.orders rows.ndjson");
    shell.ok("echo '{\"id\":9}' | alluvium -w wh ingest shop.orders - --overwrite");
    assert_eq!(rows(&shell), ["{\"id\":9,\"total\":null}"]);
    assert_eq!(snapshots(&shell)[0]["kind"], "OVERWRITE");

    let schema = r#"{"fields":[{"name":"dt","type":"DATE"},{"name":"id","type":"INT"}],"partitionKeys":["dt"],
        "primaryKeys":["dt","id"],"options":{"bucket":"1"}}"#;
    shell.write("days.json", schema);
    shell.ok("alluvium -w wh table create shop.days --schema days.json");
    let day = |day: u8, id: u8| format!("{{\"dt\":\"2013-01-0{day}\",\"id\":{id}}}");
    shell.write("days.ndjson", format!("{}\n{}\n", day(1, 1), day(2, 1)));
    shell.ok("alluvium -w wh ingest shop.days days.ndjson");
    shell.write("day.ndjson", day(1, 7));
    shell.ok("alluvium -w wh ingest shop.days day.ndjson --overwrite --partition dt=2013-01-01");
    assert_eq!(shell.sorted("alluvium -w wh scan shop.days --output ndjson"), [day(1, 7), day(2, 1)]);
    let outside = "alluvium -w wh ingest shop.days day.ndjson --overwrite --partition dt=2013-01-02";
    shell.run(outside).fails(1, &["shop.days", "partition", "nothing was committed"]);
    assert_eq!(shell.sorted("alluvium -w wh scan shop.days --output ndjson"), [day(1, 7), day(2, 1)]);
}

#[test]
fn a_column_named_as_the_row_kind_needs_another_field() {
    let shell = Shell::with_orders();
    let schema = r#"{"fields":[{"name":"id","type":"INT"},{"name":"rowkind","type":"STRING"}],"primaryKeys":["id"],"options":{"bucket":"1"}}"#;
    shell.write("kinds.json", schema);
    shell.ok("alluvium -w wh table create shop.kinds --schema kinds.json");
    shell.write("kinds.ndjson", "{\"id\":1,\"rowkind\":\"kind\"}\n{\"id\":2,\"op\":\"-D\"}\n");
    shell.run("alluvium -w wh ingest shop.kinds kinds.ndjson").fails(1, &["rowkind", "--rowkind-field"]);
    shell.ok("alluvium -w wh ingest shop.kinds kinds.ndjson --rowkind-field op");
    assert_eq!(shell.ok("alluvium -w wh scan shop.kinds --output ndjson"), "{\"id\":1,\"rowkind\":\"kind\"}\n");
}

#[test]
fn a_killed_ingest_goes_on_exactly() {
    let shell = Shell::with_orders();
    let lines: String = (0..20_000).map(|id| format!("{{\"id\":{},\"total\":\"{id}.00\"}}\n", id % 7_000)).collect();
    shell.write("rows.ndjson", lines);
    let args = ["-w", "wh", "ingest", "shop.orders", "rows.ndjson", "--commit-user", "u", "--commit-rows", "1000"];
    for snapshot in ["snapshot-3", "snapshot-9"] {
        let child = shell.start(&args);
        let file = shell.path("wh/shop.db/orders/snapshot").join(snapshot);
        wait_until(snapshot, || file.exists());
        kill(child);
    }
    let line = format!("alluvium {}", args.join(" "));
    shell.ok(&line);
    assert_eq!(shell.json(&format!("{line} --json"))["rows"], 0);
    // Each row is in one APPEND commit, each commit has its thousand, and the last value of each key is there.
    let appended: Vec<_> = snapshots(&shell).into_iter().filter(|snapshot| snapshot["kind"] == "APPEND").collect();
    assert_eq!(appended.len(), 20);
    let identifiers: Vec<i64> =
        appended.iter().rev().map(|snapshot| snapshot["commitIdentifier"].as_i64().unwrap()).collect();
    assert_eq!(identifiers, (1..=20).collect::<Vec<i64>>());
    assert!(appended.iter().all(|snapshot| snapshot["deltaRecordCount"] == 1000), "{appended:?}");
    let rows = rows(&shell);
    let mut wanted: Vec<String> =
        (13_000..20_000).map(|id| format!("{{\"id\":{},\"total\":\"{id}.00\"}}", id % 7_000)).collect();
    wanted.sort();
    assert_eq!(rows, wanted);
}

#[test]
fn a_stopped_ingest_commits_what_is_complete() {
    let shell = Shell::with_orders();
    let mut child = shell.start(&["-w", "wh", "ingest", "shop.orders", "-", "--commit-interval", "1h"]);
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{{\"id\":1}}").unwrap();
    input.flush().unwrap();
    // Whether the row was taken cannot be seen from outside: what can be is that nothing is lost of what is said to stay.
    let pid = child.id().to_string();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let stays = if said.contains("1 row in 1 commit stay") { 1 } else { 0 };
    assert!(said.starts_with("interrupted: "), "{said}");
    assert_eq!(rows(&shell).len(), stays, "{said}");
}
