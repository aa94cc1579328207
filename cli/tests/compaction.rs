//! Compaction from a shell: one table, databases, dry runs, for ever.

use std::io::{BufRead, BufReader};

use serde_json::{Value, json};

use crate::shell::{ORDERS, Shell, wait_until};

/// A warehouse with two tables of runs to merge, and one that cannot be compacted.
fn with_runs() -> Shell {
    let shell = Shell::with_orders();
    shell.write("rows.json", r#"{"fields":[{"name":"id","type":"BIGINT"}],"options":{"row-tracking.enabled":"true"}}"#);
    shell.ok("alluvium -w wh table create shop.rows --schema rows.json");
    shell.ok("alluvium -w wh table create shop.lines --like shop.orders");
    shell.ok("alluvium -w wh db create other");
    shell.ok("alluvium -w wh table create other.orders --like shop.orders");
    for (table, commits) in [("shop.orders", 2), ("shop.lines", 4), ("other.orders", 2)] {
        for commit in 0..commits {
            ingest(&shell, table, commit);
        }
    }
    shell
}

fn ingest(shell: &Shell, table: &str, commit: usize) {
    let row = format!(r#"{{"id":{commit},"total":"1.00"}}"#);
    shell.ok(&format!("echo '{row}' | alluvium -w wh ingest {table} - --input-format ndjson"));
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON document a line")).collect()
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let shell = with_runs();
    let text = shell.ok("alluvium -w wh compact shop.orders --full --dry-run");
    assert!(text.contains("shop.orders") && text.contains("to level"), "{text}");
    let outlook = lines(&shell.ok("alluvium -w wh compact-database shop other --full --dry-run --json"));
    let tables: Vec<&Value> = outlook.iter().filter(|line| line["event"] == "outlook").collect();
    assert_eq!(tables.len(), 3, "{outlook:?}");
    assert_eq!((&tables[0]["table"], &tables[0]["sortedRuns"]), (&json!("shop.lines"), &json!(4)), "the hottest first");
    assert!(outlook.iter().any(|line| line["event"] == "skipped" && line["table"] == "shop.rows"), "{outlook:?}");
    let snapshots = shell.json("alluvium -w wh inspect shop.lines --json");
    assert!(!snapshots.to_string().contains("COMPACT"), "{snapshots}");
    assert_eq!(shell.ok("alluvium -w wh compact shop.orders --dry-run"), "", "the rules pick nothing yet");
}

#[test]
fn databases_are_compacted_table_by_table() {
    let shell = with_runs();
    let run = shell.run("alluvium -w wh compact-database shop --full --excluding 'l*'");
    assert_eq!(run.status, Some(0), "{run:?}");
    assert!(run.err.contains("shop.orders: snapshot 3: 2 files became 1 in 1 bucket"), "{}", run.err);
    assert!(run.err.contains("shop.rows: left alone"), "{}", run.err);
    assert!(!run.err.contains("shop.lines") && !run.err.contains("other.orders"), "{}", run.err);
    let done = lines(&shell.ok("alluvium -w wh compact-database --full --json --including lines --including orders"));
    let tables: Vec<&Value> = done.iter().map(|line| &line["table"]).collect();
    assert_eq!(tables.len(), 2, "{done:?}");
    assert!(tables.contains(&&json!("shop.lines")) && tables.contains(&&json!("other.orders")), "{done:?}");
    assert!(done.iter().all(|line| line["event"] == "compacted" && line["filesAfter"] == 1), "{done:?}");
    let run = shell.run("alluvium -w wh compact-database nowhere");
    run.fails(1, &["nowhere"]);
    shell.run("alluvium -w wh compact-database shop --interval 1s").fails(2, &["--watch"]);
    shell.run("alluvium -w wh compact shop.orders --watch --dry-run").fails(2, &["--dry-run"]);
}

#[test]
fn a_failing_table_fails_the_command_and_not_the_others() {
    let shell = with_runs();
    let manifests = shell.path("wh/shop.db/lines/manifest");
    for file in std::fs::read_dir(manifests).unwrap() {
        std::fs::write(file.unwrap().path(), "no manifest").unwrap();
    }
    let run = shell.run("alluvium -w wh compact-database shop --full");
    run.fails(1, &["shop.lines: failed", "shop.orders: snapshot 3", "not all was done: 1 failure"]);
}

#[test]
fn a_compaction_for_which_the_disk_is_too_small_fails_by_name_and_leaves_nothing() {
    let shell = Shell::with_orders();
    // So little memory keeps no lookup file.
    let options =
        r#"{"bucket":"1","write-only":"true","changelog-producer":"lookup","lookup.cache-max-memory-size":"16 kb"}"#;
    shell.write("looked_up.json", ORDERS.replace(r#"{"bucket":"1"}"#, options));
    shell.ok("alluvium -w wh table create shop.looked_up --schema looked_up.json");
    for count in [2000, 10] {
        // Much more than what comes later: it is looked up in, and not merged with that.
        let row = |id: i32| format!("{{\"id\":{id},\"total\":\"{}.00\"}}\n", id * 7919 % 65_537 + count);
        shell.write("rows.ndjson", (0..count).map(row).collect::<String>());
        shell.ok("alluvium -w wh ingest shop.looked_up rows.ndjson");
        if count > 10 {
            shell.ok("alluvium -w wh compact shop.looked_up --full");
        }
    }
    let files = || std::fs::read_dir(shell.path("wh/shop.db/looked_up/bucket-0")).unwrap().count();
    let before = files();
    let run = shell.run("alluvium -w wh compact-database shop --disk 1kb");
    run.fails(1, &["shop.looked_up: failed", "would pass the limit of 1024", "not all was done: 1 failure"]);
    assert_eq!(files(), before);
    let run = shell.run("ALLUVIUM_DISK=100kb alluvium -w wh compact-database shop");
    assert!(run.status == Some(0) && run.err.contains("shop.looked_up: snapshot 4"), "{run:?}");
    shell.run("alluvium -w wh compact-database shop --disk much").fails(2, &["--disk"]);
}

#[cfg(unix)]
#[test]
fn a_watch_goes_on_until_it_is_interrupted() {
    let shell = Shell::with_orders();
    let line =
        ["-w", "wh", "compact", "shop.orders", "--full", "--watch", "--interval", "10ms", "--jobs", "2", "--json"];
    let mut watch = shell.start(&line);
    let out = watch.stdout.take().unwrap();
    let events = std::thread::spawn(move || BufReader::new(out).lines().map(Result::unwrap).collect::<Vec<_>>());
    let runs = || {
        let inspected = shell.json("alluvium -w wh inspect shop.orders --json");
        inspected["snapshots"].as_array().map_or(0, Vec::len)
    };
    for commit in 0..3 {
        ingest(&shell, "shop.orders", commit);
        // Each commit is followed by a compaction.
        wait_until("a compaction", || runs() == 2 * (commit + 1));
    }
    let interrupted = std::process::Command::new("kill").args(["-INT", &watch.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    let events: Vec<Value> = events.join().unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events.iter().all(|event| event["event"] == "compacted" && event["table"] == "shop.orders"), "{events:?}");
    assert_eq!(shell.sorted("alluvium -w wh scan shop.orders --output csv").len(), 4);
}
