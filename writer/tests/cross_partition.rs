//! Tables whose primary key lacks a partition column: a key is in one partition, wherever its rows come.

use std::collections::BTreeMap;

use alluvium_format::{ErrorKind, RowKind};
use alluvium_sim::{Fault, FaultMode, Faults};
use alluvium_store::OverwriteScope;
use alluvium_writer::{CommitExtras, CompactionWait, TableWrite, WriteMode, WriteOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{Row, World, add, batch_of};

async fn world(options: Value) -> World {
    let mut all = json!({"bucket": "-1", "dynamic-bucket.target-row-num": "4"});
    for (name, value) in options.as_object().unwrap() {
        all[name] = value.clone();
    }
    World::new(json!({
        "fields": [
            {"name": "p", "type": "STRING"}, {"name": "k", "type": "INT NOT NULL"},
            {"name": "a", "type": "INT"}, {"name": "b", "type": "INT"},
        ],
        "primaryKeys": ["k"], "partitionKeys": ["p"], "options": all,
    }))
    .await
}

fn row(p: Option<&str>, k: i32, a: i32) -> Value {
    json!({"p": p, "k": k, "a": a, "b": null})
}

async fn rows(world: &World) -> Vec<String> {
    let text = |row: Value| {
        let value = |name: &str| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
        format!("{}/{}: {} {}", value("p"), value("k"), value("a"), value("b"))
    };
    world.read().await.into_values().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_moves_with_its_key_as_the_engine_says() {
    for (engine, expected) in [
        ("deduplicate", ["b/1: 11 null", "null/2: 22 null", "a/3: 3 null"]),
        ("partial-update", ["a/1: 11 null", "a/2: 22 null", "a/3: 3 null"]),
        ("aggregation", ["a/1: 12 null", "a/2: 24 null", "a/3: 3 null"]),
        ("first-row", ["a/1: 1 null", "a/2: 2 null", "a/3: 3 null"]),
    ] {
        let sums = if engine == "aggregation" { "fields.a.aggregate-function" } else { "comment" };
        let world = world(json!({"merge-engine": engine, sums: "sum"})).await;
        for (identifier, batch) in (1..).zip([
            vec![row(Some("a"), 1, 1), row(Some("a"), 2, 2), row(Some("a"), 3, 3)],
            vec![row(Some("b"), 1, 11), row(None, 2, 22)],
        ]) {
            // Each begins with what the table has.
            let mut writer = world.writer("w").await;
            world.write(&mut writer, &batch.into_iter().map(add).collect::<Vec<_>>()).await;
            writer.commit(identifier, CommitExtras::default()).await.unwrap();
        }
        if engine == "first-row" {
            world.compact(true).await.unwrap();
        }
        assert_eq!(rows(&world).await, expected, "{engine}");
        world.assert_no_garbage().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_bring_is_a_conflict_and_what_they_compact_is_not() {
    let world = world(json!({})).await;
    let (mut one, mut other) = (world.writer("one").await, world.writer("other").await);
    world.write(&mut one, &[add(row(Some("a"), 1, 1))]).await;
    one.commit(1, CommitExtras::default()).await.unwrap();
    world.write(&mut one, &[add(row(Some("b"), 1, 2))]).await;
    one.commit(2, CommitExtras::default()).await.unwrap();
    world.compact(true).await.unwrap();
    world.write(&mut one, &[add(row(Some("c"), 1, 3)), add(row(Some("c"), 2, 3))]).await;
    one.commit(3, CommitExtras::default()).await.unwrap();
    assert_eq!(rows(&world).await, ["c/1: 3 null", "c/2: 3 null"]);

    // This one begins now, and then the first goes on.
    world.write(&mut other, &[add(row(Some("d"), 2, 4))]).await;
    world.write(&mut one, &[add(row(Some("e"), 2, 5))]).await;
    one.commit(4, CommitExtras::default()).await.unwrap();
    let error = other.commit(1, CommitExtras::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("let one job write the table"), "{error}");
    let mut other = world.writer("other").await;
    world.write(&mut other, &[add(row(Some("d"), 2, 4))]).await;
    other.commit(1, CommitExtras::default()).await.unwrap();
    assert_eq!(rows(&world).await, ["c/1: 3 null", "d/2: 4 null"]);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_table_can_be_replaced_and_no_less() {
    let world = world(json!({})).await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &[add(row(Some("a"), 1, 1)), add(row(Some("b"), 2, 2))]).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    let options = WriteOptions { mode: WriteMode::Overwrite, ..WriteOptions::default() };
    let mut overwriter = TableWrite::open(&world.table, "o", options).await.unwrap();
    world.write(&mut overwriter, &[add(row(Some("c"), 1, 3)), add(row(Some("d"), 1, 4))]).await;
    let error = overwriter.overwrite(OverwriteScope::Written, 1, CommitExtras::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    overwriter.overwrite(OverwriteScope::Table, 1, CommitExtras::default()).await.unwrap();
    assert_eq!(rows(&world).await, ["d/1: 4 null"]);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_too_old_are_not_looked_for() {
    let world = world(json!({"cross-partition-upsert.index-ttl": "1 h"})).await;
    for (identifier, rows) in [(1, [row(Some("a"), 1, 1)]), (2, [row(Some("b"), 2, 2)])] {
        let mut writer = world.writer("w").await;
        world.write(&mut writer, &rows.map(add)).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
        world.clock.advance(40 * 60_000);
    }
    // The first is older than an hour, the second is not.
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &[add(row(Some("c"), 1, 3)), add(row(Some("c"), 2, 3))]).await;
    writer.commit(3, CommitExtras::default()).await.unwrap();
    let deletes = |entry: &alluvium_format::ManifestEntry| entry.file.delete_row_count.unwrap_or(0);
    let types = world.table.partition_types();
    let live = world.live().await.into_iter().map(|entry| {
        let partition = entry.partition.decode(&types).unwrap();
        (format!("{partition:?}"), deletes(&entry), entry.file.row_count)
    });
    let of = |name: &str, live: &[(String, i64, i64)]| -> (i64, i64) {
        let those = live.iter().filter(|(partition, ..)| partition.contains(&format!("{name:?}")));
        those.fold((0, 0), |(deletes, rows), (_, deleted, count)| (deletes + deleted, rows + count))
    };
    let live: Vec<_> = live.collect();
    assert_eq!([of("a", &live), of("b", &live), of("c", &live)], [(0, 1), (1, 2), (0, 2)], "{live:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_to_the_local_disk_where_there_is_no_memory() {
    let world = world(json!({"dynamic-bucket.target-row-num": "10000"})).await;
    let memory = world.table.io().memory();
    // Others have all of it.
    let others = memory.try_reserve(memory.bytes_max() - memory.kept_bytes()).unwrap();
    const KEYS: i32 = 40_000;
    for (identifier, partition) in [(1, "a"), (2, "b")] {
        let mut writer = world.writer("w").await;
        for first in (0..KEYS).step_by(10_000) {
            let rows: Vec<Row> = (first..first + 10_000).map(|k| add(row(Some(partition), k, identifier))).collect();
            world.write(&mut writer, &rows).await;
        }
        writer.commit(identifier.into(), CommitExtras::default()).await.unwrap();
        assert!(world.table.io().local_disk().unwrap().used_bytes() > 0, "the keys are all in memory");
    }
    drop(others);
    // Each is in one place, as reading asserts.
    let rows = world.read().await;
    assert!(rows.len() == KEYS as usize && rows.values().all(|row| row["p"] == "b"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_a_key_is_in_one_place() {
    let batch = |partition: &'static str, keys: std::ops::Range<i32>| -> Vec<Row> {
        keys.map(|k| add(row(Some(partition), k, k))).collect()
    };
    let prepared = async || {
        let world = world(json!({"num-sorted-run.compaction-trigger": "2"})).await;
        let mut writer = world.writer("w").await;
        for (identifier, rows) in [(1, batch("a", 0..10)), (2, batch("b", 5..12))] {
            world.write(&mut writer, &rows).await;
            writer.commit(identifier, CommitExtras::default()).await.unwrap();
        }
        world
    };
    let third = async |table: &alluvium_store::TableStore| {
        let options = WriteOptions { compaction: CompactionWait::Always, ..WriteOptions::default() };
        let mut writer = TableWrite::open(table, "w", options).await?;
        for rows in [batch("c", 3..8), batch("a", 7..9)] {
            let (rows, kinds) = batch_of(table.schema(), &rows);
            writer.write(rows, Some(kinds)).await?;
        }
        writer.commit(3, CommitExtras::default()).await.map(drop)
    };
    let (operations, before, after) = {
        let world = prepared().await;
        let before = world.read().await;
        world.store.arm(Faults::None);
        third(&world.table).await.unwrap();
        (world.store.operations().len(), before, world.read().await)
    };
    assert!(operations > 20, "{operations} operations");
    for mode in FaultMode::ALL {
        for operation in 0..operations {
            let at = format!("{mode:?} at {operation}");
            let world = prepared().await;
            let table = world.reopened().await;
            world.store.arm(Faults::At(Fault { operation, mode }));
            let outcome = third(&table).await;
            world.store.arm(Faults::None);
            let held = world.read().await;
            assert!(held == after || outcome.is_err() && held == before, "{at}: {outcome:?}");
            if let Err(error) = outcome {
                assert!(!matches!(error.kind(), ErrorKind::Internal | ErrorKind::Corrupt), "{at}: {error}");
            }
            let (named, there) = (world.named_files().await, world.data_files().await);
            assert!(named.is_subset(&there), "{at}: {:?} are gone", named.difference(&there));
            third(&table).await.unwrap();
            assert_eq!(world.read().await, after, "{at}");
        }
    }
}

/// What comes of a step.
#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(u8, i32, bool)>),
    Commit,
    Reopen,
    Compact(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let change = (0..4u8, 0..25i32, prop::bool::weighted(0.8));
    let step = prop_oneof![
        4 => prop::collection::vec(change, 1..30).prop_map(Step::Write),
        3 => Just(Step::Commit),
        1 => Just(Step::Reopen),
        1 => any::<bool>().prop_map(Step::Compact),
    ];
    prop::collection::vec(step, 1..20)
}

async fn run(steps: &[Step]) {
    let world = world(json!({"num-sorted-run.compaction-trigger": "3"})).await;
    let mut writer = world.writer("w").await;
    let (mut model, mut waiting, mut identifier) = (BTreeMap::new(), Vec::new(), 0);
    for step in steps.iter().chain(&[Step::Commit]) {
        match step {
            Step::Write(changes) => {
                let rows = changes.iter().enumerate().map(|(number, (partition, key, is_there))| {
                    let partition = ["a", "b", "c"].get(usize::from(*partition)).copied();
                    let kind = if *is_there { RowKind::Insert } else { RowKind::Delete };
                    (kind, row(partition, *key, number as i32))
                });
                let rows: Vec<Row> = rows.collect();
                world.write(&mut writer, &rows).await;
                waiting.extend(rows);
            }
            Step::Commit => {
                identifier += 1;
                writer.commit(identifier, CommitExtras::default()).await.unwrap();
                for (kind, row) in waiting.drain(..) {
                    let key = row["k"].to_string();
                    if kind == RowKind::Insert { drop(model.insert(key, row)) } else { drop(model.remove(&key)) }
                }
            }
            Step::Reopen => {
                writer = world.writer("w").await;
                waiting.clear();
            }
            Step::Compact(full) => drop(world.compact(*full).await.unwrap()),
        }
        // Reading fails where a key is in two places.
        assert_eq!(world.read().await, model, "after {step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_is_in_one_place_whatever_is_restarted(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(run(&steps));
    }
}
