//! Random work on tables without a primary key against what was written: every row once, and in order where there are buckets. And the same
//! with a store that fails.

use std::collections::{BTreeMap, BTreeSet};

use alluvium_format::{Error, ErrorKind};
use alluvium_sim::{Fault, FaultMode, Faults};
use alluvium_store::TableStore;
use alluvium_writer::{CommitExtras, CompactionWait, TableWrite, WriteOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{Row, World, add, batch_of, compact};

#[derive(Clone, Debug)]
enum Step {
    /// So many rows.
    Write(u8),
    Commit,
    Reopen,
    Drop,
    Compact,
    CompactFully,
}

#[derive(Clone, Debug)]
struct Plan {
    /// -1 without.
    buckets: i32,
    partitioned: bool,
    files_min: i32,
    target: &'static str,
    memory_bytes: u64,
    wait: CompactionWait,
    steps: Vec<Step>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let step = prop_oneof![
        8 => (1..40u8).prop_map(Step::Write),
        5 => Just(Step::Commit),
        1 => Just(Step::Reopen),
        1 => Just(Step::Drop),
        1 => Just(Step::Compact),
        1 => Just(Step::CompactFully),
    ];
    let buckets = prop_oneof![Just(-1), 1..4i32];
    let wait = prop_oneof![Just(CompactionWait::Background), Just(CompactionWait::Always)];
    let memory = prop_oneof![Just(1u64), Just(4_000), Just(1 << 20)];
    let target = prop_oneof![Just("2 kb"), Just("1 mb")];
    (buckets, any::<bool>(), 2..5i32, target, memory, wait, prop::collection::vec(step, 1..24)).prop_map(
        |(buckets, partitioned, files_min, target, memory_bytes, wait, steps)| Plan {
            buckets,
            partitioned,
            files_min,
            target,
            memory_bytes,
            wait,
            steps,
        },
    )
}

impl Plan {
    fn schema(&self) -> Value {
        let mut options = json!({
            "bucket": self.buckets.to_string(), "compaction.min.file-num": self.files_min.to_string(),
            "target-file-size": self.target, "source.split.open-file-cost": "1 b",
        });
        if self.buckets > 0 {
            options["bucket-key"] = json!("k");
        }
        json!({
            "fields": [{"name": "p", "type": "INT"}, {"name": "k", "type": "INT"}, {"name": "n", "type": "INT"}],
            "partitionKeys": if self.partitioned { json!(["p"]) } else { json!([]) }, "options": options,
        })
    }

    /// Whether what the table holds is what was written.
    async fn check(&self, world: &World, written: &[Row], after: &Step) {
        let of_partition = |row: &Value| if self.partitioned { row["p"].clone() } else { Value::Null };
        let held = world.appended().await;
        let mut count = 0;
        let mut places: BTreeMap<String, BTreeSet<(Vec<u8>, i32)>> = BTreeMap::new();
        for (place, mut rows) in held {
            count += rows.len();
            let key = |row: &Value| {
                format!("{} {}", of_partition(row), if self.buckets > 0 { &row["k"] } else { &Value::Null })
            };
            let keys: BTreeSet<String> = rows.iter().map(key).collect();
            let of_place = written.iter().map(|(_, row)| row).filter(|row| keys.contains(&key(row)));
            let expected: Vec<Value> = of_place.cloned().collect();
            if self.buckets < 0 {
                rows.sort_by_key(|row| row["n"].as_i64());
            }
            assert_eq!(rows, expected, "{place:?} after {after:?}");
            for key in keys {
                places.entry(key).or_default().insert(place.clone());
            }
        }
        assert_eq!(count, written.len(), "after {after:?}");
        assert!(places.values().all(|places| places.len() == 1), "rows of one key in two buckets: {places:?}");
    }
}

async fn run(plan: &Plan) {
    let world = World::new(plan.schema()).await;
    let options = WriteOptions { memory_bytes: Some(plan.memory_bytes), compaction: plan.wait, ..Default::default() };
    let open = async || TableWrite::open(&world.table, "writer", options.clone()).await.unwrap();
    let (mut written, mut waiting): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    let mut writer = open().await;
    let (mut identifier, mut next) = (0, 0);
    for step in plan.steps.iter().chain(&[Step::Commit]) {
        match step {
            Step::Write(count) => {
                let row = |n: i32| add(json!({"p": n % 3, "k": n * 7 % 11, "n": n}));
                let rows: Vec<Row> = (next..next + i32::from(*count)).map(row).collect();
                next += i32::from(*count);
                world.write(&mut writer, &rows).await;
                waiting.extend(rows);
            }
            Step::Commit => {
                identifier += 1;
                writer.commit(identifier, CommitExtras::default()).await.unwrap();
                written.append(&mut waiting);
            }
            Step::Reopen => {
                std::mem::replace(&mut writer, open().await).close().await.unwrap();
                waiting.clear();
            }
            Step::Drop => {
                writer = open().await;
                waiting.clear();
            }
            Step::Compact => drop(world.compact(false).await.unwrap()),
            Step::CompactFully => drop(world.compact(true).await.unwrap()),
        }
        plan.check(&world, &written, step).await;
    }
    let dropped = plan.steps.iter().any(|step| matches!(step, Step::Drop));
    writer.close().await.unwrap();
    if !dropped {
        world.assert_no_garbage().await;
    }
    // Compactions come to an end, and change nothing.
    let mut compactions = 0;
    while world.compact(true).await.unwrap().snapshot.is_some() {
        compactions += 1;
        assert!(compactions < 5, "the same files are compacted again and again: {:?}", world.live().await);
    }
    plan.check(&world, &written, &Step::CompactFully).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_holds_what_was_appended(plan in plans()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(run(&plan));
    }
}

/// More with `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48)
}

const BUCKETS: [i32; 2] = [-1, 2];

/// A table with two commits of 30 rows.
async fn prepared(buckets: i32) -> World {
    let plan = Plan {
        buckets,
        partitioned: false,
        files_min: 3,
        target: "1 mb",
        memory_bytes: 1 << 20,
        wait: CompactionWait::Always,
        steps: Vec::new(),
    };
    let world = World::new(plan.schema()).await;
    for identifier in 1..=2 {
        commit(&world, &world.table, identifier).await.unwrap();
    }
    world
}

/// Opens a writer, writes and commits 30 rows; how far it came. In buckets, the third commit compacts.
async fn commit(world: &World, table: &TableStore, identifier: i64) -> Result<(), Error> {
    let options = WriteOptions { compaction: CompactionWait::Always, ..Default::default() };
    let mut writer = TableWrite::open(table, "w", options).await?;
    let rows: Vec<Row> = (0..30).map(|n| add(json!({"k": n % 7, "n": identifier * 100 + n}))).collect();
    let (batch, kinds) = batch_of(world.table.schema(), &rows);
    writer.write(batch, Some(kinds)).await?;
    writer.commit(identifier, CommitExtras::default()).await?;
    Ok(())
}

/// The numbers of all rows, sorted.
async fn held(world: &World) -> Vec<i64> {
    let rows = world.appended().await.into_values().flatten();
    let mut held: Vec<i64> = rows.map(|row| row["n"].as_i64().unwrap()).collect();
    held.sort_unstable();
    held
}

fn numbers(commits: std::ops::RangeInclusive<i64>) -> Vec<i64> {
    commits.flat_map(|identifier| (0..30).map(move |n| identifier * 100 + n)).collect()
}

fn is_no_defect(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Internal | ErrorKind::Corrupt)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_appended_rows_are_there_once() {
    for buckets in BUCKETS {
        let operations = {
            let world = prepared(buckets).await;
            world.store.arm(Faults::None);
            commit(&world, &world.table, 3).await.unwrap();
            assert_eq!(world.snapshots().await.len(), if buckets > 0 { 4 } else { 3 });
            world.store.operations().len()
        };
        for mode in FaultMode::ALL {
            for operation in 0..operations {
                let at = format!("{buckets} buckets, {mode:?} at {operation}");
                let world = prepared(buckets).await;
                let table = world.reopened().await;
                world.store.arm(Faults::At(Fault { operation, mode }));
                let outcome = commit(&world, &table, 3).await;
                world.store.arm(Faults::None);
                let rows = held(&world).await;
                match &outcome {
                    Ok(()) => assert_eq!(rows, numbers(1..=3), "{at}"),
                    Err(error) => {
                        assert!(rows == numbers(1..=2) || rows == numbers(1..=3), "{at}: {error}");
                        assert!(is_no_defect(error), "{at}: {error}");
                    }
                }
                // The same commit again brings the table to where it must be, once.
                commit(&world, &world.table, 3).await.unwrap();
                assert_eq!(held(&world).await, numbers(1..=3), "{at}, again");
                let (named, there) = (world.named_files().await, world.data_files().await);
                assert!(named.is_subset(&there), "{at}: {:?} are gone", named.difference(&there));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_a_compaction_of_appended_rows_changes_none() {
    for buckets in BUCKETS {
        let prepared = async || {
            let world = prepared(buckets).await;
            let write_only = [("write-only".to_owned(), "true".to_owned())];
            let table = world.table.with_options(write_only.iter().map(|(name, value)| (name, value))).unwrap();
            commit(&world, &table, 3).await.unwrap();
            world
        };
        let operations = {
            let world = prepared().await;
            world.store.arm(Faults::None);
            assert_eq!(compact(&world.table, true).await.unwrap().files_after, if buckets > 0 { 2 } else { 1 });
            world.store.operations().len()
        };
        for mode in FaultMode::ALL {
            for operation in 0..operations {
                let at = format!("{buckets} buckets, {mode:?} at {operation}");
                let world = prepared().await;
                let table = world.reopened().await;
                world.store.arm(Faults::At(Fault { operation, mode }));
                let outcome = compact(&table, true).await;
                world.store.arm(Faults::None);
                if let Err(error) = outcome {
                    assert!(is_no_defect(&error), "{at}: {error}");
                }
                assert_eq!(held(&world).await, numbers(1..=3), "{at}");
                world.compact(true).await.unwrap();
                assert_eq!(held(&world).await, numbers(1..=3), "{at}, again");
                assert_eq!(world.live().await.len(), if buckets > 0 { 2 } else { 1 }, "{at}");
            }
        }
    }
}
