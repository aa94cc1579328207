//! Several jobs commit to one table at once, on a store that mixes their operations and loses answers: whatever happens, every commit
//! is there once or not at all as its job was told, and the files that live are those of a model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alluvium_format::{CommitKind, DataFileMeta, ErrorKind, FileKind, Predicate, Snapshot};
use alluvium_sim::{Replay, seeds};
use alluvium_store::{Committable, FileStoreCommit, TableStore, scan};
use object_store::ObjectStore;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::memory_table::{KEYED, append, committer, compact, create, file, history, live, open};
use crate::racing_store::RacingStore;

/// Small manifests, so that they are merged all the time, in part and fully.
const OPTIONS: [(&str, &str); 4] = [
    ("manifest.merge-min-count", "3"),
    ("manifest.target-file-size", "3 kb"),
    ("manifest.full-compaction-threshold-size", "9 kb"),
    ("commit.max-retries", "100"),
];
/// How often a job gives a commit again whose outcome it was not told.
const PATIENCE: usize = 50;

/// What one commit adds and deletes, by (name, level).
#[derive(Clone, Debug, Default)]
struct Effect {
    added: Vec<(String, i32)>,
    deleted: Vec<(String, i32)>,
    /// What its job was told.
    answer: Answer,
}

/// What a job was told of a commit.
#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    /// That it is committed.
    committed: bool,
    /// How often it had to give it again.
    again: usize,
}

type Effects = BTreeMap<(String, i64), Effect>;

fn names(files: &[DataFileMeta]) -> Vec<(String, i32)> {
    files.iter().map(|file| (file.file_name.clone(), file.level)).collect()
}

fn effect(committable: &Committable) -> Effect {
    let mut effect = Effect::default();
    for message in &committable.messages {
        effect.added.extend(names(&message.data.new_files));
        effect.added.extend(names(&message.compact.compact_after));
        effect.deleted.extend(names(&message.compact.compact_before));
    }
    effect
}

/// Commits until it is told what came of it.
async fn insist(commit: &FileStoreCommit, committable: &Committable) -> Answer {
    for again in 0..PATIENCE {
        match commit.commit(committable.clone()).await {
            Ok(committed) => {
                assert_eq!(committed.snapshots.len(), 1);
                assert_eq!(committed.snapshots[0].commit_identifier, committable.identifier);
                return Answer { committed: true, again };
            }
            Err(error) if error.kind() == ErrorKind::Conflict => {
                return Answer { committed: false, again };
            }
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Unknown | ErrorKind::Storage), "{error}"),
        }
    }
    panic!("the store never said what came of {committable:?}");
}

/// A job that only adds files.
async fn writer(table: TableStore, user: String, commits: i64) -> Effects {
    let commit = committer(&table, &user);
    let mut effects = Effects::new();
    for identifier in 1..=commits {
        let committable = append(identifier, vec![file(&format!("{user}-{identifier}"), 0, 0..=9)]);
        let answer = insist(&commit, &committable).await;
        assert!(answer.committed, "files of level 0 never conflict");
        effects.insert((user.clone(), identifier), Effect { answer, ..effect(&committable) });
    }
    effects
}

/// A job that merges some of the files it sees, of which there may be others that do the same.
async fn compactor(table: TableStore, user: String, commits: i64, seed: u64) -> Effects {
    let mut random = StdRng::seed_from_u64(seed);
    let commit = committer(&table, &user);
    let mut effects = Effects::new();
    for identifier in 1..=commits {
        let Some(latest) = table.snapshots().latest().await.unwrap() else {
            tokio::task::yield_now().await;
            continue;
        };
        let seen = scan::live_entries(&table, &latest, &Predicate::True).await.unwrap();
        let before: Vec<DataFileMeta> = seen
            .into_iter()
            .filter(|entry| entry.file.level > 0 || random.random_bool(0.7))
            .map(|entry| entry.file)
            .collect();
        if before.is_empty() {
            continue;
        }
        let committable = compact(identifier, before, vec![file(&format!("{user}-{identifier}"), 5, 0..=9)]);
        let answer = insist(&commit, &committable).await;
        effects.insert((user.clone(), identifier), Effect { answer, ..effect(&committable) });
    }
    effects
}

/// Every snapshot is one commit, and the files that live after it are those before with its effect.
async fn check(store: &Arc<dyn ObjectStore>, effects: &Effects) -> Vec<Snapshot> {
    let snapshots = history(store).await;
    let table = open(store, u64::MAX - 1).await;
    let mut model: BTreeSet<(String, i32)> = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for snapshot in &snapshots {
        let commit = (snapshot.commit_user.clone(), snapshot.commit_identifier);
        let effect = &effects[&commit];
        assert!(seen.insert(commit.clone()), "{commit:?} is committed twice");
        assert!(effect.answer.committed, "{commit:?} is committed, its job was told that it is not");
        for deleted in &effect.deleted {
            assert!(model.remove(deleted), "{commit:?} deletes {deleted:?}, which is not there");
        }
        model.extend(effect.added.iter().cloned());
        assert_eq!(live(&table, snapshot).await, model, "snapshot {}", snapshot.id);
    }
    for (commit, effect) in effects {
        assert!(!effect.answer.committed || seen.contains(commit), "{commit:?} is lost");
    }
    snapshots
}

/// The snapshots, and how often a commit was given again.
async fn race(seed: u64, fails_one_in: u32) -> (Vec<Snapshot>, usize) {
    let mut random = StdRng::seed_from_u64(seed);
    let racing = RacingStore::new(seed, fails_one_in);
    let store: Arc<dyn ObjectStore> = Arc::new(racing.clone());
    create(&racing.settled().await, KEYED, &OPTIONS).await;
    let mut jobs: Vec<futures::future::BoxFuture<'static, Effects>> = Vec::new();
    for job in 0..random.random_range(2..4u64) {
        let table = open(&store, 10 + job).await;
        jobs.push(Box::pin(writer(table, format!("writer{job}"), random.random_range(2..9))));
    }
    for job in 0..random.random_range(1..3u64) {
        let table = open(&store, 20 + job).await;
        jobs.push(Box::pin(compactor(table, format!("compactor{job}"), random.random_range(2..9), seed + job)));
    }
    let effects: Effects = futures::future::join_all(jobs).await.into_iter().flatten().collect();
    let again = effects.values().map(|effect| effect.answer.again).sum();
    (check(&racing.settled().await, &effects).await, again)
}

#[tokio::test]
async fn commits_that_race_are_there_once_and_fold_to_the_model() {
    let mut kinds = BTreeSet::new();
    for seed in seeds(60) {
        let _replay = Replay::new(seed, "commits that race");
        kinds.extend(race(seed, 0).await.0.iter().map(|snapshot| format!("{:?}", snapshot.commit_kind)));
    }
    assert!(kinds.len() == 2, "{kinds:?}");
}

#[tokio::test]
async fn commits_whose_answers_are_lost_are_there_once() {
    // Each waits for its retries: together they wait once.
    let races = seeds(24).map(|seed| async move {
        let _replay = Replay::new(seed, "answers are lost");
        race(seed, 2).await
    });
    let races = futures::future::join_all(races).await;
    let snapshots = races.iter().flat_map(|(snapshots, _)| snapshots);
    assert!(snapshots.into_iter().any(|snapshot| snapshot.commit_kind == CommitKind::Compact));
    let again: usize = races.iter().map(|(_, again)| again).sum();
    assert!(again > 0 || races.len() < 24, "no commit stayed in doubt");
}

#[tokio::test]
async fn manifests_stay_few_and_lose_their_deletes() {
    let store: Arc<dyn ObjectStore> = Arc::new(object_store::memory::InMemory::new());
    let table = create(&store, KEYED, &OPTIONS).await;
    let (writer, compactor) = (committer(&table, "writer"), committer(&table, "compactor"));
    let mut top: Vec<DataFileMeta> = Vec::new();
    let (mut most, mut fully_merged) = (0, 0);
    for identifier in 1..=60 {
        let new = file(&identifier.to_string(), 0, 0..=9);
        writer.commit(append(identifier, vec![new.clone()])).await.unwrap();
        let merged = file(&format!("top-{identifier}"), 5, 0..=9);
        let before = top.drain(..).chain([new]).collect();
        let committed = compactor.commit(compact(identifier, before, vec![merged.clone()])).await.unwrap();
        top.push(merged);
        let base = table.manifests().list(&committed.snapshots[0].base_manifest_list).await.unwrap();
        most = most.max(base.len());
        fully_merged += usize::from(!base.is_empty() && base.iter().all(|meta| meta.num_deleted_files == 0));
    }
    assert!(most <= 8, "{most} manifests");
    assert!(fully_merged > 3, "{fully_merged} bases without deletes");
    let snapshots = history(&store).await;
    let last = snapshots.last().unwrap();
    assert_eq!(live(&table, last).await, [("data-top-60-0.parquet".to_owned(), 5)].into());
    let delta = scan::delta_entries(&table, last, &Predicate::True).await.unwrap();
    assert_eq!(delta.iter().filter(|entry| entry.kind == FileKind::Delete).count(), 2);
}
