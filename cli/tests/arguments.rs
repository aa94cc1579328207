//! The command line: where options may stand, exit statuses, and what is refused by name.

use crate::shell::Shell;

#[test]
fn a_wrong_command_line_is_status_2() {
    let shell = Shell::with_orders();
    let lines = [
        "alluvium",
        "alluvium no-such-command",
        "alluvium -w wh scan",
        "alluvium -w wh scan orders",
        "alluvium -w wh scan shop.orders --no-such-option",
        "alluvium -w wh scan shop.orders --columns id,nope",
        "alluvium -w wh scan shop.orders --columns id,id",
        "alluvium -w wh scan shop.orders --where 'nope = 1'",
        "alluvium -w wh scan shop.orders --where 'id ='",
        "alluvium -w wh scan shop.orders --snapshot 1 --tag t",
        "alluvium -w wh scan shop.orders --timestamp yesterday",
        "alluvium -w wh scan shop.orders --incremental 1",
        "alluvium -w wh scan shop.orders -o novalue",
        "alluvium -w wh scan shop.orders -o aws_region=x",
        "alluvium -w wh tail shop.orders --from yesterday",
        "alluvium -w wh compact shop.orders --buckets 9-0",
        "alluvium -w wh compact shop.orders --partition a=1",
        "alluvium -w wh ingest shop.orders --commit-rows 0",
        "alluvium -w wh ingest shop.orders --commit-interval soon",
        "alluvium -w wh ingest shop.orders --dead-letter bad.ndjson",
        "alluvium -w wh ingest shop.orders --partition a=1",
        "alluvium -w wh ingest shop.orders --overwrite --partition a=1",
        "alluvium -w wh table create shop.x",
        "alluvium -w wh table create shop.x --schema orders.json --like shop.orders",
        "alluvium -w wh db create a/b",
    ];
    for line in lines {
        let run = shell.run(line);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{line}\n{run:?}");
    }
}

#[test]
fn what_fails_is_status_1() {
    let shell = Shell::with_orders();
    shell.run("alluvium -w wh db create shop").fails(1, &["shop", "exists already"]);
    shell
        .run("alluvium -w wh table create shop.orders --schema orders.json")
        .fails(1, &["shop.orders", "exists already"]);
    shell.run("alluvium -w wh table create no.orders --schema orders.json").fails(1, &["no database no", "shop"]);
    shell.run("alluvium -w wh table create shop.x --schema nope.json").fails(1, &["nope.json"]);
    shell.run("alluvium -w wh scan shop.nope").fails(1, &["no table shop.nope", "orders"]);
    shell.run("alluvium -w wh db drop shop").fails(1, &["has tables (orders)"]);
    shell.run("alluvium -w wh scan shop.orders --snapshot 7").fails(1, &["no snapshot 7"]);
    shell.run("alluvium -w wh scan shop.orders --tag t").fails(1, &["tag", "t"]);
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    let shell = Shell::with_orders();
    shell
        .run("alluvium -w wh compact shop.orders --order-strategy zorder --order-by id")
        .fails(1, &["unsupported", "sort compaction of shop.orders", "primary key"]);
    shell.run("alluvium -w wh inspect shop.orders --html x.html").fails(1, &["--html"]);
    shell.run("alluvium -w wh scan 'shop.orders$files'").fails(1, &["unsupported", "$files"]);
    shell.run("alluvium -w wh ingest shop.orders x --input-format avro").fails(1, &["unsupported", "avro"]);
    shell.run("alluvium -w ftp://x/y db list").fails(2, &["ftp"]);
    let schema = shell.path("orders.json");
    let iceberg = r#""bucket":"1","metadata.iceberg.storage":"table-location""#;
    let iceberg = std::fs::read_to_string(schema).unwrap().replace(r#""bucket":"1""#, iceberg);
    shell.write("iceberg.json", iceberg);
    shell.ok("alluvium -w wh table create shop.iceberg --schema iceberg.json");
    let run = shell.run("echo '{\"id\":1}' | alluvium -w wh ingest shop.iceberg -");
    run.fails(1, &["unsupported", "metadata.iceberg.storage"]);
    assert_eq!(shell.ok("alluvium -w wh scan shop.iceberg --output ndjson"), "");
}

#[test]
fn options_stand_anywhere_and_in_both_forms() {
    let shell = Shell::with_orders();
    for line in [
        "alluvium table list shop -w wh",
        "alluvium table -w wh list shop",
        "alluvium --warehouse=wh table list shop",
        "alluvium table list --warehouse wh shop",
        "ALLUVIUM_WAREHOUSE=wh alluvium table list shop",
        "ALLUVIUM_WAREHOUSE=nope alluvium table list shop -w wh",
    ] {
        assert_eq!(shell.ok(line), "shop.orders\n", "{line}");
    }
    // Each of several options counts, on whichever side of the command it stands.
    let twice = "alluvium -w wh -o file.format=orc inspect shop.orders -o write-only=maybe";
    shell.run(twice).fails(2, &["write-only"]);
    let twice = "alluvium -w wh -o write-only=maybe inspect shop.orders -o file.format=orc";
    shell.run(twice).fails(2, &["write-only"]);
}
