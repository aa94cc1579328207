//! The one door that changes a table: messages of writers become one or two snapshots.
//!
//! Goes in: a [`Committable`]. Comes out: the snapshots it made. Invariants: the put of `snapshot-N` is the only commit; a commit is
//! done at most once per (commit user, identifier, kind); an outcome that is not known is read back, never guessed; a file is deleted
//! only when it is certain that no snapshot names it. Answers to `org.apache.paimon.operation.FileStoreCommitImpl`.

use alluvium_format::{BinaryRow, CommitMessage, Error, Result, Snapshot};
use indexmap::IndexMap;

use crate::table_store::TableStore;

/// What one checkpoint of one writer commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committable {
    /// Counts up per commit user; the checkpoint's id.
    pub identifier: i64,
    /// Event time up to which the input is complete, milliseconds since 1970.
    pub watermark: Option<i64>,
    /// Kept in the snapshot.
    pub properties: IndexMap<String, String>,
    /// What each bucket's writer did.
    pub messages: Vec<CommitMessage>,
}

/// What becomes of a commit without files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EmptyCommits {
    /// It makes no snapshot.
    #[default]
    Skipped,
    /// It makes an APPEND snapshot, so that its identifier is known to be committed.
    Published,
}

/// Which partitions an overwrite replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverwriteScope {
    /// Those that the new files are in (`dynamic-partition-overwrite`).
    Written,
    /// These; the empty row stands for a table without partitions.
    Partitions(Vec<BinaryRow>),
    /// All.
    Table,
}

/// The snapshots of one commit: none, one, or two (APPEND, then COMPACT).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committed {
    /// In the order of their ids.
    pub snapshots: Vec<Snapshot>,
}

/// Commits for one commit user.
#[derive(Clone, Debug)]
pub struct FileStoreCommit {
    #[expect(dead_code, reason = "not built")]
    table: TableStore,
    #[expect(dead_code, reason = "not built")]
    user: String,
}

impl FileStoreCommit {
    /// Commits to `table` as `user`.
    pub fn new(table: &TableStore, user: impl Into<String>, _empty: EmptyCommits) -> Self {
        Self { table: table.clone(), user: user.into() }
    }

    /// The newest snapshot of this user that is left: identifiers up to its own are committed.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn last_committed(&self) -> Result<Option<Snapshot>> {
        Err(Error::internal("not built"))
    }

    /// Commits: the data part as APPEND, then the compact part as COMPACT.
    ///
    /// # Errors
    /// `Conflict` when files it compacted are gone or key ranges clash: nothing of that part is visible, plan again; `Unknown` when the
    /// store does not say and reading back does not tell either: its files must be kept; `Storage` when nothing was published.
    pub async fn commit(&self, _committable: Committable) -> Result<Committed> {
        Err(Error::internal("not built"))
    }

    /// Replaces what is in `scope` by the new files, in one OVERWRITE snapshot.
    ///
    /// # Errors
    /// As [`FileStoreCommit::commit`].
    pub async fn overwrite(&self, _scope: OverwriteScope, _committable: Committable) -> Result<Committed> {
        Err(Error::internal("not built"))
    }
}
