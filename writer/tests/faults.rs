//! A store that fails: what was committed stays, what was not leaves nothing, and nothing is deleted in doubt.

use std::collections::BTreeMap;

use alluvium_format::{Error, ErrorKind};
use alluvium_sim::{Fault, FaultMode, Faults};
use alluvium_store::TableStore;
use alluvium_writer::{CommitExtras, CompactionWait, TableWrite, WriteOptions};
use serde_json::{Value, json};

use crate::world::{World, add, batch_of, compact, pairs, replay};

/// Options of a table, and what its changelog tells.
#[derive(Clone, Copy, Debug)]
struct Case {
    options: &'static [(&'static str, &'static str)],
    changelog: Told,
}

/// What a changelog tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    /// Every row as it came.
    Input,
    /// Every change of the table.
    Changes,
}

const PLAIN: Case = Case { options: &[], changelog: Told::Nothing };

/// Every way to compact, and to make changelog and deletion vectors; and dynamic buckets, whose indexes go with their rows.
const CASES: [Case; 8] = [
    PLAIN,
    Case { options: &[("changelog-producer", "input")], changelog: Told::Input },
    Case { options: &[("changelog-producer", "full-compaction")], changelog: Told::Changes },
    Case { options: &[("changelog-producer", "lookup")], changelog: Told::Changes },
    Case { options: &[("deletion-vectors.enabled", "true")], changelog: Told::Nothing },
    Case {
        options: &[("deletion-vectors.enabled", "true"), ("changelog-producer", "lookup")],
        changelog: Told::Changes,
    },
    Case { options: &[("merge-engine", "first-row"), ("changelog-producer", "lookup")], changelog: Told::Changes },
    Case { options: &[("bucket", "-1"), ("dynamic-bucket.target-row-num", "16")], changelog: Told::Nothing },
];

impl Case {
    async fn table(&self, more: &[(&str, &str)]) -> World {
        let mut options = json!({"bucket": "2", "num-sorted-run.compaction-trigger": "2"});
        for (name, value) in self.options.iter().chain(more) {
            options[*name] = json!(value);
        }
        World::simple(options).await
    }

    /// A table with two commits, and what it holds after a third one of other rows.
    async fn prepared(&self) -> (World, BTreeMap<String, Value>, BTreeMap<String, Value>) {
        let world = self.table(&[]).await;
        let mut writer = world.writer("w").await;
        for identifier in 1..=2 {
            world.write(&mut writer, &pairs(0..30, &identifier.to_string())).await;
            writer.commit(identifier, CommitExtras::default()).await.unwrap();
        }
        let before = world.read().await;
        let mut after = before.clone();
        for k in 10..40 {
            let row = json!({"k": k, "v": "3"});
            if self.keeps_the_first() {
                after.entry(k.to_string()).or_insert(row);
            } else {
                after.insert(k.to_string(), row);
            }
        }
        (world, before, after)
    }

    fn keeps_the_first(&self) -> bool {
        self.options.contains(&("merge-engine", "first-row"))
    }

    /// The changelog tells each change once, and all that snapshots name is there.
    async fn assert_told(&self, world: &World, rows: &BTreeMap<String, Value>, written: usize, at: &str) {
        let changes = world.changelog().await;
        match self.changelog {
            Told::Nothing => assert_eq!(changes, [], "{at}"),
            Told::Input => assert_eq!(changes.len(), written, "{at}"),
            Told::Changes => assert_eq!(&replay(world.table.schema(), &changes), rows, "{at}"),
        }
        let (named, there) = (world.named_files().await, world.data_files().await);
        assert!(named.is_subset(&there), "{at}: {:?} are gone", named.difference(&there));
    }
}

async fn prepared() -> (World, BTreeMap<String, Value>, BTreeMap<String, Value>) {
    PLAIN.prepared().await
}

/// Opens a writer, writes and commits; how far it came.
async fn third_commit(world: &World, table: &TableStore) -> Result<(), Error> {
    let options = WriteOptions { compaction: CompactionWait::Always, ..Default::default() };
    let mut writer = TableWrite::open(table, "w", options).await?;
    let (batch, kinds) = batch_of(world.table.schema(), &pairs(10..40, "3"));
    writer.write(batch, Some(kinds)).await?;
    writer.commit(3, CommitExtras::default()).await?;
    Ok(())
}

fn is_no_defect(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Internal | ErrorKind::Corrupt)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_a_commit_is_whole_or_not_there() {
    for case in CASES {
        let operations = {
            let (world, _, after) = case.prepared().await;
            world.store.arm(Faults::None);
            third_commit(&world, &world.table).await.unwrap();
            let operations = world.store.operations().len();
            assert_eq!(world.read().await, after);
            case.assert_told(&world, &after, 90, "without a fault").await;
            operations
        };
        assert!(operations > 20, "{operations} operations");
        for mode in FaultMode::ALL {
            for operation in 0..operations {
                let at = format!("{case:?}, {mode:?} at {operation}");
                let (world, before, after) = case.prepared().await;
                let table = world.reopened().await;
                world.store.arm(Faults::At(Fault { operation, mode }));
                let outcome = third_commit(&world, &table).await;
                world.store.arm(Faults::None);
                let held = world.read().await;
                match &outcome {
                    Ok(()) => assert_eq!(held, after, "{at}"),
                    Err(error) => {
                        assert!(held == before || held == after, "{at}: {error}");
                        assert!(is_no_defect(error), "{at}: {error}");
                    }
                }
                // The same commit again brings the table to where it must be, once.
                third_commit(&world, &world.table).await.unwrap();
                assert_eq!(world.read().await, after, "{at}, again");
                case.assert_told(&world, &after, 90, &at).await;
                let parts = world.snapshots().await.iter().filter(|s| s.commit_identifier == 3).count();
                assert!(parts <= 2, "{at}: {parts} snapshots of one commit");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_a_compaction_of_its_own_is_whole_or_not_there() {
    for case in CASES {
        let prepared = async || {
            let world = case.table(&[("write-only", "true")]).await;
            let mut writer = world.writer("w").await;
            for identifier in 1..=3 {
                world.write(&mut writer, &pairs(0..30, &identifier.to_string())).await;
                writer.commit(identifier, CommitExtras::default()).await.unwrap();
                if identifier == 1 {
                    world.compact(true).await.unwrap();
                }
            }
            world
        };
        let value = if case.keeps_the_first() { "1" } else { "3" };
        let after: BTreeMap<String, Value> = (0..30).map(|k| (k.to_string(), json!({"k": k, "v": value}))).collect();
        let operations = {
            let world = prepared().await;
            world.store.arm(Faults::None);
            compact(&world.table, true).await.unwrap();
            world.store.operations().len()
        };
        for mode in FaultMode::ALL {
            for operation in 0..operations {
                let at = format!("{case:?}, {mode:?} at {operation}");
                let world = prepared().await;
                let before = world.read().await;
                let table = world.reopened().await;
                world.store.arm(Faults::At(Fault { operation, mode }));
                let outcome = compact(&table, true).await;
                world.store.arm(Faults::None);
                let held = world.read().await;
                match &outcome {
                    Ok(_) => assert_eq!(held, after, "{at}"),
                    Err(error) => {
                        assert!(held == before || held == after, "{at}: {error}");
                        assert!(is_no_defect(error), "{at}: {error}");
                    }
                }
                world.compact(true).await.unwrap();
                assert_eq!(world.read().await, after, "{at}, again");
                case.assert_told(&world, &after, 90, &at).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_is_certain_leaves_no_data_file() {
    let (world, before, _) = prepared().await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(10..40, "3")).await;
    world.store.arm(Faults::None);
    let files = world.data_files().await;
    // The first operation of the commit writes a data file.
    world.store.arm(Faults::At(Fault { operation: 1, mode: FaultMode::BeforeEffect }));
    let error = writer.commit(3, CommitExtras::default()).await.unwrap_err();
    world.store.arm(Faults::None);
    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
    assert_eq!(world.data_files().await, files);
    assert_eq!(world.read().await, before);
    let error = writer.commit(3, CommitExtras::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(error.to_string().contains("it failed before"), "{error}");
}

// On one thread, where what the call spawns cannot run before it gives way.
#[tokio::test]
async fn a_call_that_is_given_up_closes_the_writer() {
    let (world, before, after) = prepared().await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &pairs(10..40, "3")).await;
    {
        let commit = std::pin::pin!(writer.commit(3, CommitExtras::default()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(commit.poll(&mut context).is_pending());
    }
    assert_eq!(writer.commit(3, CommitExtras::default()).await.unwrap_err().kind(), ErrorKind::Closed);
    drop(writer);
    assert_eq!(world.read().await, before);
    third_commit(&world, &world.table).await.unwrap();
    assert_eq!(world.read().await, after);
}

/// At its end a writer takes in the compaction under way: when that cannot be handed on, nothing of it is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_cannot_close_leaves_nothing() {
    let options = json!({
        "bucket": "1", "deletion-vectors.enabled": "true", "lookup-wait": "false", "num-sorted-run.compaction-trigger": "9",
    });
    let world = World::simple(options).await;
    let mut writer = world.writer("w").await;
    // Texts that no codec makes small: what comes later is compacted beside them.
    let text = |k: i32| format!("{:x}", u64::from(k.unsigned_abs() + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let rows: Vec<_> = (0..6000).map(|k| add(json!({"k": k, "v": text(k)}))).collect();
    world.write(&mut writer, &rows).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    world.compact(true).await.unwrap();
    // Whether the vectors are written by the close or before it is up to the compaction beside it.
    for round in 0..1500 {
        let mut writer = TableWrite::open(&world.table, "v", WriteOptions::default()).await.unwrap();
        let first = i32::try_from(round * 3).unwrap();
        world.write(&mut writer, &pairs(first..first + 3, "2")).await;
        writer.commit(round, CommitExtras::default()).await.unwrap();
        let fault = Fault { operation: usize::try_from(round % 12).unwrap(), mode: FaultMode::BeforeEffect };
        world.store.arm(Faults::At(fault));
        let closed = writer.close().await;
        let failed_on_index = world.store.failures().iter().any(|(failed, _)| failed.path.contains("/index/"));
        world.store.arm(Faults::None);
        if failed_on_index {
            assert!(closed.is_err());
            world.assert_no_garbage().await;
            return;
        }
    }
    panic!("the vectors could always be written");
}
