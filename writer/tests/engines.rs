//! Random work over every merge engine, changelog producer and deletion vectors, against a map of what the table must hold: the rows
//! after each commit, and what replaying the changelog makes of it.

use std::collections::BTreeMap;

use alluvium_format::{CommitKind, RowKind};
use alluvium_writer::{CommitExtras, CompactionWait, TableWrite, WriteOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{Row, World, key_text, replay};

/// How a table merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Deduplicate,
    FirstRow,
    PartialUpdate,
    /// Sums.
    Aggregation,
}

/// How a table makes its changelog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Producer {
    None,
    Input,
    /// With every so many commits.
    FullCompaction(i64),
    Lookup,
}

/// A row of `p, k, a, b`.
#[derive(Clone, Debug)]
struct Change {
    kind: RowKind,
    partition: i32,
    key: i32,
    a: Option<i32>,
    b: Option<i32>,
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Change>),
    Commit,
    Reopen,
    /// Ends the writers as a crash would.
    Drop,
    Compact,
    CompactFully,
}

#[derive(Clone, Debug)]
struct Plan {
    engine: Engine,
    producer: Producer,
    vectors: bool,
    buckets: i32,
    trigger: i32,
    memory_bytes: u64,
    steps: Vec<Step>,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let kind = prop_oneof![4 => Just(RowKind::Insert), 1 => Just(RowKind::UpdateAfter), 2 => Just(RowKind::Delete)];
    let value = || prop::option::weighted(0.7, 0..1000i32);
    let change = (kind, 0..3i32, 0..20i32, value(), value());
    let change = change.prop_map(|(kind, partition, key, a, b)| Change { kind, partition, key, a, b });
    prop::collection::vec(change, 1..40)
}

fn engines() -> impl Strategy<Value = (Engine, Producer, bool)> {
    let engine = prop_oneof![
        Just(Engine::Deduplicate),
        Just(Engine::FirstRow),
        Just(Engine::PartialUpdate),
        Just(Engine::Aggregation),
    ];
    let producer = prop_oneof![
        1 => Just(Producer::None),
        1 => Just(Producer::Input),
        1 => Just(Producer::FullCompaction(1)),
        1 => Just(Producer::FullCompaction(3)),
        3 => Just(Producer::Lookup),
    ];
    (engine, producer, any::<bool>()).prop_filter("what Paimon refuses", |(engine, producer, vectors)| match engine {
        Engine::FirstRow => !vectors && matches!(producer, Producer::None | Producer::Lookup),
        _ => !(*vectors && matches!(producer, Producer::FullCompaction(_))),
    })
}

fn plans() -> impl Strategy<Value = Plan> {
    let step = prop_oneof![
        8 => changes().prop_map(Step::Write),
        6 => Just(Step::Commit),
        1 => Just(Step::Reopen),
        1 => Just(Step::Drop),
        1 => Just(Step::Compact),
        1 => Just(Step::CompactFully),
    ];
    let memory = prop_oneof![Just(1u64), Just(8_000), Just(1 << 20)];
    let steps = prop::collection::vec(step, 1..24);
    (engines(), 1..3i32, 2..5i32, memory, steps).prop_map(
        |((engine, producer, vectors), buckets, trigger, memory_bytes, steps)| Plan {
            engine,
            producer,
            vectors,
            buckets,
            trigger,
            memory_bytes,
            steps,
        },
    )
}

/// What a table of these rules holds, row at a time.
#[derive(Clone, Debug, Default)]
struct Model {
    rows: BTreeMap<String, Value>,
}

impl Model {
    fn apply(&mut self, engine: Engine, key: String, (kind, row): &Row) {
        let held = self.rows.get(&key).cloned();
        let merged = match (engine, kind.is_add(), held) {
            (Engine::Deduplicate, true, _) | (_, true, None) => Some(row.clone()),
            (Engine::Deduplicate, false, _) => None,
            (Engine::FirstRow, _, Some(held)) => Some(held),
            (Engine::PartialUpdate, _, Some(mut held)) => {
                for column in ["a", "b"] {
                    if !row[column].is_null() {
                        held[column] = row[column].clone();
                    }
                }
                Some(held)
            }
            (Engine::Aggregation, _, Some(mut held)) => {
                for column in ["a", "b"] {
                    if let Some(value) = row[column].as_i64() {
                        held[column] = json!(held[column].as_i64().unwrap_or(0) + value);
                    }
                }
                Some(held)
            }
            (_, false, None) => None,
        };
        match merged {
            Some(row) => drop(self.rows.insert(key, row)),
            None => drop(self.rows.remove(&key)),
        }
    }
}

impl Plan {
    fn schema(&self) -> Value {
        let mut options = json!({
            "bucket": self.buckets.to_string(), "num-sorted-run.compaction-trigger": self.trigger.to_string(),
            "deletion-vectors.enabled": self.vectors.to_string(),
        });
        let engine = match self.engine {
            Engine::Deduplicate => "deduplicate",
            Engine::FirstRow => "first-row",
            Engine::PartialUpdate => "partial-update",
            Engine::Aggregation => "aggregation",
        };
        options["merge-engine"] = json!(engine);
        if self.engine == Engine::Aggregation {
            options["fields.default-aggregate-function"] = json!("sum");
        }
        let producer = match self.producer {
            Producer::None => "none",
            Producer::Input => "input",
            Producer::FullCompaction(commits) => {
                options["full-compaction.delta-commits"] = json!(commits.to_string());
                "full-compaction"
            }
            Producer::Lookup => "lookup",
        };
        options["changelog-producer"] = json!(producer);
        json!({
            "fields": [
                {"name": "p", "type": "INT NOT NULL"}, {"name": "k", "type": "INT NOT NULL"},
                {"name": "a", "type": "INT"}, {"name": "b", "type": "INT"},
            ],
            "primaryKeys": ["p", "k"], "partitionKeys": ["p"], "options": options,
        })
    }

    fn rows(&self, changes: &[Change]) -> Vec<Row> {
        let row = |change: &Change| {
            // Only the deduplicating engine has a meaning for every delete.
            let kind = if self.engine == Engine::Deduplicate { change.kind } else { RowKind::Insert };
            (kind, json!({"p": change.partition, "k": change.key, "a": change.a, "b": change.b}))
        };
        changes.iter().map(row).collect()
    }

    /// Whether the changelog makes the whole table at a commit of this identifier.
    fn tells_all(&self, identifier: i64) -> bool {
        match self.producer {
            Producer::None | Producer::Input => false,
            Producer::FullCompaction(commits) => identifier % commits == 0,
            Producer::Lookup => true,
        }
    }
}

/// Two writers, each of which has partitions of its own.
struct Writers {
    writers: Vec<TableWrite>,
    identifier: i64,
}

impl Writers {
    async fn open(world: &World, plan: &Plan, identifier: i64) -> Self {
        let options = WriteOptions {
            memory_bytes: Some(plan.memory_bytes),
            compaction: CompactionWait::Always,
            ..WriteOptions::default()
        };
        let mut writers = Vec::new();
        for user in ["even", "odd"] {
            writers.push(TableWrite::open(&world.table, user, options.clone()).await.unwrap());
        }
        Self { writers, identifier }
    }

    async fn write(&mut self, world: &World, rows: &[Row]) {
        for (parity, writer) in self.writers.iter_mut().enumerate() {
            let is_theirs = |row: &&Row| row.1["p"].as_u64().unwrap() % 2 == parity as u64;
            let rows: Vec<Row> = rows.iter().filter(is_theirs).cloned().collect();
            if !rows.is_empty() {
                world.write(writer, &rows).await;
            }
        }
    }

    async fn commit(&mut self) {
        self.identifier += 1;
        for writer in &mut self.writers {
            let committed = writer.commit(self.identifier, CommitExtras::default()).await.unwrap();
            let kinds: Vec<CommitKind> = committed.snapshots.iter().map(|snapshot| snapshot.commit_kind).collect();
            assert!(
                kinds.len() <= 2 && kinds.iter().filter(|kind| **kind == CommitKind::Compact).count() <= 1,
                "{kinds:?}"
            );
        }
    }

    async fn close(self) {
        for writer in self.writers {
            writer.close().await.unwrap();
        }
    }
}

async fn run(plan: &Plan) {
    let world = World::new(plan.schema()).await;
    let schema = world.table.schema();
    let (mut model, mut waiting, mut raw) = (Model::default(), Vec::new(), Vec::new());
    let mut writers = Writers::open(&world, plan, 0).await;
    let mut dropped = false;
    for step in plan.steps.iter().chain(&[Step::Commit]) {
        let mut committed = false;
        match step {
            Step::Write(changes) => {
                let rows = plan.rows(changes);
                writers.write(&world, &rows).await;
                waiting.extend(rows);
            }
            Step::Commit => {
                writers.commit().await;
                committed = true;
                for row in waiting.drain(..) {
                    model.apply(plan.engine, key_text(schema, &row.1), &row);
                    raw.push(row);
                }
            }
            Step::Reopen => {
                let opened = Writers::open(&world, plan, writers.identifier).await;
                std::mem::replace(&mut writers, opened).close().await;
                waiting.clear();
            }
            Step::Drop => {
                writers = Writers::open(&world, plan, writers.identifier).await;
                dropped = true;
                waiting.clear();
            }
            Step::Compact => drop(world.compact(false).await.unwrap()),
            Step::CompactFully => drop(world.compact(true).await.unwrap()),
        }
        assert_eq!(world.read().await, model.rows, "after {step:?}");
        if committed && plan.tells_all(writers.identifier) {
            let changes = world.changelog().await;
            assert_eq!(replay(schema, &changes), model.rows, "the changelog, after {step:?}");
        }
    }
    writers.close().await;
    check_end(plan, &world, &model, raw).await;
    if !dropped {
        world.assert_no_garbage().await;
    }
}

/// What must hold when all is written.
async fn check_end(plan: &Plan, world: &World, model: &Model, raw: Vec<Row>) {
    let schema = world.table.schema();
    let by_key = |rows: Vec<Row>| {
        let mut keys: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in rows {
            keys.entry(key_text(schema, &row.1)).or_default().push(row);
        }
        keys
    };
    if plan.producer == Producer::Input {
        assert_eq!(by_key(world.changelog().await), by_key(raw), "every change as it came");
    }
    // A full compaction changes no answer, completes the changelog where it makes one, and leaves nothing to do.
    world.compact(true).await.unwrap();
    assert_eq!(world.compact(true).await.unwrap().snapshot, None);
    assert_eq!(world.read().await, model.rows, "after a full compaction");
    if matches!(plan.producer, Producer::FullCompaction(_) | Producer::Lookup) {
        assert_eq!(replay(schema, &world.changelog().await), model.rows, "the changelog, at the end");
    }
    let live = world.live().await;
    assert!(live.iter().all(|entry| entry.file.level == plan.trigger && entry.file.delete_row_count == Some(0)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_engine_and_producer_holds_what_was_written(plan in plans()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        runtime.block_on(run(&plan));
    }
}

/// More with `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(96)
}
