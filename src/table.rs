//! One table: what can be done with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_compaction::{FileIndexReport, rewrite_file_index};
use alluvium_format::{
    CoreOptions, IndexManifestEntry, ManifestEntry, Predicate, Result, SchemaChange, Snapshot, TableSchema,
};
use alluvium_reader::{PointReader, consumers};
use alluvium_store::{LookedUp, TableStore, scan, schema_change};
use alluvium_writer::{TableWrite, WriteOptions};
use arrow_array::RecordBatch;

use crate::compact::Compact;
use crate::consumers_table::ConsumersTable;
use crate::get::Get;
use crate::read::Read;
use crate::rescale::Rescale;
use crate::tail::TableTail;
use crate::write::StreamWrite;

/// A table, or a branch of one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Table {
    store: TableStore,
}

impl Table {
    pub(crate) fn of(store: TableStore) -> Self {
        Self { store }
    }

    /// The same table with dynamic options over its own, for what is done with the value returned.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong.
    pub fn with_options(&self, options: &BTreeMap<String, String>) -> Result<Self> {
        Ok(Self { store: self.store.with_options(options)? })
    }

    /// `database.table`, as it was asked for.
    pub fn name(&self) -> &str {
        self.store.name()
    }

    /// The latest schema when the table was opened.
    pub fn schema(&self) -> &Arc<TableSchema> {
        self.store.schema()
    }

    /// The schema of an id: that of a snapshot, say.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` or `Storage`.
    pub async fn schema_of(&self, id: i64) -> Result<Arc<TableSchema>> {
        self.store.schemas().get(id).await
    }

    /// Changes the schema, all changes in one new version, and gives the table at it. Rows that are there stay as they are, and are read
    /// under the new schema; readers and writers that are open keep the one they were opened with.
    ///
    /// # Errors
    /// `Invalid` that says which change is refused and why; `Unsupported` by name; `Unknown` when the store does not say whether the schema
    /// was written; `Conflict` when others change it all the time; `Storage`.
    pub async fn alter(&self, changes: &[SchemaChange]) -> Result<Self> {
        let schema = schema_change::alter(&self.store, changes).await?;
        Ok(Self { store: self.store.at_schema(schema)? })
    }

    /// The schema that [`Table::alter`] would make; nothing is written.
    ///
    /// # Errors
    /// As [`Table::alter`].
    pub async fn plan_alter(&self, changes: &[SchemaChange]) -> Result<TableSchema> {
        schema_change::plan(&self.store, changes).await
    }

    /// Its options.
    pub fn options(&self) -> &CoreOptions {
        self.store.options()
    }

    /// Wakes the tails of this process that wait for a snapshot of this table, so that they look for it now: for who learns of commits of other
    /// processes, by a queue of a bucket's notifications say. Commits through a table of this process do it themselves. For nothing it is harmless.
    pub fn announce_snapshot(&self) {
        self.store.snapshots().announce();
    }

    /// The latest snapshot; `None` in an empty table.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn latest_snapshot(&self) -> Result<Option<Snapshot>> {
        self.store.snapshots().latest().await
    }

    /// All snapshots that are left, by ascending id.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let mut snapshots = Vec::new();
        for id in self.store.snapshots().ids().await? {
            snapshots.extend(self.store.snapshots().find(id).await?);
        }
        Ok(snapshots)
    }

    /// The ids of the snapshots that are left, ascending.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn snapshot_ids(&self) -> Result<Vec<i64>> {
        self.store.snapshots().ids().await
    }

    /// One snapshot; `None` when there is none of that id, or it has expired.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn snapshot(&self, id: i64) -> Result<Option<Snapshot>> {
        self.store.snapshots().find(id).await
    }

    /// A commit user that nobody ever had.
    pub fn new_commit_user(&self) -> String {
        self.store.io().namer().uuid()
    }

    /// The files of a snapshot.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` or `Storage`.
    pub async fn files(&self, snapshot: &Snapshot) -> Result<Vec<ManifestEntry>> {
        scan::live_entries(&self.store, snapshot, &Predicate::True).await
    }

    /// Which of these files hold keys that were looked up when they were compacted.
    ///
    /// # Errors
    /// `Corrupt` or `Storage` of the schemas that they were written under.
    pub async fn looked_up(&self, files: &[ManifestEntry]) -> Result<LookedUp> {
        LookedUp::of(&self.store, self.options(), self.schema().id, files.iter().map(|entry| &entry.file)).await
    }

    /// The changelog files of a snapshot.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` or `Storage`.
    pub async fn changelog_files(&self, snapshot: &Snapshot) -> Result<Vec<ManifestEntry>> {
        scan::changelog_entries(&self.store, snapshot, &Predicate::True).await
    }

    /// The index files of a snapshot: deletion vectors, and the hashes of dynamic buckets.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` or `Storage`.
    pub async fn index_files(&self, snapshot: &Snapshot) -> Result<Vec<IndexManifestEntry>> {
        match &snapshot.index_manifest {
            Some(name) => Ok(self.store.manifests().index_entries(name).await?.to_vec()),
            None => Ok(Vec::new()),
        }
    }

    /// Consumers and the next snapshot of each.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn consumers(&self) -> Result<Vec<(String, i64)>> {
        let mut consumers = Vec::new();
        for id in self.store.consumers().ids().await? {
            if let Some(consumer) = self.store.consumers().find(&id).await? {
                consumers.push((id, consumer.next_snapshot));
            }
        }
        Ok(consumers)
    }

    /// Its consumers as rows: the system table `$consumers`.
    pub fn consumers_table(&self) -> ConsumersTable {
        ConsumersTable::of(self.clone())
    }

    /// Sets the next snapshot of a consumer, which need not be there.
    ///
    /// # Errors
    /// `Invalid` for the id; `NotFound` or `Invalid` when the changes of that snapshot are not there and are not the next to come; `Storage`.
    pub async fn reset_consumer(&self, id: &str, next_snapshot: i64) -> Result<()> {
        consumers::reset(&self.store, id, next_snapshot).await
    }

    /// Whether a consumer can be set to a snapshot.
    ///
    /// # Errors
    /// As [`Table::reset_consumer`].
    pub async fn check_consumer_position(&self, next_snapshot: i64) -> Result<()> {
        consumers::check_next(&self.store, next_snapshot).await
    }

    /// Forgets a consumer.
    ///
    /// # Errors
    /// `NotFound` that names the consumers there are; `Storage`.
    pub async fn delete_consumer(&self, id: &str) -> Result<()> {
        consumers::delete(&self.store, id).await
    }

    /// The snapshot id of a tag.
    ///
    /// # Errors
    /// `NotFound` that names the tags there are; `Corrupt`; `Storage`.
    pub async fn tag_snapshot(&self, name: &str) -> Result<Snapshot> {
        Ok(self.store.tags().get(name).await?.snapshot)
    }

    /// The folder of a partition, relative to the table's: `dt=1/h=2/`, or nothing.
    ///
    /// # Errors
    /// `Corrupt` when the row is no partition of the table.
    pub fn partition_path(&self, partition: &alluvium_format::BinaryRow) -> Result<String> {
        self.store.partition_path(partition)
    }

    /// A writer of this table for the commit user `user`.
    ///
    /// # Errors
    /// `Unsupported` by name for what this library cannot write; `Invalid` for a wrong option; `Storage`.
    pub async fn stream_write(&self, user: &str) -> Result<StreamWrite> {
        self.stream_write_with(user, WriteOptions::default()).await
    }

    /// A writer that works as `options` say.
    ///
    /// # Errors
    /// As [`Table::stream_write`].
    pub async fn stream_write_with(&self, user: &str, options: WriteOptions) -> Result<StreamWrite> {
        TableWrite::open(&self.store, user, options).await.map(StreamWrite::of)
    }

    /// A bounded read.
    pub fn read(&self) -> Read {
        Read::of(self.store.clone())
    }

    /// A read of the rows of `keys`, which are the columns of the primary key by name, in any order.
    pub fn get(&self, keys: RecordBatch) -> Get {
        Get::of(self.store.clone(), keys)
    }

    /// A reader of rows by their keys, of these columns (`None`: all), that remembers where they are.
    ///
    /// # Errors
    /// As [`Get::execute`].
    pub async fn point_reader(&self, columns: Option<&[String]>) -> Result<PointReader> {
        PointReader::open(&self.store, columns).await
    }

    /// An unbounded read of changes.
    pub fn tail(&self) -> TableTail {
        TableTail::of(self.store.clone())
    }

    /// A compaction.
    pub fn compact(&self) -> Compact {
        Compact::of(self.store.clone())
    }

    /// Splitting its partitions into another number of buckets.
    pub fn rescale(&self) -> Rescale {
        Rescale::of(self.store.clone())
    }

    /// Gives the files of the partitions for which `partitions` may be true the indexes that the options ask for now.
    ///
    /// # Errors
    /// `Unsupported` by name for what this library cannot write; `Conflict` when others changed the same files again and again.
    pub async fn rewrite_file_index(&self, partitions: &Predicate) -> Result<FileIndexReport> {
        rewrite_file_index(&self.store, partitions).await
    }
}
