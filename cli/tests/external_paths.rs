//! Tables whose data files are outside of their folders: nothing is read or written there that the command line does not allow.

use crate::shell::Shell;

/// A shell with a table whose files go to the folders `one` and `two`, and the option that allows both.
fn shell() -> (Shell, String) {
    let shell = Shell::new();
    let folder = |name: &str| format!("file://{}", shell.path(name).display());
    let paths = format!("{},{}", folder("one"), folder("two"));
    let schema = serde_json::json!({
        "fields": [{"name": "k", "type": "INT NOT NULL"}, {"name": "v", "type": "STRING"}],
        "primaryKeys": ["k"],
        "options": {
            "bucket": "1",
            "changelog-producer": "lookup",
            "deletion-vectors.enabled": "true",
            "index-file-in-data-file-dir": "true",
            "data-file.path-directory": "data",
            "data-file.external-paths": paths,
            "data-file.external-paths.strategy": "round-robin",
        },
    });
    shell.write("schema.json", schema.to_string());
    shell.ok("alluvium -w wh db create d");
    shell.ok("alluvium -w wh table create d.t --schema schema.json");
    let allowed = format!("-o allowed-external-paths={}", shell.path("one").parent().expect("a folder").display());
    (shell, allowed)
}

/// The files in the buckets below a folder.
fn files(shell: &Shell, folder: &str) -> usize {
    shell.ok(&format!("find {folder} -type f -path '*/data/bucket-0/*' | wc -l")).trim().parse().expect("a number")
}

#[test]
fn files_outside_are_written_read_compacted_and_dropped() {
    let (shell, allowed) = shell();
    for round in 0..5 {
        let rows: String = (0..20).map(|k| format!("{{\"k\":{k},\"v\":\"{round}\"}}\n")).collect();
        shell.write("rows.ndjson", rows);
        shell.ok(&format!("alluvium {allowed} -w wh ingest d.t rows.ndjson"));
    }
    shell.ok(&format!("alluvium {allowed} -w wh compact d.t --full"));
    let rows = shell.sorted(&format!("alluvium {allowed} -w wh scan d.t --output ndjson"));
    assert_eq!((rows.len(), rows[0].as_str()), (20, r#"{"k":0,"v":"4"}"#));
    let changes = shell.ok(&format!("alluvium {allowed} -w wh tail d.t --from earliest --to latest --output ndjson"));
    assert_eq!(changes.lines().count(), 20 + 4 * 40);
    shell.ok("test ! -e wh/d.db/t/data -a ! -e wh/d.db/t/index");
    let (one, two) = (files(&shell, "one"), files(&shell, "two"));
    assert!(one > 0 && two > 0, "{one} and {two}");

    for command in ["scan d.t", "tail d.t --from earliest --to latest", "ingest d.t rows.ndjson", "compact d.t --full"]
    {
        shell
            .run(&format!("alluvium -w wh {command}"))
            .fails(1, &["is outside of the table", "allowed-external-paths="]);
    }
    shell.run("alluvium -w wh table drop d.t").fails(1, &["allowed-external-paths="]);
    assert_eq!((files(&shell, "one"), files(&shell, "two")), (one, two), "what is not allowed changed nothing");

    shell.ok("touch one/data/bucket-0/of-another");
    let dropped = shell.ok(&format!("alluvium {allowed} -w wh table drop d.t"));
    assert_eq!(dropped.lines().filter(|line| line.contains("/one/data/bucket-0/")).count(), one);
    assert_eq!((files(&shell, "one"), files(&shell, "two")), (1, 0), "what is not the table's stays");
    shell.ok("test ! -e wh/d.db/t");
}
