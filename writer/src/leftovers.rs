//! What is left of a commit that failed: the files of which it is certain that no snapshot names them.
//!
//! Goes in: the messages of the commit, and what of it the snapshots show. Comes out: files to delete. Invariant: nothing is deleted in
//! doubt, neither when the outcome is not known nor when the snapshots cannot be read.

use std::collections::HashSet;

use alluvium_format::{CommitKind, CommitMessage, DataFileMeta, Error, ErrorKind, Snapshot};
use alluvium_store::{FileStoreCommit, PartitionBucket};

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

    /// The files of the messages that are certainly in no snapshot.
    pub(crate) fn leftovers(&self, messages: &[CommitMessage]) -> Vec<(PartitionBucket, Vec<DataFileMeta>)> {
        let files_of = |message: &CommitMessage| {
            let taken: HashSet<&str> = message.compact.compact_before.iter().map(|f| f.file_name.as_str()).collect();
            // A file in both lists was moved, not written.
            let written = message.compact.compact_after.iter().filter(|file| !taken.contains(file.file_name.as_str()));
            let compacted = written.chain(&message.compact.changelog_files).cloned();
            let rows = message.data.new_files.iter().chain(&message.data.changelog_files).cloned();
            match self {
                Self::Perhaps => Vec::new(),
                Self::Rows(_) => compacted.collect(),
                Self::Nothing => compacted.chain(rows).collect(),
            }
        };
        let bucket_of =
            |message: &CommitMessage| PartitionBucket { partition: message.partition.clone(), bucket: message.bucket };
        messages.iter().map(|message| (bucket_of(message), files_of(message))).collect()
    }
}
