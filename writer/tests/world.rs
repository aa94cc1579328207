//! A table in memory, rows as JSON, and what the table holds: read by merging its live files, without the reader.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alluvium_compaction::{CompactReport, CompactRequest, compact_table};
use alluvium_format::arrow::{array_from_datums, datum_at, to_arrow_schema};
use alluvium_format::json_value::{from_json, to_json};
use alluvium_format::options::MergeEngine;
use alluvium_format::{
    BucketMode, DataFileMeta, ManifestEntry, Predicate, Result, RowKind, SchemaDefinition, Snapshot, TableSchema,
};
use alluvium_merge_tree::{MergeOptions, drop_deletes, interval_partition};
use alluvium_sim::{FaultyStore, SimClock, SimNamer};
use alluvium_store::{
    CpuPool, DataFileRead, DataFileReader, DeletionVectors, FileSystemCatalog, MergeRead, PartitionBucket, Publish,
    SystemColumns, TableIo, TableName, TableStore, deletion_vectors, scan,
};
use alluvium_writer::postpone::compact_postponed;
use alluvium_writer::{CompactionWait, TableWrite, WriteOptions};
use arrow_array::{Int8Array, RecordBatch};
use serde_json::{Map, Value, json};

/// A table and what is below it.
pub(crate) struct World {
    pub(crate) table: TableStore,
    pub(crate) store: FaultyStore,
    pub(crate) catalog: FileSystemCatalog,
    /// What time it is; it stands still.
    pub(crate) clock: SimClock,
    pub(crate) name: TableName,
}

/// A row with its kind.
pub(crate) type Row = (RowKind, Value);

impl World {
    /// A table with this schema, in the form of `SchemaDefinition::from_json`.
    pub(crate) async fn new(schema: Value) -> Self {
        let memory = FileSystemCatalog::open("memory:", &BTreeMap::new()).unwrap();
        let store = FaultyStore::new(Arc::clone(memory.io().store()));
        let base = memory.io().base().clone();
        let clock = SimClock::at(1_700_000_000_000);
        let io = TableIo::new(Arc::new(store.clone()), base, Publish::ConditionalPut)
            .with_clock_and_namer(Arc::new(clock.clone()), Arc::new(SimNamer::new(7)))
            .with_cpu_pool(CpuPool::default());
        let catalog = FileSystemCatalog::of(io);
        catalog.create_database("d").await.unwrap();
        let name: TableName = "d.t".parse().unwrap();
        let definition = SchemaDefinition::from_json(schema.to_string().as_bytes()).unwrap();
        let table = catalog.create_table(&name, definition).await.unwrap();
        Self { table, store, catalog, clock, name }
    }

    /// A table `k INT, v STRING` with key `k` and these options.
    pub(crate) async fn simple(options: Value) -> Self {
        let fields = json!([{"name": "k", "type": "INT NOT NULL"}, {"name": "v", "type": "STRING"}]);
        Self::new(json!({"fields": fields, "primaryKeys": ["k"], "options": options})).await
    }

    /// The table, opened anew.
    pub(crate) async fn reopened(&self) -> TableStore {
        self.catalog.table(&self.name).await.unwrap()
    }

    /// A writer that waits for its compactions.
    pub(crate) async fn writer(&self, user: &str) -> TableWrite {
        let options = WriteOptions { compaction: CompactionWait::Always, ..WriteOptions::default() };
        TableWrite::open(&self.table, user, options).await.unwrap()
    }

    /// A writer with these options over the table's.
    pub(crate) async fn writer_with(&self, user: &str, options: &[(&str, &str)]) -> TableWrite {
        let options: Vec<_> = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let table = self.reopened().await.with_options(options.iter().map(|(name, value)| (name, value))).unwrap();
        TableWrite::open(&table, user, WriteOptions::default()).await.unwrap()
    }

    /// A writer to whom the table is split into so many buckets.
    pub(crate) async fn writer_of_buckets(&self, user: &str, buckets: u32) -> TableWrite {
        let (name, value) = ("bucket".to_owned(), buckets.to_string());
        let rescaled = self.table.with_options([(&name, &value)]).unwrap();
        TableWrite::open(&rescaled, user, WriteOptions::default()).await.unwrap()
    }

    /// Writes rows.
    pub(crate) async fn write(&self, writer: &mut TableWrite, rows: &[Row]) {
        let (batch, kinds) = batch_of(self.table.schema(), rows);
        writer.write(batch, Some(kinds)).await.unwrap();
    }

    /// Compacts as a job of its own.
    pub(crate) async fn compact(&self, full: bool) -> Result<CompactReport> {
        compact(&self.reopened().await, full).await
    }

    /// All snapshots, by id.
    pub(crate) async fn snapshots(&self) -> Vec<Snapshot> {
        let mut snapshots = Vec::new();
        for id in self.table.snapshots().ids().await.unwrap() {
            snapshots.push(self.table.snapshots().get(id).await.unwrap());
        }
        snapshots
    }

    /// The files of the latest snapshot.
    pub(crate) async fn live(&self) -> Vec<ManifestEntry> {
        match self.table.snapshots().latest().await.unwrap() {
            Some(snapshot) => scan::live_entries(&self.table, &snapshot, &Predicate::True).await.unwrap(),
            None => Vec::new(),
        }
    }

    /// The rows of the latest snapshot, by the text of their primary key.
    pub(crate) async fn read(&self) -> BTreeMap<String, Value> {
        let mut buckets: BTreeMap<(Vec<u8>, i32), (PartitionBucket, Vec<DataFileMeta>)> = BTreeMap::new();
        // What waits for its bucket is not read.
        for entry in self.live().await.into_iter().filter(|entry| entry.bucket >= 0) {
            let bucket = PartitionBucket { partition: entry.partition, bucket: entry.bucket };
            let place = (bucket.partition.as_bytes().to_vec(), bucket.bucket);
            buckets.entry(place).or_insert_with(|| (bucket, Vec::new())).1.push(entry.file);
        }
        let mut rows = BTreeMap::new();
        for (bucket, files) in buckets.into_values() {
            self.read_bucket(bucket, files, &mut rows).await;
        }
        rows
    }

    /// The rows of the latest snapshot of a table without key, bucket by bucket, in the order of their files.
    pub(crate) async fn appended(&self) -> BTreeMap<(Vec<u8>, i32), Vec<Value>> {
        let mut entries = self.live().await;
        entries.sort_by_key(|entry| entry.file.min_sequence_number);
        let table = self.reopened().await;
        let mut rows: BTreeMap<_, Vec<Value>> = BTreeMap::new();
        for ManifestEntry { partition, bucket, file, .. } in entries {
            let bucket = PartitionBucket { partition, bucket };
            let snapshot = self.table.snapshots().latest().await.unwrap().unwrap();
            let deletions =
                deletion_vectors::read_by_file(&table, &snapshot, std::slice::from_ref(&bucket)).await.unwrap();
            let deletions = deletions.into_iter().flatten().flat_map(|(_, vectors)| (*vectors).clone());
            let read = DataFileRead {
                fields: table.schema().fields.as_slice().into(),
                system: SystemColumns::None,
                predicate: Predicate::True,
                deletions: Arc::new(deletions.collect()),
            };
            let of_bucket = rows.entry((bucket.partition.as_bytes().to_vec(), bucket.bucket)).or_default();
            let mut reader = DataFileReader::open(&table, &bucket, &file, &read).await.unwrap();
            while let Some(batch) = reader.next().await.unwrap() {
                of_bucket.extend((0..batch.values.num_rows()).map(|row| row_of(table.schema(), &batch.values, row)));
            }
        }
        rows
    }

    /// The vectors of a bucket in the latest snapshot.
    pub(crate) async fn vectors(&self, bucket: &PartitionBucket) -> DeletionVectors {
        let snapshot = self.table.snapshots().latest().await.unwrap().unwrap();
        let read = deletion_vectors::read(&self.table, &snapshot, std::slice::from_ref(bucket)).await.unwrap();
        read.into_iter().next().unwrap().vectors
    }

    async fn read_bucket(&self, bucket: PartitionBucket, files: Vec<DataFileMeta>, rows: &mut BTreeMap<String, Value>) {
        let table = self.reopened().await;
        let schema = table.schema();
        let options = table.options();
        let with_vectors = options.deletion_vectors_enabled().unwrap();
        // Where rows are complete only once they are compacted.
        let above_level_0 = with_vectors || options.merge_engine().unwrap() == MergeEngine::FirstRow;
        let files: Vec<_> = files.into_iter().filter(|file| !above_level_0 || file.level > 0).collect();
        let deletions = if with_vectors { self.vectors(&bucket).await } else { DeletionVectors::default() };
        let merge = MergeOptions::new(schema, table.options()).unwrap();
        let sections = interval_partition(files, &schema.key_types()).unwrap();
        let fields = schema.fields.as_slice().into();
        let read = DataFileRead {
            fields,
            system: SystemColumns::All,
            predicate: Predicate::True,
            deletions: deletions.into(),
        };
        let mut merge = MergeRead::new(&table, bucket, sections, &merge, read).unwrap();
        while let Some(batch) = merge.next().await.unwrap() {
            let batch = drop_deletes(batch).unwrap();
            for row in 0..batch.num_rows() {
                let row = row_of(schema, &batch.values, row);
                let twice = rows.insert(key_text(schema, &row), row);
                assert!(twice.is_none(), "{twice:?} is in two buckets");
            }
        }
    }

    /// The changes of all changelog files, in the order of the snapshots that name them; within one, in the order of each file.
    pub(crate) async fn changelog(&self) -> Vec<Row> {
        let mut changes = Vec::new();
        for snapshot in self.snapshots().await {
            changes.extend(self.changelog_of(&snapshot).await);
        }
        changes
    }

    /// The changes that a snapshot names.
    pub(crate) async fn changelog_of(&self, snapshot: &Snapshot) -> Vec<Row> {
        let table = self.reopened().await;
        let schema = table.schema();
        let mut changes = Vec::new();
        for entry in scan::changelog_entries(&table, snapshot, &Predicate::True).await.unwrap() {
            let bucket = PartitionBucket { partition: entry.partition, bucket: entry.bucket };
            let fields = schema.fields.as_slice().into();
            let system = SystemColumns::All;
            let read = DataFileRead { fields, system, predicate: Predicate::True, deletions: Arc::default() };
            let mut reader = DataFileReader::open(&table, &bucket, &entry.file, &read).await.unwrap();
            let mut rows = 0;
            while let Some(batch) = reader.next().await.unwrap() {
                let kinds = batch.kinds.unwrap();
                rows += batch.values.num_rows();
                changes.extend((0..batch.values.num_rows()).map(|row| {
                    let kind = RowKind::from_byte(kinds.value(row)).unwrap();
                    (kind, row_of(schema, &batch.values, row))
                }));
            }
            assert_eq!(rows as i64, entry.file.row_count);
        }
        changes
    }

    /// The names of the data, changelog and index files that are there.
    pub(crate) async fn data_files(&self) -> BTreeSet<String> {
        let all = self.table.io().list_all("").await.unwrap();
        let is_data = |path: &str| path.ends_with(".parquet") || path.ends_with(".avro") || path.starts_with("index/");
        let names = all.into_iter().filter(|file| is_data(&file.path));
        names.map(|file| file.path.rsplit('/').next().unwrap().to_owned()).collect()
    }

    /// The names of the data, changelog and index files that snapshots name.
    pub(crate) async fn named_files(&self) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for snapshot in self.snapshots().await {
            let entries = scan::delta_entries(&self.table, &snapshot, &Predicate::True).await.unwrap();
            let changelog = scan::changelog_entries(&self.table, &snapshot, &Predicate::True).await.unwrap();
            named.extend(entries.into_iter().chain(changelog).map(|entry| entry.file.file_name));
            if let Some(manifest) = &snapshot.index_manifest {
                let entries = self.table.manifests().index_entries(manifest).await.unwrap();
                named.extend(entries.iter().map(|entry| entry.index_file.file_name.clone()));
            }
        }
        named
    }

    /// Asserts that exactly the files which snapshots name are there.
    pub(crate) async fn assert_no_garbage(&self) {
        assert_eq!(
            self.data_files().await,
            self.named_files().await,
            "the files that are there, and those that snapshots name"
        );
    }
}

/// What changes make of a table; panics where they are not what a table can go through.
pub(crate) fn replay(schema: &TableSchema, changes: &[Row]) -> BTreeMap<String, Value> {
    let mut rows: BTreeMap<String, Value> = BTreeMap::new();
    for (kind, row) in changes {
        let key = key_text(schema, row);
        match kind {
            RowKind::Insert => assert_eq!(rows.insert(key, row.clone()), None, "+I of a row that is there: {row}"),
            RowKind::UpdateAfter => {
                assert!(rows.insert(key.clone(), row.clone()).is_none(), "+U without its -U: {row}");
            }
            RowKind::UpdateBefore | RowKind::Delete => {
                assert_eq!(rows.remove(&key).as_ref(), Some(row), "{kind:?} of what is not there");
            }
        }
    }
    rows
}

/// Compacts a table as a job of its own.
pub(crate) async fn compact(table: &TableStore, full: bool) -> Result<CompactReport> {
    let request = CompactRequest { full, ..CompactRequest::default() };
    if table.options().bucket_mode(table.schema())? == BucketMode::Postpone {
        return compact_postponed(table, &request, &|_, _| {}).await;
    }
    compact_table(table, &table.io().namer().uuid(), &request, &|_, _| {}).await
}

/// The rows as a batch with their kinds; absent columns are null.
pub(crate) fn batch_of(schema: &TableSchema, rows: &[Row]) -> (RecordBatch, Int8Array) {
    let columns = schema.fields.iter().map(|field| {
        let value = |row: &Row| from_json(row.1.get(&field.name).unwrap_or(&Value::Null), &field.data_type).unwrap();
        array_from_datums(&field.data_type, &rows.iter().map(value).collect::<Vec<_>>()).unwrap()
    });
    let batch = RecordBatch::try_new(to_arrow_schema(&schema.fields).unwrap(), columns.collect()).unwrap();
    (batch, rows.iter().map(|row| row.0.to_byte()).collect::<Vec<_>>().into())
}

fn row_of(schema: &TableSchema, batch: &RecordBatch, row: usize) -> Value {
    let members = schema.fields.iter().zip(batch.columns()).map(|(field, column)| {
        let value = datum_at(column, &field.data_type, row).unwrap();
        (field.name.clone(), to_json(value.as_ref(), &field.data_type))
    });
    Value::Object(members.collect::<Map<_, _>>())
}

/// The text of a row's primary key.
pub(crate) fn key_text(schema: &TableSchema, row: &Value) -> String {
    schema.primary_keys.iter().map(|name| row[name].to_string()).collect::<Vec<_>>().join(",")
}

/// `+I` of a row.
pub(crate) fn add(row: Value) -> Row {
    (RowKind::Insert, row)
}

/// `-D` of a row.
pub(crate) fn delete(row: Value) -> Row {
    (RowKind::Delete, row)
}

/// Rows `k, v` of [`World::simple`].
pub(crate) fn pairs(range: std::ops::Range<i32>, value: &str) -> Vec<Row> {
    range.map(|k| add(json!({"k": k, "v": value}))).collect()
}
