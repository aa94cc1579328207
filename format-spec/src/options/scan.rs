#![doc = include_str!("../../reading.md")]

use super::{CoreOptions, MergeEngine};
use crate::error::Result;

impl CoreOptions {
    /// Whether batch reads leave level 0 out: with deletion vectors and `merge-engine = first-row`. Levels above it need no merge then.
    pub fn batch_scan_skip_level0(&self) -> Result<bool> {
        Ok(self.deletion_vectors_enabled()? || self.merge_engine()? == MergeEngine::FirstRow)
    }
}
