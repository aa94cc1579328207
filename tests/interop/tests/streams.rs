//! Streams with every way to start, and ranges of changes: both sides give the same changes of each key, streams in the same order.
//!
//! The table has a history of both sides: writes, compactions, an overwrite, columns that are added, renamed, widened and dropped on the
//! way. `INTEROP_SEED` replays one.

use std::collections::BTreeMap;

use alluvium_interop::World;
use alluvium_interop::cases::Case;
use alluvium_interop::evolution::alter;
use alluvium_interop::streams::{Changes, Options, our_range, ours, their_range, theirs};
use alluvium_interop::world::Side;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

const SEEDS: u64 = 1;

/// The columns of tables that change the most.
const EVOLVING: [(&str, &str); 5] =
    [("k", "INT NOT NULL"), ("v", "BIGINT"), ("s", "STRING"), ("narrow", "INT"), ("dropped", "STRING")];

fn case(name: &'static str, keys: &[&str], options: Value) -> Case {
    of_fields(name, &[("k", "INT NOT NULL"), ("v", "BIGINT"), ("s", "STRING")], keys, options)
}

fn of_fields(name: &'static str, fields: &[(&str, &str)], keys: &[&str], options: Value) -> Case {
    let fields: Vec<Value> = fields.iter().map(|(name, of)| json!({"name": name, "type": of})).collect();
    let partitions: Vec<&&str> = keys.iter().filter(|key| **key == "p").collect();
    let schema = json!({"fields": fields, "primaryKeys": keys, "partitionKeys": partitions, "options": options});
    Case { name, schema, key_pool: 8, unordered: Vec::new() }
}

/// A table for each changelog producer, and for each way to keep rows.
pub(crate) fn cases() -> Vec<Case> {
    let in_partitions = [("p", "TINYINT NOT NULL"), ("k", "INT NOT NULL"), ("v", "BIGINT"), ("s", "STRING")];
    vec![
        case("none", &["k"], json!({"bucket": "2"})),
        case("input", &["k"], json!({"bucket": "2", "changelog-producer": "input"})),
        case("lookup", &["k"], json!({"bucket": "2", "changelog-producer": "lookup"})),
        case("full_compaction", &["k"], json!({"bucket": "2", "changelog-producer": "full-compaction"})),
        case("vectors", &["k"], json!({"bucket": "1", "deletion-vectors.enabled": "true"})),
        case("sequence", &["k"], json!({"bucket": "1", "sequence.field": "v"})),
        case(
            "aggregation",
            &["k"],
            json!({"bucket": "1", "merge-engine": "aggregation", "fields.v.aggregate-function": "max",
                   "ignore-delete": "true", "changelog-producer": "lookup"}),
        ),
        case("appended", &[], json!({"bucket": "2", "bucket-key": "k"})),
        of_fields("partitioned", &in_partitions, &["p", "k"], json!({"bucket": "1", "changelog-producer": "lookup"})),
        of_fields(
            "partitioned_input",
            &in_partitions,
            &["p", "k"],
            json!({"bucket": "2", "changelog-producer": "input"}),
        ),
        case("dynamic", &["k"], json!({"bucket": "-1", "dynamic-bucket.target-row-num": "3"})),
        case(
            "dynamic_lookup",
            &["k"],
            json!({"bucket": "-1", "dynamic-bucket.target-row-num": "3", "changelog-producer": "lookup"}),
        ),
        of_fields("evolving", &EVOLVING, &["k"], json!({"bucket": "1", "changelog-producer": "lookup"})),
        of_fields("evolving_none", &EVOLVING, &["k"], json!({"bucket": "2"})),
    ]
}

#[test]
fn every_way_to_start_gives_the_same_stream() {
    if crate::skipped("every_way_to_start_gives_the_same_stream") {
        return;
    }
    let mut tally = Tally::default();
    for seed in seeds() {
        for case in cases() {
            let (world, case) = history(seed, case);
            for options in starts(&world, &case) {
                let order = order(&case, &options);
                let (a, b) = (ours(&world, &case, &options).map(order), theirs(&world, &case, &options).map(order));
                tally.take_of(way(&case, &options), a, b, || format!("{} {options:?} seed {seed}", case.name));
            }
        }
    }
    tally.every_way_was_taken();
    tally.end("streams");
}

/// The changelog producer and the way to start.
fn way(case: &Case, options: &Options) -> (String, String) {
    let producer = case.schema["options"]["changelog-producer"].as_str().unwrap_or("none").to_owned();
    let (name, value) = options.first().expect("a way to start has options");
    (producer, if name.ends_with("mode") { value.clone() } else { (*name).to_owned() })
}

#[test]
fn ranges_of_changes_are_the_same() {
    if crate::skipped("ranges_of_changes_are_the_same") {
        return;
    }
    let mut tally = Tally::default();
    for seed in seeds() {
        for case in cases() {
            // Paimon's difference leaves files out whose rows it would need; of partitioned and dynamic tables it lacked rows that came. Ours
            // is held against its snapshots in `differences`. An append table has none.
            let compared = !["vectors", "sequence", "aggregation", "appended"].contains(&case.name)
                && !["evolving", "partitioned", "dynamic"].iter().any(|kind| case.name.starts_with(kind));
            let (world, case) = history(seed, case);
            for options in ranges(&world, &case, compared) {
                let (a, b) = (our_range(&world, &case, &options), their_range(&world, &case, &options));
                // Paimon gives the changes of a key in no order across commits.
                tally.take(a.map(unordered), b.map(unordered), || format!("{} {options:?} seed {seed}", case.name));
            }
        }
    }
    tally.end("ranges");
}

/// Paimon gives what an overwrite took and brought in no order of buckets, and it may move a key between dynamic ones.
pub(crate) fn order(case: &Case, options: &Options) -> fn(Changes) -> Changes {
    let reads_overwrites =
        options.iter().any(|(name, value)| *name == "streaming-read-overwrite" || value == "file-monitor");
    if reads_overwrites && case.name.starts_with("dynamic") { unordered } else { |changes| changes }
}

fn unordered(mut changes: Changes) -> Changes {
    changes.values_mut().for_each(|of_key| of_key.sort_unstable());
    changes
}

pub(crate) fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("INTEROP_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("INTEROP_STREAMS").unwrap_or(SEEDS),
    }
}

/// Every way to start a stream of rows.
const WAYS: [&str; 8] = [
    "latest-full",
    "compacted-full",
    "latest",
    "scan.snapshot-id",
    "from-snapshot-full",
    "scan.timestamp-millis",
    "scan.creation-time-millis",
    "scan.file-creation-time-millis",
];

/// What was compared.
#[derive(Default)]
pub(crate) struct Tally {
    streams: usize,
    changes: usize,
    differ: Vec<String>,
    /// Streams and changes of each changelog producer and way to start.
    ways: BTreeMap<(String, String), (usize, usize)>,
}

impl Tally {
    fn take_of(
        &mut self,
        way: (String, String),
        ours: Result<Changes, String>,
        theirs: Result<Changes, String>,
        what: impl Fn() -> String,
    ) {
        let before = self.changes;
        self.take(ours, theirs, what);
        let (streams, changes) = self.ways.entry(way).or_default();
        *streams += 1;
        *changes += self.changes - before;
    }

    /// Each changelog producer was streamed in each way, and that gave changes, but where there is nothing to come.
    fn every_way_was_taken(&self) {
        for ((producer, way), (streams, changes)) in &self.ways {
            println!("{producer} {way}: {streams} streams, {changes} changes");
        }
        for producer in ["none", "input", "lookup", "full-compaction"] {
            for way in WAYS {
                let found = self.ways.get(&(producer.to_owned(), way.to_owned()));
                let (streams, changes) = *found.unwrap_or_else(|| panic!("{producer} was not streamed by {way}"));
                assert!(streams > 0 && (changes > 0 || way == "latest"), "{producer} {way}: {streams} empty streams");
            }
        }
    }

    pub(crate) fn take(
        &mut self,
        ours: Result<Changes, String>,
        theirs: Result<Changes, String>,
        what: impl Fn() -> String,
    ) {
        self.streams += 1;
        match (ours, theirs) {
            (Ok(a), Ok(b)) if a == b => self.changes += a.values().map(Vec::len).sum::<usize>(),
            // Where Java ends with an exception there must be an error here, too.
            (Err(_), Err(_)) => {}
            (a, b) => self.differ.push(format!("{}:\n  {a:?}\n  {b:?}", what())),
        }
    }

    pub(crate) fn end(self, what: &str) {
        let Self { streams, changes, differ, .. } = self;
        assert!(differ.is_empty(), "{} of {streams} differ (first: Alluvium):\n{}", differ.len(), differ.join("\n"));
        println!("{streams} {what} of {changes} changes agree");
        assert!(changes > streams, "they are empty: {changes} changes in {streams} {what}");
    }
}

/// The options of ranges between snapshots and between times.
fn ranges(world: &World, case: &Case, compared: bool) -> Vec<Options> {
    let ids = world.snapshots(case);
    let modes: &[&str] = if compared { &["auto", "delta", "changelog", "diff"] } else { &["auto", "delta"] };
    let time = |id: i64| world.snapshot(case, id)["timeMillis"].to_string();
    let mut ranges = Vec::new();
    for mode in modes {
        for from in ids.iter().step_by(2) {
            for to in ids.iter().filter(|to| *to >= from).step_by(3) {
                let mode = ("incremental-between-scan-mode", (*mode).to_owned());
                ranges.push(vec![mode.clone(), ("incremental-between", format!("{from},{to}"))]);
                let times = format!("{},{}", time(*from), time(*to));
                ranges.push(vec![mode, ("incremental-between-timestamp", times)]);
            }
        }
    }
    ranges
}

/// A table with a past, and its case with the columns that it has at the end.
pub(crate) fn history(seed: u64, mut case: Case) -> (World, Case) {
    let world = World::new();
    let mut rng = SmallRng::seed_from_u64(seed);
    let pool = case.random_keys(&mut rng);
    world.create(Side::Java, &case);
    let (first, second) = if rng.random() { (Side::Java, Side::Alluvium) } else { (Side::Alluvium, Side::Java) };
    let write = |case: &Case, side: Side, rng: &mut SmallRng, commits: usize| {
        world.write(side, case, &case.random_changes(rng, &pool, 8 * commits), commits);
    };
    write(&case, first, &mut rng, 2);
    write(&case, second, &mut rng, 1);
    world.compact(first, &case, true);
    write(&case, second, &mut rng, 2);
    overwrite(&world, &case, &mut rng, &pool);
    let column = json!([{"add": "later", "type": "STRING"}]);
    alter(&world, Side::Java, case.name, &column).expect("a column can be added");
    case.schema["fields"].as_array_mut().expect("a schema has fields").push(json!({"name": "later", "type": "STRING"}));
    evolve(&world, &mut case);
    write(&case, first, &mut rng, 1);
    world.compact(second, &case, false);
    write(&case, second, &mut rng, 1);
    (world, case)
}

/// Columns change their names and types, and go.
fn evolve(world: &World, case: &mut Case) {
    if !case.name.starts_with("evolving") {
        return;
    }
    let first = json!([{"rename": "s", "to": "renamed"}, {"retype": "narrow", "to": "BIGINT"}]);
    alter(world, Side::Alluvium, case.name, &first).expect("columns can be renamed and widened");
    alter(world, Side::Java, case.name, &json!([{"drop": "dropped"}])).expect("a column can be dropped");
    let fields = case.schema["fields"].as_array_mut().expect("a schema has fields");
    fields.retain(|field| field["name"] != "dropped");
    for field in fields {
        match field["name"].as_str() {
            Some("s") => field["name"] = json!("renamed"),
            Some("narrow") => field["type"] = json!("BIGINT"),
            _ => {}
        }
    }
}

fn inserted(mut row: Value) -> Value {
    row["rowkind"] = json!("+I");
    row
}

fn overwrite(world: &World, case: &Case, rng: &mut SmallRng, pool: &[Vec<Value>]) {
    let rows: Vec<Value> = case.random_changes(rng, pool, 5).into_iter().map(inserted).collect();
    let lines = alluvium_interop::rows::lines(&rows);
    let table = format!("db.{}", case.name);
    world.alluvium.run(&["ingest", &table, "-", "--input-format", "ndjson", "--overwrite"], &lines);
}

/// The options of every way to start.
fn starts(world: &World, case: &Case) -> Vec<Options> {
    let mode = |mode: &str| ("scan.mode", mode.to_owned());
    let mut starts: Vec<Options> = ["latest-full", "compacted-full", "latest"].map(|name| vec![mode(name)]).into();
    starts.push(vec![("stream-scan-mode", "compact-bucket-table".to_owned())]);
    if !case.is_appended() {
        starts.push(vec![("stream-scan-mode", "file-monitor".to_owned())]);
    }
    let overwrites = if case.is_appended() { "streaming-read-append-overwrite" } else { "streaming-read-overwrite" };
    if !matches!(case.schema["options"]["changelog-producer"].as_str(), Some("lookup" | "full-compaction")) {
        starts.push(vec![("scan.snapshot-id", "1".to_owned()), (overwrites, "true".to_owned())]);
    }
    for id in world.snapshots(case) {
        let text = id.to_string();
        starts.push(vec![("scan.snapshot-id", text.clone())]);
        starts.push(vec![mode("from-snapshot-full"), ("scan.snapshot-id", text)]);
        let time = world.snapshot(case, id)["timeMillis"].to_string();
        for name in ["scan.timestamp-millis", "scan.creation-time-millis", "scan.file-creation-time-millis"] {
            starts.push(vec![(name, time.clone())]);
        }
    }
    starts
}
