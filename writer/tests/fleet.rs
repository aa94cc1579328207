//! The compaction of many tables, once and for ever.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Mutex;
use std::time::Duration;

use alluvium_compaction::{CompactRequest, Fleet, FleetEvent, FleetRequest, FleetScope, StopGuard};
use alluvium_format::{DataField, SchemaDefinition};
use alluvium_store::TableStore;
use alluvium_writer::{CommitExtras, TableWrite, WriteOptions};
use serde_json::json;

use crate::world::{World, batch_of, pairs};

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
            while world.live().await.iter().any(|entry| entry.file.level == 0) {
                tokio::task::yield_now().await;
            }
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
