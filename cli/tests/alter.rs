//! Tables changed from a shell: every change, all of one command in one schema, and what is refused.

use serde_json::json;

use crate::shell::Shell;

#[test]
fn the_changes_of_a_command_make_one_schema() {
    let shell = Shell::with_orders();
    shell.write("first.ndjson", "{\"id\":1,\"total\":\"1.50\"}\n");
    shell.ok("alluvium -w wh ingest shop.orders first.ndjson");
    shell.ok(
        "alluvium -w wh table alter shop.orders --add-column 'note STRING after id' --add-column 'tags {\"type\":\"ARRAY\",\"element\":\"INT\"}' \
         --rename-column total=amount --alter-column 'amount DECIMAL(20, 2)' --default note=none --describe amount='in euros' \
         --comment 'of the shop' --set snapshot.num-retained.max=50 --move-column 'tags first'",
    );
    let schema = shell.json("alluvium -w wh table describe shop.orders --json");
    assert_eq!(
        (&schema["id"], &schema["comment"], &schema["highestFieldId"]),
        (&json!(1), &json!("of the shop"), &json!(3))
    );
    assert_eq!(
        schema["fields"],
        json!([
            {"id": 3, "name": "tags", "type": {"type": "ARRAY", "element": "INT"}},
            {"id": 0, "name": "id", "type": "BIGINT NOT NULL"},
            {"id": 2, "name": "note", "type": "STRING", "defaultValue": "none"},
            {"id": 1, "name": "amount", "type": "DECIMAL(20, 2)", "description": "in euros"},
        ])
    );
    // Rows that are there are read under it, and writers put default values in the place of nulls.
    shell.write("second.ndjson", "{\"id\":2,\"amount\":\"2.00\"}\n");
    shell.ok("alluvium -w wh ingest shop.orders second.ndjson");
    assert_eq!(
        shell.sorted("alluvium -w wh scan shop.orders --output ndjson"),
        [
            r#"{"tags":null,"id":1,"note":null,"amount":"1.50"}"#,
            r#"{"tags":null,"id":2,"note":"none","amount":"2.00"}"#,
        ]
    );
}

#[test]
fn earlier_snapshots_are_merged_by_columns_as_they_were_called() {
    let shell = Shell::with_orders();
    shell.write(
        "sums.json",
        r#"{"fields":[{"name":"k","type":"INT"},{"name":"v","type":"BIGINT"},{"name":"n","type":"INT"},{"name":"s","type":"INT"}],
            "primaryKeys":["k"],"options":{"bucket":"4","bucket-key":"k","write-only":"true","merge-engine":"aggregation",
            "sequence.field":"s","fields.v.aggregate-function":"sum","fields.n.aggregate-function":"last_value"}}"#,
    );
    shell.ok("alluvium -w wh table create shop.sums --schema sums.json");
    for row in [r#"{"k":1,"v":1,"n":10,"s":2}"#, r#"{"k":1,"v":2,"n":20,"s":1}"#] {
        shell.write("row.ndjson", row);
        shell.ok("alluvium -w wh ingest shop.sums row.ndjson");
    }
    shell.ok("alluvium -w wh table alter shop.sums --rename-column k=id --rename-column v=n2 --rename-column n=v \
         --rename-column n2=n --rename-column s=moment");
    let scan = "alluvium -w wh scan shop.sums --output ndjson";
    assert_eq!(shell.ok(&format!("{scan} --where 'id = 1'")).trim(), r#"{"id":1,"n":3,"v":10,"moment":2}"#);
    assert_eq!(shell.ok(&format!("{scan} --where 'k = 1' --snapshot 2")).trim(), r#"{"k":1,"v":3,"n":10,"s":2}"#);
}

#[test]
fn rows_from_before_a_bucket_key_was_of_another_type_are_found() {
    let shell = Shell::with_orders();
    shell.write(
        "moments.json",
        r#"{"fields":[{"name":"k","type":"TIMESTAMP(3)"},{"name":"a","type":"INT"}],"options":{"bucket":"4","bucket-key":"k"}}"#,
    );
    shell.ok("alluvium -w wh table create shop.moments --schema moments.json");
    let rows = |key: fn(i32) -> String| (0..8).map(|n| format!("{{\"k\":{},\"a\":{n}}}\n", key(n))).collect::<String>();
    shell.write("before.ndjson", rows(|n| format!("\"1970-01-01T00:00:0{n}.000\"")));
    shell.ok("alluvium -w wh ingest shop.moments before.ndjson");
    shell.ok("alluvium -w wh table alter shop.moments --alter-column 'k INT'");
    shell.write("after.ndjson", rows(|n| n.to_string()));
    shell.ok("alluvium -w wh ingest shop.moments after.ndjson");
    for n in 0..8 {
        let found = shell.ok(&format!("alluvium -w wh scan shop.moments --where 'k = {n}' --output ndjson"));
        assert_eq!(found, format!("{{\"k\":{n},\"a\":{n}}}\n").repeat(2));
    }
}

#[test]
fn a_dry_run_prints_what_would_differ() {
    let shell = Shell::with_orders();
    let alter =
        "alluvium -w wh table alter shop.orders --drop-column total --add-column 'note STRING' --set write-only=true";
    assert_eq!(
        shell.ok(&format!("{alter} --dry-run")),
        "- column 1 total DECIMAL(10, 2)\n+ column 2 note STRING\n+ option write-only = true\n"
    );
    assert_eq!(shell.json("alluvium -w wh table describe shop.orders --json")["id"], 0);
    let moved = "alluvium -w wh table alter shop.orders --move-column 'total first' --dry-run";
    assert_eq!(shell.ok(moved).lines().count(), 2);
}

#[test]
fn changes_come_from_files_and_standard_input() {
    let shell = Shell::with_orders();
    shell.write(
        "changes.json",
        r#"[{"add": "a", "type": "INT"}, {"retype": "a", "to": "BIGINT"}, {"reset": "write-only"}]"#,
    );
    shell.ok("alluvium -w wh table alter shop.orders --changes changes.json");
    shell.ok("echo '[{\"drop\": \"a\"}]' | alluvium -w wh table alter shop.orders --changes -");
    let schema = shell.json("alluvium -w wh table describe shop.orders --json");
    assert_eq!((&schema["id"], schema["fields"].as_array().map(Vec::len)), (&json!(2), Some(2)));
}

#[test]
fn what_is_refused_is_named_and_changes_nothing() {
    let shell = Shell::with_orders();
    let alter = "alluvium -w wh table alter shop.orders";
    for (arguments, status, words) in [
        ("", 2, "nothing to change"),
        ("--add-column note", 2, "a type expected"),
        ("--add-column 'note TEXTUAL'", 2, "unsupported type"),
        ("--move-column total", 2, "say where to"),
        ("--alter-column 'total BIGINT after id'", 2, "--move-column"),
        ("--drop-column id", 1, "key column id"),
        ("--drop-column none", 1, "there are id, total"),
        ("--alter-column 'total DATE'", 1, "cannot become DATE"),
        ("--default total=many", 1, "\"many\" of column total"),
        ("--set bucket=none", 1, "bucket"),
    ] {
        shell.run(&format!("{alter} {arguments}")).fails(status, &[words]);
    }
    assert_eq!(shell.json("alluvium -w wh table describe shop.orders --json")["id"], 0);
}
