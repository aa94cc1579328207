//! Writers and a compactor side by side on one table, while the store fails now and then: all of them go on, and nothing is lost,
//! doubled or brought back.

use std::collections::BTreeMap;
use std::time::Duration;

use alluvium::format::CommitKind;
use alluvium::{CompactionWait, ErrorKind, Publish, WriteOptions};
use alluvium_sim::{Faults, ModelTable, Replay, Step, Workload, WorkloadOptions, seeds};

use crate::fault_world::{Setting, View, World};

/// One operation in so many fails, while there are faults.
const ONE_IN: u32 = 60;
/// After so many failures a process gives up until the store works again.
const ATTEMPTS_MAX: usize = 12;
const COMPACTIONS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(120);

fn setting(options: &[(&'static str, &'static str)]) -> Setting {
    let options = [("bucket", "1"), ("num-sorted-run.compaction-trigger", "3")].iter().chain(options).copied();
    let write = WriteOptions { compaction: CompactionWait::Background, ..WriteOptions::default() };
    Setting { options: options.collect(), publish: Publish::ConditionalPut, write }
}

/// The work of one of several writers: its keys are its own.
fn work_of(seed: u64, writer: i64, writers: i64) -> Workload {
    let options = WorkloadOptions { checkpoints: 6, batch_changes_max: 10, ids: 12, ..WorkloadOptions::default() };
    let mut work = Workload::random(seed.wrapping_mul(31).wrapping_add(writer.unsigned_abs()), &options);
    work.steps.retain(|step| matches!(step, Step::Write(_) | Step::Commit(_) | Step::Reopen));
    for step in &mut work.steps {
        if let Step::Write(changes) = step {
            for change in changes {
                change.key.1 = change.key.1 * writers + writer;
                change.value = change.value.take().map(|value| format!("w{writer}-{value}"));
            }
        }
    }
    work
}

/// A writer that starts anew after each failure, as its supervisor would.
async fn write_on(world: &World, user: &str, work: &Workload) {
    for _ in 0..ATTEMPTS_MAX {
        let Some(error) = world.run(View::Faulty, user, work).await.error else { return };
        let expected = matches!(error.kind(), ErrorKind::Storage | ErrorKind::Unknown | ErrorKind::Conflict);
        assert!(expected, "{user} came out with {:?}: {error}", error.kind());
        tokio::task::yield_now().await;
    }
}

async fn compact_on(world: &World) {
    for round in 0..COMPACTIONS {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let Ok(table) = world.table(View::Faulty).await else { continue };
        let compact = if round % 3 == 2 { table.compact().full() } else { table.compact() };
        if let Err(error) = compact.execute().await {
            let expected = matches!(error.kind(), ErrorKind::Storage | ErrorKind::Unknown | ErrorKind::Conflict);
            assert!(expected, "the compactor came out with {:?}: {error}", error.kind());
        }
    }
}

/// How many operations failed, and how many compactions were committed.
type Seen = (usize, usize);

async fn interleave(seed: u64, setting: &Setting, writers: i64) -> Seen {
    let world = World::create(seed, setting).await;
    let works: BTreeMap<String, Workload> =
        (0..writers).map(|writer| (format!("writer-{writer}"), work_of(seed, writer, writers))).collect();
    world.faulty.arm(Faults::Random { seed, one_in: ONE_IN });
    let writing = futures::future::join_all(works.iter().map(|(user, work)| write_on(&world, user, work)));
    futures::future::join(writing, compact_on(&world)).await;
    world.check_files().await;
    let failures = world.faulty.failures().len();
    world.faulty.arm(Faults::None);
    let mut model = ModelTable::default();
    for (user, work) in &works {
        let outcome = world.run(View::Healthy, user, work).await;
        assert!(outcome.error.is_none(), "{user} without faults: {:?}", outcome.error);
        model.apply(work.model().winners());
    }
    assert_eq!(world.rows().await, model.rows());
    world.check_files().await;
    for (user, work) in &works {
        world.check_commits(user, work.checkpoints().keys().copied()).await;
        world.check_tail(user, work).await;
    }
    let garbage = world.garbage().await;
    world.delete(&garbage).await;
    let kinds = world.snapshots().await.into_iter().map(|snapshot| snapshot.commit_kind);
    let compactions = kinds.filter(|kind| *kind == CommitKind::Compact).count();
    let table = world.table(View::Healthy).await.unwrap();
    table.compact().full().execute().await.unwrap();
    assert_eq!(world.rows().await, model.rows(), "compacted, without {garbage:?}");
    (failures, compactions)
}

async fn interleave_seeds(setting: &Setting, writers: i64) {
    let (mut failures, mut compactions) = (0, 0);
    for seed in seeds(12) {
        let _replay = Replay::new(seed, format!("{writers} writers, {setting:?}"));
        let run = interleave(seed, setting, writers);
        let seen = tokio::time::timeout(PATIENCE, run).await.expect("the work hangs");
        failures += seen.0;
        compactions += seen.1;
    }
    assert!(failures > 0 && compactions > 0, "{failures} operations failed, {compactions} compactions were committed");
}

#[tokio::test]
async fn two_writers_and_a_compactor_go_on_through_faults() {
    interleave_seeds(&setting(&[("write-only", "true")]), 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_on_several_threads_go_on_through_faults() {
    interleave_seeds(&setting(&[("write-only", "true")]), 3).await;
}

/// One writer compacts beside its writing, and a dedicated compactor gets in its way: conflicts are planned again.
#[tokio::test]
async fn a_writer_that_compacts_and_a_compactor_go_on_through_faults() {
    interleave_seeds(&setting(&[]), 1).await;
}
