//! Which options of a table that holds data may change: by dynamic options of a read or a write, or for good.
//!
//! Goes in: the options a table has, and a new value of one. Comes out: nothing, or an error that says why not. Files that are there
//! were written under the old value: an option that says what they mean stays. Answers to `SchemaManager.checkAlterTableOption` and
//! `AbstractFileStoreTable.checkImmutability`.

use super::{CoreOptions, key};
use crate::error::{Error, Result};

/// Options that never change.
const IMMUTABLE: [&str; 15] = [
    key::BUCKET_KEY,
    key::BUCKET_FUNCTION,
    key::DATA_FILE_PATH_DIRECTORY,
    key::MERGE_ENGINE,
    key::AGGREGATION_REMOVE_RECORD_ON_DELETE,
    key::PARTIAL_UPDATE_REMOVE_RECORD_ON_DELETE,
    key::PARTIAL_UPDATE_REMOVE_RECORD_ON_SEQUENCE_GROUP,
    key::ROWKIND_FIELD,
    key::PRIMARY_KEY,
    key::PARTITION,
    key::FORCE_LOOKUP,
    key::ROW_TRACKING_ENABLED,
    key::DATA_EVOLUTION_ENABLED,
    key::INDEX_FILE_IN_DATA_FILE_DIR,
    key::CLUSTERING_OVERRIDE,
];

impl CoreOptions {
    /// Checks that the option `name` of a table with these options may become `value`.
    ///
    /// # Errors
    /// `Invalid` that says why it must stay as it is.
    pub fn check_change(&self, name: &str, value: &str) -> Result<()> {
        if self.get(name) == Some(value.trim()) {
            return Ok(());
        }
        let refused = |why: &str| {
            let from = self.get(name).map_or_else(|| "not set".to_owned(), str::to_owned);
            Err(Error::invalid(format!("the option {name} cannot change from {from} to {value}: {why}")))
        };
        let becomes = CoreOptions::new([(name.to_owned(), value.to_owned())].into_iter().collect());
        if IMMUTABLE.contains(&name) {
            return refused("files of the table were written under it; make a new table");
        }
        match name {
            key::BUCKET if self.bucket()? == -1 || becomes.bucket()? == -1 => {
                refused("dynamic buckets know where each key is, others go by its hash; make a new table")
            }
            key::DELETION_VECTORS_ENABLED if !self.deletion_vectors_modifiable()? => {
                if self.deletion_vectors_enabled()? == becomes.deletion_vectors_enabled()? {
                    return Ok(());
                }
                refused(
                    "rows would be read twice or come back unless all was fully compacted just before; \
                     set deletion-vectors.modifiable = true on the table when it was",
                )
            }
            key::IGNORE_UPDATE_BEFORE if self.ignore_update_before()? && !becomes.ignore_update_before()? => {
                refused("what was ignored is gone")
            }
            _ if key::IGNORE_DELETE_NAMES.contains(&name) && self.ignore_delete()? && !becomes.ignore_delete()? => {
                refused("what was ignored is gone")
            }
            _ => Ok(()),
        }
    }

    /// `deletion-vectors.modifiable`.
    pub fn deletion_vectors_modifiable(&self) -> Result<bool> {
        self.flag(key::DELETION_VECTORS_MODIFIABLE)
    }
}
