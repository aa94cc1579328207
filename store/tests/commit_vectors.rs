//! Commits of deletion vectors and changelog files: in which snapshot they land, what does not fit, and that faults lose none.

use std::collections::BTreeSet;
use std::sync::Arc;

use alluvium_format::{
    BinaryRow, CommitKind, CompactIncrement, DataFileMeta, DataIncrement, ErrorKind, IndexFileMeta, Snapshot,
    deletion_vector::{DeletionVector, DeletionVectorKind},
};
use alluvium_sim::{Fault, FaultMode, Faults, FaultyStore};
use alluvium_store::{
    BucketDeletionVectors, Committable, DeletionVectors, OverwriteScope, PartitionBucket, TableStore, deletion_vectors,
};
use object_store::ObjectStore;
use object_store::memory::InMemory;

use crate::memory_table::{KEYED, append, committer, compact, create, file, history, latest_live, message, open};

fn bucket() -> PartitionBucket {
    PartitionBucket { partition: BinaryRow::empty(), bucket: 0 }
}

/// Vectors of data files that delete these rows.
fn vectors(rows: &[(&str, u64)]) -> DeletionVectors {
    let mut vectors = DeletionVectors::new();
    for (name, row) in rows {
        let none = || Arc::new(DeletionVector::new(DeletionVectorKind::Bitmap32));
        let vector = vectors.entry(file(name, 0, 0..=0).file_name).or_insert_with(none);
        Arc::make_mut(vector).delete(*row).unwrap();
    }
    vectors
}

async fn read(table: &TableStore, snapshot: &Snapshot) -> BucketDeletionVectors {
    deletion_vectors::read(table, snapshot, &[bucket()]).await.unwrap().remove(0)
}

async fn latest(table: &TableStore) -> Snapshot {
    table.snapshots().latest().await.unwrap().unwrap()
}

/// What a lookup compaction does: files of level 0 go, others come, and rows of yet others are deleted.
fn compaction(
    identifier: i64,
    before: Vec<DataFileMeta>,
    after: Vec<DataFileMeta>,
    index: (Option<IndexFileMeta>, IndexFileMeta),
) -> Committable {
    let mut committable = compact(identifier, before, after);
    let increment = &mut committable.messages[0].compact;
    increment.deleted_index_files.extend(index.0);
    increment.new_index_files.push(index.1);
    committable
}

async fn table_with_top(store: &Arc<dyn ObjectStore>) -> TableStore {
    let table = create(store, KEYED, &[("deletion-vectors.enabled", "true")]).await;
    let commit = committer(&table, "writer");
    commit.commit(append(1, vec![file("first", 0, 0..=9)])).await.unwrap();
    let top = file("top", 5, 0..=9);
    commit.commit(compact(1, vec![file("first", 0, 0..=9)], vec![top])).await.unwrap();
    commit.commit(append(2, vec![file("new", 0, 3..=4)])).await.unwrap();
    table
}

#[tokio::test]
async fn vectors_and_changelog_of_a_compaction_land_in_its_snapshot() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table_with_top(&store).await;
    let index = deletion_vectors::write(&table, &bucket(), &vectors(&[("top", 3)])).await.unwrap();
    let changes = DataFileMeta { file_name: "changelog-x-0.parquet".to_owned(), ..file("x", 4, 3..=4) };
    let data = DataIncrement { new_files: vec![file("newer", 0, 5..=5)], ..DataIncrement::default() };
    let merged = CompactIncrement {
        known_files: None,
        compact_before: vec![file("new", 0, 3..=4)],
        compact_after: vec![file("merged", 4, 3..=4)],
        changelog_files: vec![changes],
        new_index_files: vec![index.clone()],
        deleted_index_files: Vec::new(),
    };
    let messages = vec![message(BinaryRow::empty(), data, merged)];
    let committable = Committable { identifier: 3, messages, ..Committable::default() };
    let snapshots = committer(&table, "writer").commit(committable).await.unwrap().snapshots;
    let [data, compact] = snapshots.as_slice() else { panic!("{snapshots:?}") };
    assert_eq!((data.commit_kind, compact.commit_kind), (CommitKind::Append, CommitKind::Compact));
    assert_eq!((data.index_manifest.as_ref(), data.changelog_manifest_list.as_ref()), (None, None));
    assert_eq!(read(&table, data).await, BucketDeletionVectors::default());
    assert_eq!(compact.changelog_record_count, Some(2));
    let expected = BucketDeletionVectors { vectors: vectors(&[("top", 3)]), file: Some(index) };
    assert_eq!(read(&table, compact).await, expected);
    // Other buckets have none, and a commit without vectors keeps them.
    let both = [PartitionBucket { bucket: 1, ..bucket() }, bucket()];
    let read_both = deletion_vectors::read(&table, compact, &both).await.unwrap();
    assert_eq!(read_both, [BucketDeletionVectors::default(), expected.clone()]);
    let later = committer(&table, "writer").commit(append(4, vec![file("last", 0, 1..=1)])).await.unwrap();
    assert_eq!(read(&table, &later.snapshots[0]).await, expected);
    let emptied = committer(&table, "writer").overwrite(OverwriteScope::Table, append(5, vec![])).await.unwrap();
    assert_eq!(read(&table, &emptied.snapshots[0]).await, BucketDeletionVectors::default());
}

#[tokio::test]
async fn vectors_that_do_not_fit_are_conflicts() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table_with_top(&store).await;
    let commit = committer(&table, "writer");
    let write = async |rows: &[(&str, u64)]| deletion_vectors::write(&table, &bucket(), &vectors(rows)).await.unwrap();
    let first = write(&[("top", 3)]).await;
    let merged = vec![file("merged", 4, 3..=4)];
    let made = compaction(2, vec![file("new", 0, 3..=4)], merged.clone(), (None, first.clone()));
    commit.commit(made).await.unwrap();
    // Somebody else rewrites the top level.
    let second = write(&[]).await;
    let rewritten = compaction(
        3,
        [file("top", 5, 0..=9)].into_iter().chain(merged).collect(),
        vec![file("rewritten", 5, 0..=9)],
        (Some(first.clone()), second.clone()),
    );
    committer(&table, "other").commit(rewritten).await.unwrap();
    commit.commit(append(3, vec![file("next", 0, 7..=7)])).await.unwrap();
    let snapshots = history(&store).await.len();
    // One that has not seen it deletes a row of a file that is gone, with and without naming what it was made of.
    let stale = write(&[("top", 7)]).await;
    let next = vec![file("next", 0, 7..=7)];
    for (replaced, words) in [
        (
            None,
            "has deletion vectors of data-top-0.parquet (bucket 0), which is not there any more; snapshot 5 did that",
        ),
        (Some(first.clone()), second.file_name.as_str()),
    ] {
        let made = compaction(4, next.clone(), Vec::new(), (replaced, stale.clone()));
        let error = commit.commit(made).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(history(&store).await.len(), snapshots);
    assert_eq!(read(&table, &latest(&table).await).await.file, Some(second.clone()));
    let planned_again = write(&[("rewritten", 7)]).await;
    commit.commit(compaction(4, next, Vec::new(), (Some(second), planned_again.clone()))).await.unwrap();
    assert_eq!(read(&table, &latest(&table).await).await.file, Some(planned_again));
}

/// The commit of one compaction with vectors over others; whether the fault struck. Whatever happens, the index files stay and what
/// is visible is before or after.
async fn run(fault: Fault) -> bool {
    let place = format!("{fault:?}");
    let faulty = FaultyStore::new(Arc::new(InMemory::new()));
    let store: Arc<dyn ObjectStore> = Arc::new(faulty.clone());
    let table = table_with_top(&store).await;
    let old = deletion_vectors::write(&table, &bucket(), &vectors(&[("top", 1)])).await.unwrap();
    let before = compaction(2, Vec::new(), Vec::new(), (None, old.clone()));
    committer(&table, "writer").commit(before).await.unwrap();
    let new = deletion_vectors::write(&table, &bucket(), &vectors(&[("top", 3), ("top", 4)])).await.unwrap();
    let made = || {
        let mut made = compaction(3, vec![file("new", 0, 3..=4)], Vec::new(), (Some(old.clone()), new.clone()));
        let changes = DataFileMeta { file_name: "changelog-x-0.parquet".to_owned(), ..file("x", 4, 3..=4) };
        made.messages[0].compact.changelog_files.push(changes);
        made
    };
    let mut table = open(&store, 100).await;
    let mut commit = committer(&table, "writer");
    faulty.arm(Faults::At(fault));
    let outcome = commit.commit(made()).await;
    let struck = !faulty.failures().is_empty();
    faulty.arm(Faults::None);
    if let Err(error) = outcome {
        assert!(matches!(error.kind(), ErrorKind::Storage | ErrorKind::Unknown), "{place}: {error}");
        let fresh = open(&store, 101).await;
        let visible = read(&fresh, &latest(&fresh).await).await.file;
        assert!([&old, &new].contains(&visible.as_ref().unwrap()), "{place}: {visible:?}");
        // The same again, by the same process where the outcome is in doubt and by a new one where it is not.
        if error.kind() != ErrorKind::Unknown {
            table = open(&store, 102).await;
            commit = committer(&table, "writer");
        }
        if error.kind() == ErrorKind::Unknown || visible == Some(old.clone()) {
            commit.commit(made()).await.unwrap_or_else(|error| panic!("{place}: {error}"));
        }
    }
    let last = latest(&table).await;
    assert_eq!(last.changelog_record_count, Some(2), "{place}");
    assert_eq!(read(&open(&store, 103).await, &last).await.file, Some(new.clone()), "{place}");
    assert_eq!(latest_live(&table).await, BTreeSet::from([("data-top-0.parquet".to_owned(), 5)]), "{place}");
    let kept: BTreeSet<String> = table.io().list_files("index").await.unwrap().into_iter().collect();
    assert_eq!(kept, BTreeSet::from([old.file_name, new.file_name]), "{place}");
    let compactions = history(&store).await.iter().filter(|snapshot| snapshot.commit_identifier == 3).count();
    assert_eq!(compactions, 1, "{place}: committed twice");
    struck
}

#[tokio::test]
async fn faults_lose_no_index_file() {
    let mut cases = Vec::new();
    // More operations than a commit has: those behind its end strike nothing.
    for operation in 0..40 {
        for mode in FaultMode::ALL {
            cases.push(run(Fault { operation, mode }));
        }
    }
    let struck = futures::future::join_all(cases).await;
    let count = struck.iter().filter(|struck| **struck).count();
    assert!(count > 30 && count < struck.len(), "{count} of {}", struck.len());
}
