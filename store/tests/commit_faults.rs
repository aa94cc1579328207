//! One operation of a commit fails, any of them, in any way. Then the commit is given again, by the same process or by a new one:
//! it is there once, and every snapshot has all of its files.

use std::collections::BTreeSet;
use std::sync::Arc;

use alluvium_format::{CompactIncrement, DataIncrement, ErrorKind};
use alluvium_sim::{Fault, FaultMode, Faults, FaultyStore};
use alluvium_store::{Committable, OverwriteScope, TableStore};
use object_store::ObjectStore;
use object_store::memory::InMemory;

use crate::memory_table::{KEYED, append, committer, compact, create, file, history, latest_live, message, open};

/// What is done while operations fail.
#[derive(Clone, Copy, Debug)]
enum Doing {
    Append,
    Compact,
    /// Both parts in one commit.
    AppendAndCompact,
    Overwrite,
}

const ALL: [Doing; 4] = [Doing::Append, Doing::Compact, Doing::AppendAndCompact, Doing::Overwrite];

/// How the commit is given again.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Again {
    SameProcess,
    NewProcess,
}

/// Merges are frequent, so that they fail too.
const OPTIONS: [(&str, &str); 2] = [("manifest.merge-min-count", "2"), ("overwrite-upgrade", "false")];

fn committable(doing: Doing) -> Committable {
    let (old, new, top) = (file("old", 0, 0..=9), file("new", 0, 5..=14), file("top", 5, 0..=9));
    match doing {
        Doing::Append | Doing::Overwrite => append(7, vec![new]),
        Doing::Compact => compact(7, vec![old], vec![top]),
        Doing::AppendAndCompact => {
            let data = DataIncrement { new_files: vec![new], ..DataIncrement::default() };
            let merged =
                CompactIncrement { compact_before: vec![old], compact_after: vec![top], ..CompactIncrement::default() };
            let message = message(alluvium_format::BinaryRow::empty(), data, merged);
            Committable { identifier: 7, messages: vec![message], ..Committable::default() }
        }
    }
}

fn expected(doing: Doing) -> BTreeSet<(String, i32)> {
    let files: &[(&str, i32)] = match doing {
        Doing::Append => &[("first", 0), ("old", 0), ("new", 0)],
        Doing::Compact => &[("first", 0), ("top", 5)],
        Doing::AppendAndCompact => &[("first", 0), ("new", 0), ("top", 5)],
        Doing::Overwrite => &[("new", 0)],
    };
    files.iter().map(|(name, level)| (format!("data-{name}-0.parquet"), *level)).collect()
}

async fn perform(commit: &alluvium_store::FileStoreCommit, doing: Doing) -> alluvium_format::Result<usize> {
    let committed = match doing {
        Doing::Overwrite => commit.overwrite(OverwriteScope::Table, committable(doing)).await,
        _ => commit.commit(committable(doing)).await,
    };
    committed.map(|committed| committed.snapshots.len())
}

async fn prepared() -> (FaultyStore, Arc<dyn ObjectStore>) {
    let faulty = FaultyStore::new(Arc::new(InMemory::new()));
    let store: Arc<dyn ObjectStore> = Arc::new(faulty.clone());
    let table = create(&store, KEYED, &OPTIONS).await;
    let commit = committer(&table, "writer");
    commit.commit(append(1, vec![file("first", 0, 0..=3)])).await.unwrap();
    commit.commit(append(2, vec![file("old", 0, 0..=9)])).await.unwrap();
    (faulty, store)
}

/// The files of `manifest/` that no snapshot names.
async fn garbage(table: &TableStore) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = table.io().list_files("manifest").await.unwrap().into_iter().collect();
    for id in table.snapshots().ids().await.unwrap() {
        let snapshot = table.snapshots().get(id).await.unwrap();
        for list in [&snapshot.base_manifest_list, &snapshot.delta_manifest_list] {
            names.remove(list);
            for meta in table.manifests().list(list).await.unwrap().iter() {
                names.remove(&meta.file_name);
            }
        }
    }
    names
}

/// Runs one case; whether the fault struck.
async fn run(doing: Doing, fault: Fault, again: Again) -> bool {
    let place = format!("{doing:?} {fault:?} {again:?}");
    let (faulty, store) = prepared().await;
    let mut table = open(&store, 100).await;
    let mut commit = committer(&table, "writer");
    faulty.arm(Faults::At(fault));
    let outcome = perform(&commit, doing).await;
    let struck = !faulty.failures().is_empty();
    faulty.arm(Faults::None);
    match outcome {
        Ok(_) => {}
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Storage | ErrorKind::Unknown), "{place}: {error}");
            assert!(struck, "{place}: {error}");
            // What is visible is nothing, all, or the data part of both: never a part of a part.
            let visible = latest_live(&open(&store, 102).await).await;
            let before: BTreeSet<_> =
                [("data-first-0.parquet".to_owned(), 0), ("data-old-0.parquet".to_owned(), 0)].into();
            let data: BTreeSet<_> = before.iter().cloned().chain([("data-new-0.parquet".to_owned(), 0)]).collect();
            let allowed = [&before, &data, &expected(doing)].contains(&&visible);
            assert!(allowed, "{place}: {visible:?}");
            if again == Again::NewProcess {
                table = open(&store, 101).await;
                commit = committer(&table, "writer");
            }
            let last = commit.last_committed().await.unwrap().unwrap();
            let done_before = again == Again::NewProcess && last.commit_identifier >= 7;
            if done_before && visible != expected(doing) {
                // A new process takes the identifier for done: the compaction is planned again.
                assert!(matches!(doing, Doing::AppendAndCompact), "{place}");
                let (old, top) = (file("old", 0, 0..=9), file("top", 5, 0..=9));
                commit.commit(compact(8, vec![old], vec![top])).await.unwrap();
            } else if !done_before {
                perform(&commit, doing).await.unwrap_or_else(|error| panic!("{place}: {error}"));
            }
        }
    }
    assert_eq!(latest_live(&table).await, expected(doing), "{place}");
    let snapshots = history(&store).await;
    let commits: BTreeSet<_> =
        snapshots.iter().map(|snapshot| (snapshot.commit_identifier, format!("{:?}", snapshot.commit_kind))).collect();
    assert_eq!(commits.len(), snapshots.len(), "{place}: a commit is there twice");
    assert_eq!(table.snapshots().latest_id().await.unwrap(), Some(snapshots.len() as i64), "{place}");
    // A commit that went through took back what it wrote in vain; only a process that died, or doubts, leave files behind.
    if fault.mode == FaultMode::BeforeEffect && !struck {
        assert_eq!(garbage(&table).await, BTreeSet::new(), "{place}");
    }
    struck
}

#[tokio::test]
async fn a_commit_in_which_an_operation_fails_is_there_once() {
    let mut cases = Vec::new();
    for doing in ALL {
        let (faulty, store) = prepared().await;
        let table = open(&store, 100).await;
        faulty.arm(Faults::None);
        perform(&committer(&table, "writer"), doing).await.unwrap();
        let operations = faulty.operations().len();
        assert!(operations > 8, "{doing:?} has {operations} operations");
        for operation in 0..operations {
            for mode in FaultMode::ALL {
                for again in [Again::SameProcess, Again::NewProcess] {
                    cases.push(run(doing, Fault { operation, mode }, again));
                }
            }
        }
    }
    // Each waits for its retries: together they wait once.
    let struck = futures::future::join_all(cases).await;
    assert!(struck.iter().filter(|struck| **struck).count() > struck.len() / 2);
}

#[tokio::test]
async fn a_commit_that_fails_before_its_put_leaves_no_manifests() {
    let (faulty, store) = prepared().await;
    let table = open(&store, 100).await;
    // Puts in order: manifests and lists, the snapshot, the hint. All but the last two are taken back.
    faulty.arm(Faults::None);
    committer(&table, "other").commit(append(1, vec![file("other", 0, 0..=1)])).await.unwrap();
    let puts: Vec<usize> = faulty
        .operations()
        .iter()
        .enumerate()
        .filter(|(_, operation)| operation.path.contains("/manifest/") && !operation.kind.reads())
        .map(|(at, _)| at)
        .collect();
    assert!(puts.len() >= 3, "{puts:?}");
    for operation in puts {
        let (faulty, store) = prepared().await;
        let table = open(&store, 100).await;
        faulty.arm(Faults::At(Fault { operation, mode: FaultMode::AfterEffect }));
        let error = committer(&table, "other").commit(append(1, vec![file("other", 0, 0..=1)])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
        assert!(error.to_string().contains("preparing snapshot 3"), "{error}");
        faulty.arm(Faults::None);
        assert_eq!(garbage(&table).await, BTreeSet::new(), "operation {operation}");
        assert_eq!(history(&store).await.len(), 2);
    }
}
