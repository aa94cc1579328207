//! Tables without a primary key from a shell: rows in, rows and changes out, compaction.

use serde_json::json;

use crate::shell::Shell;

const EVENTS: &str = r#"{"fields":[{"name":"day","type":"STRING"},{"name":"id","type":"INT"}],"partitionKeys":["day"],"options":{OPTIONS}}"#;

fn with_events(options: &str) -> Shell {
    let shell = Shell::new();
    shell.write("events.json", EVENTS.replace("OPTIONS", options));
    shell.ok("alluvium -w wh db create shop");
    shell.ok("alluvium -w wh table create shop.events --schema events.json");
    shell
}

fn ingest(shell: &Shell, ids: std::ops::Range<i32>) {
    let rows: String = ids.map(|id| format!("{{\"day\":\"d{}\",\"id\":{id}}}\n", id % 2)).collect();
    shell.write("rows.ndjson", rows);
    shell.ok("alluvium -w wh ingest shop.events rows.ndjson");
}

#[test]
fn rows_are_appended_read_and_compacted() {
    let shell = with_events(r#""write-only":"true""#);
    for commit in 0..5 {
        ingest(&shell, commit * 10..commit * 10 + 4);
    }
    // The same rows again are other rows.
    ingest(&shell, 0..4);
    let scan = "alluvium -w wh scan shop.events --output ndjson";
    let rows = shell.sorted(scan);
    assert_eq!(
        (rows.len(), rows[0].as_str(), rows[1].as_str()),
        (24, r#"{"day":"d0","id":0}"#, r#"{"day":"d0","id":0}"#)
    );
    let changes = shell.ok("alluvium -w wh tail shop.events --from earliest --to latest --output ndjson");
    assert_eq!(changes.lines().filter(|line| line.contains(r#""rowkind":"+I""#)).count(), 24);
    let picture = shell.ok("alluvium -w wh inspect shop.events");
    assert!(picture.contains("6 files") && picture.contains("reads merge none"), "{picture}");

    let outlook = shell.ok("alluvium -w wh compact shop.events --dry-run --json");
    assert_eq!(outlook.lines().count(), 2, "a task for each partition: {outlook}");
    let report = shell.json("alluvium -w wh compact shop.events --json");
    assert_eq!((&report["filesBefore"], &report["filesAfter"]), (&json!(12), &json!(2)));
    assert_eq!(shell.sorted(scan), rows);
    assert_eq!(shell.ok("alluvium -w wh compact-database shop --full --json"), "", "nothing is left to do");
    shell.ok("alluvium -w wh ingest shop.events rows.ndjson --overwrite");
    assert_eq!(shell.sorted(scan).len(), 4);
}

#[test]
fn rows_are_sorted_by_the_columns_that_are_named() {
    let shell = with_events(r#""target-file-size":"1 kb","write-only":"true""#);
    for commit in 0..3 {
        ingest(&shell, commit * 100..commit * 100 + 40);
    }
    let scan = "alluvium -w wh scan shop.events --output ndjson";
    let rows = shell.sorted(scan);
    let sort = "alluvium -w wh compact shop.events --order-strategy";
    let outlook = shell.ok(&format!("{sort} order --order-by id --dry-run --json"));
    assert_eq!(outlook.lines().count(), 2, "a sort of each partition: {outlook}");
    let report = shell.json(&format!("{sort} order --order-by id --partition day=d1 --json"));
    assert_eq!((&report["buckets"], &report["filesBefore"]), (&json!(1), &json!(3)));
    let told = shell.run(&format!("{sort} ZORDER --order-by id,day"));
    assert!(told.err.contains("snapshot 5") && told.err.contains("in 2 buckets"), "{}", told.err);
    assert_eq!(shell.sorted(scan), rows);
    let of_day = shell.ok(&format!("{scan} --where \"day = 'd0'\""));
    let ids: Vec<i64> = of_day
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_i64().unwrap())
        .collect();
    assert!(ids.len() == 60 && ids.is_sorted(), "{ids:?}");
    // The rows of sorts are no news.
    let changes = shell.ok("alluvium -w wh tail shop.events --from earliest --to latest --output ndjson");
    assert_eq!(changes.lines().count(), 120);

    shell.run(&format!("{sort} order --order-by day,idd")).fails(1, &["no column idd", "day, id"]);
    shell.run("alluvium -w wh compact shop.events --order-by id").fails(2, &["--order-strategy"]);
    shell.run(&format!("{sort} order")).fails(2, &["--order-by"]);
    for wrong in ["--watch", "--full", "--buckets 0"] {
        shell.run(&format!("{sort} order --order-by id {wrong}")).fails(2, &["cannot be used with"]);
    }
}

#[test]
fn rows_of_a_bucket_keep_their_order() {
    let shell = with_events(r#""bucket":"3","bucket-key":"id","compaction.min.file-num":"3""#);
    for commit in 0..7 {
        ingest(&shell, commit * 10..commit * 10 + 10);
    }
    shell.ok("alluvium -w wh compact shop.events --full");
    let of_day = |text: &str| -> Vec<i32> {
        let ids = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        ids.filter(|row| row["day"] == "d1").map(|row| row["id"].as_i64().unwrap() as i32).collect()
    };
    let read = |command: &str| of_day(&shell.ok(&format!("alluvium -w wh {command} --output ndjson")));
    // Bucket by bucket: within each, ids ascend.
    let rows = read("scan shop.events");
    let buckets: Vec<&[i32]> = rows.chunk_by(|a, b| a < b).collect();
    assert!((2..=3).contains(&buckets.len()), "{buckets:?}");
    let mut sorted = rows.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..70).filter(|id| id % 2 == 1).collect::<Vec<i32>>());
    for start in ["earliest", "full"] {
        let changes = read(&format!("tail shop.events --from {start} --to latest"));
        assert_eq!(changes.len(), rows.len(), "from {start}");
        for bucket in &buckets {
            let of_bucket: Vec<i32> = changes.iter().copied().filter(|id| bucket.contains(id)).collect();
            assert_eq!(of_bucket, *bucket, "from {start}");
        }
    }
}

#[test]
fn what_cannot_be_appended_is_refused() {
    let shell = with_events("");
    shell.write("rows.ndjson", "{\"rowkind\":\"-D\",\"day\":\"a\",\"id\":1}\n");
    shell.run("alluvium -w wh ingest shop.events rows.ndjson").fails(1, &["row 0 is a -U or -D", "has no primary key"]);
    for (options, words) in [
        (r#""bucket":"2""#, "bucket-key"),
        (r#""bucket":"-2""#, "take a number of buckets"),
        (r#""changelog-producer":"input""#, "its changes are its rows"),
        (r#""full-compaction.delta-commits":"2""#, "has no full compactions"),
    ] {
        shell.write("wrong.json", EVENTS.replace("OPTIONS", options));
        shell.run("alluvium -w wh table create shop.wrong --schema wrong.json").fails(1, &[words]);
    }
}
