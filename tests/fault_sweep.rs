//! One failure at every operation, in every mode, in turn: of writers with compaction, of dedicated compactors, of overwrites.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alluvium::{CompactionWait, ErrorKind, Publish, RowKind, WriteOptions};
use alluvium_sim::ops::OrderColumn;
use alluvium_sim::{Change, Fault, FaultMode, Faults, OperationKind, Replay, Step, Workload, WorkloadOptions, seeds};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::{JoinError, JoinSet};

use crate::fault_world::{Outcome, Setting, View, World};

const USER: &str = "writer";
/// No simulated work takes as long, whatever fails; what does hangs.
const PATIENCE: Duration = Duration::from_secs(60);
const CASES_AT_ONCE: usize = 64;

fn setting(options: &[(&'static str, &'static str)], publish: Publish) -> Setting {
    let compaction = CompactionWait::Always;
    let options = [("bucket", "2"), ("num-sorted-run.compaction-trigger", "2")].iter().chain(options).copied();
    Setting { options: options.collect(), publish, write: WriteOptions { compaction, ..WriteOptions::default() } }
}

/// What the cases work with, and what they saw.
#[derive(Debug)]
struct Sweep {
    seed: u64,
    setting: Setting,
    work: Workload,
    cases_at_once: usize,
    seen: Mutex<BTreeMap<&'static str, usize>>,
}

impl Sweep {
    fn saw(&self, what: &'static str) {
        *self.seen.lock().unwrap().entry(what).or_default() += 1;
    }
}

/// Runs `work` with every single fault, and checks what it leaves, before and after a recovery.
async fn sweep(seed: u64, setting: &Setting, work: Workload) {
    let cases_at_once = CASES_AT_ONCE;
    sweep_all(Sweep { seed, setting: setting.clone(), work, cases_at_once, seen: Mutex::default() }).await;
}

async fn sweep_all(sweep: Sweep) {
    let sweep = Arc::new(sweep);
    let operations = without_faults(&sweep).await;
    let faults = (0..operations).flat_map(|operation| FaultMode::ALL.map(|mode| Fault { operation, mode }));
    let mut cases = JoinSet::new();
    for fault in faults {
        // Cases wait for each other's retries, but not all at once in memory.
        if cases.len() >= sweep.cases_at_once {
            finish(cases.join_next().await);
        }
        let sweep = sweep.clone();
        cases.spawn(async move {
            let _replay = Replay::new(sweep.seed, format!("{fault:?}, {:?}", sweep.setting));
            tokio::time::timeout(PATIENCE, one_fault(&sweep, fault)).await.expect("the work hangs");
        });
    }
    while !cases.is_empty() {
        finish(cases.join_next().await);
    }
    let seen = sweep.seen.lock().unwrap().clone();
    println!("seed {}, {operations} operations: {seen:?}", sweep.seed);
    let count = |what| seen.get(what).copied().unwrap_or(0);
    assert!(count("hit") >= operations * FaultMode::ALL.len() * 8 / 10, "few faults hit: {seen:?}");
    assert!(count("failed") > operations && count("survived") > 0 && count("garbage") > 0, "{seen:?}");
}

/// Goes on with the panic of a case.
fn finish(case: Option<std::result::Result<(), JoinError>>) {
    if let Some(Err(error)) = case {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// How many operations there are.
async fn without_faults(sweep: &Sweep) -> usize {
    let _replay = Replay::new(sweep.seed, format!("no fault, {:?}", sweep.setting));
    let world = World::create(sweep.seed, &sweep.setting).await;
    let outcome = world.run(View::Faulty, USER, &sweep.work).await;
    assert!(outcome.error.is_none(), "without faults: {:?}", outcome.error);
    assert!(world.garbage().await.is_empty(), "without faults: {:?}", world.garbage().await);
    let operations = world.faulty.operations().len();
    check(&world, &sweep.work, &outcome).await;
    operations
}

async fn one_fault(sweep: &Sweep, fault: Fault) {
    let world = World::create(sweep.seed, &sweep.setting).await;
    world.faulty.arm(Faults::At(fault));
    let outcome = world.run(View::Faulty, USER, &sweep.work).await;
    let failures = world.faulty.failures();
    if !failures.is_empty() {
        sweep.saw("hit");
        sweep.saw(if outcome.error.is_some() { "failed" } else { "survived" });
    }
    if let Some(error) = &outcome.error {
        let expected = matches!(error.kind(), ErrorKind::Storage | ErrorKind::Unknown);
        assert!(expected, "{failures:?} came out as {:?}: {error}", error.kind());
    }
    world.check_files().await;
    let garbage = world.garbage().await;
    if !garbage.is_empty() {
        sweep.saw("garbage");
    }
    let unknown = outcome.error.as_ref().is_some_and(|error| error.kind() == ErrorKind::Unknown);
    let clean_up_failed = failures.iter().any(|(operation, mode)| {
        *mode == FaultMode::Crash || matches!(operation.kind, OperationKind::Delete | OperationKind::AbortMultipart)
    });
    let excused = unknown || clean_up_failed;
    assert!(garbage.is_empty() || excused, "{failures:?}, {:?} left {garbage:?}", outcome.error);
    let uploads = world.faulty.unfinished_uploads();
    // Whoever is not told that an upload began cannot end it.
    let excused = excused || failures.iter().any(|(operation, _)| operation.kind == OperationKind::PutMultipart);
    assert!(uploads.is_empty() || excused, "{failures:?}, {:?} left uploads {uploads:?}", outcome.error);
    recover(&world, &sweep.work, &outcome).await;
}

/// A new process with a store that works does the rest.
async fn recover(world: &World, work: &Workload, outcome: &Outcome) {
    let again = world.run(View::Healthy, USER, work).await;
    assert!(again.error.is_none(), "after {:?}, the recovery: {:?}", outcome.error, again.error);
    let twice: Vec<&i64> = outcome.acknowledged.intersection(&again.acknowledged).collect();
    assert!(twice.is_empty(), "acknowledged, and yet committed again: {twice:?}");
    check(world, work, outcome).await;
}

async fn check(world: &World, work: &Workload, outcome: &Outcome) {
    let model = work.model().rows();
    let checkpoints = work.checkpoints();
    assert_eq!(world.rows().await, model, "after {:?}", outcome.error);
    world.check_files().await;
    world.check_commits(USER, checkpoints.keys().copied()).await;
    world.check_tail(USER, work).await;
    let garbage = world.garbage().await;
    world.delete(&garbage).await;
    assert_eq!(world.rows().await, model, "without {garbage:?}");
    let table = world.table(View::Healthy).await.unwrap();
    table.compact().full().execute().await.unwrap();
    assert_eq!(world.rows().await, model, "compacted");
    world.check_files().await;
}

/// The sweep over random work of each seed.
async fn sweep_seeds(count: u64, setting: &Setting, options: &WorkloadOptions) {
    for seed in seeds(count) {
        let mut work = Workload::random(seed, options);
        // A table has one compactor: here the writer.
        work.steps.retain(|step| !matches!(step, Step::Compact | Step::CompactFully));
        sweep(seed, setting, work).await;
    }
}

fn small() -> WorkloadOptions {
    WorkloadOptions { checkpoints: 4, batch_changes_max: 12, ids: 16, ..WorkloadOptions::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_survives_a_fault_at_every_operation() {
    sweep_seeds(1, &setting(&[], Publish::ConditionalPut), &small()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_with_a_sequence_field_survives_a_fault_at_every_operation() {
    let options = WorkloadOptions { partitions: 2, order: OrderColumn::Late, ..small() };
    sweep_seeds(1, &setting(&[("sequence.field", "ord")], Publish::ConditionalPut), &options).await;
}

/// Every batch becomes files of its own, long before the commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_short_of_memory_survives_a_fault_at_every_operation() {
    let mut setting = setting(&[], Publish::ConditionalPut);
    setting.write.memory_bytes = Some(1);
    sweep_seeds(1, &setting, &WorkloadOptions { checkpoints: 3, ..small() }).await;
}

/// Every data file has an index beside it, which comes and goes with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_of_index_files_survives_a_fault_at_every_operation() {
    let options = [("file-index.bitmap.columns", "value"), ("file-index.in-manifest-threshold", "0 b")];
    sweep_seeds(1, &setting(&options, Publish::ConditionalPut), &WorkloadOptions { checkpoints: 3, ..small() }).await;
}

/// Compactions go on beside the writing, and may be under way when the writer fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_does_not_wait_survives_a_fault_at_every_operation() {
    let mut setting = setting(&[], Publish::ConditionalPut);
    setting.write.compaction = CompactionWait::Background;
    sweep_seeds(1, &setting, &WorkloadOptions { partitions: 2, ..small() }).await;
}

/// As in a folder: a hidden sibling is written and linked to its name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_links_survives_a_fault_at_every_operation() {
    sweep_seeds(1, &setting(&[], Publish::Link), &WorkloadOptions { checkpoints: 2, ..small() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dedicated_compactor_survives_a_fault_at_every_operation() {
    let options = WorkloadOptions { partitions: 2, ..small() };
    for seed in seeds(1) {
        let mut work = Workload::random(seed, &options);
        // A compaction after each commit, but for the last, of which recovery takes care.
        let commits: Vec<usize> = (0..work.steps.len()).filter(|at| work.steps[*at].identifier().is_some()).collect();
        for (count, at) in commits.into_iter().rev().enumerate() {
            work.steps.insert(at + 1, if count % 2 == 0 { Step::CompactFully } else { Step::Compact });
        }
        sweep(seed, &setting(&[("write-only", "true")], Publish::ConditionalPut), work).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overwrites_survive_a_fault_at_every_operation() {
    let options = WorkloadOptions { partitions: 2, overwrite_one_in: 2, ..small() };
    sweep_seeds(1, &setting(&[], Publish::ConditionalPut), &options).await;
}

/// Files so large that they are written in parts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_many_parts_survive_a_fault_at_every_operation() {
    const VALUE_BYTES: usize = 9 << 20;
    let change = |id: i64| {
        let mut random = StdRng::seed_from_u64(id.unsigned_abs());
        let value = (0..VALUE_BYTES).map(|_| char::from(random.random_range(b'!'..b'~'))).collect();
        Change { kind: RowKind::Insert, key: (0, id), order: None, value: Some(value) }
    };
    let steps = vec![Step::Write(vec![change(1), change(2)]), Step::Commit(1)];
    let setting = setting(&[("bucket", "1")], Publish::ConditionalPut);
    sweep_all(Sweep { seed: 0, setting, work: Workload { steps }, cases_at_once: 4, seen: Mutex::default() }).await;
}
