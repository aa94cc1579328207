//! Rows with row kinds in, commits out: the writer of one table for one commit user.
//!
//! Goes in: batches of rows, each with its kind. Comes out: snapshots. Invariants: rows are visible by a commit or not at all; one
//! budget of memory is shared by the buffers of all buckets; after an error the writer is closed and what it wrote is deleted, unless
//! the outcome of a commit is unknown. Answers to `org.apache.paimon.table.sink.TableWriteImpl`.

mod commits;
mod compactions;
mod hash_indexes;
mod messages;
mod room;

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_compaction::{FullCompactions, UnawareCompaction};
use alluvium_format::{Error, ErrorKind, Result, Snapshot};
use alluvium_store::{Committed, EmptyCommits, FileStoreCommit, OverwriteScope, PartitionBucket, TableStore};
use arrow_array::{Int8Array, RecordBatch};
use futures::future::join_all;

use self::commits::Change;
use self::room::Room;
use crate::bucket_settings::BucketSettings;
use crate::bucket_writer::BucketWriter;
use crate::partitioner::Partitioner;
use crate::restore::restore;
use crate::row_check::RowCheck;
use crate::table_rows::TableRows;
use crate::unfinished::{Owed, unfinished};

/// How a writer works.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Bytes that buffers may hold before the largest is flushed; `None`: `write-buffer-size`.
    pub memory_bytes: Option<u64>,
    /// What becomes of a commit without rows.
    pub empty_commits: EmptyCommits,
    /// Whether a commit waits for the compactions that were started before it. It always does with `commit.force-compact`, and in tables
    /// that look up unless `lookup-wait` is false.
    pub compaction: CompactionWait,
    /// What is to become of the rows that are in the table.
    pub mode: WriteMode,
}

/// What is to become of the rows that are in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WriteMode {
    /// They stay: rows are added by commits. Where no key's bucket depends on them an overwrite may replace them, too.
    #[default]
    Append,
    /// They are replaced by overwrites: keys get their buckets anew.
    Overwrite,
}

/// Whether a commit waits for compactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CompactionWait {
    /// It takes what is done, and waits only where there are too many runs.
    #[default]
    Background,
    /// It waits for all of them.
    Always,
}

/// What comes with a commit.
#[derive(Clone, Debug, Default)]
pub struct CommitExtras {
    /// Event time up to which the input is complete, milliseconds since 1970.
    pub watermark: Option<i64>,
    /// Kept in the snapshot.
    pub properties: BTreeMap<String, String>,
}

/// The writer of one table.
#[derive(Debug)]
pub struct TableWrite {
    table: TableStore,
    user: String,
    options: WriteOptions,
    room: Room,
    check: RowCheck,
    partitioner: Partitioner,
    settings: Arc<BucketSettings>,
    full_compactions: FullCompactions,
    owed: Owed,
    commit: FileStoreCommit,
    /// The user's last snapshot.
    last: Option<Snapshot>,
    /// The snapshot that the rows were read at, where they are to take the place of others.
    read_at: Option<i64>,
    buckets: Buckets,
    /// Of a table without buckets.
    unaware: Option<UnawareCompaction>,
    state: State,
}

/// The buckets that are open, in an order that is the same in every run.
type Buckets = BTreeMap<(Vec<u8>, i32), BucketWriter>;

/// Whether the writer can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// A call is under way. When it is given up in its midst, the writer stays so: part of a batch, or of a commit, may be lost.
    Busy,
    /// It failed, and this is why.
    Failed(String),
}

impl TableWrite {
    /// A writer for `user`, which goes on where the user's last commit ended.
    ///
    /// # Errors
    /// `Unsupported` by name for what this library cannot write; `Invalid` for a wrong option; `Storage`.
    pub async fn open(table: &TableStore, user: &str, options: WriteOptions) -> Result<Self> {
        table.check_write_supported()?;
        let core = table.options();
        let mut options = options;
        if core.commit_force_compact()? || core.prepare_commit_waits_for_compaction()? {
            options.compaction = CompactionWait::Always;
        }
        let memory_bytes = options.memory_bytes.map_or_else(|| core.write_buffer_bytes(), Ok)?;
        let settings = BucketSettings::of(table, user)?;
        let commit = FileStoreCommit::new(table, user, options.empty_commits);
        let mut write = Self {
            user: user.to_owned(),
            room: Room::of(table, memory_bytes)?,
            check: RowCheck::of(table)?,
            partitioner: Partitioner::of(table, options.mode)?,
            full_compactions: FullCompactions::of(core)?,
            owed: Owed::of(&settings)?,
            unaware: settings.unaware_compaction()?,
            settings: Arc::new(settings),
            last: commit.last_committed().await?,
            commit,
            read_at: None,
            buckets: Buckets::new(),
            state: State::Open,
            table: table.clone(),
            options,
        };
        if write.last.is_some() {
            write.take_up_unfinished().await?;
        }
        Ok(write)
    }

    /// Opens the buckets in which this user left compactions undone; they go into the next commit.
    async fn take_up_unfinished(&mut self) -> Result<()> {
        let buckets = unfinished(&self.settings, self.owed, &self.user).await?;
        self.open_buckets(&buckets).await?;
        if let Owed::FullCompaction(_) = self.owed {
            self.buckets.values_mut().for_each(BucketWriter::expect_full_compaction);
        }
        Ok(())
    }

    /// The identifier of the user's last commit; `None` when there is none.
    pub fn last_committed(&self) -> Option<i64> {
        self.last.as_ref().map(|snapshot| snapshot.commit_identifier)
    }

    /// The properties of the snapshot of the user's last commit.
    pub fn last_properties(&self) -> BTreeMap<String, String> {
        let properties = self.last.as_ref().and_then(|snapshot| snapshot.properties.clone());
        properties.into_iter().flatten().collect()
    }

    /// Takes rows: columns of the table by name, in any order, in their in-memory form; absent columns are null. `kinds` are the bytes of
    /// [`alluvium_format::RowKind`], one a row; `None`: all `+I`. It waits where flushes and compactions do not keep up.
    ///
    /// # Errors
    /// `Invalid` that names the column and the row, counted from 0, when the batch does not fit the table (nothing of it is taken then,
    /// and the writer goes on); `Storage`.
    pub async fn write(&mut self, batch: RecordBatch, kinds: Option<Int8Array>) -> Result<()> {
        self.check_open()?;
        let rows = self.check.check(&batch, kinds)?;
        self.state = State::Busy;
        match self.take(rows).await {
            Ok(()) => {
                self.state = State::Open;
                Ok(())
            }
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Bytes that the buffers hold, those that are being flushed included.
    pub fn buffered_bytes(&self) -> usize {
        self.waiting_bytes() + self.flushing_bytes()
    }

    /// Commits what was written since the last commit. When the identifier is committed already the rows are dropped, as they are in
    /// the table; compactions that an earlier run of that commit left undone are done then. A commit whose compactions clash with those of another job succeeds without them.
    ///
    /// # Errors
    /// Those of [`alluvium_store::FileStoreCommit::commit`]; `Invalid` when a partition is split into another number of buckets, or a writer of
    /// dynamic buckets was opened for an overwrite. With dynamic buckets `Conflict` when another job wrote the same partition.
    pub async fn commit(&mut self, identifier: i64, extras: CommitExtras) -> Result<Committed> {
        self.change(Change::Append, identifier, extras).await
    }

    /// Replaces what is in `scope` by what was written, in one commit.
    ///
    /// # Errors
    /// As [`TableWrite::commit`].
    pub async fn overwrite(
        &mut self,
        scope: OverwriteScope,
        identifier: i64,
        extras: CommitExtras,
    ) -> Result<Committed> {
        self.change(Change::Overwrite(scope), identifier, extras).await
    }

    /// Waits for the compactions under way, commits them with the last identifier, and ends. Rows that were not committed are dropped.
    /// When the last commit has its COMPACT snapshot already, this one has a user of its own, as that of a dedicated compactor.
    ///
    /// # Errors
    /// As [`TableWrite::commit`].
    pub async fn close(mut self) -> Result<Committed> {
        self.check_open()?;
        self.commit_compactions().await
    }

    fn check_open(&self) -> Result<()> {
        let closed = |why: &str| Err(Error::new(ErrorKind::Closed, format!("the writer is closed: {why}")));
        match &self.state {
            State::Open => Ok(()),
            State::Busy => closed("a call was given up in its midst; open another, which goes on at the last commit"),
            State::Failed(why) => closed(&format!("it failed before ({why}); open another")),
        }
    }

    fn waiting_bytes(&self) -> usize {
        self.buckets.values().map(BucketWriter::buffered_bytes).sum()
    }

    fn flushing_bytes(&self) -> usize {
        self.buckets.values().map(BucketWriter::flushing_bytes).sum()
    }

    async fn take(&mut self, rows: TableRows) -> Result<()> {
        let parts = self.partitioner.split(rows).await?;
        let buckets: Vec<PartitionBucket> = parts.iter().map(|(bucket, _)| bucket.clone()).collect();
        self.open_buckets(&buckets).await?;
        for (bucket, rows) in parts {
            match self.buckets.get_mut(&place_of(&bucket)) {
                Some(writer) => writer.push(rows).await?,
                None => return Err(Error::internal(format!("bucket {} is not open", bucket.bucket))),
            }
        }
        self.make_room().await
    }

    /// Restores the buckets that are not open yet.
    async fn open_buckets(&mut self, buckets: &[PartitionBucket]) -> Result<()> {
        let missing = buckets.iter().filter(|bucket| !self.buckets.contains_key(&place_of(bucket)));
        let missing: Vec<PartitionBucket> = missing.cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let restored = restore(&self.settings, &missing).await?;
        for (bucket, restored) in missing.into_iter().zip(restored) {
            let place = place_of(&bucket);
            self.buckets.insert(place, BucketWriter::new(&self.settings, bucket, restored)?);
        }
        Ok(())
    }

    async fn abandon_buckets(&mut self) {
        if let Some(unaware) = &mut self.unaware {
            unaware.abandon().await;
        }
        let buckets = std::mem::take(&mut self.buckets);
        join_all(buckets.into_values().map(BucketWriter::abandon)).await;
    }

    /// Closes the writer after an error; what was written and handed to no commit is deleted.
    async fn fail(&mut self, error: Error) -> Error {
        self.state = State::Failed(error.to_string());
        self.abandon_buckets().await;
        error
    }
}

fn place_of(bucket: &PartitionBucket) -> (Vec<u8>, i32) {
    (bucket.partition.as_bytes().to_vec(), bucket.bucket)
}
