//! `merge-engine = first-row`: the first record of a key wins.
//!
//! Records that retract are refused, or skipped with `ignore-delete`: `a+I@1 a+I@2` leaves `a+I@1`, and with `ignore-delete`
//! `a-D@1 a+I@2` leaves `a+I@2`. Answers to `org.apache.paimon.mergetree.compact.FirstRowMergeFunction`.

use alluvium_format::{Error, Result};

use super::Deletes;
use crate::key_value::is_retract;

/// The first record wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FirstRow {
    /// What becomes of records that retract: where they count they are refused.
    pub deletes: Deletes,
}

impl FirstRow {
    #[inline]
    pub(super) fn survivor(self, mut kinds: impl ExactSizeIterator<Item = i8>) -> Result<Option<usize>> {
        if self.deletes == Deletes::Ignored {
            return Ok(kinds.position(|kind| !is_retract(kind)));
        }
        let first = (kinds.len() > 0).then_some(0);
        if kinds.any(is_retract) {
            return Err(Error::invalid(
                "merge-engine = first-row cannot merge a record of kind -U or -D: set ignore-delete to skip such records",
            ));
        }
        Ok(first)
    }
}
