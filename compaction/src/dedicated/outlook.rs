//! What a compaction would do, without doing it.
//!
//! Goes in: the levels of a bucket, and the plan. Comes out: numbers for a person, and how urgent it is: the bucket with the most
//! sorted runs first, as every read of it merges them all.

use alluvium_format::{DataFileMeta, Result};
use alluvium_merge_tree::Levels;
use alluvium_store::{PartitionBucket, TableStore};

use crate::strategy::{CompactPlan, CompactStep};

/// How urgent a compaction is; the larger one goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Heat {
    sorted_runs: usize,
    level0_bytes: u64,
}

/// What the compaction of one bucket would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketOutlook {
    /// The folder of the partition, relative to the table's: `dt=1/`, or nothing.
    pub partition: String,
    /// The bucket.
    pub bucket: i32,
    /// Its sorted runs: what a read has to merge.
    pub sorted_runs: usize,
    /// Files on level 0.
    pub level0_files: usize,
    /// Bytes on level 0.
    pub level0_bytes: u64,
    /// Files that would be taken; 0 where level 0 waits for a later pick.
    pub files: usize,
    /// Bytes of them that would be read and written again.
    pub bytes: u64,
    /// The level of what comes out.
    pub output_level: Option<i32>,
}

impl BucketOutlook {
    /// The outlook of a bucket with these levels.
    pub(crate) fn of(
        table: &TableStore,
        bucket: &PartitionBucket,
        levels: &Levels,
        plan: &CompactPlan,
    ) -> Result<Self> {
        let (mut files, mut bytes) = (0, 0u64);
        for step in &plan.steps {
            match step {
                CompactStep::Upgrade { .. } => files += 1,
                CompactStep::Rewrite { sections, .. } => {
                    for file in sections.iter().flat_map(alluvium_merge_tree::Section::files) {
                        files += 1;
                        bytes = bytes.saturating_add(bytes_of(file));
                    }
                }
            }
        }
        Ok(Self {
            partition: table.partition_path(&bucket.partition)?,
            bucket: bucket.bucket,
            sorted_runs: levels.number_of_sorted_runs(),
            level0_files: levels.level0().len(),
            level0_bytes: levels.level0().iter().map(bytes_of).fold(0, u64::saturating_add),
            files,
            bytes,
            output_level: Some(plan.output_level),
        })
    }

    /// The outlook of a bucket of a table without a primary key: of its files, these would be taken. Nothing is merged there, so that
    /// each small file is as a run to a read.
    pub(crate) fn of_append<'a>(
        table: &TableStore,
        bucket: &PartitionBucket,
        all: impl Iterator<Item = &'a DataFileMeta>,
        taken: &[DataFileMeta],
    ) -> Result<Self> {
        let (mut files, mut level0_bytes) = (0, 0u64);
        for file in all {
            files += 1;
            level0_bytes = level0_bytes.saturating_add(bytes_of(file));
        }
        Ok(Self {
            partition: table.partition_path(&bucket.partition)?,
            bucket: bucket.bucket,
            sorted_runs: files,
            level0_files: files,
            level0_bytes,
            files: taken.len(),
            bytes: taken.iter().map(bytes_of).fold(0, u64::saturating_add),
            output_level: Some(0),
        })
    }

    /// How urgent it is.
    pub(crate) fn heat(&self) -> Heat {
        Heat { sorted_runs: self.sorted_runs, level0_bytes: self.level0_bytes }
    }
}

/// The size of a file.
pub(crate) fn bytes_of(file: &DataFileMeta) -> u64 {
    u64::try_from(file.file_size).unwrap_or(0)
}
