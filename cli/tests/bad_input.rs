//! Bad input and damaged tables: nothing is lost, nothing is half done, and the message says where and what to do.

use std::fs;

use crate::shell::Shell;

/// Ingests these lines, two rows a commit, and gives what happened and the rows that are there then.
fn ingest(shell: &Shell, lines: &str, options: &str) -> (crate::shell::Run, Vec<String>) {
    shell.write("rows.ndjson", lines);
    let run = shell.run(&format!("alluvium -w wh ingest shop.orders rows.ndjson --commit-rows 2 {options}"));
    (run, shell.sorted("alluvium -w wh scan shop.orders --columns id --output ndjson"))
}

#[test]
fn a_row_that_cannot_be_read_stops_before_its_commit() {
    let good = "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n";
    let cases = [
        ("{\"id\":4\n", &["rows.ndjson", "line 4"][..]),
        ("{\"id\":\"x\"}\n", &["rows.ndjson", "line 4", "id", "x"]),
        ("{\"id\":4,\"total\":\"12345678901.00\"}\n", &["line 4", "total", "DECIMAL(10, 2)"]),
        ("{\"id\":null}\n", &["line 4", "id", "null"]),
        ("{\"total\":\"1.00\"}\n", &["line 4", "id"]),
        ("{\"id\":4,\"colour\":\"red\"}\n", &["line 4", "colour", "--ignore-unknown"]),
        ("{\"id\":4,\"rowkind\":\"U\"}\n", &["line 4", "row kind", "+I"]),
        ("[4]\n", &["line 4"]),
    ];
    for (bad, words) in cases {
        let shell = Shell::with_orders();
        let (run, rows) = ingest(&shell, &format!("{good}{bad}"), "");
        run.fails(1, words);
        run.fails(1, &["shop.orders", "2 rows in 1 commit stay"]);
        assert_eq!(rows, ["{\"id\":1}", "{\"id\":2}"], "{bad}");
    }
}

#[test]
fn bad_rows_can_be_skipped_and_kept() {
    let shell = Shell::with_orders();
    let lines = "{\"id\":1}\nnonsense\n{\"id\":2}\n{\"id\":\"x\"}\n";
    let (run, rows) = ingest(&shell, lines, "--on-error skip --dead-letter bad.ndjson --json");
    assert_eq!(run.status, Some(0), "{run:?}");
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&report["rows"], &report["skipped"]), (&2.into(), &2.into()), "{report}");
    assert_eq!(rows.len(), 2);
    let kept = fs::read_to_string(shell.path("bad.ndjson")).unwrap();
    assert!(kept.contains("nonsense") && kept.lines().count() == 2, "{kept}");
}

#[test]
fn inputs_that_are_not_there_are_named() {
    let shell = Shell::with_orders();
    shell.run("alluvium -w wh ingest shop.orders nope.ndjson").fails(1, &["nope.ndjson"]);
    shell.write("rows.xyz", "");
    shell.run("alluvium -w wh ingest shop.orders rows.xyz").fails(1, &["rows.xyz", "ndjson"]);
    shell.run("echo '{}' | alluvium -w wh ingest shop.nope -").fails(1, &["no table shop.nope"]);
    shell.write("rows.ndjson.zst", "not zstd");
    shell.run("alluvium -w wh ingest shop.orders rows.ndjson.zst").fails(1, &["rows.ndjson.zst"]);
    assert!(!shell.path("wh/shop.db/orders/snapshot").exists());
}

#[test]
fn a_commit_that_cannot_be_put_leaves_nothing() {
    let shell = Shell::with_orders();
    // A file where the folder of manifests would be: data files can be written, commits cannot.
    shell.write("wh/shop.db/orders/manifest", "");
    let run = shell.run("echo '{\"id\":1}' | alluvium -w wh ingest shop.orders -");
    run.fails(1, &["shop.orders", "manifest", "nothing was committed"]);
    let bucket = shell.path("wh/shop.db/orders/bucket-0");
    let left = fs::read_dir(bucket).map_or(0, Iterator::count);
    assert_eq!(left, 0, "data files that nobody names");
}

fn damage(shell: &Shell, folder: &str, prefix: &str, how: impl Fn(&std::path::Path)) {
    let folder = shell.path(&format!("wh/shop.db/orders/{folder}"));
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let of_prefix = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(prefix);
    let found: Vec<_> = entries.filter(of_prefix).collect();
    assert!(!found.is_empty(), "no {prefix}");
    found.iter().for_each(|path| how(path));
}

#[test]
fn damaged_tables_are_reported_with_the_file() {
    let truncate = |path: &std::path::Path| fs::write(path, &fs::read(path).unwrap()[..20]).unwrap();
    let remove = |path: &std::path::Path| fs::remove_file(path).unwrap();
    type Damage = fn(&std::path::Path);
    let cases: [(&str, &str, Damage, &str); 6] = [
        ("manifest", "manifest-list", truncate, "manifest-list"),
        ("manifest", "manifest-list", remove, "manifest-list"),
        ("bucket-0", "data-", truncate, "data-"),
        ("bucket-0", "data-", remove, "data-"),
        ("snapshot", "snapshot-", truncate, "snapshot-1"),
        ("schema", "schema-", truncate, "schema-0"),
    ];
    for (folder, prefix, how, named) in cases {
        let shell = Shell::with_orders();
        shell.ok("echo '{\"id\":1}' | alluvium -w wh ingest shop.orders -");
        damage(&shell, folder, prefix, how);
        for command in ["scan", "tail --from earliest --to latest", "inspect"] {
            if command == "inspect" && folder == "bucket-0" {
                continue;
            }
            let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
            let run = shell.run(&format!("alluvium -w wh {verb} shop.orders {rest}"));
            run.fails(1, &[named]);
            assert_eq!(run.out, "", "{command} with damaged {named}");
        }
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let shell = Shell::with_orders();
    let lines: String = (0..50_000).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    shell.write("rows.ndjson", lines);
    shell.ok("alluvium -w wh ingest shop.orders rows.ndjson");
    for command in [
        "scan shop.orders",
        "scan shop.orders --output csv",
        "scan shop.orders --output table",
        "tail shop.orders --from earliest",
        "table drop shop.orders --dry-run",
        "inspect shop.orders",
    ] {
        let line = format!("(alluvium -w wh {command}; echo status $? >&2) | true");
        let run = shell.run(&line);
        assert_eq!(
            run.err.lines().filter(|line| *line != "status 0").collect::<Vec<_>>(),
            Vec::<&str>::new(),
            "{command}"
        );
    }
}
