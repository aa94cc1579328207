//! The commit by itself, with a fault at every operation: tried again by the same value, by another process, or beside another one.

use std::collections::BTreeSet;
use std::future::Future;

use alluvium::format::{
    BinaryRow, CommitKind, CommitMessage, CompactIncrement, DataFileMeta, DataIncrement, DataType, Datum,
};
use alluvium::{EmptyCommits, ErrorKind, Predicate, Publish, Result, WriteOptions};
use alluvium_sim::{Fault, FaultMode, Faults, OperationKind, Replay, seeds};
use alluvium_store::{Committable, FileStoreCommit, scan};
use futures::stream::{self, StreamExt};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::fault_world::{Setting, View, World};

const USER: &str = "committer";
const IDENTIFIERS: i64 = 3;
const HIGHEST_LEVEL: i32 = 5;
const CASES_AT_ONCE: usize = 64;

fn setting(publish: Publish) -> Setting {
    Setting { options: vec![("bucket", "1")], publish, write: WriteOptions::default() }
}

fn row(data_type: &str, value: Datum) -> BinaryRow {
    BinaryRow::encode(&[DataType::parse(data_type).unwrap()], &[Some(value)]).unwrap()
}

fn file(name: String, level: i32) -> DataFileMeta {
    let key = row("BIGINT NOT NULL", Datum::BigInt(1));
    DataFileMeta {
        file_name: name,
        file_size: 1,
        row_count: 1,
        min_key: key.clone(),
        max_key: key,
        level,
        creation_time_millis: Some(0),
        delete_row_count: Some(0),
        ..DataFileMeta::blank()
    }
}

fn new_name(user: &str, identifier: i64) -> String {
    format!("new-{user}-{identifier}")
}

fn compacted_name(user: &str, identifier: i64) -> String {
    format!("compacted-{user}-{identifier}")
}

/// Whether an outcome was ever unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    Certain,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compaction {
    None,
    /// Of the new file with what the identifier before compacted.
    WithTheOneBefore,
}

/// What an identifier commits: a file, and perhaps a compaction. Each user has a partition, as compacted files must not overlap.
fn committable(user: &str, identifier: i64, compaction: Compaction) -> Committable {
    let new = file(new_name(user, identifier), 0);
    let mut compact = CompactIncrement::default();
    if compaction == Compaction::WithTheOneBefore {
        compact.compact_before.push(new.clone());
        if identifier > 1 {
            compact.compact_before.push(file(compacted_name(user, identifier - 1), HIGHEST_LEVEL));
        }
        compact.compact_after.push(file(compacted_name(user, identifier), HIGHEST_LEVEL));
    }
    let partition = i32::from(user.as_bytes()[0]);
    let message = CommitMessage {
        partition: row("INT NOT NULL", Datum::Int(partition)),
        bucket: 0,
        total_buckets: 1,
        data: DataIncrement { new_files: vec![new], ..DataIncrement::default() },
        compact,
    };
    Committable { identifier, messages: vec![message], ..Committable::default() }
}

/// Puts the data files that messages name.
async fn put_files(world: &World, committable: &Committable) {
    let table = world.table_store(View::Healthy).await.unwrap();
    for message in &committable.messages {
        for file in message.data.new_files.iter().chain(&message.compact.compact_after) {
            let location = table.data_file(&message.partition, message.bucket, file).unwrap();
            let path = location.path();
            world.inner.put(&Path::parse(format!("wh/db.db/t/{path}")).unwrap(), "x".into()).await.unwrap();
        }
    }
}

/// A process that commits all identifiers from behind its last; a commit that fails is tried again by the same value.
/// Gives whether an outcome was unknown.
async fn commit_all(world: &World, view: View, user: &str, tries_max: usize) -> Result<Certainty> {
    let table = world.table_store(view).await?;
    let commit = FileStoreCommit::new(&table, user, EmptyCommits::Skipped);
    let done = commit.last_committed().await?.map_or(0, |snapshot| snapshot.commit_identifier);
    let mut certainty = Certainty::Certain;
    for identifier in done + 1..=IDENTIFIERS {
        // Whether the compaction before it is there is not known to a new process, so it does without.
        let compaction = if done == 0 { Compaction::WithTheOneBefore } else { Compaction::None };
        let committable = committable(user, identifier, compaction);
        put_files(world, &committable).await;
        let mut tries = 0;
        while let Err(error) = commit.commit(committable.clone()).await {
            tries += 1;
            match error.kind() {
                ErrorKind::Storage => {}
                ErrorKind::Unknown => certainty = Certainty::Unknown,
                kind => panic!("{:?} came out as {kind:?}: {error}", world.faulty.failures()),
            }
            if tries == tries_max {
                return Err(error);
            }
        }
    }
    Ok(certainty)
}

/// Checks what there is against the snapshots' own story, told by names of files.
async fn check(world: &World, users: &[&str]) {
    let mut live = BTreeSet::new();
    for snapshot in world.snapshots().await {
        let (user, identifier) = (snapshot.commit_user, snapshot.commit_identifier);
        match snapshot.commit_kind {
            CommitKind::Append => {
                live.insert(new_name(&user, identifier));
            }
            CommitKind::Compact => {
                assert!(live.remove(&new_name(&user, identifier)));
                assert_eq!(live.remove(&compacted_name(&user, identifier - 1)), identifier > 1);
                live.insert(compacted_name(&user, identifier));
            }
            kind => panic!("a snapshot of {kind:?}"),
        }
    }
    let table = world.table_store(View::Healthy).await.unwrap();
    let latest = table.snapshots().latest().await.unwrap().unwrap();
    let entries = scan::live_entries(&table, &latest, &Predicate::True).await.unwrap();
    assert_eq!(entries.into_iter().map(|entry| entry.file.file_name).collect::<BTreeSet<_>>(), live);
    world.check_files().await;
    for user in users {
        world.check_commits(user, 1..=IDENTIFIERS).await;
    }
}

/// Manifests and lists that no snapshot names; the data files are this test's own.
async fn garbage(world: &World) -> BTreeSet<String> {
    let is_data = |file: &String| file.contains("/bucket-");
    world.garbage().await.into_iter().filter(|file| !is_data(file)).collect()
}

async fn operations(publish: Publish) -> usize {
    let world = World::create(0, &setting(publish)).await;
    commit_all(&world, View::Faulty, USER, 1).await.unwrap();
    check(&world, &[USER]).await;
    world.faulty.operations().len()
}

/// All single faults in a commit, each with a world of its own; some wait for retries, so they run side by side.
async fn each_fault<F: Future<Output = ()>>(publish: Publish, one: impl Fn(World, Fault) -> F) {
    let operations = operations(publish).await;
    let faults = (0..operations).flat_map(|operation| FaultMode::ALL.map(|mode| Fault { operation, mode }));
    let cases = stream::iter(faults).map(|fault| {
        let one = &one;
        async move {
            let world = World::create(0, &setting(publish)).await;
            world.faulty.arm(Faults::At(fault));
            one(world, fault).await;
        }
    });
    cases.buffer_unordered(CASES_AT_ONCE).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn a_commit_that_failed_is_given_again_and_done_once() {
    for publish in [Publish::ConditionalPut, Publish::Link] {
        each_fault(publish, async |world, fault| {
            if fault.mode == FaultMode::Crash {
                return;
            }
            // To open the table may fail too.
            let certainty = match commit_all(&world, View::Faulty, USER, 2).await {
                Ok(certainty) => certainty,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Storage, "{fault:?}: {error}");
                    commit_all(&world, View::Faulty, USER, 1).await.unwrap()
                }
            };
            check(&world, &[USER]).await;
            assert_eq!(world.snapshots().await.len() as i64, 2 * IDENTIFIERS, "{fault:?}: a compaction was lost");
            let failures = world.faulty.failures();
            let deleting = failures.iter().any(|(operation, _)| operation.kind == OperationKind::Delete);
            if certainty == Certainty::Certain && !deleting {
                assert!(garbage(&world).await.is_empty(), "{failures:?} left {:?}", garbage(&world).await);
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_process_that_takes_over_commits_the_rest_once() {
    for publish in [Publish::ConditionalPut, Publish::Link] {
        each_fault(publish, async |world, _| {
            let first = commit_all(&world, View::Faulty, USER, 1).await;
            let before = world.snapshots().await.len();
            commit_all(&world, View::Healthy, USER, 1).await.unwrap();
            check(&world, &[USER]).await;
            assert!(first.is_err() || world.snapshots().await.len() == before, "committed again");
        })
        .await;
    }
}

/// Several commit users that append at the same time, through many faults: each identifier of each is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn committers_side_by_side_lose_and_double_nothing() {
    const USERS: [&str; 3] = ["a", "b", "c"];
    const ONE_IN: u32 = 25;
    const TRIES_MAX: usize = 30;
    let (mut lost_races, mut failures) = (0, 0);
    for seed in seeds(20) {
        let _replay = Replay::new(seed, "committers side by side");
        let world = World::create(seed, &setting(Publish::ConditionalPut)).await;
        world.faulty.arm(Faults::Random { seed, one_in: ONE_IN });
        let commit = async |user: &'static str| {
            let mut tries = 0;
            while commit_all(&world, View::Faulty, user, TRIES_MAX).await.is_err() {
                tries += 1;
                assert!(tries < TRIES_MAX, "{user} gets nowhere");
            }
        };
        futures::future::join_all(USERS.map(commit)).await;
        failures += world.faulty.failures().len();
        let puts = world.faulty.operations().into_iter();
        let puts =
            puts.filter(|operation| operation.path.contains("/snapshot-") && operation.kind == OperationKind::Put);
        lost_races += puts.count().saturating_sub(world.snapshots().await.len());
        world.faulty.arm(Faults::None);
        check(&world, &USERS).await;
    }
    assert!(lost_races > 0 && failures > 0, "{lost_races} races were lost, {failures} operations failed");
}
