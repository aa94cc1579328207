//! Reads of tables whose compactions look keys up, or write the changes they make: every snapshot, and every change.

use std::collections::BTreeMap;

use alluvium::format::CommitKind;
use alluvium::{RowKind, Snapshot, TimeTravel};
use alluvium_sim::ops::OrderColumn;
use alluvium_sim::{Change, Replay, Workload, seeds};

use crate::fault_checks::Rows;
use crate::fault_world::{Setting, View, World};
use crate::read_history::{USER, conditions, drain, read, setting, states, work};

/// Options of the table, and where its readers see a commit: with its rows, or with the compaction that takes them up.
struct Case {
    options: &'static [(&'static str, &'static str)],
    rows: Seen,
    changes: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    AtAppend,
    AtCompaction,
}

const CASES: [Case; 6] = [
    Case { options: &[("changelog-producer", "input")], rows: Seen::AtAppend, changes: Seen::AtAppend },
    Case { options: &[("changelog-producer", "lookup")], rows: Seen::AtAppend, changes: Seen::AtCompaction },
    Case { options: &[("changelog-producer", "full-compaction")], rows: Seen::AtAppend, changes: Seen::AtCompaction },
    Case { options: &[("deletion-vectors.enabled", "true")], rows: Seen::AtCompaction, changes: Seen::AtAppend },
    Case {
        options: &[("deletion-vectors.enabled", "true"), ("changelog-producer", "lookup")],
        rows: Seen::AtCompaction,
        changes: Seen::AtCompaction,
    },
    Case {
        options: &[
            ("deletion-vectors.enabled", "true"),
            ("deletion-vectors.bitmap64", "true"),
            ("sequence.field", "ord"),
        ],
        rows: Seen::AtCompaction,
        changes: Seen::AtAppend,
    },
];

/// A table that work was done on.
async fn table_of(seed: u64, setting: &Setting, work: &Workload) -> World {
    let world = World::create(seed, setting).await;
    let outcome = world.run(View::Healthy, USER, work).await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    world
}

/// What readers see at each snapshot.
async fn seen_at(world: &World, work: &Workload, seen: Seen) -> BTreeMap<i64, Rows> {
    let states = states(work);
    let mut done = 0;
    let mut at = BTreeMap::new();
    for snapshot in world.snapshots().await {
        if is_of_work(&snapshot) {
            done = usize::try_from(snapshot.commit_identifier).unwrap();
        }
        let waits = seen == Seen::AtCompaction && is_of_work(&snapshot) && snapshot.commit_kind == CommitKind::Append;
        at.insert(snapshot.id, states[if waits { done - 1 } else { done }].rows());
    }
    at
}

fn is_of_work(snapshot: &Snapshot) -> bool {
    snapshot.commit_user == USER
}

#[tokio::test(flavor = "multi_thread")]
async fn every_snapshot_reads_as_what_was_compacted_by_then() {
    for seed in seeds(6) {
        for Case { options, rows, .. } in &CASES {
            let _replay = Replay::new(seed, format!("{options:?}"));
            let order = if options.iter().any(|(name, _)| *name == "sequence.field") {
                OrderColumn::Late
            } else {
                OrderColumn::None
            };
            let work = work(seed, order, 0);
            let world = table_of(seed, &setting(options), &work).await;
            let table = world.table(View::Healthy).await.unwrap();
            for (id, state) in seen_at(&world, &work, *rows).await {
                for (predicate, passes) in conditions() {
                    let got = read(&table, TimeTravel::Snapshot(id), predicate.clone()).await;
                    let wanted: Rows = state.clone().into_iter().filter(|(key, row)| passes(key, row)).collect();
                    assert_eq!(got, wanted, "snapshot {id}, {predicate:?}");
                }
            }
        }
    }
}

/// Applies changes of which each must fit the row that is there.
fn apply_strictly(rows: &mut Rows, changes: &[Change]) {
    let mut retracted = None;
    for change in changes {
        let row = (change.order, change.value.clone());
        match change.kind {
            RowKind::Insert => assert!(rows.insert(change.key, row).is_none(), "{change:?} though there is a row"),
            RowKind::Delete => assert_eq!(rows.remove(&change.key), Some(row), "{change:?}"),
            RowKind::UpdateBefore => {
                assert_eq!(rows.get(&change.key), Some(&row), "{change:?}");
                assert_eq!(retracted.replace(change.key), None, "{change:?}");
            }
            RowKind::UpdateAfter => {
                assert_eq!(retracted.take(), Some(change.key), "{change:?}");
                rows.insert(change.key, row);
            }
        }
    }
    assert_eq!(retracted, None, "an update without its second half");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_changes_of_compactions_replay_every_state() {
    for seed in seeds(6) {
        for Case { options, changes, .. } in CASES.iter().filter(|case| case.changes == Seen::AtCompaction) {
            let _replay = Replay::new(seed, format!("{options:?}"));
            let work = work(seed, OrderColumn::None, 0);
            let world = table_of(seed, &setting(options), &work).await;
            let table = world.table(View::Healthy).await.unwrap();
            let states = seen_at(&world, &work, *changes).await;
            let last = *states.keys().last().unwrap();
            let mut rows = Rows::new();
            for (id, changes) in drain(&mut table.tail().from_earliest().to(last).execute().await.unwrap()).await {
                apply_strictly(&mut rows, &changes);
                assert_eq!(&rows, &states[&id], "after snapshot {id}");
            }
            for (first, state) in &states {
                let start = alluvium::StartupMode::FromSnapshotFull(*first);
                let read = drain(&mut table.tail().from(start).to(*first).execute().await.unwrap()).await;
                let mut rows = Rows::new();
                apply_strictly(&mut rows, &read[0].1);
                assert_eq!(&rows, state, "all rows of snapshot {first}");
            }
        }
    }
}

/// The table, with deletion vectors as said from now on.
async fn switch(world: &World, enabled: &str) {
    let store = world.table_store(View::Healthy).await.unwrap();
    let mut schema = store.schema().as_ref().clone();
    schema.id += 1;
    schema.options.insert("deletion-vectors.enabled".to_owned(), enabled.to_owned());
    assert!(store.schemas().create(&schema).await.unwrap());
}

/// What was committed when half of the work was done.
fn first_half(work: &Workload) -> Workload {
    let commits: Vec<usize> = (0..work.steps.len()).filter(|at| work.steps[*at].identifier().is_some()).collect();
    Workload { steps: work.steps[..=commits[commits.len() / 2]].to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_deletion_vectors_changes_no_answer() {
    for seed in seeds(12) {
        for (before, after) in [("false", "true"), ("true", "false")] {
            let _replay = Replay::new(seed, format!("from {before} to {after}"));
            let whole = work(seed, OrderColumn::None, 4);
            let half = first_half(&whole);
            let options = [("deletion-vectors.modifiable", "true"), ("deletion-vectors.enabled", before)];
            let world = table_of(seed, &setting(&options), &half).await;
            let wanted = half.model().rows();
            assert_eq!(world.rows().await, wanted, "before");
            switch(&world, after).await;
            let table = world.table(View::Healthy).await.unwrap();
            for (predicate, passes) in conditions() {
                let got = read(&table, TimeTravel::Latest, predicate.clone()).await;
                let wanted: Rows = wanted.clone().into_iter().filter(|(key, row)| passes(key, row)).collect();
                assert_eq!(got, wanted, "after, {predicate:?}");
            }
            if seed % 2 == 0 {
                table.compact().full().execute().await.unwrap();
                assert_eq!(world.rows().await, wanted, "compacted");
            }
            let outcome = world.run(View::Healthy, USER, &whole).await;
            assert!(outcome.error.is_none(), "{:?}", outcome.error);
            assert_eq!(world.rows().await, whole.model().rows(), "and on");
        }
    }
}
