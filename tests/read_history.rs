//! Reads of tables with a known history: every snapshot, every change between two, streams that are cut off and go on.

use std::collections::BTreeMap;
use std::time::Duration;

use alluvium::format::{CompareOp, Predicate};
use alluvium::{
    CompactionWait, Datum, ErrorKind, Publish, RowKind, StartupMode, Table, TailEvent, TimeTravel, WriteOptions,
};
use alluvium_reader::Tail;
use alluvium_sim::ops::OrderColumn;
use alluvium_sim::{Change, ModelTable, Replay, RowKey, Workload, WorkloadOptions, seeds};
use arrow_array::RecordBatch;
use futures::{FutureExt, TryStreamExt};

use crate::fault_checks::{Rows, changes_of};
use crate::fault_world::{Setting, View, World};

pub(crate) const USER: &str = "writer";

pub(crate) fn setting(options: &[(&'static str, &'static str)]) -> Setting {
    let few_runs = [("bucket", "2"), ("num-sorted-run.compaction-trigger", "3")];
    Setting {
        options: few_runs.iter().chain(options).copied().collect(),
        publish: Publish::ConditionalPut,
        write: WriteOptions { compaction: CompactionWait::Always, ..WriteOptions::default() },
    }
}

pub(crate) fn work(seed: u64, order: OrderColumn, overwrite_one_in: u32) -> Workload {
    let options = WorkloadOptions {
        checkpoints: 6,
        partitions: 3,
        ids: 12,
        order,
        overwrite_one_in,
        ..WorkloadOptions::default()
    };
    Workload::random(seed, &options)
}

/// The table after each commit of the work, and before the first.
pub(crate) fn states(work: &Workload) -> Vec<ModelTable> {
    let mut states = vec![ModelTable::default()];
    for (at, step) in work.steps.iter().enumerate() {
        if step.identifier().is_some() {
            states.push(Workload { steps: work.steps[..=at].to_vec() }.model());
        }
    }
    states
}

/// A table that work was done on, with the state at each of its snapshots.
pub(crate) async fn history(seed: u64, setting: &Setting, work: &Workload) -> (World, BTreeMap<i64, Rows>) {
    let world = World::create(seed, setting).await;
    let outcome = world.run(View::Healthy, USER, work).await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let states = states(work);
    let mut done = 0;
    let mut at = BTreeMap::new();
    for snapshot in world.snapshots().await {
        if snapshot.commit_user == USER {
            done = usize::try_from(snapshot.commit_identifier).unwrap();
        }
        at.insert(snapshot.id, states[done].rows());
    }
    (world, at)
}

pub(crate) async fn read(table: &Table, travel: TimeTravel, predicate: Predicate) -> Rows {
    let read = table.read().at(travel).filter(predicate).execute().await.unwrap();
    let batches: Vec<RecordBatch> = read.try_collect().await.unwrap();
    let mut rows = Rows::new();
    for change in batches.iter().flat_map(|batch| changes_of(None, batch)) {
        assert!(rows.insert(change.key, (change.order, change.value)).is_none(), "{:?} was read twice", change.key);
    }
    rows
}

/// Conditions, and whether a row passes.
pub(crate) type Passes = fn(&RowKey, &(Option<i64>, Option<String>)) -> bool;

pub(crate) fn conditions() -> Vec<(Predicate, Passes)> {
    let compare = |column: &str, op, literal| Predicate::Compare { column: column.to_owned(), op, literal };
    let late = compare("value", CompareOp::GtEq, Datum::String("v5".to_owned()));
    let key = Predicate::And(vec![
        compare("pt", CompareOp::Eq, Datum::Int(1)),
        Predicate::In { column: "id".to_owned(), literals: vec![Datum::BigInt(3), Datum::BigInt(4)], has_null: false },
    ]);
    let ordered = compare("ord", CompareOp::Lt, Datum::BigInt(9));
    vec![
        (Predicate::True, |_, _| true),
        (compare("pt", CompareOp::GtEq, Datum::Int(1)), |key, _| key.0 >= 1),
        (compare("id", CompareOp::Lt, Datum::BigInt(4)), |key, _| key.1 < 4),
        (key, |key, _| key.0 == 1 && (key.1 == 3 || key.1 == 4)),
        (late.clone(), |_, row| row.1.as_deref() >= Some("v5")),
        (Predicate::IsNull("value".to_owned()), |_, row| row.1.is_none()),
        (ordered.clone(), |_, row| row.0.is_some_and(|order| order < 9)),
        (Predicate::Or(vec![late, ordered]), |_, row| {
            row.1.as_deref() >= Some("v5") || row.0.is_some_and(|order| order < 9)
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_snapshot_reads_as_the_table_was_then() {
    for seed in seeds(12) {
        let order = if seed % 2 == 0 { OrderColumn::None } else { OrderColumn::Late };
        let _replay = Replay::new(seed, format!("{order:?}"));
        let options: &[_] = if seed % 2 == 0 { &[] } else { &[("sequence.field", "ord")] };
        let (world, states) = history(seed, &setting(options), &work(seed, order, 3)).await;
        let table = world.table(View::Healthy).await.unwrap();
        for (id, state) in &states {
            for (predicate, passes) in conditions() {
                let got = read(&table, TimeTravel::Snapshot(*id), predicate.clone()).await;
                let wanted: Rows =
                    state.iter().filter(|(key, row)| passes(key, row)).map(|(key, row)| (*key, row.clone())).collect();
                assert_eq!(got, wanted, "snapshot {id}, {predicate:?}");
            }
        }
    }
}

fn apply(rows: &mut Rows, changes: &[Change]) {
    for change in changes {
        if change.kind.is_add() {
            rows.insert(change.key, (change.order, change.value.clone()));
        } else {
            rows.remove(&change.key);
        }
    }
}

/// The changes of every snapshot, up to the end of the stream.
pub(crate) async fn drain(tail: &mut Tail) -> Vec<(i64, Vec<Change>)> {
    let (mut out, mut changes) = (Vec::new(), Vec::new());
    while let Some(event) = tail.next().await.unwrap() {
        match event {
            TailEvent::Changes(batch) => changes.extend(changes_of(Some(&batch.kinds), &batch.rows)),
            TailEvent::SnapshotEnd(id) => out.push((id, std::mem::take(&mut changes))),
            TailEvent::Expired(..) => panic!("nothing has expired"),
        }
    }
    assert!(changes.is_empty(), "changes without an end of their snapshot");
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_replays_every_state() {
    for seed in seeds(12) {
        let _replay = Replay::new(seed, "a tail with overwrites");
        let setting = setting(&[("streaming-read-overwrite", "true")]);
        let (world, states) = history(seed, &setting, &work(seed, OrderColumn::None, 3)).await;
        let table = world.table(View::Healthy).await.unwrap();
        let last = *states.keys().last().unwrap();
        let mut tail = table.tail().from_earliest().to(last).execute().await.unwrap();
        let mut rows = Rows::new();
        let read = drain(&mut tail).await;
        assert_eq!(read.iter().map(|(id, _)| *id).collect::<Vec<_>>(), states.keys().copied().collect::<Vec<_>>());
        assert_eq!(tail.position().unwrap().next_snapshot, last + 1);
        for (id, changes) in read {
            apply(&mut rows, &changes);
            assert_eq!(&rows, &states[&id], "after snapshot {id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_start_and_what_follows_give_the_table() {
    for seed in seeds(6) {
        let _replay = Replay::new(seed, "a full start");
        let (world, states) = history(seed, &setting(&[]), &work(seed, OrderColumn::None, 0)).await;
        let table = world.table(View::Healthy).await.unwrap();
        let last = *states.keys().last().unwrap();
        for first in states.keys() {
            let start = StartupMode::FromSnapshotFull(*first);
            let mut tail = table.tail().from(start).to(last).execute().await.unwrap();
            assert_eq!(tail.position(), None);
            let read = drain(&mut tail).await;
            assert_eq!(read[0].0, *first);
            assert!(read[0].1.iter().all(|change| change.kind == RowKind::Insert));
            let mut rows = Rows::new();
            read.iter().for_each(|(_, changes)| apply(&mut rows, changes));
            assert_eq!(&rows, &states[&last], "from {first}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_changes_of_a_range_are_those_that_a_tail_gives() {
    let (world, states) = history(3, &setting(&[]), &work(3, OrderColumn::None, 0)).await;
    let table = world.table(View::Healthy).await.unwrap();
    let last = *states.keys().last().unwrap();
    let whole = drain(&mut table.tail().from_earliest().to(last).execute().await.unwrap()).await;
    for from in 0..=last {
        for to in from..=last {
            let batches = table.read().incremental(from, to).await.unwrap();
            let batches: Vec<_> = batches.try_collect().await.unwrap();
            let got: Vec<Change> =
                batches.iter().flat_map(|batch| changes_of(Some(&batch.kinds), &batch.rows)).collect();
            let wanted = whole.iter().filter(|(id, _)| *id > from && *id <= to);
            assert_eq!(got, wanted.flat_map(|(_, changes)| changes.clone()).collect::<Vec<_>>(), "({from}, {to}]");
        }
    }
    for (from, to, kind) in
        [(2, 1, ErrorKind::Invalid), (0, last + 1, ErrorKind::NotFound), (-2, 1, ErrorKind::NotFound)]
    {
        let error = table.read().incremental(from, to).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_leads_from_one_state_to_the_other() {
    let combined =
        [("merge-engine", "aggregation"), ("ignore-delete", "true"), ("fields.value.aggregate-function", "max")];
    let settings: [&[(&str, &str)]; 4] =
        [&[], &[("sequence.field", "ord")], &[("deletion-vectors.enabled", "true")], &combined];
    for (seed, options) in settings.into_iter().enumerate() {
        let seed = seed as u64;
        let _replay = Replay::new(seed, format!("a difference with {options:?}"));
        let order = if options.contains(&("sequence.field", "ord")) { OrderColumn::Late } else { OrderColumn::None };
        let (world, states) = history(seed, &setting(options), &work(seed, order, 5)).await;
        let table = world.table(View::Healthy).await.unwrap();
        let diff = [("incremental-between-scan-mode".to_owned(), "diff".to_owned())];
        let diff = table.with_options(&diff.into()).unwrap();
        let last = *states.keys().last().unwrap();
        let mut at = BTreeMap::new();
        for id in 1..=last {
            at.insert(id, read(&table, TimeTravel::Snapshot(id), Predicate::True).await);
        }
        let mut changed = 0;
        for from in 1..=last {
            for to in from..=last {
                let batches: Vec<_> = diff.read().incremental(from, to).await.unwrap().try_collect().await.unwrap();
                let mut rows = at[&from].clone();
                for batch in batches {
                    let changes = changes_of(Some(&batch.kinds), &batch.rows);
                    changed += changes.len();
                    apply(&mut rows, &changes);
                }
                assert_eq!(rows, at[&to], "from {from} to {to} with {options:?}");
            }
        }
        assert!(changed > 0, "nothing ever changed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_cancelled_loses_and_doubles_nothing() {
    let (world, states) = history(5, &setting(&[]), &work(5, OrderColumn::None, 0)).await;
    let table = world.table(View::Healthy).await.unwrap();
    let last = *states.keys().last().unwrap();
    let whole = drain(&mut table.tail().from_earliest().to(last).execute().await.unwrap()).await;
    let mut tail = table.tail().from_earliest().to(last).consumer_id("c").execute().await.unwrap();
    let (mut out, mut changes, mut cancelled) = (Vec::new(), Vec::new(), 0);
    loop {
        // Polled once and dropped, unless it is ready; every fourth call is let through, so that it ends.
        let event = match tail.next().now_or_never() {
            Some(event) => event,
            None if cancelled % 4 == 3 => {
                cancelled += 1;
                tail.next().await
            }
            None => {
                cancelled += 1;
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
        };
        match event.unwrap() {
            Some(TailEvent::Changes(batch)) => changes.extend(changes_of(Some(&batch.kinds), &batch.rows)),
            Some(TailEvent::SnapshotEnd(id)) => out.push((id, std::mem::take(&mut changes))),
            Some(TailEvent::Expired(..)) => panic!("nothing has expired"),
            None => break,
        }
    }
    assert!(cancelled > 0, "no call was ever cancelled");
    assert_eq!(out, whole);
}

/// Reads until the end of `snapshot`.
async fn read_to(tail: &mut Tail, snapshot: i64) {
    while !matches!(tail.next().await.unwrap(), Some(TailEvent::SnapshotEnd(id)) if id == snapshot) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_goes_on_behind_what_was_taken_care_of() {
    let (world, states) = history(7, &setting(&[]), &work(7, OrderColumn::None, 0)).await;
    let table = world.table(View::Healthy).await.unwrap();
    let table = table.with_options(&[("consumer.mode".to_owned(), "at-least-once".to_owned())].into()).unwrap();
    let last = *states.keys().last().unwrap();
    let open = async || table.tail().from_earliest().to(last).consumer_id("audit").execute().await.unwrap();
    let saved = async || table.consumers().await.unwrap();

    let mut tail = open().await;
    read_to(&mut tail, 2).await;
    // The caller may still be busy with snapshot 2.
    assert_eq!(saved().await, [("audit".to_owned(), 2)]);
    drop(tail);
    let mut tail = open().await;
    read_to(&mut tail, 2).await;
    tail.next().await.unwrap();
    assert_eq!(saved().await, [("audit".to_owned(), 3)]);
    assert_eq!(tail.position().unwrap().next_snapshot, 3);
    drop(tail);
    let rest = drain(&mut open().await).await;
    assert_eq!(rest.iter().map(|(id, _)| *id).collect::<Vec<_>>(), (3..=last).collect::<Vec<_>>());
    assert_eq!(saved().await, [("audit".to_owned(), last + 1)]);
    assert_eq!(drain(&mut open().await).await, []);

    let error = table.tail().consumer_id("../x").execute().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn travels_by_time_and_says_what_there_is() {
    let (world, states) = history(9, &setting(&[]), &work(9, OrderColumn::None, 0)).await;
    let table = world.table(View::Healthy).await.unwrap();
    let snapshots = world.snapshots().await;
    for snapshot in &snapshots {
        let same: Vec<i64> =
            snapshots.iter().filter(|other| other.time_millis <= snapshot.time_millis).map(|other| other.id).collect();
        let got = read(&table, TimeTravel::Timestamp(snapshot.time_millis), Predicate::True).await;
        assert_eq!(&got, &states[same.last().unwrap()]);
    }
    let early = TimeTravel::Timestamp(snapshots[0].time_millis - 1);
    let missing = [early, TimeTravel::Snapshot(99), TimeTravel::Tag("none".to_owned())];
    for travel in missing {
        let error = table.read().at(travel).plan().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
}
