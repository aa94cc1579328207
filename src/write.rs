//! The writer of a table.

use std::collections::BTreeMap;

use alluvium_format::Result;
use alluvium_store::{Committed, OverwriteScope};
use alluvium_writer::{CommitExtras, TableWrite};
use arrow_array::{Int8Array, RecordBatch};

/// Writes changes and commits them, each commit exactly once per (commit user, identifier).
#[derive(Debug)]
pub struct StreamWrite {
    write: TableWrite,
}

impl StreamWrite {
    pub(crate) fn of(write: TableWrite) -> Self {
        Self { write }
    }

    /// The identifier of this user's last commit; `None` when there is none.
    pub fn last_committed(&self) -> Option<i64> {
        self.write.last_committed()
    }

    /// The properties of this user's last commit.
    pub fn last_properties(&self) -> BTreeMap<String, String> {
        self.write.last_properties()
    }

    /// Bytes that wait in buffers.
    pub fn buffered_bytes(&self) -> usize {
        self.write.buffered_bytes()
    }

    /// Takes rows: the table's columns by name, in any order. `kinds` are the bytes of [`crate::RowKind`], one a row; `None`: all `+I`.
    ///
    /// # Errors
    /// `Invalid` that names the column and row when the batch does not fit the table; `Storage`.
    pub async fn write(&mut self, batch: RecordBatch, kinds: Option<Int8Array>) -> Result<()> {
        self.write.write(batch, kinds).await
    }

    /// Commits what was written since the last commit; a no-op when this user has committed the identifier before.
    ///
    /// # Errors
    /// `Conflict` when others changed the same files; `Unknown` when the store does not say; `Storage` when nothing was published.
    pub async fn commit(&mut self, identifier: i64) -> Result<Committed> {
        self.commit_with(identifier, CommitExtras::default()).await
    }

    /// Commits with a watermark or properties.
    ///
    /// # Errors
    /// As [`StreamWrite::commit`].
    pub async fn commit_with(&mut self, identifier: i64, extras: CommitExtras) -> Result<Committed> {
        self.write.commit(identifier, extras).await
    }

    /// Replaces what is in `scope` by what was written, in one commit.
    ///
    /// # Errors
    /// As [`StreamWrite::commit`].
    pub async fn overwrite(
        &mut self,
        scope: OverwriteScope,
        identifier: i64,
        extras: CommitExtras,
    ) -> Result<Committed> {
        self.write.overwrite(scope, identifier, extras).await
    }

    /// Waits for the compactions under way, commits them, and ends. Rows that were not committed are dropped.
    ///
    /// # Errors
    /// As [`StreamWrite::commit`].
    pub async fn close(self) -> Result<Committed> {
        self.write.close().await
    }
}
