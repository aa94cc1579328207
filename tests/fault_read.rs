//! Reading while the store fails: a read gives the right rows or an error, and a stream that fails goes on where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use alluvium::{CompactionWait, ErrorKind, Publish, Result, StreamPosition, Table, TailEvent, WriteOptions};
use alluvium_sim::{Change, Fault, FaultMode, Faults, ModelTable, Replay, Workload, WorkloadOptions, seeds};
use arrow_array::RecordBatch;
use futures::TryStreamExt;

use crate::fault_checks::{Rows, changes_of};
use crate::fault_world::{Setting, View, World};

const USER: &str = "writer";
const CONSUMER: &str = "reader";

/// A table, and what becomes of it.
async fn created(seed: u64) -> (World, Workload) {
    let options =
        WorkloadOptions { checkpoints: 5, batch_changes_max: 12, ids: 16, partitions: 2, ..Default::default() };
    let work = Workload::random(seed, &options);
    let write = WriteOptions { compaction: CompactionWait::Always, ..WriteOptions::default() };
    let options = vec![("bucket", "1"), ("num-sorted-run.compaction-trigger", "3")];
    (World::create(seed, &Setting { options, publish: Publish::ConditionalPut, write }).await, work)
}

/// A table with a history, through a store without faults.
async fn written(seed: u64) -> (World, Workload) {
    let (world, work) = created(seed).await;
    let outcome = world.run(View::Healthy, USER, &work).await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    (world, work)
}

async fn rows(world: &World) -> Result<Rows> {
    let table = world.table(View::Faulty).await?;
    let batches: Vec<RecordBatch> = table.read().execute().await?.try_collect().await?;
    let changes = batches.iter().flat_map(|batch| changes_of(None, batch));
    Ok(changes.map(|change| (change.key, (change.order, change.value))).collect())
}

#[tokio::test]
async fn a_read_gives_the_right_rows_or_an_error() {
    for seed in seeds(2) {
        let (world, work) = written(seed).await;
        world.faulty.arm(Faults::None);
        assert_eq!(rows(&world).await.unwrap(), work.model().rows());
        let (operations, mut failed) = (world.faulty.operations().len(), 0);
        for operation in 0..operations {
            for mode in FaultMode::ALL {
                let _replay = Replay::new(seed, format!("{mode:?} at operation {operation}"));
                world.faulty.arm(Faults::At(Fault { operation, mode }));
                match rows(&world).await {
                    Ok(rows) => assert_eq!(rows, work.model().rows(), "{:?}", world.faulty.failures()),
                    Err(error) => {
                        failed += 1;
                        assert_eq!(error.kind(), ErrorKind::Storage, "{:?}: {error}", world.faulty.failures());
                    }
                }
            }
        }
        assert!(failed > operations, "{failed} reads failed of {operations} operations");
    }
}

/// What a stream's reader has: the changes of each snapshot that was read to its end.
#[derive(Debug, Default, PartialEq)]
struct Received {
    snapshots: BTreeMap<i64, Vec<Change>>,
    /// Snapshots that came again.
    again: BTreeSet<i64>,
}

/// Where a stream begins that follows one that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resume {
    /// At the position that the reader has.
    Position,
    /// At the position that the table has of its consumer, which moves by itself.
    AtLeastOnce,
    /// At the position that the table has of its consumer, which moves when the reader says so.
    Acknowledged,
}

/// Reads up to snapshot `last`; an error leaves what was received whole, and the position.
async fn receive(
    world: &World,
    (resume, last): (Resume, i64),
    position: &mut Option<StreamPosition>,
    received: &mut Received,
) -> Result<()> {
    receive_of(&world.table(View::Faulty).await?, (resume, last), position, received).await
}

async fn receive_of(
    table: &Table,
    (resume, last): (Resume, i64),
    position: &mut Option<StreamPosition>,
    received: &mut Received,
) -> Result<()> {
    let mode = if resume == Resume::AtLeastOnce { "at-least-once" } else { "exactly-once" };
    let table = table.with_options(&[("consumer.mode".to_owned(), mode.to_owned())].into()).unwrap();
    let mut request = table.tail().from_earliest().to(last).poll_interval(Duration::from_millis(1));
    match position {
        Some(position) if resume == Resume::Position => request = request.from_position(position.clone()),
        _ if resume == Resume::Position => {}
        _ => request = request.consumer_id(CONSUMER),
    }
    let mut tail = request.execute().await?;
    let mut pending = Vec::new();
    loop {
        match tail.next().await? {
            None => return Ok(()),
            Some(TailEvent::Changes(batch)) => pending.extend(changes_of(Some(&batch.kinds), &batch.rows)),
            Some(TailEvent::SnapshotEnd(id)) => {
                let changes = std::mem::take(&mut pending);
                match received.snapshots.insert(id, changes.clone()) {
                    None => {}
                    Some(before) => {
                        assert_eq!(before, changes, "snapshot {id} came again with other changes");
                        received.again.insert(id);
                    }
                }
                *position = tail.position().cloned();
                if let (Some(position), Resume::Acknowledged) = (&position, resume) {
                    tail.acknowledge(position).await?;
                }
            }
            Some(TailEvent::Expired(..)) => panic!("nothing has expired"),
        }
    }
}

#[tokio::test]
async fn a_stream_that_failed_goes_on_where_it_was() {
    for seed in seeds(2) {
        for resume in [Resume::Position, Resume::AtLeastOnce, Resume::Acknowledged] {
            let (world, work) = written(seed).await;
            let last = world.snapshots().await.last().unwrap().id;
            let mut wanted = Received::default();
            world.faulty.arm(Faults::None);
            receive(&world, (resume, last), &mut None, &mut wanted).await.unwrap();
            assert_eq!(wanted.snapshots.keys().copied().collect::<Vec<_>>(), (1..=last).collect::<Vec<_>>());
            let mut model = ModelTable::default();
            model.apply(wanted.snapshots.values().flatten());
            assert_eq!(model.rows(), work.model().rows());
            for operation in 0..world.faulty.operations().len() {
                for mode in FaultMode::ALL {
                    let _replay = Replay::new(seed, format!("{mode:?} at operation {operation}, {resume:?}"));
                    let (world, _) = written(seed).await;
                    resume_after(&world, (resume, last), Fault { operation, mode }, &wanted).await;
                }
            }
        }
    }
}

async fn resume_after(world: &World, (resume, last): (Resume, i64), fault: Fault, wanted: &Received) {
    world.faulty.arm(Faults::At(fault));
    let (mut received, mut position) = (Received::default(), None);
    if let Err(error) = receive(world, (resume, last), &mut position, &mut received).await {
        assert_eq!(error.kind(), ErrorKind::Storage, "{:?}: {error}", world.faulty.failures());
        world.faulty.arm(Faults::None);
        receive(world, (resume, last), &mut position, &mut received).await.unwrap();
    }
    assert_eq!(received.snapshots, wanted.snapshots);
    // What the reader has by itself never comes again; what the table has of it lags by one snapshot.
    let again_max = usize::from(resume != Resume::Position);
    assert!(received.again.len() <= again_max, "{:?} came again", received.again);
}

/// All up to snapshot `last`; the store is mended when it fails.
async fn follow(world: &World, table: &Table, last: i64) -> Received {
    let (mut received, mut position) = (Received::default(), None);
    while let Err(error) = receive_of(table, (Resume::Position, last), &mut position, &mut received).await {
        assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
        world.faulty.arm(Faults::None);
    }
    received
}

/// Wakes the streams of a table for ever.
async fn ring(table: &Table) -> ! {
    loop {
        table.announce_snapshot();
        tokio::task::yield_now().await;
    }
}

/// One reader hears of no commit, as each has a catalog over a store without a name; the other is woken all the time.
#[tokio::test]
async fn announcements_that_are_lost_or_come_for_nothing_change_no_answer() {
    for seed in seeds(2) {
        let (before, _) = written(seed).await;
        let last = before.snapshots().await.last().unwrap().id;
        before.faulty.arm(Faults::None);
        let wanted = follow(&before, &before.table(View::Faulty).await.unwrap(), last).await;
        for (operation, mode) in (0..60).step_by(5).zip(FaultMode::ALL.into_iter().cycle()) {
            let _replay = Replay::new(seed, format!("{mode:?} at operation {operation}"));
            let (world, work) = created(seed).await;
            let (lost, woken) = (world.table(View::Faulty).await.unwrap(), world.table(View::Faulty).await.unwrap());
            world.faulty.arm(Faults::At(Fault { operation, mode }));
            let ringing = async {
                tokio::select! {
                    _ = ring(&woken) => unreachable!("it never ends"),
                    received = follow(&world, &woken, last) => received,
                }
            };
            let (outcome, lost, woken) =
                futures::join!(world.run(View::Healthy, USER, &work), follow(&world, &lost, last), ringing);
            assert!(outcome.error.is_none(), "{:?}", outcome.error);
            assert_eq!((&lost, &woken), (&wanted, &wanted));
        }
    }
}
