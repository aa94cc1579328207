//! Random work through the writer and beside it, against a map of what the table must hold.

use std::collections::BTreeMap;

use alluvium_format::RowKind;
use alluvium_writer::{CommitExtras, CompactionWait, TableWrite, WriteOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{Row, World, key_text};

/// A row of `p, k, s, v`.
#[derive(Clone, Debug)]
struct Change {
    kind: RowKind,
    partition: i32,
    key: i32,
    order: Option<i32>,
    value: i32,
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Change>),
    Commit,
    Reopen,
    Drop,
    Compact,
    CompactFully,
}

#[derive(Clone, Debug)]
struct Plan {
    buckets: i32,
    partitioned: bool,
    sequence_field: bool,
    trigger: i32,
    memory_bytes: u64,
    wait: CompactionWait,
    steps: Vec<Step>,
}

fn kinds() -> impl Strategy<Value = RowKind> {
    prop_oneof![
        4 => Just(RowKind::Insert),
        1 => Just(RowKind::UpdateBefore),
        2 => Just(RowKind::UpdateAfter),
        2 => Just(RowKind::Delete),
    ]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let order = prop::option::weighted(0.8, 0..20i32);
    let change = (kinds(), 0..3i32, 0..40i32, order, any::<i32>());
    let change = change.prop_map(|(kind, partition, key, order, value)| Change { kind, partition, key, order, value });
    prop::collection::vec(change, 1..60)
}

fn plans() -> impl Strategy<Value = Plan> {
    let step = prop_oneof![
        8 => changes().prop_map(Step::Write),
        5 => Just(Step::Commit),
        1 => Just(Step::Reopen),
        1 => Just(Step::Drop),
        1 => Just(Step::Compact),
        1 => Just(Step::CompactFully),
    ];
    let wait = prop_oneof![Just(CompactionWait::Background), Just(CompactionWait::Always)];
    let memory = prop_oneof![Just(1u64), Just(8_000), Just(1 << 20)];
    let steps = prop::collection::vec(step, 1..24);
    let buckets = prop_oneof![3 => 1..4i32, 1 => Just(-1)];
    (buckets, any::<bool>(), any::<bool>(), 2..5i32, memory, wait, steps).prop_map(
        |(buckets, partitioned, sequence_field, trigger, memory_bytes, wait, steps)| Plan {
            buckets,
            partitioned,
            sequence_field,
            trigger,
            memory_bytes,
            wait,
            steps,
        },
    )
}

impl Plan {
    fn schema(&self) -> Value {
        let mut options = json!({
            "bucket": self.buckets.to_string(), "num-sorted-run.compaction-trigger": self.trigger.to_string(),
        });
        if self.sequence_field {
            options["sequence.field"] = json!("s");
        }
        if self.buckets == -1 {
            options["dynamic-bucket.target-row-num"] = json!("7");
        }
        let partition_keys = if self.partitioned { json!(["p"]) } else { json!([]) };
        json!({
            "fields": [
                {"name": "p", "type": "INT NOT NULL"}, {"name": "k", "type": "INT NOT NULL"},
                {"name": "s", "type": "INT"}, {"name": "v", "type": "STRING"},
            ],
            "primaryKeys": ["p", "k"], "partitionKeys": partition_keys, "options": options,
        })
    }

    fn options(&self) -> WriteOptions {
        WriteOptions { memory_bytes: Some(self.memory_bytes), compaction: self.wait, ..WriteOptions::default() }
    }

    fn rows(&self, changes: &[Change]) -> Vec<Row> {
        let row = |change: &Change| {
            // A late row after a delete that was compacted away would come back, in Paimon too.
            let kind = if self.sequence_field { RowKind::Insert } else { change.kind };
            let value = format!("value {}", change.value);
            (kind, json!({"p": change.partition, "k": change.key, "s": change.order, "v": value}))
        };
        changes.iter().map(row).collect()
    }

    /// Takes rows into the model: the highest order wins, null the lowest, of equal ones the last.
    fn apply(&self, model: &mut BTreeMap<String, Row>, key: String, row: Row) {
        let order = |row: &Row| if self.sequence_field { row.1["s"].as_i64() } else { None };
        if model.get(&key).is_none_or(|held| order(held) <= order(&row)) {
            model.insert(key, row);
        }
    }
}

async fn run(plan: &Plan) {
    let world = World::new(plan.schema()).await;
    let open = async || TableWrite::open(&world.table, "writer", plan.options()).await.unwrap();
    let (mut model, mut waiting) = (BTreeMap::new(), Vec::new());
    let mut writer = open().await;
    let mut identifier = 0;
    for step in plan.steps.iter().chain(&[Step::Commit]) {
        match step {
            Step::Write(changes) => {
                let rows = plan.rows(changes);
                world.write(&mut writer, &rows).await;
                waiting.extend(rows);
            }
            Step::Commit => {
                identifier += 1;
                writer.commit(identifier, CommitExtras::default()).await.unwrap();
                for row in waiting.drain(..) {
                    plan.apply(&mut model, key_text(world.table.schema(), &row.1), row);
                }
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
        let added = model.iter().filter(|(_, row)| row.0.is_add());
        let expected: BTreeMap<String, Value> = added.map(|(key, row)| (key.clone(), row.1.clone())).collect();
        assert_eq!(world.read().await, expected, "after {step:?}");
    }
    let dropped = plan.steps.iter().any(|step| matches!(step, Step::Drop));
    writer.close().await.unwrap();
    if !dropped {
        world.assert_no_garbage().await;
    }
    // Nothing is left to compact after a full compaction, and it changed nothing.
    let before = world.read().await;
    world.compact(true).await.unwrap();
    assert_eq!(world.compact(true).await.unwrap().snapshot, None);
    assert_eq!(world.read().await, before);
    let live = world.live().await;
    assert!(live.iter().all(|entry| entry.file.level == plan.trigger && entry.file.delete_row_count == Some(0)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_holds_what_was_written(plan in plans()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(run(&plan));
    }
}

/// More with `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48)
}
