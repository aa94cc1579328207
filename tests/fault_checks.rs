//! What must hold of a table however work on it ended.

use std::collections::{BTreeMap, BTreeSet};

use alluvium::format::{CommitKind, FileKind, ManifestFileMeta, path};
use alluvium::{RowKind, Snapshot, TailEvent};
use alluvium_sim::{Change, ModelTable, RowKey, Workload};
use alluvium_store::TableStore;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, Int8Array, RecordBatch};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::fault_world::{View, World};

const FOLDER: &str = "wh/db.db/t/";

pub(crate) type Rows = BTreeMap<RowKey, (Option<i64>, Option<String>)>;

/// What readers and people may find beside the files of snapshots.
fn is_metadata(file: &str) -> bool {
    let hints = [path::LATEST, path::EARLIEST].map(|hint| format!("{}/{hint}", path::SNAPSHOT_FOLDER));
    hints.iter().any(|hint| hint == file) || file.starts_with("schema/schema-")
}

pub(crate) fn changes_of(kinds: Option<&Int8Array>, rows: &RecordBatch) -> Vec<Change> {
    let column = |name: &str| rows.column_by_name(name).unwrap();
    let (partitions, ids) = (column("pt").as_primitive::<Int32Type>(), column("id").as_primitive::<Int64Type>());
    let (orders, values) = (column("ord").as_primitive::<Int64Type>(), column("value").as_string::<i32>());
    let change = |row| Change {
        kind: kinds.map_or(RowKind::Insert, |kinds| RowKind::from_byte(kinds.value(row)).unwrap()),
        key: (partitions.value(row), ids.value(row)),
        order: orders.is_valid(row).then(|| orders.value(row)),
        value: values.is_valid(row).then(|| values.value(row).to_owned()),
    };
    (0..rows.num_rows()).map(change).collect()
}

impl World {
    /// The rows of the table; a key that comes twice is a failure.
    pub(crate) async fn rows(&self) -> Rows {
        let table = self.table(View::Healthy).await.unwrap();
        let batches: Vec<RecordBatch> = table.read().execute().await.unwrap().try_collect().await.unwrap();
        let mut rows = Rows::new();
        for change in batches.iter().flat_map(|batch| changes_of(None, batch)) {
            let twice = rows.insert(change.key, (change.order, change.value));
            assert!(twice.is_none(), "the key {:?} was read twice", change.key);
        }
        rows
    }

    pub(crate) async fn snapshots(&self) -> Vec<Snapshot> {
        self.table(View::Healthy).await.unwrap().snapshots().await.unwrap()
    }

    /// Files of the table's folder, relative to it.
    pub(crate) async fn files(&self) -> BTreeSet<String> {
        let listed = self.inner.list(Some(&Path::from(FOLDER.trim_end_matches('/'))));
        let relative = |path: Path| path.as_ref().strip_prefix(FOLDER).unwrap().to_owned();
        listed.map_ok(|meta| relative(meta.location)).try_collect().await.unwrap()
    }

    /// Files that the snapshots name, each of which must be there; reading them is part of the check.
    pub(crate) async fn reachable(&self) -> BTreeSet<String> {
        let table = self.table_store(View::Healthy).await.unwrap();
        let mut names = BTreeSet::new();
        for id in table.snapshots().ids().await.unwrap() {
            names.insert(path::snapshot(id));
            let snapshot = table.snapshots().get(id).await.unwrap();
            let mut lists = vec![snapshot.base_manifest_list, snapshot.delta_manifest_list];
            lists.extend(snapshot.changelog_manifest_list);
            for list in &lists {
                names.insert(path::manifest(list));
                for manifest in table.manifests().list(list).await.unwrap().iter() {
                    reach_manifest(&table, manifest, &mut names).await;
                }
            }
        }
        names
    }

    /// Files that nothing accounts for.
    pub(crate) async fn garbage(&self) -> BTreeSet<String> {
        let reachable = self.reachable().await;
        self.files().await.into_iter().filter(|file| !reachable.contains(file) && !is_metadata(file)).collect()
    }

    pub(crate) async fn delete(&self, files: &BTreeSet<String>) {
        for file in files {
            self.inner.delete(&Path::parse(format!("{FOLDER}{file}")).unwrap()).await.unwrap();
        }
    }

    /// Checks the table's files: all that are named are there.
    pub(crate) async fn check_files(&self) {
        let files = self.files().await;
        let missing: Vec<String> = self.reachable().await.into_iter().filter(|file| !files.contains(file)).collect();
        assert!(missing.is_empty(), "snapshots name files that are gone: {missing:?}");
    }

    /// Checks the chain of snapshots: no id is left out, none of `user`'s commits is there twice, and no data commit is missing.
    pub(crate) async fn check_commits(&self, user: &str, identifiers: impl IntoIterator<Item = i64>) {
        let snapshots = self.snapshots().await;
        let ids: Vec<i64> = snapshots.iter().map(|snapshot| snapshot.id).collect();
        assert_eq!(ids, (1..).take(ids.len()).collect::<Vec<i64>>());
        let mut commits: BTreeMap<i64, usize> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for snapshot in snapshots.iter().filter(|snapshot| snapshot.commit_user == user) {
            let (identifier, kind) = (snapshot.commit_identifier, snapshot.commit_kind);
            assert!(seen.insert((identifier, format!("{kind:?}"))), "{kind:?} of {user} {identifier} is there twice");
            if kind != CommitKind::Compact {
                *commits.entry(identifier).or_default() += 1;
            }
        }
        let wanted: BTreeMap<i64, usize> = identifiers.into_iter().map(|identifier| (identifier, 1)).collect();
        assert_eq!(commits, wanted, "data commits of {user}");
    }

    /// Checks a tail from the earliest snapshot: each APPEND of `user` gives what its checkpoint wrote, once.
    pub(crate) async fn check_tail(&self, user: &str, work: &Workload) {
        let table = self.table(View::Healthy).await.unwrap();
        let snapshots = self.snapshots().await;
        let Some(last) = snapshots.last() else { return };
        let mut tail = table.tail().from_earliest().to(last.id).execute().await.unwrap();
        let (mut changes, mut ended) = (BTreeMap::new(), Vec::new());
        let mut pending = Vec::new();
        while let Some(event) = tail.next().await.unwrap() {
            match event {
                TailEvent::Changes(batch) => pending.extend(changes_of(Some(&batch.kinds), &batch.rows)),
                TailEvent::SnapshotEnd(id) => {
                    ended.push(id);
                    changes.insert(id, std::mem::take(&mut pending));
                }
                TailEvent::Expired(..) => panic!("nothing has expired"),
            }
        }
        assert_eq!(ended, snapshots.iter().map(|snapshot| snapshot.id).collect::<Vec<_>>(), "ends of snapshots");
        let checkpoints = work.checkpoints();
        let mut values = BTreeSet::new();
        for snapshot in snapshots {
            let changes = changes.remove(&snapshot.id).unwrap_or_default();
            for value in changes.iter().filter_map(|change| change.value.clone()) {
                assert!(values.insert(value.clone()), "the tail gave {value} twice, at snapshot {}", snapshot.id);
            }
            if snapshot.commit_user != user {
                continue;
            }
            let mut wanted = ModelTable::default();
            if snapshot.commit_kind == CommitKind::Append {
                wanted.apply(checkpoints[&snapshot.commit_identifier].iter().flatten());
            }
            let mut given = ModelTable::default();
            given.apply(&changes);
            assert_eq!(given, wanted, "changes of snapshot {} ({:?})", snapshot.id, snapshot.commit_kind);
        }
    }
}

async fn reach_manifest(table: &TableStore, manifest: &ManifestFileMeta, names: &mut BTreeSet<String>) {
    names.insert(path::manifest(&manifest.file_name));
    for entry in table.manifests().entries(&manifest.file_name).await.unwrap().iter() {
        if entry.kind == FileKind::Add {
            let data_file = table.data_file(&entry.partition, entry.bucket, &entry.file).unwrap();
            names.extend(entry.file.extra_files.iter().map(|extra| data_file.beside(extra).unwrap().path().to_owned()));
            names.insert(data_file.path().to_owned());
        }
    }
}
