//! Streams of tables that change under them: rollback and branches by Paimon, watermarks, and consumers that go from one side to the other.

use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::time::{Duration, Instant};

use alluvium_interop::World;
use alluvium_interop::cases::Case;
use alluvium_interop::streams::{Options, by_key, our_range, our_rows, ours, their_range, their_rows, theirs};
use alluvium_interop::world::{Side, java};
use serde_json::{Value, json};

/// Far longer than a stream takes to look at its table.
const PATIENCE: Duration = Duration::from_secs(120);

fn table(options: Value) -> (World, Case) {
    let fields = json!([{"name": "k", "type": "INT NOT NULL"}, {"name": "v", "type": "BIGINT"}]);
    let schema = json!({"fields": fields, "primaryKeys": ["k"], "partitionKeys": [], "options": options});
    let case = Case { name: "t", schema, key_pool: 8, unordered: Vec::new() };
    let world = World::new();
    world.create(Side::Java, &case);
    (world, case)
}

fn rows(range: std::ops::Range<i64>) -> Vec<Value> {
    range.map(|k| json!({"rowkind": "+I", "k": k, "v": k * 10})).collect()
}

/// A stream of ours that waits for more behind `lines` changes.
struct Open {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Open {
    fn new(world: &World, lines: usize) -> Self {
        let mut child = world.alluvium.start(&["tail", "db.t", "--from", "earliest", "--output", "ndjson"]);
        let mut out = BufReader::new(child.stdout.take().expect("stdout is piped"));
        for _ in 0..lines {
            assert!(out.read_line(&mut String::new()).expect("lines come") > 0, "the stream ended too early");
        }
        Self { child, out }
    }

    /// What it says when it ends by itself, with an error, and without another change.
    #[expect(clippy::disallowed_methods, reason = "how long another process may take is asked of the clock")]
    fn error(mut self) -> String {
        let patience = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("the stream is there") {
                Some(status) => break status,
                None if Instant::now() > patience => {
                    self.child.kill().expect("the stream can be ended");
                    panic!("the stream goes on over a table that is not the one it read");
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        assert_eq!(status.code(), Some(1));
        let (mut more, mut error) = (String::new(), String::new());
        self.out.read_to_string(&mut more).expect("stdout is read");
        self.child.stderr.take().expect("stderr is piped").read_to_string(&mut error).expect("stderr is read");
        assert_eq!(more, "", "changes after the table was set back");
        error
    }
}

#[test]
fn a_rollback_by_paimon_ends_a_stream_with_an_error() {
    if crate::skipped("a_rollback_by_paimon_ends_a_stream_with_an_error") {
        return;
    }
    let (world, case) = table(json!({"bucket": "1"}));
    world.write(Side::Java, &case, &rows(0..4), 4);
    let open = Open::new(&world, 4);
    java().run(&["rollback-to", world.warehouse(), "db", "t", "2"]);
    let error = open.error();
    assert!(error.contains("rolled back") && error.contains("start again with a full read"), "{error}");
}

#[test]
fn a_branch_that_paimon_fast_forwards_ends_a_stream_that_read_other_snapshots() {
    if crate::skipped("a_branch_that_paimon_fast_forwards_ends_a_stream_that_read_other_snapshots") {
        return;
    }
    let (world, case) = table(json!({"bucket": "1"}));
    world.write(Side::Java, &case, &rows(0..2), 2);
    java().run(&["create-tag", world.warehouse(), "db", "t", "here"]);
    java().run(&["create-branch", world.warehouse(), "db", "t", "b", "--tag", "here"]);
    world.write(Side::Alluvium, &case, &rows(2..4), 2);
    world.alluvium.ingest("db.t$branch_b", &rows(10..12), 2, &[]);
    let open = Open::new(&world, 4);
    java().run(&["fast-forward", world.warehouse(), "db", "t", "b"]);
    // The branch has as many snapshots: only the next one shows that they are others.
    world.write(Side::Alluvium, &case, &rows(20..21), 1);
    let error = open.error();
    assert!(error.contains("fast-forwarded") && error.contains("start again with a full read"), "{error}");
    world.same_rows(&case, "after the branch was fast-forwarded");
    world.same_changes(&case, "after the branch was fast-forwarded");
}

#[test]
fn a_bounded_stream_ends_before_the_same_watermark() {
    if crate::skipped("a_bounded_stream_ends_before_the_same_watermark") {
        return;
    }
    let mut ends = Vec::new();
    for producer in ["none", "input"] {
        let (world, case) = table(json!({"bucket": "1", "changelog-producer": producer}));
        let file = world.table_folder(&case).join("../rows.ndjson");
        std::fs::write(&file, alluvium_interop::rows::lines(&rows(0..6))).expect("the rows are written");
        let file = file.to_str().expect("scratch folders have UTF-8 names");
        java().run(&["write", world.warehouse(), "db", "t", file, "--commits", "6", "--watermark", "100"]);
        world.write(Side::Alluvium, &case, &rows(6..8), 1);
        for bound in ["99", "100", "102", "105", "900"] {
            for start in [("scan.snapshot-id", "1"), ("scan.snapshot-id", "3"), ("scan.mode", "latest-full")] {
                let options: Options =
                    vec![(start.0, start.1.to_owned()), ("scan.bounded.watermark", bound.to_owned())];
                let (a, b) = (ours(&world, &case, &options), theirs(&world, &case, &options));
                let a = a.unwrap_or_else(|error| panic!("{options:?}: {error}"));
                assert_eq!(Ok(&a), b.as_ref(), "{producer} {options:?} (left: Alluvium, right: Java)");
                ends.push(a.len());
            }
        }
    }
    println!("{} bounded streams of {} changes agree", ends.len(), ends.iter().sum::<usize>());
    assert!(ends.contains(&0) && ends.contains(&3) && ends.contains(&8), "the watermark ends none of them: {ends:?}");
}

#[test]
fn a_consumer_goes_from_one_side_to_the_other() {
    if crate::skipped("a_consumer_goes_from_one_side_to_the_other") {
        return;
    }
    for producer in ["none", "lookup", "full-compaction"] {
        let (world, case) = table(json!({"bucket": "1", "changelog-producer": producer}));
        world.write(Side::Java, &case, &rows(0..8), 4);
        world.write(Side::Alluvium, &case, &rows(4..12), 4);
        let consumer = |start: &str| -> Options {
            vec![
                ("scan.mode", "from-snapshot".to_owned()),
                ("scan.snapshot-id", start.to_owned()),
                ("consumer-id", "c".to_owned()),
            ]
        };
        let to_snapshot = |id: i64| format!("snapshot:{id}");
        let last = *world.snapshots(&case).last().expect("the table has snapshots");
        let (one, two) = (last / 3, 2 * last / 3);
        let mut seen = our_rows(&world, ("db.t", &["tail", "--to", &to_snapshot(one)]), &consumer("1")).expect("ours");
        assert_eq!(next_of(&world, &case), json!({"nextSnapshot": one + 1}));
        seen.extend(
            their_rows(&world, &case, &["stream", "--acknowledge", "--to", &two.to_string()], &consumer("1"))
                .expect("Java goes on"),
        );
        assert_eq!(next_of(&world, &case), json!({"nextSnapshot": two + 1}));
        seen.extend(our_rows(&world, ("db.t", &["tail", "--to", "latest"]), &consumer("1")).expect("ours goes on"));
        let whole = theirs(&world, &case, &vec![("scan.snapshot-id", "1".to_owned())]).expect("Java streams");
        assert_eq!(by_key(&case, &seen), whole, "{producer}");
        println!("{producer}: a consumer of {} changes went from Alluvium to Java and back", seen.len());
    }
}

#[test]
fn changes_up_to_a_tag_of_a_period_are_the_same() {
    if crate::skipped("changes_up_to_a_tag_of_a_period_are_the_same") {
        return;
    }
    let (world, case) = table(json!({"bucket": "1"}));
    world.write(Side::Java, &case, &rows(0..6), 6);
    for (name, snapshot) in [("2013-01-01", "1"), ("2013-01-03", "3"), ("other", "4"), ("2013-01-04", "5")] {
        java().run(&["create-tag", world.warehouse(), "db", "t", name, "--snapshot", snapshot]);
    }
    for (tag, keys) in [
        ("2013-01-01", Some(0)),
        ("2013-01-03", Some(2)),
        ("2013-01-04", Some(2)),
        ("2013-01-05", Some(0)),
        ("other", None),
    ] {
        let options: Options = vec![("incremental-to-auto-tag", tag.to_owned())];
        let (a, b) = (our_range(&world, &case, &options), their_range(&world, &case, &options));
        assert_eq!(a.as_ref().ok(), b.as_ref().ok(), "{tag} (left: Alluvium, right: Java): {a:?} {b:?}");
        assert_eq!(a.ok().map(|changes| changes.len()), keys, "{tag}");
    }
}

/// A reader of ours that was killed in the midst of the rows it started with.
#[test]
fn paimon_goes_on_from_a_consumer_with_a_member_that_it_does_not_know() {
    if crate::skipped("paimon_goes_on_from_a_consumer_with_a_member_that_it_does_not_know") {
        return;
    }
    let (world, case) = table(json!({"bucket": "1"}));
    world.write(Side::Java, &case, &rows(0..4), 4);
    let folder = world.table_folder(&case).join("consumer");
    std::fs::create_dir_all(&folder).expect("the folder is made");
    let file = "{\"nextSnapshot\": 3, \"fullRead\": true}";
    std::fs::write(folder.join("consumer-c"), file).expect("the file is written");
    let options: Options = vec![("scan.mode", "latest-full".to_owned()), ("consumer-id", "c".to_owned())];
    let keys = |changes: Vec<Value>| changes.iter().map(|row| row["k"].as_i64().expect("a key")).collect::<Vec<_>>();
    let theirs = their_rows(&world, &case, &["stream"], &options).expect("Java goes on");
    assert_eq!(keys(theirs), [2, 3], "Java goes on with the snapshot of the file");
    let ours = our_rows(&world, ("db.t", &["tail", "--to", "latest"]), &options).expect("ours goes on");
    assert_eq!(keys(ours), [0, 1, 2, 3], "ours has not taken care of the rows it started with");
}

fn next_of(world: &World, case: &Case) -> Value {
    let file = world.table_folder(case).join("consumer/consumer-c");
    serde_json::from_slice(&std::fs::read(file).expect("the consumer is there")).expect("it is JSON")
}
