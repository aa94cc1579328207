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
