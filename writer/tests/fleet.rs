//! The compaction of many tables, once and for ever.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alluvium_compaction::{CompactRequest, Fleet, FleetEvent, FleetRequest, FleetScope, StopGuard};
use alluvium_format::{DataField, ErrorKind, SchemaDefinition};
use alluvium_sim::{Fault, FaultMode, Faults, SimNamer};
use alluvium_store::{FileNamer, FileSystemCatalog, TableStore};
use alluvium_writer::{CommitExtras, TableWrite, WriteOptions};
use serde_json::json;

use crate::world::{World, batch_of, pairs};

/// Nobody waits longer for a watch that does nothing.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(120);
const HOUR_MILLIS: i64 = 3_600_000;

/// A table beside that of the world.
async fn beside(world: &World, name: &str, schema: serde_json::Value) -> TableStore {
    let definition = SchemaDefinition::from_json(schema.to_string().as_bytes()).unwrap();
    world.catalog.create_table(&name.parse().unwrap(), definition).await.unwrap()
}

async fn write(table: &TableStore, commits: std::ops::RangeInclusive<i64>) {
    let mut writer = TableWrite::open(table, "w", WriteOptions::default()).await.unwrap();
    for identifier in commits {
        let (batch, kinds) = batch_of(table.schema(), &pairs(0..30, &identifier.to_string()));
        writer.write(batch, Some(kinds)).await.unwrap();
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
}

fn fleet(world: &World, full: bool) -> Fleet {
    let scope = FleetScope::Databases {
        databases: vec!["d".to_owned()],
        including: Vec::new(),
        excluding: vec!["not_*".to_owned()],
    };
    let compact = CompactRequest { full, at_once: NonZero::new(2), ..CompactRequest::default() };
    Fleet::new(world.catalog.clone(), FleetRequest { scope, compact, options: BTreeMap::new() })
}

/// What was heard, a word and a table each.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn hear(&self, event: FleetEvent) {
        self.0.lock().unwrap().push(match event {
            FleetEvent::Compacted { table, .. } => format!("compacted {table}"),
            FleetEvent::Clashed { table, .. } => format!("clashed {table}"),
            FleetEvent::Skipped { table, .. } => format!("skipped {table}"),
            FleetEvent::Failed { table, error } => format!("failed {table:?}: {error}"),
            _ => "?".to_owned(),
        });
    }

    fn take(&self) -> Vec<String> {
        let mut heard = std::mem::take(&mut *self.0.lock().unwrap());
        heard.sort();
        heard
    }
}

fn simple(options: serde_json::Value) -> serde_json::Value {
    let fields = json!([{"name": "k", "type": "INT NOT NULL"}, {"name": "v", "type": "STRING"}]);
    json!({"fields": fields, "primaryKeys": ["k"], "options": options})
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tables_of_a_database_are_compacted_the_hottest_bucket_first() {
    let world = World::simple(json!({"bucket": "2", "write-only": "true"})).await;
    let hot = beside(&world, "d.hot", simple(json!({"bucket": "1", "write-only": "true"}))).await;
    let left_out = beside(&world, "d.not_this", simple(json!({"bucket": "1", "write-only": "true"}))).await;
    let refused = json!({"bucket": "-1", "row-tracking.enabled": "true"});
    beside(&world, "d.rows", json!({"fields": [{"name": "k", "type": "INT"}], "options": refused})).await;
    write(&world.table, 1..=3).await;
    write(&hot, 1..=6).await;
    write(&left_out, 1..=6).await;
    let (mut fleet, heard, stop) = (fleet(&world, true), Heard::default(), StopGuard::default());
    let outlook = fleet.outlook(&|event| heard.hear(event)).await.unwrap();
    let runs: Vec<_> = outlook.iter().map(|o| (o.table.as_str(), o.bucket.bucket, o.bucket.sorted_runs)).collect();
    assert_eq!(runs[0], ("d.hot", 0, 6));
    assert_eq!(runs.len(), 3);
    assert!(runs[1..].iter().all(|(table, _, runs)| (*table, *runs) == ("d.t", 3)), "{runs:?}");
    assert_eq!(outlook[0].bucket.output_level, Some(5));
    assert_eq!(heard.take(), ["skipped d.rows"]);
    assert_eq!(world.snapshots().await.len(), 3, "nothing was written");

    let summary = fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    assert_eq!(heard.take(), ["compacted d.hot", "compacted d.t"], "a table that was left alone stays so");
    assert_eq!((summary.compacted(), summary.failed()), (2, 0));
    assert_eq!(world.live().await.len(), 2);
    assert_eq!(hot.snapshots().latest_id().await.unwrap(), Some(7));
    assert_eq!(left_out.snapshots().latest_id().await.unwrap(), Some(6));
    fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    assert_eq!(heard.take(), [""; 0]);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_goes_on_with_the_schema_that_is_the_latest() {
    let world = World::simple(json!({"bucket": "1", "write-only": "true"})).await;
    let (mut fleet, heard, stop) = (fleet(&world, true), Heard::default(), StopGuard::default());
    write(&world.table, 1..=2).await;
    fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    let mut schema = world.table.schema().as_ref().clone();
    let data_type = schema.fields[1].data_type.clone();
    schema.id += 1;
    schema.highest_field_id += 1;
    let field = DataField {
        id: schema.highest_field_id,
        name: "w".to_owned(),
        data_type,
        description: None,
        default_value: None,
    };
    schema.fields.push(field);
    assert!(world.table.schemas().create(&schema).await.unwrap());
    let table = world.reopened().await;
    let mut writer = TableWrite::open(&table, "w", WriteOptions::default()).await.unwrap();
    let row = crate::world::add(json!({"k": 1, "v": "new", "w": "newer"}));
    let (batch, kinds) = batch_of(table.schema(), std::slice::from_ref(&row));
    writer.write(batch, Some(kinds)).await.unwrap();
    writer.commit(3, CommitExtras::default()).await.unwrap();
    fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    assert_eq!(heard.take(), ["compacted d.t", "compacted d.t"]);
    let live = world.live().await;
    assert_eq!((live.len(), live[0].file.schema_id), (1, 1));
    let rows = world.read().await;
    assert_eq!((&rows["1"], rows["2"]["w"].clone()), (&row.1, json!(null)), "no new column is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_compacts_what_comes_until_it_is_told_to_stop() {
    let world = World::simple(json!({"bucket": "2", "write-only": "true", "changelog-producer": "lookup"})).await;
    let (mut fleet, heard, stop) = (fleet(&world, false), Heard::default(), StopGuard::default());
    let signal = stop.signal();
    let hear = |event| heard.hear(event);
    let watch = fleet.watch(Duration::from_millis(1), &signal, &hear);
    let work = async {
        for identifier in 1..=5 {
            write(&world.table, identifier..=identifier).await;
            let compacted = async {
                while world.live().await.iter().any(|entry| entry.file.level == 0) {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(GIVEN_UP_AFTER, compacted).await.expect("nothing is compacted");
        }
        stop.stop();
    };
    tokio::join!(watch, work);
    let heard = heard.take();
    assert!(heard.iter().all(|event| event == "compacted d.t") && heard.len() >= 5, "{heard:?}");
    let rows = world.read().await;
    assert!(rows.values().all(|row| row["v"] == "5"));
    assert_eq!(crate::world::replay(world.table.schema(), &world.changelog().await), rows);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_one_table_leaves_the_others_alone() {
    let world = World::simple(json!({"bucket": "1", "write-only": "true"})).await;
    let broken = beside(&world, "d.broken", simple(json!({"bucket": "1", "write-only": "true"}))).await;
    write(&world.table, 1..=2).await;
    write(&broken, 1..=2).await;
    for path in broken.io().list_all("manifest").await.unwrap() {
        broken.io().put(&path.path, b"no manifest".to_vec()).await.unwrap();
    }
    let (mut fleet, heard, stop) = (fleet(&world, true), Heard::default(), StopGuard::default());
    let summary = fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    let events = heard.take();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events[0] == "compacted d.t" && events[1].starts_with("failed Some(\"d.broken\")"), "{events:?}");
    assert_eq!((summary.compacted(), summary.failed()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_compacts_few_small_files_when_no_more_come() {
    let fields = json!([{"name": "k", "type": "INT"}, {"name": "v", "type": "STRING"}]);
    let world = World::new(json!({"fields": fields, "options": {"write-only": "true"}})).await;
    write(&world.table, 1..=2).await;
    let (stop, heard) = (StopGuard::default(), Heard::default());
    let signal = stop.signal();
    let hear = |event| {
        heard.hear(event);
        stop.stop();
    };
    fleet(&world, false).watch(Duration::from_millis(1), &signal, &hear).await;
    assert_eq!(heard.take(), ["compacted d.t"]);
    assert_eq!(world.live().await.len(), 1);
    assert_eq!(world.appended().await.into_values().flatten().count(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_by_the_clock_is_due_once_in_its_interval() {
    let by_rules = json!({"bucket": "1", "write-only": "true", "num-sorted-run.compaction-trigger": "100",
        "compaction.optimization-interval": "1 h"});
    let by_commits = json!({"bucket": "1", "write-only": "true", "num-sorted-run.compaction-trigger": "100",
        "changelog-producer.compaction-interval": "1 h"});
    for options in [by_rules, by_commits] {
        let world = World::simple(options.clone()).await;
        let (mut fleet, heard, stop) = (fleet(&world, false), Heard::default(), StopGuard::default());
        for (hours, first, events) in [(0, 1, &["compacted d.t"][..]), (0, 3, &[]), (2, 5, &["compacted d.t"])] {
            world.clock.advance(hours * HOUR_MILLIS + hours);
            write(&world.table, first..=first + 1).await;
            fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
            assert_eq!(heard.take(), events, "{options}, from commit {first}");
        }
        write(&world.table, 7..=8).await;
        fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
        assert_eq!(heard.take(), [""; 0], "it is not due yet");
        world.clock.advance(2 * HOUR_MILLIS);
        fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
        assert_eq!(heard.take(), ["compacted d.t"], "it becomes due though nobody writes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_made_anew_is_another_table() {
    let world = World::simple(json!({"bucket": "1", "write-only": "true"})).await;
    let (mut fleet, heard, stop) = (fleet(&world, true), Heard::default(), StopGuard::default());
    write(&world.table, 1..=2).await;
    fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    world.catalog.drop_table(&"d.t".parse().unwrap()).await.unwrap();
    let fields = json!([
        {"name": "w", "type": "STRING"}, {"name": "k", "type": "INT NOT NULL"}, {"name": "v", "type": "STRING"}
    ]);
    let options = json!({"bucket": "2", "write-only": "true"});
    let table = beside(&world, "d.t", json!({"fields": fields, "primaryKeys": ["k"], "options": options})).await;
    let mut writer = TableWrite::open(&table, "w", WriteOptions::default()).await.unwrap();
    for identifier in 1..=2 {
        let rows: Vec<_> = (0..30).map(|k| crate::world::add(json!({"k": k, "v": "v", "w": "w"}))).collect();
        let (batch, kinds) = batch_of(table.schema(), &rows);
        writer.write(batch, Some(kinds)).await.unwrap();
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    assert_eq!(heard.take(), ["compacted d.t", "compacted d.t"]);
    let world = World { table, ..world };
    assert_eq!(world.live().await.len(), 2);
    let rows = world.read().await;
    assert!(rows.len() == 30 && rows.values().all(|row| row["w"] == "w"), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clashes_that_never_end_are_a_failure() {
    let world = World::simple(json!({"bucket": "1", "write-only": "true"})).await;
    write(&world.table, 1..=2).await;
    for entry in world.live().await {
        let location = world.table.data_file(&entry.partition, entry.bucket, &entry.file).unwrap();
        location.delete().await.unwrap();
    }
    let (mut fleet, heard, stop) = (fleet(&world, true), Heard::default(), StopGuard::default());
    let summary = fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    assert_eq!((summary.compacted(), summary.failed()), (0, 1));
    let events = heard.take();
    let (failures, clashes): (Vec<_>, Vec<_>) = events.iter().partition(|event| event.starts_with("failed"));
    assert!(failures.len() == 1 && failures[0].contains("again and again"), "{events:?}");
    assert!(clashes.len() > 1 && clashes.iter().all(|event| *event == "clashed d.t"), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_cannot_be_listed_are_not_forgotten() {
    let options = json!({"bucket": "1", "write-only": "true", "compaction.optimization-interval": "1 h"});
    let world = World::simple(options).await;
    let (mut fleet, heard, stop) = (fleet(&world, false), Heard::default(), StopGuard::default());
    write(&world.table, 1..=2).await;
    fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    assert_eq!(heard.take(), ["compacted d.t"]);
    write(&world.table, 3..=4).await;
    world.store.arm(Faults::At(Fault { operation: 0, mode: FaultMode::BeforeEffect }));
    let failure = fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Storage, "{failure}");
    world.store.arm(Faults::None);
    fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    assert_eq!(heard.take(), [""; 0], "its interval has not passed");
}

/// Dies at the first name that is asked for.
#[derive(Debug)]
struct DiesOnce {
    names: SimNamer,
    has_died: AtomicBool,
}

impl FileNamer for DiesOnce {
    fn uuid(&self) -> String {
        assert!(self.has_died.swap(true, Ordering::Relaxed), "no name for you");
        self.names.uuid()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_dies_is_a_failure_of_its_table() {
    let world = World::simple(json!({"bucket": "1", "write-only": "true"})).await;
    write(&world.table, 1..=2).await;
    let (io, namer) = (world.catalog.io(), DiesOnce { names: SimNamer::new(8), has_died: AtomicBool::new(false) });
    let catalog = FileSystemCatalog::of(io.clone().with_clock_and_namer(Arc::clone(io.clock()), Arc::new(namer)));
    let world = World { catalog, ..world };
    let (mut fleet, heard, stop) = (fleet(&world, true), Heard::default(), StopGuard::default());
    let summary = fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    assert_eq!((summary.compacted(), summary.failed()), (0, 1));
    let events = heard.take();
    assert!(events[0].starts_with("failed Some(\"d.t\"): a look at a table died"), "{events:?}");
    fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    assert_eq!(heard.take(), [""; 0], "it is left alone for a round");
    fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
    assert_eq!(heard.take(), ["compacted d.t"]);
}

/// How often a table is looked at until it is compacted.
async fn looks_until_compacted(fleet: &mut Fleet) -> usize {
    let (heard, stop) = (Heard::default(), StopGuard::default());
    for look in 1..100 {
        fleet.run_once(&stop.signal(), &|event| heard.hear(event)).await.unwrap();
        match &heard.take()[..] {
            [] => {}
            events => {
                assert_eq!(events, ["compacted d.t"]);
                return look;
            }
        }
    }
    panic!("it is never compacted");
}

#[tokio::test(flavor = "multi_thread")]
async fn gentle_tables_leave_level_0_alone_for_their_interval() {
    let world = World::simple(json!({"bucket": "1", "write-only": "true", "changelog-producer": "lookup",
        "lookup-compact": "gentle", "lookup-compact.max-interval": "6"}))
    .await;
    let mut fleet = fleet(&world, false);
    write(&world.table, 1..=1).await;
    assert_eq!(world.compact(false).await.unwrap().snapshot, None, "the rules pick nothing");
    assert_eq!(looks_until_compacted(&mut fleet).await, 6);
    assert!(world.live().await.iter().all(|entry| entry.file.level > 0));
    write(&world.table, 2..=2).await;
    // The pick after a compaction counts, too.
    assert_eq!(looks_until_compacted(&mut fleet).await, 5);
    write(&world.table, 3..=7).await;
    assert_eq!(looks_until_compacted(&mut fleet).await, 1, "there are more runs than the trigger");
    assert_eq!(world.changelog().await.len(), 150, "30 keys come, and change twice");
}
