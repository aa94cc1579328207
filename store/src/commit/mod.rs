//! The one door that changes a table: messages of writers become one or two snapshots.
//!
//! Goes in: a [`Committable`]. Comes out: the snapshots it made. Invariants: the put of `snapshot-N` is the only commit; a commit is
//! done at most once per (commit user, identifier, kind); an outcome that is not known is read back, never guessed; a file is deleted
//! only when it is certain that no snapshot names it. Answers to `org.apache.paimon.operation.FileStoreCommitImpl`.

mod attempt;
mod changes;
mod conflict;
mod doubt;
mod index_merge;
mod known_rows;
mod manifest_merge;
mod overwrite;
mod plan;
mod prepare;
#[cfg(test)]
mod tests;
mod vector_conflict;

use std::sync::Arc;

use alluvium_format::options::key;
use alluvium_format::{BinaryRow, CommitKind, CommitMessage, Error, Result, ResultExt, Snapshot};
use indexmap::IndexMap;

use crate::table_store::TableStore;
use attempt::Work;
use changes::{Change, Changes, DeletedStats};
use doubt::{CommitKey, Doubts};
use overwrite::{Replaced, upgrade};

/// Options under which a commit does more than this one, with the value that turns them off.
const REFUSED: [(&str, &str); 6] = [
    (key::ROW_TRACKING_ENABLED, "false"),
    (key::DATA_EVOLUTION_ENABLED, "false"),
    (key::CLUSTERING_OVERRIDE, "false"),
    (key::MANIFEST_FORMAT, "avro"),
    ("commit.discard-duplicate-files", "false"),
    ("commit.strict-mode.last-safe-snapshot", ""),
];

/// What one checkpoint of one writer commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committable {
    /// Counts up per commit user; the checkpoint's id.
    pub identifier: i64,
    /// Event time up to which the input is complete, milliseconds since 1970.
    pub watermark: Option<i64>,
    /// Kept in the snapshot.
    pub properties: IndexMap<String, String>,
    /// The snapshot, 0 before the first, up to which the rows of the table are known to whoever wrote these: rows that others brought since are
    /// a conflict. `None` where it makes no difference.
    pub known_until: Option<i64>,
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

/// Commits for one commit user. Clones share what they know of commits in doubt.
#[derive(Clone, Debug)]
pub struct FileStoreCommit {
    table: TableStore,
    user: Arc<str>,
    empty: EmptyCommits,
    doubts: Doubts,
}

impl FileStoreCommit {
    /// Commits to `table` as `user`.
    pub fn new(table: &TableStore, user: impl Into<String>, empty: EmptyCommits) -> Self {
        Self { table: table.clone(), user: user.into().into(), empty, doubts: Doubts::default() }
    }

    /// The newest snapshot of this user that is left: identifiers up to its own are committed.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn last_committed(&self) -> Result<Option<Snapshot>> {
        self.table.snapshots().latest_of_user(&self.user).await
    }

    /// Commits: the data part as APPEND (as OVERWRITE when it deletes files), then the compact part as COMPACT. A commit that failed may be
    /// given again, to this value or a clone of it: a part that is there already is not made again.
    ///
    /// # Errors
    /// `Conflict` when files it compacted are gone or key ranges clash: nothing of that part is visible, plan again; `Unknown` when the
    /// store does not say and reading back does not tell either: its files must be kept; `Storage` when nothing was published.
    pub async fn commit(&self, committable: Committable) -> Result<Committed> {
        let Changes { append, compact } = Changes::of(committable, self.deleted_stats()?);
        self.check_supported()?;
        let mut committed = Committed::default();
        if !append.is_empty() || self.empty == EmptyCommits::Published {
            committed.snapshots.push(self.publish(&Work::Change(append.into())).await?);
        }
        self.commit_compact(compact, committed).await
    }

    /// Replaces what is in `scope` by the new files, in one OVERWRITE snapshot; a compact part follows as COMPACT. The changelog is left
    /// out, as in Java. With [`OverwriteScope::Written`] and nothing written to a partitioned table there is no snapshot.
    ///
    /// # Errors
    /// As [`FileStoreCommit::commit`]; `Invalid` when a new file is outside of the scope.
    pub async fn overwrite(&self, scope: OverwriteScope, committable: Committable) -> Result<Committed> {
        let Changes { append: mut new, compact } = Changes::of(committable, self.deleted_stats()?);
        let replaced = Replaced::of(scope, &new, self.table.partition_types().len())?;
        new.kind = CommitKind::Overwrite;
        self.check_supported()?;
        let options = self.table.options();
        if compact.is_empty() && options.overwrite_upgrade()? {
            let top_level = i32::try_from(options.num_levels()?.saturating_sub(1)).unwrap_or(i32::MAX);
            new.entries = upgrade(new.entries, &self.table.schema().key_types(), top_level)?;
        }
        let mut committed = Committed::default();
        if let Some(replaced) = replaced {
            let new = Arc::new(new);
            committed.snapshots.push(self.publish(&Work::Overwrite { replaced, new }).await?);
        }
        self.commit_compact(compact, committed).await
    }

    /// Publishes the compact part, the last of a commit.
    async fn commit_compact(&self, compact: Change, mut committed: Committed) -> Result<Committed> {
        if !compact.is_empty() {
            let published = self.publish(&Work::Change(compact.into())).await;
            let published = published.context(|| match committed.snapshots.last() {
                Some(data) => format!("the data part is committed as snapshot {}, the compact part is not", data.id),
                None => "committing a compaction".to_owned(),
            })?;
            committed.snapshots.push(published);
        }
        for snapshot in &committed.snapshots {
            self.doubts.settle(CommitKey { identifier: snapshot.commit_identifier, kind: snapshot.commit_kind });
        }
        if !committed.snapshots.is_empty() {
            self.expire_consumers().await;
        }
        Ok(committed)
    }

    /// Forgets consumers that did not move for longer than `consumer.expiration-time`, at best effort: the commit is done, and the next one
    /// tries again.
    async fn expire_consumers(&self) {
        let options = self.table.options();
        if let (Ok(Some(age)), Ok(false)) = (options.consumer_expiration_millis(), options.write_only()) {
            let before = self.table.io().clock().now_millis().saturating_sub(i64::try_from(age).unwrap_or(i64::MAX));
            let _ = self.table.consumers().expire(before).await;
        }
    }

    fn deleted_stats(&self) -> Result<DeletedStats> {
        let dropped = self.table.options().manifest_delete_file_drop_stats()?;
        Ok(if dropped { DeletedStats::Dropped } else { DeletedStats::Kept })
    }

    /// Refuses by name what this commit would not do as Java does.
    fn check_supported(&self) -> Result<()> {
        let options = self.table.options();
        for (name, off) in REFUSED {
            if let Some(value) = options.get(name).filter(|value| !value.eq_ignore_ascii_case(off)) {
                return Err(Error::unsupported(format!("committing with the option {name} = {value}")));
            }
        }
        Ok(())
    }
}
