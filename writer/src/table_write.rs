//! Rows with row kinds in, commits out: the writer of one table for one commit user.
//!
//! Goes in: batches of rows, each with its kind. Comes out: snapshots. Invariants: rows are visible by a commit or not at all; one
//! budget of memory is shared by the buffers of all buckets; after an error the writer is closed and what it wrote is deleted, unless
//! the outcome of a commit is unknown. Answers to `org.apache.paimon.table.sink.TableWriteImpl`.

use std::collections::BTreeMap;

use alluvium_format::{Error, Result};
use alluvium_store::{Committed, EmptyCommits, OverwriteScope, TableStore};
use arrow_array::{Int8Array, RecordBatch};

/// How a writer works.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Bytes that buffers may hold before the largest is flushed; `None`: `write-buffer-size`.
    pub memory_bytes: Option<u64>,
    /// What becomes of a commit without rows.
    pub empty_commits: EmptyCommits,
    /// Whether a commit waits for the compactions that were started before it.
    pub compaction: CompactionWait,
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
pub struct TableWrite {}

impl TableWrite {
    /// A writer for `user`, which goes on where the user's last commit ended.
    ///
    /// # Errors
    /// `Unsupported` by name for what this library cannot write; `Invalid` for a wrong option; `Storage`.
    pub async fn open(_table: &TableStore, _user: &str, _options: WriteOptions) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// The identifier of the user's last commit; `None` when there is none.
    pub fn last_committed(&self) -> Option<i64> {
        None
    }

    /// The properties of the snapshot of the user's last commit.
    pub fn last_properties(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Takes rows: all columns of the table by name, in any order, in their in-memory form. `kinds` are the bytes of
    /// [`alluvium_format::RowKind`], one a row; `None`: all `+I`.
    ///
    /// # Errors
    /// `Invalid` that names the column and row when the batch does not fit the table (nothing of it is taken then); `Storage`.
    pub async fn write(&mut self, _batch: RecordBatch, _kinds: Option<Int8Array>) -> Result<()> {
        Err(Error::internal("not built"))
    }

    /// Bytes that the buffers hold.
    pub fn buffered_bytes(&self) -> usize {
        0
    }

    /// Commits what was written since the last commit. Nothing happens when the identifier is committed already: the rows are
    /// dropped then, as they are in the table.
    ///
    /// # Errors
    /// Those of [`alluvium_store::FileStoreCommit::commit`].
    pub async fn commit(&mut self, _identifier: i64, _extras: CommitExtras) -> Result<Committed> {
        Err(Error::internal("not built"))
    }

    /// Replaces what is in `scope` by what was written, in one commit.
    ///
    /// # Errors
    /// As [`TableWrite::commit`].
    pub async fn overwrite(
        &mut self,
        _scope: OverwriteScope,
        _identifier: i64,
        _extras: CommitExtras,
    ) -> Result<Committed> {
        Err(Error::internal("not built"))
    }

    /// Waits for the compactions under way, commits them with the last identifier, and ends. Rows that were not committed are dropped.
    ///
    /// # Errors
    /// As [`TableWrite::commit`].
    pub async fn close(self) -> Result<Committed> {
        Err(Error::internal("not built"))
    }
}
