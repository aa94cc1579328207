//! Databases and tables: created, listed, described, dropped.

use crate::shell::{ORDERS, Shell};

#[test]
fn databases_come_and_go() {
    let shell = Shell::new();
    assert_eq!(shell.ok("alluvium -w wh db list"), "");
    shell.ok("alluvium -w wh db create b");
    shell.ok("alluvium -w wh db create a");
    shell.ok("alluvium -w wh db create a --if-not-exists");
    assert_eq!(shell.ok("alluvium -w wh db list"), "a\nb\n");
    assert_eq!(shell.json("alluvium -w wh db list --json")["databases"], serde_json::json!(["a", "b"]));
    shell.ok("alluvium -w wh db drop a");
    shell.ok("alluvium -w wh db drop a --if-exists");
    assert_eq!(shell.ok("alluvium -w wh db list"), "b\n");
}

#[test]
fn tables_are_made_from_files_standard_input_and_each_other() {
    let shell = Shell::with_orders();
    shell.ok("alluvium -w wh table create shop.orders --schema orders.json --if-not-exists");
    shell.ok("alluvium -w wh table create shop.piped --schema - < orders.json");
    shell.ok("alluvium -w wh table create shop.copy --like shop.orders");
    assert_eq!(shell.ok("alluvium -w wh table list shop"), "shop.copy\nshop.orders\nshop.piped\n");
    assert_eq!(shell.ok("alluvium -w wh table list"), shell.ok("alluvium -w wh table list shop"));
    let schema = |name: &str| {
        let mut schema = shell.json(&format!("alluvium -w wh table describe {name} --json"));
        schema["timeMillis"] = 0.into();
        schema
    };
    assert_eq!(schema("shop.orders"), schema("shop.copy"));
    assert_eq!(schema("shop.orders"), schema("shop.piped"));
    assert_eq!(schema("shop.orders")["fields"][1]["type"], "DECIMAL(10, 2)");
}

#[test]
fn a_description_shows_columns_keys_and_options() {
    let shell = Shell::with_orders();
    let text = shell.ok("alluvium -w wh table describe shop.orders");
    for words in ["shop.orders, schema 0", "BIGINT NOT NULL", "key 1", "DECIMAL(10, 2)", "bucket"] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
    assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
}

#[test]
fn a_wrong_schema_names_what_is_wrong() {
    let shell = Shell::with_orders();
    let cases = [
        ("{", "no JSON"),
        (r#"{"fields":[{"name":"a","type":"INTEGR"}]}"#, "field a"),
        (r#"{"fields":[{"name":"a","type":"INT"}],"primaryKeys":["b"]}"#, "b"),
        (r#"{"fields":[{"name":"a","type":"INT"}],"primarykeys":["a"]}"#, "primarykeys"),
        (&ORDERS.replace(r#""1""#, r#""one""#), "bucket"),
    ];
    for (schema, word) in cases {
        shell.write("wrong.json", schema);
        shell.run("alluvium -w wh table create shop.wrong --schema wrong.json").fails(1, &[word]);
    }
    assert_eq!(shell.ok("alluvium -w wh table list"), "shop.orders\n");
}

#[test]
fn a_drop_prints_exactly_what_it_deletes() {
    let shell = Shell::with_orders();
    let would = shell.sorted("alluvium -w wh table drop shop.orders --dry-run");
    assert!(would.iter().any(|line| line.ends_with("wh/shop.db/orders/schema/schema-0")), "{would:?}");
    assert!(shell.path("wh/shop.db/orders/schema/schema-0").exists());
    shell.run("alluvium -w wh table drop 'shop.orders$branch_b'").fails(1, &["unsupported", "branch"]);
    assert_eq!(shell.sorted("alluvium -w wh table drop shop.orders"), would);
    assert!(!shell.path("wh/shop.db/orders").exists());
    shell.run("alluvium -w wh table drop shop.orders").fails(1, &["no table shop.orders"]);
    shell.ok("alluvium -w wh table drop shop.orders --if-exists");
}

#[test]
fn a_warehouse_that_cannot_be_written_is_named() {
    let shell = Shell::new();
    shell.write("file", "not a folder");
    shell.run("alluvium -w file/wh db create shop").fails(1, &["file/wh"]);
    shell.run("alluvium quickstart --dir file/wh").fails(1, &["file/wh"]);
}
