//! What compacts one bucket: by the rules of an LSM tree, or, where there is no primary key, by those of appending.
//!
//! Answers to `org.apache.paimon.compact.CompactManager`.

use std::sync::Arc;

use alluvium_format::{CompactIncrement, DataFileMeta, Result};
use alluvium_store::{BucketDeletionVectors, LookedUp, PartitionBucket, TableStore};

use crate::append::{AppendCompaction, AppendSettings};
use crate::bucket_compaction::BucketCompaction;
use crate::settings::{CompactSettings, Picking};

/// What the compactions of a table go by.
#[derive(Clone, Debug)]
pub enum CompactorSettings {
    /// A table with a primary key.
    MergeTree(Arc<CompactSettings>),
    /// One without.
    Append(Arc<AppendSettings>),
}

/// The compactions of one bucket.
#[derive(Debug)]
pub enum BucketCompactor {
    /// Of a table with a primary key.
    MergeTree(Box<BucketCompaction>),
    /// Of one without.
    Append(Box<AppendCompaction>),
}

impl CompactorSettings {
    /// Those of a table.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub fn of(table: &TableStore) -> Result<Self> {
        Ok(if table.schema().primary_keys.is_empty() {
            Self::Append(AppendSettings::of(table)?)
        } else {
            Self::MergeTree(CompactSettings::of(table)?)
        })
    }

    /// The table.
    pub fn table(&self) -> &TableStore {
        match self {
            Self::MergeTree(settings) => settings.table(),
            Self::Append(settings) => settings.table(),
        }
    }

    /// Whether the records of level 0 are looked up in the levels above when they are compacted.
    pub fn needs_lookup(&self) -> bool {
        match self {
            Self::MergeTree(settings) => settings.needs_lookup(),
            Self::Append(_) => false,
        }
    }
}

impl BucketCompactor {
    /// The compactions of a bucket that has these files, of which these rows are deleted; keys were looked up as said.
    ///
    /// # Errors
    /// `Corrupt` when files of one level overlap.
    pub fn new(
        settings: &CompactorSettings,
        bucket: PartitionBucket,
        files: Vec<DataFileMeta>,
        vectors: BucketDeletionVectors,
        looked_up: LookedUp,
    ) -> Result<Self> {
        Ok(match settings {
            CompactorSettings::MergeTree(settings) => {
                Self::MergeTree(Box::new(BucketCompaction::new(settings, bucket, files, vectors, looked_up)?))
            }
            CompactorSettings::Append(settings) => {
                Self::Append(Box::new(AppendCompaction::new(settings, bucket, files, vectors)))
            }
        })
    }

    /// Takes a file that the writer flushed.
    ///
    /// # Errors
    /// `Internal` when it is not of level 0.
    pub fn add_flushed(&mut self, file: DataFileMeta) -> Result<()> {
        match self {
            Self::MergeTree(compaction) => compaction.add_flushed(file),
            Self::Append(compaction) => {
                compaction.add_flushed(file);
                Ok(())
            }
        }
    }

    /// Whether a flush waits for the compaction under way: reads would have too many runs to merge.
    pub fn holds_up_flush(&self) -> bool {
        match self {
            Self::MergeTree(compaction) => compaction.holds_up_flush(),
            Self::Append(_) => false,
        }
    }

    /// Whether a commit waits for it.
    pub fn holds_up_commit(&self) -> bool {
        match self {
            Self::MergeTree(compaction) => compaction.holds_up_commit(),
            Self::Append(_) => false,
        }
    }

    /// Whether something is left to do: a compaction is under way, or level 0 waits for its lookups.
    pub fn is_not_completed(&self) -> bool {
        match self {
            Self::MergeTree(compaction) => compaction.is_not_completed(),
            Self::Append(compaction) => compaction.is_running(),
        }
    }

    /// Whether level 0 waits for its lookups.
    pub fn awaits_lookups(&self) -> bool {
        match self {
            Self::MergeTree(compaction) => compaction.awaits_lookups(),
            Self::Append(_) => false,
        }
    }

    /// Starts a compaction when none is running and there is something to do.
    ///
    /// # Errors
    /// `Corrupt` when a file's key range cannot be decoded.
    pub fn trigger(&mut self, picking: Picking) -> Result<()> {
        match self {
            Self::MergeTree(compaction) => compaction.trigger(picking),
            Self::Append(compaction) => {
                compaction.trigger(picking);
                Ok(())
            }
        }
    }

    /// Takes in the compaction that is done, if one is.
    ///
    /// # Errors
    /// Those of the compaction, of which nothing is left then.
    pub async fn poll(&mut self) -> Result<()> {
        match self {
            Self::MergeTree(compaction) => compaction.poll().await,
            Self::Append(compaction) => compaction.poll().await,
        }
    }

    /// Waits for the compaction under way and takes it in.
    ///
    /// # Errors
    /// As [`BucketCompactor::poll`].
    pub async fn wait(&mut self) -> Result<()> {
        match self {
            Self::MergeTree(compaction) => compaction.wait().await,
            Self::Append(compaction) => compaction.wait().await,
        }
    }

    /// What was done since the last time, for a commit.
    ///
    /// # Errors
    /// `Storage` when deletion vectors cannot be written: nothing is taken then.
    pub async fn take_increment(&mut self) -> Result<CompactIncrement> {
        match self {
            Self::MergeTree(compaction) => compaction.take_increment().await,
            Self::Append(compaction) => compaction.take_increment().await,
        }
    }

    /// Stops what is running and deletes what compactions wrote since the last commit; the files that went into them are still there.
    pub async fn abandon(self) {
        match self {
            Self::MergeTree(compaction) => compaction.abandon().await,
            Self::Append(compaction) => compaction.abandon().await,
        }
    }
}
