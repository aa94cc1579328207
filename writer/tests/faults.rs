//! A store that fails: what was committed stays, what was not leaves nothing, and nothing is deleted in doubt.

use std::collections::BTreeMap;

use alluvium_format::{Error, ErrorKind};
use alluvium_sim::{Fault, FaultMode, Faults};
use alluvium_store::TableStore;
use alluvium_writer::{CommitExtras, CompactionWait, TableWrite, WriteOptions};
use serde_json::{Value, json};

use crate::world::{World, batch_of, pairs};

/// A table with two commits, and what it holds after a third one of other rows.
async fn prepared() -> (World, BTreeMap<String, Value>, BTreeMap<String, Value>) {
    let world = World::simple(json!({"bucket": "2", "num-sorted-run.compaction-trigger": "2"})).await;
    let mut writer = world.writer("w").await;
    for identifier in 1..=2 {
        world.write(&mut writer, &pairs(0..30, &identifier.to_string())).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    let before = world.read().await;
    let mut after = before.clone();
    after.extend((10..40).map(|k| (k.to_string(), json!({"k": k, "v": "3"}))));
    (world, before, after)
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

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_a_commit_is_whole_or_not_there() {
    let operations = {
        let (world, _, after) = prepared().await;
        world.store.arm(Faults::None);
        third_commit(&world, &world.table).await.unwrap();
        let operations = world.store.operations().len();
        assert_eq!(world.read().await, after);
        operations
    };
    assert!(operations > 20, "{operations} operations");
    for mode in FaultMode::ALL {
        for operation in 0..operations {
            let (world, before, after) = prepared().await;
            let table = world.reopened().await;
            world.store.arm(Faults::At(Fault { operation, mode }));
            let outcome = third_commit(&world, &table).await;
            world.store.arm(Faults::None);
            let held = world.read().await;
            match &outcome {
                Ok(()) => assert_eq!(held, after, "{mode:?} at {operation}"),
                Err(error) => {
                    let whole = held == before || held == after;
                    assert!(whole, "{mode:?} at {operation}: {error}");
                    assert!(
                        !matches!(error.kind(), ErrorKind::Internal | ErrorKind::Corrupt),
                        "{mode:?} at {operation}: {error}"
                    );
                }
            }
            // The same commit again brings the table to where it must be, once.
            third_commit(&world, &world.table).await.unwrap();
            assert_eq!(world.read().await, after, "{mode:?} at {operation}, again");
            let appends = world.snapshots().await.iter().filter(|s| s.commit_identifier == 3).count();
            assert!(appends <= 2, "{mode:?} at {operation}: {appends} snapshots of one commit");
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

#[tokio::test(flavor = "multi_thread")]
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
