//! Tables whose rows wait for their buckets: `bucket = -2`.

use std::collections::{BTreeMap, BTreeSet};

use alluvium_compaction::{CompactReport, CompactRequest};
use alluvium_format::{ErrorKind, Predicate, RowKind};
use alluvium_sim::{Fault, FaultMode, Faults};
use alluvium_store::OverwriteScope;
use alluvium_writer::postpone::{compact_postponed, outlook_postponed};
use alluvium_writer::rescale::{RescaleRequest, rescale};
use alluvium_writer::{CommitExtras, TableWrite, WriteOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{Row, World, add, batch_of, compact, delete, pairs, replay};

async fn world(options: Value) -> World {
    let mut all = json!({"bucket": "-2", "postpone.default-bucket-num": "2"});
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    World::simple(all).await
}

async fn commit(world: &World, user: &str, identifier: i64, rows: &[Row]) {
    let mut writer = world.writer(user).await;
    world.write(&mut writer, rows).await;
    writer.commit(identifier, CommitExtras::default()).await.unwrap();
}

fn of(rows: &[(i32, &str)]) -> BTreeMap<String, Value> {
    rows.iter().map(|(k, v)| (k.to_string(), json!({"k": k, "v": v}))).collect()
}

/// How many files wait, and of which number of buckets those are that do not.
async fn files(world: &World) -> (usize, BTreeSet<i32>) {
    let (waiting, real): (Vec<_>, Vec<_>) = world.live().await.into_iter().partition(|entry| entry.bucket == -2);
    (waiting.len(), real.into_iter().map(|entry| entry.total_buckets).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_wait_as_they_came_until_a_compaction() {
    let world = world(json!({})).await;
    let rows = [add(json!({"k": 7, "v": "a"})), add(json!({"k": 1, "v": "a"})), delete(json!({"k": 7, "v": null}))];
    commit(&world, "job 1", 1, &rows).await;
    commit(&world, "job 1", 2, &[add(json!({"k": 2, "v": "b"})), add(json!({"k": 1, "v": "b"}))]).await;
    assert_eq!(world.read().await, BTreeMap::new());
    let live = world.live().await;
    assert_eq!(live.len(), 2);
    for entry in &live {
        let file = &entry.file;
        assert_eq!((entry.bucket, entry.total_buckets, file.level), (-2, -2, 0));
        assert_eq!((file.min_sequence_number, file.max_sequence_number), (-1, -1));
        assert_eq!(file.value_stats_cols.as_deref(), Some(&[][..]), "there are no statistics");
        // `data--u-<user>-s-<number>-w-<uuid>-<counter>.avro`.
        let number = file.file_name.strip_prefix("data--u-job 1-s-").and_then(|rest| rest.split_once("-w-"));
        let (number, rest) = number.unwrap_or_else(|| panic!("{}", file.file_name));
        assert!(number.parse::<i32>().is_ok() && rest.ends_with("-0.avro"), "{}", file.file_name);
    }
    assert_eq!((live[0].file.row_count, live[0].file.delete_row_count), (3, Some(1)));

    let outlook = outlook_postponed(&world.table, &CompactRequest::default()).await.unwrap();
    assert_eq!(outlook.iter().map(|bucket| (bucket.bucket, bucket.files)).collect::<Vec<_>>(), [(-2, 2)]);
    let report = compact(&world.table, false).await.unwrap();
    assert_eq!(report.snapshot, Some(3));
    assert_eq!(world.read().await, of(&[(1, "b"), (2, "b")]));
    assert_eq!(files(&world).await, (0, BTreeSet::from([2])));
    let snapshot = world.snapshots().await.pop().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&snapshot.to_json()).unwrap()["commitKind"], "COMPACT");
    assert_eq!(compact(&world.table, false).await.unwrap(), CompactReport::default(), "nothing waits");
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_keeps_its_number_of_buckets() {
    let world = World::new(json!({
        "fields": [{"name": "p", "type": "INT NOT NULL"}, {"name": "k", "type": "INT NOT NULL"}],
        "primaryKeys": ["p", "k"], "partitionKeys": ["p"],
        "options": {"bucket": "-2", "postpone.default-bucket-num": "2"},
    }))
    .await;
    let rows =
        |p: i32, keys: std::ops::Range<i32>| -> Vec<Row> { keys.map(|k| add(json!({"p": p, "k": k}))).collect() };
    commit(&world, "w", 1, &[rows(0, 0..20), rows(1, 0..20)].concat()).await;
    compact(&world.table, false).await.unwrap();
    let one = Predicate::Compare {
        column: "p".to_owned(),
        op: alluvium_format::CompareOp::Eq,
        literal: alluvium_format::Datum::Int(1),
    };
    // What waits goes on waiting while partition 1 is split anew.
    commit(&world, "w", 2, &[rows(1, 20..30), rows(2, 0..5)].concat()).await;
    let request = RescaleRequest { buckets: Some(5), partitions: one.clone() };
    assert_eq!(rescale(&world.table, &request).await.unwrap().rows, 20);
    assert_eq!(files(&world).await.0, 2);
    let only = CompactRequest { partitions: one, ..CompactRequest::default() };
    compact_postponed(&world.table, &only, &|_, _| {}).await.unwrap();
    assert_eq!((files(&world).await.0, world.read().await.len()), (1, 50), "partition 2 waits");
    let other = [("postpone.default-bucket-num".to_owned(), "3".to_owned())];
    let other = world.table.with_options(other.iter().map(|(name, value)| (name, value))).unwrap();
    compact(&other, true).await.unwrap();
    let totals: BTreeMap<i32, BTreeSet<i32>> = world.live().await.iter().fold(BTreeMap::new(), |mut totals, entry| {
        let partition = entry.partition.decode(&world.table.partition_types()).unwrap();
        let Some(Some(alluvium_format::Datum::Int(partition))) = partition.first() else { panic!("{partition:?}") };
        totals.entry(*partition).or_default().insert(entry.total_buckets);
        totals
    });
    let expected = [(0, 2), (1, 5), (2, 3)].map(|(partition, total)| (partition, BTreeSet::from([total])));
    assert_eq!(totals, BTreeMap::from(expected));
    assert_eq!(world.read().await.len(), 55);
    let some = CompactRequest { buckets: Some((0, 1)), ..CompactRequest::default() };
    let error = compact_postponed(&world.table, &some, &|_, _| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_become_changes_when_they_get_their_buckets() {
    for producer in ["input", "lookup", "full-compaction"] {
        for vectors in ["false", "true"] {
            if producer == "full-compaction" && vectors == "true" {
                continue;
            }
            let world = world(json!({"changelog-producer": producer, "deletion-vectors.enabled": vectors})).await;
            for identifier in 1..=3 {
                commit(&world, "w", identifier, &pairs(0..10, &identifier.to_string())).await;
                let before = world.changelog().await.len();
                assert_eq!(world.changelog_of(&world.snapshots().await.pop().unwrap()).await, [], "{producer}");
                compact(&world.table, false).await.unwrap();
                let told = world.changelog().await.len() - before;
                let is_first_or_raw = identifier == 1 || producer == "input";
                assert_eq!(told, if is_first_or_raw { 10 } else { 20 }, "{producer}, commit {identifier}");
            }
            let rows = world.read().await;
            assert_eq!(rows.len(), 10);
            if producer != "input" {
                assert_eq!(replay(world.table.schema(), &world.changelog().await), rows, "{producer}");
            }
            world.assert_no_garbage().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_merged_later_is_refused_at_once() {
    let world = world(json!({"merge-engine": "partial-update"})).await;
    let mut writer = world.writer("w").await;
    let (batch, kinds) = batch_of(world.table.schema(), &[delete(json!({"k": 1, "v": null}))]);
    let error = writer.write(batch, Some(kinds)).await.unwrap_err();
    assert!(error.to_string().contains("-D"), "{error}");
    for user in ["a/b", "jobs-s-1"] {
        let error = TableWrite::open(&world.table, user, WriteOptions::default()).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("commit user"), "{error}");
    }
    let error = world.reopened().await.with_options([(&"file.compression".to_owned(), &"brotli".to_owned())]).unwrap();
    let error = TableWrite::open(&error, "w", WriteOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(world.snapshots().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overwrite_replaces_what_waits_as_well() {
    let world = world(json!({})).await;
    commit(&world, "w", 1, &pairs(0..5, "1")).await;
    compact(&world.table, false).await.unwrap();
    commit(&world, "w", 2, &pairs(3..8, "2")).await;
    let mut writer = world.writer("o").await;
    world.write(&mut writer, &pairs(7..9, "3")).await;
    writer.overwrite(OverwriteScope::Table, 1, CommitExtras::default()).await.unwrap();
    assert_eq!((files(&world).await.0, world.read().await), (1, BTreeMap::new()));
    compact(&world.table, false).await.unwrap();
    assert_eq!(world.read().await, of(&[(7, "3"), (8, "3")]));
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_rows_wait_or_have_their_buckets() {
    let prepared = async || {
        let world = world(json!({"num-sorted-run.compaction-trigger": "2"})).await;
        commit(&world, "w", 1, &pairs(0..20, "1")).await;
        compact(&world.table, false).await.unwrap();
        commit(&world, "w", 2, &pairs(10..30, "2")).await;
        world
    };
    let (operations, before, after) = {
        let world = prepared().await;
        let before = world.read().await;
        world.store.arm(Faults::None);
        compact(&world.table, false).await.unwrap();
        (world.store.operations().len(), before, world.read().await)
    };
    assert!(operations > 20 && before.len() == 20 && after.len() == 30, "{operations} operations");
    for mode in FaultMode::ALL {
        for operation in 0..operations {
            let at = format!("{mode:?} at {operation}");
            let world = prepared().await;
            let table = world.reopened().await;
            world.store.arm(Faults::At(Fault { operation, mode }));
            let outcome = compact(&table, false).await;
            world.store.arm(Faults::None);
            let held = world.read().await;
            assert!(held == after || outcome.is_err() && held == before, "{at}: {outcome:?}");
            assert_eq!(files(&world).await.0, usize::from(held == before), "{at}");
            if let Err(error) = outcome {
                assert!(!matches!(error.kind(), ErrorKind::Internal | ErrorKind::Corrupt), "{at}: {error}");
            }
            let (named, there) = (world.named_files().await, world.data_files().await);
            assert!(named.is_subset(&there), "{at}: {:?} are gone", named.difference(&there));
            compact(&table, true).await.unwrap();
            assert_eq!(world.read().await, after, "{at}");
        }
    }
}

/// What comes of a step.
#[derive(Clone, Debug)]
enum Step {
    /// A commit of the first or the second writer, each of keys of its own: their rows come in no order to each other.
    Commit(bool, Vec<(i32, bool)>),
    Reopen(bool),
    Compact(bool),
    Rescale(i32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let changes = prop::collection::vec((0..12i32, prop::bool::weighted(0.7)), 1..20);
    let step = prop_oneof![
        6 => (any::<bool>(), changes).prop_map(|(first, changes)| Step::Commit(first, changes)),
        1 => any::<bool>().prop_map(Step::Reopen),
        3 => any::<bool>().prop_map(Step::Compact),
        1 => (1..5i32).prop_map(Step::Rescale),
    ];
    prop::collection::vec(step, 1..25)
}

async fn run(steps: &[Step]) {
    let world = world(json!({"num-sorted-run.compaction-trigger": "3", "target-file-size": "1 kb"})).await;
    let mut writers = [world.writer("one").await, world.writer("two").await];
    let (mut written, mut readable, mut identifier) = (BTreeMap::new(), BTreeMap::new(), 0);
    for step in steps {
        match step {
            Step::Commit(first, changes) => {
                let at = usize::from(*first);
                let rows = changes.iter().enumerate().map(|(number, (key, is_there))| {
                    let row = json!({"k": key * 2 + at as i32, "v": format!("{identifier} {number}")});
                    (if *is_there { RowKind::Insert } else { RowKind::Delete }, row)
                });
                let rows: Vec<Row> = rows.collect();
                world.write(&mut writers[at], &rows).await;
                identifier += 1;
                writers[at].commit(identifier, CommitExtras::default()).await.unwrap();
                for (kind, row) in rows {
                    let key = row["k"].to_string();
                    if kind == RowKind::Insert { drop(written.insert(key, row)) } else { drop(written.remove(&key)) }
                }
            }
            Step::Reopen(first) => {
                let user = if *first { "two" } else { "one" };
                writers[usize::from(*first)] = world.writer(user).await;
            }
            Step::Compact(full) => {
                compact(&world.table, *full).await.unwrap();
                readable = written.clone();
            }
            Step::Rescale(buckets) => {
                let request = RescaleRequest { buckets: Some(*buckets), partitions: Predicate::True };
                rescale(&world.table, &request).await.unwrap();
            }
        }
        assert_eq!(world.read().await, readable, "after {step:?}");
    }
    compact(&world.table, false).await.unwrap();
    assert_eq!(world.read().await, written);
    assert_eq!(files(&world).await.0, 0);
    world.assert_no_garbage().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_read_once_they_have_their_buckets(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(run(&steps));
    }
}
