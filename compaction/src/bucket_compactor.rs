//! What compacts one bucket: by the rules of an LSM tree, or, where there is no primary key, by those of appending.
//!
//! Answers to `org.apache.paimon.compact.CompactManager`.

use std::num::NonZero;
use std::sync::Arc;

use alluvium_format::{CompactIncrement, DataFileMeta, Result};
use alluvium_store::{BucketDeletionVectors, LookedUp, PartitionBucket, TableStore};

use crate::append::{AppendCompaction, AppendSettings};
use crate::bucket_compaction::BucketCompaction;
use crate::settings::{CompactSettings, Picking};
use crate::strategy::PickState;

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
    /// Those of a table, of which as many buckets are compacted at a time as there are cores.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub fn of(table: &TableStore) -> Result<Self> {
        Self::at_once(table, std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    /// Those of a table, of which so many buckets are compacted at a time.
    ///
    /// # Errors
    /// As [`CompactorSettings::of`].
    pub(crate) fn at_once(table: &TableStore, buckets: NonZero<usize>) -> Result<Self> {
        Ok(if table.schema().primary_keys.is_empty() {
            Self::Append(AppendSettings::at_once(table, buckets)?)
        } else {
            Self::MergeTree(CompactSettings::at_once(table, buckets)?)
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

    /// Whether what is to be done changes by the clock, though no file does.
    pub(crate) fn goes_by_clock(&self) -> bool {
        match self {
            Self::MergeTree(settings) => settings.goes_by_clock(),
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

    /// Going on from what earlier picks left.
    #[must_use]
    pub(crate) fn with_picks(self, picks: PickState) -> Self {
        match self {
            Self::MergeTree(compaction) => Self::MergeTree(Box::new(compaction.with_picks(picks))),
            Self::Append(compaction) => Self::Append(compaction),
        }
    }

    /// What its picks leave for those after them.
    pub(crate) fn picks(&self) -> PickState {
        match self {
            Self::MergeTree(compaction) => compaction.picks(),
            Self::Append(_) => PickState::default(),
        }
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
