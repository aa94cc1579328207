//! By which rules the files of tables without a primary key are compacted.

use alluvium_format::{CoreOptions, DataFileMeta, Result, TableSchema};

use crate::strategy::Rewriting;

/// The rules of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AppendRules {
    /// What files are to grow to.
    pub target_file_bytes: i64,
    /// Smaller files are small.
    pub small_file_bytes: i64,
    /// So many files are worth a compaction.
    pub files_min: usize,
    /// What a file counts for besides its bytes.
    pub open_file_bytes: i64,
    /// A file of which a larger part is deleted is compacted, whatever its size.
    pub deleted_ratio_max: f64,
    /// What a full compaction rewrites.
    pub rewriting: Rewriting,
}

impl AppendRules {
    /// Those of the options.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub fn of(schema: &TableSchema, options: &CoreOptions) -> Result<Self> {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let all_files = options.force_rewrite_all_files()?;
        Ok(Self {
            target_file_bytes: bytes(options.target_file_bytes(schema)?),
            small_file_bytes: bytes(options.compaction_file_bytes(schema)?),
            files_min: options.compaction_min_file_num()?,
            open_file_bytes: bytes(options.source_split_open_file_bytes()?),
            deleted_ratio_max: options.compaction_delete_ratio_threshold()?,
            rewriting: if all_files { Rewriting::AllFiles } else { Rewriting::WhereNeeded },
        })
    }

    /// Whether a file is small.
    pub fn is_small(&self, file: &DataFileMeta) -> bool {
        file.file_size < self.small_file_bytes
    }

    /// Whether files of so many bytes are enough for two of the target size.
    pub(super) fn is_enough(&self, bytes: i64) -> bool {
        bytes >= self.target_file_bytes.saturating_mul(2)
    }

    /// Whether so many files of so many bytes become fewer.
    pub(super) fn makes_fewer(&self, files: usize, bytes: i64) -> bool {
        let filled = bytes.max(0) / self.target_file_bytes.max(1);
        usize::try_from(filled).unwrap_or(usize::MAX).saturating_add(1) < files
    }
}
