//! The options by which the files of tables without a primary key are compacted.

use super::{CoreOptions, key};
use crate::error::Result;
use crate::schema::TableSchema;

impl CoreOptions {
    /// `compaction.min.file-num`: so many small files are worth a compaction.
    pub fn compaction_min_file_num(&self) -> Result<usize> {
        self.number(key::COMPACTION_MIN_FILE_NUM, 5)
    }

    /// `compaction.delete-ratio-threshold`: a file is compacted, whatever its size, when a larger part of its rows is deleted.
    pub fn compaction_delete_ratio_threshold(&self) -> Result<f64> {
        self.number(key::COMPACTION_DELETE_RATIO_THRESHOLD, 0.2)
    }

    /// `zorder.var-length-contribution`: so many bytes of a text or of bytes count in a sort compaction by Z-order.
    pub fn zorder_var_length_contribution(&self) -> Result<usize> {
        self.number(key::ZORDER_VAR_LENGTH_CONTRIBUTION, 8)
    }

    /// Files of at least so many bytes are left alone: seven tenths of the target, as what compactions write is often a bit smaller than
    /// the target.
    pub fn compaction_file_bytes(&self, schema: &TableSchema) -> Result<u64> {
        Ok(self.target_file_bytes(schema)? / 10 * 7)
    }
}
