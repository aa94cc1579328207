//! The golden tables, open on this machine or in memory, and the rows that Paimon reads of them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alluvium_format::{DataFileMeta, DataType, Datum, FileKind, ManifestEntry, Snapshot, TableSchema, json_value};
use alluvium_store::{PartitionBucket, Publish, TableIo, TableStore};
use arrow_array::RecordBatch;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as StorePath;
use object_store::{ObjectStore, ObjectStoreExt};

/// Where a table's files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Local,
    Memory,
}

/// Where the cases are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

/// Cases with files outside of the table, and with rows that wait for their buckets.
const LEFT_OUT: [&str; 3] = ["external-paths", "postpone", "postpone-compacted"];

/// The names of the cases.
pub(crate) fn cases() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().join("table").is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !LEFT_OUT.contains(&name.as_str()))
        .collect();
    names.sort();
    assert!(names.len() > 50, "{names:?}");
    names
}

/// The table of a case, with its latest schema.
pub(crate) async fn open(case: &str, place: Place) -> TableStore {
    let root = folder().join(case).join("table");
    let io = match place {
        Place::Local => {
            let store = LocalFileSystem::new_with_prefix(&root).unwrap();
            TableIo::new(Arc::new(store), StorePath::default(), Publish::Link).with_local_root(root)
        }
        Place::Memory => TableIo::new(copied(&root).await, StorePath::default(), Publish::ConditionalPut),
    };
    let schema = alluvium_store::schema_store::SchemaStore::new(io.clone()).latest().await.unwrap().unwrap();
    TableStore::new(case, io.clone(), io, schema).unwrap()
}

async fn copied(root: &Path) -> Arc<dyn ObjectStore> {
    let store = InMemory::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            store.put(&StorePath::parse(name).unwrap(), fs::read(&path).unwrap().into()).await.unwrap();
        }
    }
    Arc::new(store)
}

/// The live files of a snapshot, by bucket.
pub(crate) async fn live_files(table: &TableStore, snapshot: &Snapshot) -> Vec<(PartitionBucket, Vec<DataFileMeta>)> {
    let mut live: Vec<ManifestEntry> = Vec::new();
    for list in [&snapshot.base_manifest_list, &snapshot.delta_manifest_list] {
        for entry in entries(table, list).await {
            match entry.kind {
                FileKind::Add => live.push(entry),
                FileKind::Delete => live.retain(|there| there.identifier() != entry.identifier()),
            }
        }
    }
    by_bucket(live)
}

/// The changelog files of a snapshot, by bucket.
pub(crate) async fn changelog_files(
    table: &TableStore,
    snapshot: &Snapshot,
) -> Vec<(PartitionBucket, Vec<DataFileMeta>)> {
    match &snapshot.changelog_manifest_list {
        Some(list) => by_bucket(entries(table, list).await),
        None => Vec::new(),
    }
}

async fn entries(table: &TableStore, list: &str) -> Vec<ManifestEntry> {
    let manifests = table.manifests().list(list).await.unwrap();
    let parts = table.manifests().entries_of(&manifests).await.unwrap();
    parts.iter().flat_map(|part| part.iter().cloned()).collect()
}

fn by_bucket(entries: Vec<ManifestEntry>) -> Vec<(PartitionBucket, Vec<DataFileMeta>)> {
    let mut buckets: HashMap<PartitionBucket, Vec<DataFileMeta>> = HashMap::new();
    for entry in entries {
        let bucket = PartitionBucket { partition: entry.partition, bucket: entry.bucket };
        buckets.entry(bucket).or_default().push(entry.file);
    }
    buckets.into_iter().collect()
}

/// The rows of a file of answers, as texts that compare equal when the values do; sorted. A line's `rowkind` comes first.
pub(crate) fn expected(case: &str, file: &str, schema: &TableSchema) -> Option<Vec<String>> {
    let text = fs::read_to_string(folder().join(case).join(file)).ok()?;
    let mut rows: Vec<String> = text.lines().map(|line| expected_row(line, schema)).collect();
    rows.sort();
    Some(rows)
}

fn expected_row(line: &str, schema: &TableSchema) -> String {
    let json: serde_json::Value = serde_json::from_str(line).unwrap();
    let kind = json.get("rowkind").map_or(String::new(), |kind| kind.as_str().unwrap().to_owned());
    let snapshot = json.get("snapshot").map_or(String::new(), |id| id.to_string());
    let values = schema.fields.iter().map(|field| {
        let value = json.get(&field.name).unwrap_or(&serde_json::Value::Null);
        // Answers are what the columns hold: nullability is not their business.
        in_order(json_value::from_json(value, &nullable(&field.data_type)).unwrap())
    });
    format!("{kind}@{snapshot} {:?}", values.collect::<Vec<_>>())
}

fn nullable(data_type: &DataType) -> DataType {
    data_type.with_nullable(true)
}

/// A value with the entries of its maps in one order: a map has none, and Java writes them as they hash.
fn in_order(value: Option<Datum>) -> Option<Datum> {
    value.map(|value| match value {
        Datum::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (in_order(key), in_order(value)));
            let mut entries: Vec<_> = entries.collect();
            entries.sort_by_key(|entry| format!("{entry:?}"));
            Datum::Map(entries)
        }
        Datum::Array(values) => Datum::Array(values.into_iter().map(in_order).collect()),
        Datum::Row(values) => Datum::Row(values.into_iter().map(in_order).collect()),
        other => other,
    })
}

/// The rows of a batch, as [`expected`] gives them.
pub(crate) fn rows(values: &RecordBatch, schema: &TableSchema, prefix: impl Fn(usize) -> String) -> Vec<String> {
    let rows = (0..values.num_rows()).map(|row| {
        let row_values = values.columns().iter().zip(&schema.fields).map(|(column, field)| {
            in_order(alluvium_format::arrow::datum_at(column.as_ref(), &field.data_type, row).unwrap())
        });
        format!("{} {:?}", prefix(row), row_values.collect::<Vec<_>>())
    });
    rows.collect()
}
