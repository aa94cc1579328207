//! One bucket of a table `(k INT, a INT, b INT)` as its writer and its readers see it: flushes, compactions, commits, reads, and what its
//! changelog adds up to.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_compaction::{BucketCompaction, CompactSettings, Picking};
use alluvium_format::{
    BinaryRow, CompactIncrement, DataFileMeta, FileSource, IndexFileMeta, Predicate, Result, RowKind, SchemaDefinition,
    deletion_vector,
};
use alluvium_merge_tree::{KeyValueBatch, Section, SortedRun, drop_deletes, interval_partition, sort_buffer};
use alluvium_sim::FaultyStore;
use alluvium_store::{
    BucketDeletionVectors, DataFileRead, DataFileSpec, DeletionVectors, FileContent, FileSystemCatalog, LookedUp,
    MergeRead, PartitionBucket, Publish, RollingFileWriter, SystemColumns, TableIo, TableName, TableStore, lookup,
};
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, Int8Array, Int32Array, Int64Array, RecordBatch};

/// The values of a row.
pub(crate) type Values = (Option<i32>, Option<i32>);
/// A write.
pub(crate) type Write = (i32, RowKind, Values);

pub(crate) struct KeyedBucket {
    pub(crate) table: TableStore,
    pub(crate) store: FaultyStore,
    pub(crate) bucket: PartitionBucket,
    pub(crate) settings: Arc<CompactSettings>,
    /// Since when keys are looked up.
    looked_up: LookedUp,
    pub(crate) compaction: BucketCompaction,
    /// What the table would name.
    pub(crate) files: Vec<DataFileMeta>,
    pub(crate) vectors: DeletionVectors,
    /// The index file that they are in.
    index: Option<IndexFileMeta>,
    /// The rows that the changes so far leave.
    pub(crate) replayed: BTreeMap<i32, Values>,
    next_sequence: i64,
}

/// A table with these options.
pub(crate) async fn table(options: &[(&str, &str)]) -> (TableStore, FaultyStore) {
    let memory = FileSystemCatalog::open("memory:", &BTreeMap::new()).unwrap();
    let store = FaultyStore::new(Arc::clone(memory.io().store()));
    let io = TableIo::new(Arc::new(store.clone()), memory.io().base().clone(), Publish::ConditionalPut);
    let catalog = FileSystemCatalog::of(io);
    catalog.create_database("d").await.unwrap();
    let options: Vec<String> = options.iter().map(|(name, value)| format!("\"{name}\": \"{value}\"")).collect();
    let schema = format!(
        r#"{{"fields": [{{"name": "k", "type": "INT NOT NULL"}}, {{"name": "a", "type": "INT"}}, {{"name": "b", "type": "INT"}}],
            "primaryKeys": ["k"], "options": {{"bucket": "1", {}}}}}"#,
        options.join(", ")
    );
    let definition = SchemaDefinition::from_json(schema.as_bytes()).unwrap();
    (catalog.create_table(&"d.t".parse::<TableName>().unwrap(), definition).await.unwrap(), store)
}

impl KeyedBucket {
    pub(crate) async fn new(options: &[(&str, &str)]) -> Self {
        let (table, store) = table(options).await;
        let bucket = PartitionBucket { partition: BinaryRow::empty(), bucket: 0 };
        let settings = CompactSettings::of(&table).unwrap();
        let looked_up = LookedUp::of(&table, table.options(), table.schema().id, []).await.unwrap();
        let (files, vectors) = (Vec::new(), BucketDeletionVectors::default());
        let compaction = BucketCompaction::new(&settings, bucket.clone(), files, vectors, looked_up).unwrap();
        Self {
            table,
            store,
            bucket,
            settings,
            looked_up,
            compaction,
            files: Vec::new(),
            vectors: DeletionVectors::new(),
            index: None,
            replayed: BTreeMap::new(),
            next_sequence: 0,
        }
    }

    /// Starts anew from what the table names, as another writer would; gives what was there.
    pub(crate) fn restart(&mut self) -> BucketCompaction {
        let vectors = BucketDeletionVectors { vectors: self.vectors.clone(), file: self.index.clone() };
        let (files, bucket) = (self.files.clone(), self.bucket.clone());
        let compaction = BucketCompaction::new(&self.settings, bucket, files, vectors, self.looked_up).unwrap();
        std::mem::replace(&mut self.compaction, compaction)
    }

    /// Starts anew with deletion vectors, which the files that are there were written without.
    pub(crate) async fn switch_vectors_on(&mut self) {
        let mut schema = self.table.schema().as_ref().clone();
        schema.id += 1;
        schema.options.insert("deletion-vectors.enabled".to_owned(), "true".to_owned());
        assert!(self.table.schemas().create(&schema).await.unwrap());
        self.table = self.table.at_latest_schema().await.unwrap();
        self.settings = CompactSettings::of(&self.table).unwrap();
        self.looked_up = LookedUp::of(&self.table, self.table.options(), schema.id, &self.files).await.unwrap();
        self.restart();
    }

    /// Writes a file of level 0.
    pub(crate) async fn flush(&mut self, writes: &[Write]) {
        let column = |values: Vec<Option<i32>>| -> ArrayRef { Arc::new(Int32Array::from(values)) };
        let columns = vec![
            column(writes.iter().map(|write| Some(write.0)).collect()),
            column(writes.iter().map(|write| write.2.0).collect()),
            column(writes.iter().map(|write| write.2.1).collect()),
        ];
        let schema = alluvium_format::arrow::to_arrow_schema(&self.table.schema().fields).unwrap();
        let end = self.next_sequence + writes.len() as i64;
        let sequences = Int64Array::from_iter_values(self.next_sequence..end);
        let kinds: Int8Array = writes.iter().map(|write| Some(write.1 as i8)).collect();
        self.next_sequence = end;
        let values = RecordBatch::try_new(schema, columns).unwrap();
        let batch = KeyValueBatch::try_new(sequences, kinds, values).unwrap();
        let batch = sort_buffer(&[batch], self.settings.merge()).unwrap();
        let content = FileContent::Data(FileSource::Append);
        let spec = DataFileSpec { bucket: self.bucket.clone(), level: 0, content };
        let mut writer = RollingFileWriter::new(&self.table, spec).unwrap();
        writer.write(&batch).await.unwrap();
        for file in writer.finish().await.unwrap() {
            self.compaction.add_flushed(file.clone()).unwrap();
            self.files.push(file);
        }
    }

    /// Compacts, and takes in what that did as a commit would. Whether anything was done.
    pub(crate) async fn compact(&mut self, picking: Picking) -> Result<bool> {
        self.compaction.trigger(picking)?;
        self.compaction.wait().await?;
        let increment = self.compaction.take_increment().await?;
        self.commit(&increment).await;
        Ok(!increment.is_empty())
    }

    pub(crate) async fn commit(&mut self, increment: &CompactIncrement) {
        for gone in &increment.compact_before {
            let at = self.files.iter().position(|file| file.file_name == gone.file_name && file.level == gone.level);
            self.files.remove(at.expect("a compaction takes files that are there"));
        }
        self.files.extend(increment.compact_after.iter().cloned());
        if !increment.new_index_files.is_empty() {
            let replaced = increment.deleted_index_files.first();
            assert_eq!(replaced, self.index.as_ref(), "vectors name the index file that they were made of");
        }
        for file in &increment.new_index_files {
            self.index = Some(file.clone());
            let path = format!("index/{}", file.file_name);
            let bytes = self.table.io().get(&path).await.unwrap();
            let ranges = file.dv_ranges.clone().unwrap_or_default();
            let vectors = deletion_vector::decode_all(&bytes, &ranges, &path).unwrap();
            self.vectors = vectors.into_iter().map(|(name, vector)| (name, Arc::new(vector))).collect();
        }
        let named = |name: &String| self.files.iter().any(|file| file.file_name == *name);
        assert!(self.vectors.keys().all(named), "a vector of a file that is gone");
        for file in &increment.changelog_files {
            let batch = self.records(vec![alone(file)], DeletionVectors::new()).await;
            self.replay(&batch);
        }
    }

    /// Applies changes, each of which must fit what was.
    fn replay(&mut self, batches: &[KeyValueBatch]) {
        let mut before: Option<i32> = None;
        for (key, kind, values) in batches.iter().flat_map(rows) {
            let was = self.replayed.get(&key).copied();
            match kind {
                RowKind::Insert => assert_eq!(self.replayed.insert(key, values), None, "+I of {key}, which is there"),
                RowKind::UpdateBefore | RowKind::Delete => {
                    assert_eq!(was, Some(values), "{kind:?} of {key} is not its last image");
                    self.replayed.remove(&key);
                }
                RowKind::UpdateAfter => {
                    assert_eq!(before, Some(key), "+U of {key} without its -U");
                    self.replayed.insert(key, values);
                }
            }
            before = (kind == RowKind::UpdateBefore).then_some(key);
        }
        assert_eq!(before, None, "a -U without its +U");
    }

    /// The rows as a batch scan shows them.
    pub(crate) async fn read(&self) -> BTreeMap<i32, Values> {
        let options = self.table.options();
        let first_row = options.merge_engine().unwrap() == alluvium_format::MergeEngine::FirstRow;
        let vectors = options.deletion_vectors_enabled().unwrap();
        let skips = |file: &DataFileMeta| first_row || (vectors && self.looked_up.covers(file));
        let files = self.files.iter().filter(|file| file.level > 0 || !skips(file)).cloned().collect();
        let sections = interval_partition(files, &self.table.schema().key_types()).unwrap();
        let mut read = BTreeMap::new();
        for batch in self.records(sections, self.vectors.clone()).await {
            let batch = drop_deletes(batch).unwrap();
            for (key, _, values) in rows(&batch) {
                assert_eq!(read.insert(key, values), None, "key {key} was read twice");
            }
        }
        read
    }

    /// Asserts that no key is in two files above level 0, but for rows that are deleted.
    pub(crate) async fn assert_each_key_once(&self) {
        let mut seen = BTreeMap::new();
        for file in self.files.iter().filter(|file| file.level > 0) {
            for batch in self.records(vec![alone(file)], self.vectors.clone()).await {
                for (key, kind, _) in rows(&batch) {
                    assert!(kind.is_add(), "a record of kind {kind:?} above level 0");
                    let other = seen.insert(key, file.file_name.clone());
                    assert_eq!(other, None, "key {key} is in {} too", file.file_name);
                }
            }
        }
    }

    async fn records(&self, sections: Vec<Section>, deletions: DeletionVectors) -> Vec<KeyValueBatch> {
        let read = DataFileRead {
            fields: self.table.schema().fields.as_slice().into(),
            system: SystemColumns::All,
            predicate: Predicate::True,
            deletions: Arc::new(deletions),
        };
        let merge = self.settings.merge();
        let merge = if self.looked_up.counts_all_levels() { merge.of_all_levels() } else { merge.clone() };
        let mut read = MergeRead::new(&self.table, self.bucket.clone(), sections, &merge, read).unwrap();
        let mut batches = Vec::new();
        while let Some(batch) = read.next().await.unwrap() {
            batches.push(batch);
        }
        batches
    }

    /// Makes the next lookups read data files again.
    pub(crate) fn forget_lookups(&self) {
        self.files.iter().for_each(|file| lookup::forget(&self.table, &file.file_name));
    }
}

fn alone(file: &DataFileMeta) -> Section {
    Section { runs: vec![SortedRun::single(file.clone())] }
}

fn rows(batch: &KeyValueBatch) -> Vec<Write> {
    let column = |at: usize| batch.values.column(at).as_primitive::<Int32Type>().clone();
    let (keys, a, b) = (column(0), column(1), column(2));
    let at = |column: &Int32Array, row: usize| column.is_valid(row).then(|| column.value(row));
    let row = |row: usize| {
        let kind = RowKind::from_byte(batch.kinds.value(row)).unwrap();
        (keys.value(row), kind, (at(&a, row), at(&b, row)))
    };
    (0..batch.num_rows()).map(row).collect()
}
