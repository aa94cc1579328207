//! What is left of a commit that failed: the files of which it is certain that no snapshot names them.
//!
//! Goes in: the messages of the commit, and what of it the snapshots show. Nothing comes out: the files are deleted. Invariant: nothing is deleted in
//! doubt, neither when the outcome is not known nor when the snapshots cannot be read.

use alluvium_compaction::{delete_unpublished, delete_unpublished_compaction};
use alluvium_format::{CommitKind, CommitMessage, DataFileMeta, Error, ErrorKind, Snapshot};
use alluvium_store::{FileStoreCommit, PartitionBucket, TableStore, index_files};

/// How much of a commit that failed is in the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Published {
    /// Nothing.
    Nothing,
    /// The rows, by this snapshot; not the compactions.
    Rows(Box<Snapshot>),
    /// Everything, or it cannot be said.
    Perhaps,
}

impl Published {
    /// What is there of the commit `identifier`, which failed with `error`, and before which `last` was the user's last snapshot.
    pub(crate) async fn find(
        commit: &FileStoreCommit,
        identifier: i64,
        last: Option<&Snapshot>,
        error: &Error,
    ) -> Self {
        if error.kind() == ErrorKind::Unknown {
            return Self::Perhaps;
        }
        let is_new = |snapshot: &Snapshot| last.is_none_or(|last| snapshot.id > last.id);
        match commit.last_committed().await {
            Err(_) => Self::Perhaps,
            Ok(Some(snapshot)) if is_new(&snapshot) && snapshot.commit_identifier == identifier => {
                match snapshot.commit_kind {
                    CommitKind::Compact => Self::Perhaps,
                    _ => Self::Rows(Box::new(snapshot)),
                }
            }
            Ok(_) => Self::Nothing,
        }
    }

    /// Deletes the files of the messages that are certainly in no snapshot, at best effort.
    pub(crate) async fn delete_leftovers(&self, table: &TableStore, messages: &[CommitMessage]) {
        if *self == Self::Perhaps {
            return;
        }
        for message in messages {
            let bucket = PartitionBucket { partition: message.partition.clone(), bucket: message.bucket };
            delete_unpublished_compaction(table, &bucket, &message.compact).await;
            if *self == Self::Nothing {
                let written = message.data.new_files.iter().chain(&message.data.changelog_files);
                delete_unpublished(table, &bucket, written).await;
                for file in &message.data.new_index_files {
                    index_files::delete_unpublished(table, &bucket, file).await;
                }
            }
        }
    }
}

/// Takes the changelog, which an overwrite leaves out, from messages of which nothing else is deleted.
pub(crate) async fn drop_changelog(table: &TableStore, messages: &mut [CommitMessage]) {
    for message in messages {
        let bucket = PartitionBucket { partition: message.partition.clone(), bucket: message.bucket };
        let (rows, compact) = (&mut message.data.changelog_files, &mut message.compact.changelog_files);
        let unnamed: Vec<DataFileMeta> = rows.drain(..).chain(compact.drain(..)).collect();
        delete_unpublished(table, &bucket, &unnamed).await;
    }
}
