//! The hash indexes of a commit: what gave its rows their buckets, and the index files that go with them.
//!
//! Goes in: the messages of a commit. Comes out: the same with index files, which are published or deleted with the data files.
//! Answers to `org.apache.paimon.index.DynamicBucketIndexMaintainer`.

use alluvium_format::{CommitMessage, Error, Result};
use alluvium_store::{OverwriteScope, PartitionBucket};

use super::commits::Change;
use super::{TableWrite, WriteMode};
use crate::leftovers::Published;

impl TableWrite {
    /// Checks that the writer was opened for such a change.
    pub(super) fn check_mode(&self, change: &Change) -> Result<()> {
        match (self.partitioner.mode(), change) {
            (Some(WriteMode::Append), Change::Overwrite(_)) => Err(Error::invalid(
                "an overwrite with dynamic buckets: its rows have the buckets of the rows that it is to replace; open the writer with \
                 WriteMode::Overwrite",
            )),
            (Some(WriteMode::Overwrite), Change::Append) => Err(Error::invalid(
                "a commit that adds rows, by a writer with dynamic buckets that was opened with WriteMode::Overwrite: its rows have buckets of \
                 their own; open the writer with WriteMode::Append",
            )),
            (Some(_), Change::Overwrite(scope)) if *scope != OverwriteScope::Table && self.partitioner.moves_keys() => {
                Err(Error::unsupported(
                    "overwriting some partitions of a table whose primary key lacks a partition column: its keys may be in the others",
                ))
            }
            _ => Ok(()),
        }
    }

    /// The messages with the indexes of the buckets that got keys. When these cannot be written, what the messages name is deleted.
    pub(super) async fn with_hash_indexes(&mut self, mut messages: Vec<CommitMessage>) -> Result<Vec<CommitMessage>> {
        let Some(assigner) = self.partitioner.hash_assigner_mut() else { return Ok(messages) };
        let files = match assigner.write_changed().await {
            Ok(files) => files.to_vec(),
            Err(error) => {
                Published::Nothing.delete_leftovers(&self.table, &messages).await;
                return Err(error);
            }
        };
        for (bucket, file) in files {
            let of_bucket = |message: &&mut CommitMessage| is_of(message, &bucket);
            match messages.iter_mut().find(of_bucket) {
                Some(message) => message.data.new_index_files.push(file),
                None => return Err(Error::internal(format!("bucket {} got keys and is not open", bucket.bucket))),
            }
        }
        for message in messages.iter_mut().filter(|message| !message.data.is_empty()) {
            message.data.known_index_files = assigner.known_files(&message.partition);
        }
        Ok(messages)
    }
}

fn is_of(message: &CommitMessage, bucket: &PartitionBucket) -> bool {
    message.bucket == bucket.bucket && message.partition == bucket.partition
}
