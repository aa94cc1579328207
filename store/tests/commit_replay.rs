//! What Paimon committed to the golden tables, committed again by us: the snapshots are the same but for names, sizes and times.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alluvium_format::{
    BinaryRow, CommitKind, CommitMessage, CompactIncrement, DataIncrement, FileKind, IndexManifestEntry, ManifestEntry,
    Predicate, Snapshot,
};
use alluvium_store::{Committable, EmptyCommits, FileStoreCommit, OverwriteScope, Publish, TableIo, TableStore, scan};
use object_store::memory::InMemory;
use object_store::path::Path;

use crate::golden_table::{self, Place};

/// What one snapshot of theirs changed.
struct Step {
    snapshot: Snapshot,
    delta: Vec<ManifestEntry>,
    changelog: Vec<ManifestEntry>,
    index: Vec<IndexManifestEntry>,
    index_gone: Vec<IndexManifestEntry>,
}

async fn index_of(table: &TableStore, snapshot: &Snapshot) -> Vec<IndexManifestEntry> {
    match &snapshot.index_manifest {
        Some(name) => table.manifests().index_entries(name).await.unwrap().to_vec(),
        None => Vec::new(),
    }
}

/// All snapshots from the first; `None` when it is gone.
async fn steps(table: &TableStore) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut before: Vec<IndexManifestEntry> = Vec::new();
    for (id, expected) in table.snapshots().ids().await.unwrap().into_iter().zip(1..) {
        if id != expected {
            return None;
        }
        let snapshot = table.snapshots().get(id).await.unwrap();
        let all = &Predicate::True;
        let index = index_of(table, &snapshot).await;
        steps.push(Step {
            delta: scan::delta_entries(table, &snapshot, all).await.unwrap(),
            changelog: scan::changelog_entries(table, &snapshot, all).await.unwrap(),
            index: index.iter().filter(|entry| !before.contains(entry)).cloned().collect(),
            index_gone: before.iter().filter(|entry| !index.contains(entry)).cloned().collect(),
            snapshot,
        });
        before = index;
    }
    Some(steps)
}

/// The messages that make a step again, one a file, in the order of the entries.
fn messages(step: &Step) -> Vec<CommitMessage> {
    let compacts = step.snapshot.commit_kind == CommitKind::Compact;
    let message = |partition: &BinaryRow, bucket, total_buckets, data: DataIncrement| {
        let compact = CompactIncrement {
            known_files: None,
            compact_before: data.deleted_files.clone(),
            compact_after: data.new_files.clone(),
            changelog_files: data.changelog_files.clone(),
            new_index_files: data.new_index_files.clone(),
            deleted_index_files: Vec::new(),
        };
        let (data, compact) =
            if compacts { (DataIncrement::default(), compact) } else { (data, CompactIncrement::default()) };
        CommitMessage { partition: partition.clone(), bucket, total_buckets, data, compact }
    };
    let of = |entry: &ManifestEntry, data| message(&entry.partition, entry.bucket, entry.total_buckets, data);
    let mut messages = Vec::new();
    for entry in &step.delta {
        let files = vec![entry.file.clone()];
        messages.push(match entry.kind {
            FileKind::Add => of(entry, DataIncrement { new_files: files, ..DataIncrement::default() }),
            FileKind::Delete => of(entry, DataIncrement { deleted_files: files, ..DataIncrement::default() }),
        });
    }
    for entry in &step.changelog {
        let changelog_files = vec![entry.file.clone()];
        messages.push(of(entry, DataIncrement { changelog_files, ..DataIncrement::default() }));
    }
    for entry in &step.index {
        let new_index_files = vec![entry.index_file.clone()];
        let data = DataIncrement { new_index_files, ..DataIncrement::default() };
        messages.push(message(&entry.partition, entry.bucket, 1, data));
    }
    messages
}

/// A snapshot without what is not the same in two runs.
fn essence(snapshot: &Snapshot) -> Snapshot {
    let presence = |name: &Option<String>| name.as_ref().map(|_| "there".to_owned());
    Snapshot {
        base_manifest_list: String::new(),
        base_manifest_list_size: snapshot.base_manifest_list_size.map(i64::signum),
        delta_manifest_list: String::new(),
        delta_manifest_list_size: snapshot.delta_manifest_list_size.map(i64::signum),
        changelog_manifest_list: presence(&snapshot.changelog_manifest_list),
        changelog_manifest_list_size: snapshot.changelog_manifest_list_size.map(i64::signum),
        index_manifest: presence(&snapshot.index_manifest),
        time_millis: 0,
        ..snapshot.clone()
    }
}

/// Publishes what ANALYZE does, which is no commit of ours: the files as they were, with statistics.
async fn analyze(ours: &TableStore, theirs: &TableStore, step: &Step) {
    let before = ours.snapshots().latest().await.unwrap().unwrap();
    let path = format!("statistics/{}", step.snapshot.statistics.as_ref().unwrap());
    ours.io().put(&path, theirs.io().get(&path).await.unwrap()).await.unwrap();
    let writer = ours.manifests().writer(ours.options(), ours.partition_types()).unwrap();
    let mut metas = ours.manifests().list(&before.base_manifest_list).await.unwrap().to_vec();
    metas.extend(ours.manifests().list(&before.delta_manifest_list).await.unwrap().iter().cloned());
    let (base_manifest_list, base_bytes) = writer.write_list(metas).await.unwrap();
    let (delta_manifest_list, delta_bytes) = writer.write_list(Vec::new()).await.unwrap();
    let snapshot = Snapshot {
        base_manifest_list,
        base_manifest_list_size: Some(base_bytes),
        delta_manifest_list,
        delta_manifest_list_size: Some(delta_bytes),
        ..step.snapshot.clone()
    };
    ours.snapshots().publish(&snapshot).await.unwrap();
}

/// An overwrite that only marks rows of files: it says, too, which index files its own replace.
fn marking_rows(step: &Step, mut committable: Committable) -> Committable {
    committable.messages.extend(step.index_gone.iter().map(|entry| {
        let deleted_index_files = vec![entry.index_file.clone()];
        let data = DataIncrement { deleted_index_files, ..DataIncrement::default() };
        CommitMessage {
            partition: entry.partition.clone(),
            bucket: entry.bucket,
            total_buckets: 1,
            data,
            compact: CompactIncrement::default(),
        }
    }));
    committable
}

async fn replay(ours: &TableStore, step: &Step) -> Vec<Snapshot> {
    let theirs = &step.snapshot;
    let mut committable = Committable {
        identifier: theirs.commit_identifier,
        watermark: theirs.watermark,
        properties: theirs.properties.clone().unwrap_or_default(),
        known_until: None,
        messages: messages(step),
    };
    let commit = FileStoreCommit::new(ours, theirs.commit_user.clone(), EmptyCommits::Published);
    if theirs.commit_kind == CommitKind::Compact {
        let commit = FileStoreCommit::new(ours, theirs.commit_user.clone(), EmptyCommits::Skipped);
        return commit.commit(committable).await.unwrap().snapshots;
    }
    if theirs.commit_kind != CommitKind::Overwrite {
        return commit.commit(committable).await.unwrap().snapshots;
    }
    if step.delta.is_empty() {
        return commit.commit(marking_rows(step, committable)).await.unwrap().snapshots;
    }
    // What an overwrite deletes, and to which level it raises new files, is for the commit to find out.
    let scope = step.delta.iter().map(|entry| entry.partition.clone()).collect();
    committable.messages.retain(|message| message.data.deleted_files.is_empty());
    for file in committable.messages.iter_mut().flat_map(|message| message.data.new_files.iter_mut()) {
        file.level = 0;
    }
    commit.overwrite(OverwriteScope::Partitions(scope), committable).await.unwrap().snapshots
}

fn sorted<T: std::fmt::Debug>(items: &[T]) -> Vec<String> {
    let mut shown: Vec<String> = items.iter().map(|item| format!("{item:?}")).collect();
    shown.sort();
    shown
}

async fn check_step(case: &str, ours: &TableStore, theirs: &TableStore, step: &Step) {
    let (snapshot, all) = (ours.snapshots().latest().await.unwrap().unwrap(), &Predicate::True);
    let place = format!("{case}, snapshot {}", snapshot.id);
    assert_eq!(essence(&snapshot), essence(&step.snapshot), "{place}");
    let delta = scan::delta_entries(ours, &snapshot, all).await.unwrap();
    assert_eq!(sorted(&delta), sorted(&step.delta), "{place}");
    assert_eq!(scan::changelog_entries(ours, &snapshot, all).await.unwrap(), step.changelog, "{place}");
    let live = scan::live_entries(ours, &snapshot, all).await.unwrap();
    let live_there = scan::live_entries(theirs, &step.snapshot, all).await.unwrap();
    assert_eq!(sorted(&live), sorted(&live_there), "{place}");
    assert_eq!(sorted(&index_of(ours, &snapshot).await), sorted(&index_of(theirs, &step.snapshot).await), "{place}");
}

/// The table whose rows have ids, which a commit would have to give.
const REFUSED: &str = "append-row-tracking";

#[tokio::test]
async fn our_commits_are_those_of_paimon() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for case in golden_table::cases() {
        if case == REFUSED {
            continue;
        }
        let theirs = golden_table::open(&case, Place::Local).await;
        let Some(steps) = steps(&theirs).await else { continue };
        let io = TableIo::new(Arc::new(InMemory::new()), Path::default(), Publish::ConditionalPut);
        for step in &steps {
            let schema = theirs.schemas().get(step.snapshot.schema_id).await.unwrap();
            let name = format!("schema/schema-{}", schema.id);
            io.put(&name, theirs.io().get(&name).await.unwrap()).await.unwrap();
            let ours = TableStore::new(&case, io.clone(), io.clone(), schema).unwrap();
            if step.snapshot.commit_kind == CommitKind::Analyze {
                analyze(&ours, &theirs, step).await;
            } else {
                assert_eq!(replay(&ours, step).await.len(), 1, "{case} {}", step.snapshot.id);
            }
            check_step(&case, &ours, &theirs, step).await;
            *kinds.entry(format!("{:?}", step.snapshot.commit_kind)).or_default() += 1;
        }
    }
    assert!(kinds["Append"] > 100 && kinds["Compact"] > 40 && kinds["Overwrite"] == 4, "{kinds:?}");
}

#[tokio::test]
async fn what_is_refused_names_it_before_anything_is_written() {
    let theirs = golden_table::open(REFUSED, Place::Memory).await;
    let steps = steps(&theirs).await.unwrap();
    let files: BTreeSet<_> = theirs.io().list_all("").await.unwrap().into_iter().map(|file| file.path).collect();
    let committable = Committable { identifier: 9, messages: messages(&steps[0]), ..Committable::default() };
    let commit = FileStoreCommit::new(&theirs, "us", EmptyCommits::Skipped);
    let error = commit.commit(committable).await.unwrap_err();
    assert_eq!(error.kind(), alluvium_format::ErrorKind::Unsupported);
    assert!(error.to_string().contains("row-tracking.enabled"), "{error}");
    let after: BTreeSet<_> = theirs.io().list_all("").await.unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(after, files);
}
