//! Indexes of files that are there, from a shell.

use serde_json::json;

use crate::shell::Shell;

#[test]
fn files_get_the_indexes_that_options_ask_for() {
    let shell = Shell::with_orders();
    shell.ok(r#"echo '{"id":1,"total":"1.00"}' | alluvium -w wh ingest shop.orders - --input-format ndjson"#);
    let none = shell.json("alluvium -w wh rewrite-file-index shop.orders --json");
    assert_eq!(none, json!({"table": "shop.orders", "files": 1, "rewritten": 0, "snapshot": null}));
    shell.ok("alluvium -w wh table alter shop.orders --set file-index.bloom-filter.columns=id --set file-index.bloom-filter.id.items=20");
    shell.ok(r#"echo '{"id":2,"total":"1.00"}' | alluvium -w wh ingest shop.orders - --input-format ndjson"#);
    let done = shell.run("alluvium -w wh rewrite-file-index shop.orders");
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(done.err.contains("shop.orders: 1 of 2 files have other indexes, snapshot 3"), "{}", done.err);
    let again = shell.run("alluvium -w wh rewrite-file-index shop.orders");
    assert!(again.err.contains("shop.orders: the 2 files have their indexes"), "{}", again.err);
    assert_eq!(shell.ok("alluvium -w wh scan shop.orders --where 'id = 3' --output ndjson"), "");
    assert!(shell.ok("alluvium -w wh scan shop.orders --where 'id = 2' --output ndjson").contains("\"id\":2"));
}

#[test]
fn what_cannot_be_indexed_is_named() {
    let shell = Shell::with_orders();
    shell.run("alluvium -w wh rewrite-file-index shop.orders --partitions dt=1").fails(2, &["--partitions", "dt=1"]);
    shell.ok("alluvium -w wh table alter shop.orders --set file-index.fancy.columns=id");
    shell.run("alluvium -w wh rewrite-file-index shop.orders").fails(1, &["file-index.fancy.columns", "column id"]);
    let row = r#"echo '{"id":1,"total":"1.00"}'"#;
    let ingest = shell.run(&format!("{row} | alluvium -w wh ingest shop.orders - --input-format ndjson"));
    ingest.fails(1, &["file indexes of the type fancy"]);
}
