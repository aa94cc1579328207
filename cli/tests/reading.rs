//! `scan`, `tail`, `compact` and `inspect` over a table with a history.

use crate::shell::Shell;

/// Three commits of `shop.orders`: 1 and 2 inserted, 1 updated and 2 deleted, 3 inserted.
fn with_history() -> Shell {
    let shell = Shell::with_orders();
    for rows in [
        "{\"id\":1,\"total\":\"9.50\"}\n{\"id\":2,\"total\":\"1.00\"}",
        "{\"id\":1,\"total\":\"7.00\"}\n{\"rowkind\":\"-D\",\"id\":2}",
        "{\"id\":3,\"total\":null}",
    ] {
        shell.write("rows.ndjson", rows);
        shell.ok("alluvium -w wh ingest shop.orders rows.ndjson");
    }
    shell
}

#[test]
fn scans_project_filter_limit_and_travel() {
    let shell = with_history();
    let scan = |options: &str| shell.sorted(&format!("alluvium -w wh scan shop.orders {options}"));
    assert_eq!(
        scan(""),
        ["{\"id\":1,\"total\":\"7.00\"}", "{\"id\":3,\"total\":null}"],
        "ndjson where there is no terminal"
    );
    assert_eq!(scan("--columns total --where 'id = 1'"), ["{\"total\":\"7.00\"}"]);
    assert_eq!(scan("--where 'total IS NULL OR total BETWEEN 8 AND 10' --columns=id"), ["{\"id\":3}"]);
    assert_eq!(scan("--limit 1").len(), 1);
    assert_eq!(scan("--limit 0").len(), 0);
    assert_eq!(scan("--snapshot 1 --columns id"), ["{\"id\":1}", "{\"id\":2}"]);
    let report = shell.json("alluvium -w wh inspect shop.orders --json");
    let second = report["snapshots"][1]["timeMillis"].as_i64().unwrap();
    let first = report["snapshots"][2]["timeMillis"].as_i64().unwrap();
    if first < second {
        assert_eq!(scan(&format!("--timestamp {second} --columns id")), ["{\"id\":1}"]);
    }
    assert_eq!(scan("--output csv"), ["1,7.00", "3,", "id,total"]);
}

#[test]
fn changes_between_snapshots_carry_their_kind() {
    let shell = with_history();
    let changes = "{\"rowkind\":\"+I\",\"id\":1,\"total\":\"7.00\"}\n{\"rowkind\":\"-D\",\"id\":2,\"total\":null}\n";
    assert_eq!(shell.ok("alluvium -w wh scan shop.orders --incremental 1..2"), changes);
    assert_eq!(shell.ok("alluvium -w wh tail shop.orders --from snapshot:2 --to snapshot:2"), changes);
    assert_eq!(shell.ok("alluvium -w wh scan shop.orders --incremental 1..1"), "");
    assert_eq!(
        shell.ok("alluvium -w wh scan shop.orders --incremental 1..2 --where 'id = 2' --columns id"),
        "{\"rowkind\":\"-D\",\"id\":2}\n"
    );
    shell.run("alluvium -w wh scan shop.orders --incremental 2..1").fails(2, &["2..1"]);
}

#[test]
fn tails_start_and_end_where_they_are_told() {
    let shell = with_history();
    let lines = |options: &str| shell.ok(&format!("alluvium -w wh tail shop.orders {options}")).lines().count();
    assert_eq!(lines("--from earliest --to latest"), 5);
    assert_eq!(lines("--from full --to latest"), 2);
    assert_eq!(lines("--to latest"), 0, "nothing comes after the latest");
    assert_eq!(lines("--from latest --to snapshot:3"), 0);
    assert_eq!(lines("--from earliest --to latest --where 'id = 1'"), 2);
    assert_eq!(lines("--from timestamp:0 --to latest"), 5);
    shell.ok("alluvium -w wh table create shop.none --schema orders.json");
    assert_eq!(shell.ok("alluvium -w wh tail shop.none --from full --to latest"), "");
}

#[test]
fn a_tail_piped_into_an_ingest_copies_a_table() {
    let shell = with_history();
    shell.ok("alluvium -w wh table create shop.copy --like shop.orders");
    shell.ok("alluvium -w wh tail shop.orders --from earliest --to latest | alluvium -w wh ingest shop.copy -");
    let rows = |table: &str| shell.sorted(&format!("alluvium -w wh scan {table}"));
    assert_eq!(rows("shop.copy"), rows("shop.orders"));
}

#[test]
fn a_consumer_goes_on_where_it_stopped_and_shows_its_lag() {
    let shell = with_history();
    let tail = "alluvium -w wh tail shop.orders --from earliest --consumer-id c";
    assert_eq!(shell.ok(&format!("{tail} --to snapshot:2")).lines().count(), 4);
    let report = shell.json("alluvium -w wh inspect shop.orders --json");
    assert_eq!(report["consumers"], serde_json::json!([{ "id": "c", "nextSnapshot": 3, "lag": 1 }]));
    assert_eq!(shell.ok(&format!("{tail} --to latest")), "{\"rowkind\":\"+I\",\"id\":3,\"total\":null}\n");
    assert!(shell.ok("alluvium -w wh inspect shop.orders").contains("behind by"));
}

#[test]
fn a_compaction_changes_no_answer() {
    let shell = with_history();
    let before = shell.sorted("alluvium -w wh scan shop.orders");
    let done = shell.json("alluvium -w wh compact shop.orders --full --json");
    assert_eq!(
        (&done["filesBefore"], &done["filesAfter"], &done["snapshot"]),
        (&3.into(), &1.into(), &4.into()),
        "{done}"
    );
    assert_eq!(shell.sorted("alluvium -w wh scan shop.orders"), before);
    let again = shell.json("alluvium -w wh compact shop.orders --full --json");
    assert_eq!(again["snapshot"], serde_json::Value::Null);
    let run = shell.run("alluvium -w wh compact shop.orders");
    assert!(run.status == Some(0) && run.err.contains("nothing to compact"), "{run:?}");
    assert_eq!(shell.ok("alluvium -w wh scan shop.orders --incremental 3..4"), "", "a compaction is no change");
}

#[test]
fn a_write_only_table_is_compacted_by_the_command() {
    let shell = Shell::with_orders();
    for id in 0..7 {
        let line = format!("echo '{{\"id\":{id}}}' | alluvium -w wh ingest shop.orders - -o write-only=true");
        shell.ok(&line);
    }
    let runs = || shell.json("alluvium -w wh inspect shop.orders --json")["readAmplification"].clone();
    assert_eq!(runs(), 7);
    let text = shell.ok("alluvium -w wh inspect shop.orders");
    assert!(text.contains("next compaction: the 7 newest runs"), "{text}");
    shell.ok("alluvium -w wh compact shop.orders");
    assert_eq!(runs(), 1);
}

#[test]
fn an_inspection_shows_the_tree_and_the_snapshots() {
    let shell = with_history();
    let text = shell.ok("alluvium -w wh inspect shop.orders");
    for words in [
        "shop.orders: snapshot 3 (APPEND",
        "3 files",
        "read amplification 3",
        "bucket 0: 3 runs",
        "L0",
        "1 delete",
        "1 … 2",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
    let report = shell.json("alluvium -w wh inspect shop.orders --json --limit 1");
    assert_eq!((&report["snapshotCount"], report["snapshots"].as_array().unwrap().len()), (&3.into(), 1));
    assert_eq!(report["buckets"][0]["runs"].as_array().unwrap().len(), 3);
    shell.ok("alluvium -w wh table create shop.none --schema orders.json");
    assert_eq!(shell.ok("alluvium -w wh inspect shop.none"), "shop.none: no snapshot yet\n");
}

#[test]
fn consumers_are_set_back_and_forgotten() {
    let shell = with_history();
    for id in ["audit", "test-1", "test-2"] {
        shell.ok(&format!("alluvium -w wh tail shop.orders --from earliest --consumer-id {id} --to latest"));
    }
    let next = |id: &str| {
        let report = shell.json("alluvium -w wh inspect shop.orders --json");
        let consumers = report["consumers"].as_array().unwrap().clone();
        consumers
            .iter()
            .find(|consumer| consumer["id"] == id)
            .map(|consumer| consumer["nextSnapshot"].as_i64().unwrap())
    };
    assert_eq!(next("audit"), Some(4));
    let reset = "alluvium -w wh reset-consumer shop.orders --consumer-id";
    shell.ok(&format!("{reset} audit --next-snapshot-id 2 --dry-run"));
    assert_eq!(next("audit"), Some(4));
    shell.ok(&format!("{reset} audit --next-snapshot-id 2"));
    assert_eq!(next("audit"), Some(2));
    let tail = "alluvium -w wh tail shop.orders --consumer-id audit --to latest";
    assert_eq!(shell.ok(tail).lines().count(), 3);
    assert_eq!(shell.ok(&format!("{tail} -o consumer.ignore-progress=true")), "");
    shell.run(&format!("{reset} audit --next-snapshot-id 9")).fails(1, &["snapshot 9 is beyond the next one"]);
    shell.run(&format!("{reset} nobody")).fails(1, &["there is no consumer nobody: there are audit, test-1, test-2"]);
    shell.ok(&format!("{reset} test-2"));
    assert_eq!(next("test-2"), None);

    let clear = "alluvium -w wh clear-consumers shop.orders --json";
    let cleared = |options: &str| shell.json(&format!("{clear} {options}"))["cleared"].as_array().unwrap().len();
    assert_eq!(cleared("--dry-run"), 2);
    assert_eq!(cleared("--including-consumers 'test'"), 0, "all of the id must match");
    assert_eq!(cleared("--including-consumers 'test.*' --excluding-consumers '.*-1'"), 0);
    assert_eq!(cleared("--excluding-consumers audit"), 1);
    assert_eq!((next("audit").is_some(), next("test-1")), (true, None));
}

#[test]
fn options_of_the_command_say_where_it_starts() {
    let shell = with_history();
    let lines = |line: &str| shell.ok(&format!("alluvium -w wh {line}")).lines().count();
    assert_eq!(lines("tail shop.orders --to latest"), 0);
    assert_eq!(lines("tail shop.orders --to latest -o scan.mode=latest-full"), 2);
    assert_eq!(lines("tail shop.orders --to latest -o scan.snapshot-id=2"), 3);
    assert_eq!(lines("tail shop.orders --to latest --from earliest -o scan.snapshot-id=2"), 5, "words go first");
    assert_eq!(lines("tail shop.orders --to latest --from snapshot-full:2"), 2);
    assert_eq!(lines("scan shop.orders -o scan.snapshot-id=1"), 2);
    assert_eq!(lines("scan shop.orders -o incremental-between=1,3"), 3);
    shell
        .run("alluvium -w wh scan shop.orders -o scan.snapshot-id=x")
        .fails(2, &["scan.snapshot-id", "a whole number"]);
    let two = "alluvium -w wh scan shop.orders -o scan.snapshot-id=1 -o scan.tag-name=t";
    shell.run(two).fails(2, &["scan.snapshot-id = 1 does not go with scan.tag-name"]);
    let difference =
        shell.ok("alluvium -w wh scan shop.orders --incremental 1..3 -o incremental-between-scan-mode=diff");
    let difference: Vec<&str> = difference.lines().collect();
    let wanted = [
        "{\"rowkind\":\"+I\",\"id\":1,\"total\":\"7.00\"}",
        "{\"rowkind\":\"-D\",\"id\":2,\"total\":null}",
        "{\"rowkind\":\"+I\",\"id\":3,\"total\":null}",
    ];
    assert_eq!(difference, wanted);
}

#[test]
fn changes_as_they_were_written_become_complete() {
    let shell = Shell::new();
    shell.ok("alluvium -w wh db create shop");
    let schema = r#"{"fields":[{"name":"id","type":"BIGINT NOT NULL"},{"name":"total","type":"DECIMAL(10, 2)"}],
        "primaryKeys":["id"],"options":{"bucket":"1"}}"#;
    shell.write("orders.json", schema);
    shell.ok("alluvium -w wh table create shop.orders --schema orders.json");
    for rows in [
        "{\"id\":1,\"total\":\"9.50\"}\n{\"id\":2,\"total\":\"1.00\"}",
        "{\"id\":1,\"total\":\"7.00\"}\n{\"rowkind\":\"-D\",\"id\":2}\n{\"rowkind\":\"-D\",\"id\":8}",
        "{\"rowkind\":\"+U\",\"id\":1,\"total\":\"7.00\"}",
    ] {
        shell.write("rows.ndjson", rows);
        shell.ok("alluvium -w wh ingest shop.orders rows.ndjson");
    }
    shell.write("rows.ndjson", "{\"id\":3,\"total\":\"3.00\"}");
    shell.ok("alluvium -w wh ingest shop.orders rows.ndjson --overwrite");
    let line =
        |kind: &str, id: i32, total: &str| format!("{{\"rowkind\":\"{kind}\",\"id\":{id},\"total\":\"{total}\"}}\n");
    let second = [line("-U", 1, "9.50"), line("+U", 1, "7.00"), line("-D", 2, "1.00")].concat();
    let last = [line("-D", 1, "7.00"), line("+I", 3, "3.00")].concat();
    let first = [line("+I", 1, "9.50"), line("+I", 2, "1.00")].concat();
    let overwritten = "alluvium -w wh tail shop.orders --from snapshot:4 --to latest -o streaming-read-overwrite=true";
    assert_eq!(shell.ok(overwritten), last);
    let tail = "alluvium -w wh tail shop.orders --normalize --to latest";
    assert_eq!(shell.ok(&format!("{tail} --from earliest")), [first, second.clone(), last.clone()].concat());
    assert_eq!(shell.ok(&format!("{tail} --from snapshot:2")), [second, last.clone()].concat());
    assert_eq!(shell.ok(&format!("{tail} --from snapshot:3 --where 'total > 5'")), line("-D", 1, "7.00"));
    assert_eq!(shell.ok(&format!("{tail} --from snapshot-full:3")), [line("+I", 1, "7.00"), last].concat());
    shell.write("late.json", schema.replace("\"bucket\":\"1\"", "\"bucket\":\"1\",\"sequence.field\":\"total\""));
    shell.ok("alluvium -w wh table create shop.late --schema late.json");
    let late = "alluvium -w wh tail shop.late --normalize --to snapshot:1";
    shell.run(late).fails(1, &["unsupported", "sequence.field = total"]);
}

/// Updates as they are: 1 inserted, updated, deleted, with a changelog.
fn with_updates() -> Shell {
    let shell = Shell::with_orders();
    shell.ok("alluvium -w wh table alter shop.orders --set changelog-producer=input");
    for rows in [
        "{\"id\":1,\"total\":\"9.50\"}\n{\"id\":2,\"total\":\"1.00\"}",
        "{\"rowkind\":\"-U\",\"id\":1,\"total\":\"9.50\"}\n{\"rowkind\":\"+U\",\"id\":1,\"total\":\"7.00\"}",
        "{\"rowkind\":\"-D\",\"id\":2,\"total\":\"1.00\"}",
    ] {
        shell.write("rows.ndjson", rows);
        shell.ok("alluvium -w wh ingest shop.orders rows.ndjson");
    }
    shell
}

#[test]
fn an_audit_log_has_the_kind_as_a_column() {
    let shell = with_updates();
    let log = "'shop.orders$audit_log'";
    let changes = [
        "{\"rowkind\":\"+I\",\"id\":1,\"total\":\"9.50\"}",
        "{\"rowkind\":\"+I\",\"id\":2,\"total\":\"1.00\"}",
        "{\"rowkind\":\"-U\",\"id\":1,\"total\":\"9.50\"}",
        "{\"rowkind\":\"+U\",\"id\":1,\"total\":\"7.00\"}",
        "{\"rowkind\":\"-D\",\"id\":2,\"total\":\"1.00\"}",
    ];
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let tail = format!("alluvium -w wh tail {log} --from earliest --to latest");
    assert_eq!(lines(&shell.ok(&tail)), changes);
    assert_eq!(lines(&shell.ok(&format!("alluvium -w wh scan {log} --incremental 0..3"))), changes);
    let picked = shell.ok(&format!("{tail} --columns id,rowkind --where \"rowkind IN ('-U', '-D') AND total > 5\""));
    assert_eq!(lines(&picked), ["{\"id\":1,\"rowkind\":\"-U\"}"]);
    assert_eq!(lines(&shell.ok(&format!("{tail} --columns id --where \"rowkind = '+U'\""))), ["{\"id\":1}"]);
    let difference = format!("alluvium -w wh -o incremental-between-scan-mode=diff scan {log} --incremental 1..3");
    let deleted = shell.ok(&format!("{difference} --columns rowkind --where \"rowkind = '-D'\" --limit 1"));
    assert_eq!(lines(&deleted), ["{\"rowkind\":\"-D\"}"]);
    assert_eq!(
        shell.sorted(&format!("alluvium -w wh scan {log}")),
        [changes[3], changes[4]],
        "records as they are stored, until what is deleted is compacted away"
    );
    shell.ok("alluvium -w wh compact shop.orders --full");
    assert_eq!(shell.sorted(&format!("alluvium -w wh scan {log} --limit 9")).len(), 1);
}

#[test]
fn a_binlog_has_an_update_as_one_row() {
    let shell = with_updates();
    let tail = "alluvium -w wh tail 'shop.orders$binlog' --from earliest --to latest";
    let changes = "{\"rowkind\":\"+I\",\"id\":[1],\"total\":[\"9.50\"]}\n\
                   {\"rowkind\":\"+I\",\"id\":[2],\"total\":[\"1.00\"]}\n\
                   {\"rowkind\":\"+U\",\"id\":[1,1],\"total\":[\"9.50\",\"7.00\"]}\n\
                   {\"rowkind\":\"-D\",\"id\":[2],\"total\":[\"1.00\"]}\n";
    assert_eq!(shell.ok(tail), changes);
    assert_eq!(
        shell.ok(&format!("{tail} --columns total --where \"rowkind = '+U'\"")),
        "{\"total\":[\"9.50\",\"7.00\"]}\n"
    );
    shell.run(&format!("{tail} --where \"total = 1\"")).fails(2, &["total"]);
    shell.run(&format!("{tail} --normalize")).fails(1, &["complete changes"]);
}

#[test]
fn consumers_are_a_table() {
    let shell = with_updates();
    shell.ok("alluvium -w wh tail shop.orders --from earliest --consumer-id audit --to latest");
    shell.ok("alluvium -w wh tail shop.orders --from earliest --consumer-id report --to snapshot:1");
    let scan = |options: &str| shell.ok(&format!("alluvium -w wh scan 'shop.orders$consumers' {options}"));
    let all =
        "{\"consumer_id\":\"audit\",\"next_snapshot_id\":4}\n{\"consumer_id\":\"report\",\"next_snapshot_id\":2}\n";
    assert_eq!(scan(""), all);
    assert_eq!(scan("--where 'next_snapshot_id < 3' --columns consumer_id"), "{\"consumer_id\":\"report\"}\n");
    assert_eq!(scan("--limit 1").lines().count(), 1);
    shell.run("alluvium -w wh scan 'shop.orders$consumers' --snapshot 1").fails(2, &["--snapshot"]);
    shell.run("alluvium -w wh tail 'shop.orders$consumers'").fails(2, &["scan"]);
}

#[test]
fn system_tables_are_shown_and_nothing_else() {
    let shell = with_updates();
    for command in [
        "ingest 'shop.orders$audit_log' rows.ndjson",
        "compact 'shop.orders$binlog'",
        "table drop 'shop.orders$consumers'",
    ] {
        shell.run(&format!("alluvium -w wh {command}")).fails(2, &["system table", "name shop.orders itself"]);
    }
    shell.run("alluvium -w wh scan 'shop.orders$files'").fails(1, &["the system table $files"]);
    shell.ok("alluvium -w wh table alter shop.orders --add-column 'rowkind STRING'");
    shell.run("alluvium -w wh scan 'shop.orders$audit_log'").fails(1, &["rowkind", "rename it"]);
}
