//! Which options of a table that holds data may change: by dynamic options of a read or a write, or for good.
//!
//! Goes in: the options a table has, and a new value of one. Comes out: nothing, or an error that says why not. Files that are there
//! were written under the old value: an option that says what they mean stays. Answers to `SchemaManager.checkAlterTableOption`,
//! `checkResetTableOption` and `AbstractFileStoreTable.checkImmutability`.

use super::{CoreOptions, key};
use crate::error::{Error, Result};

/// Options that never change.
const IMMUTABLE: [&str; 18] = [
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
    "blob-descriptor-field",
    "blob-external-storage-path",
    "blob-external-storage-field",
];

/// Why the columns that order a clustered table stay.
const OF_CLUSTERING: &str = "pk-clustering-override is set, and files are ordered by these columns";

impl CoreOptions {
    /// Checks that the option `name` of a table with these options may become `value` for a read or a write: what it is already it may
    /// always be.
    ///
    /// # Errors
    /// `Invalid` that says why it must stay as it is.
    pub fn check_change(&self, name: &str, value: &str) -> Result<()> {
        if self.get(name) == Some(value.trim()) { Ok(()) } else { self.check_set(name, value) }
    }

    /// Checks that the option `name` of a table that holds data and has these options may be set to `value` for good.
    ///
    /// # Errors
    /// `Invalid` that says why it must stay as it is.
    pub fn check_set(&self, name: &str, value: &str) -> Result<()> {
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
            key::CLUSTERING_COLUMNS if self.get(key::CLUSTERING_OVERRIDE).is_some() => refused(OF_CLUSTERING),
            key::IGNORE_UPDATE_BEFORE if self.ignore_update_before()? && !becomes.ignore_update_before()? => {
                refused("what was ignored is gone")
            }
            _ if key::IGNORE_DELETE_NAMES.contains(&name) && self.ignore_delete()? && !becomes.ignore_delete()? => {
                refused("what was ignored is gone")
            }
            _ => Ok(()),
        }
    }

    /// Checks that the option `name` of a table that holds data and has these options may be taken away. Stricter than Java in one thing:
    /// deletion vectors are not switched off by the way.
    ///
    /// # Errors
    /// `Invalid` that says why it must stay as it is.
    pub fn check_reset(&self, name: &str) -> Result<()> {
        let refused = |why: &str| Err(Error::invalid(format!("the option {name} cannot be reset: {why}")));
        if IMMUTABLE.contains(&name) {
            return refused("files of the table were written under it; make a new table");
        }
        match name {
            key::BUCKET => refused("the table would have dynamic buckets; make a new table"),
            key::CLUSTERING_COLUMNS if self.get(key::CLUSTERING_OVERRIDE).is_some() => refused(OF_CLUSTERING),
            key::DELETION_VECTORS_ENABLED => self.check_set(name, "false"),
            _ => Ok(()),
        }
    }

    /// `alter-column-null-to-not-null.disabled`, true by default.
    pub fn alter_null_to_not_null_disabled(&self) -> Result<bool> {
        self.flag_or(key::ALTER_NULL_TO_NOT_NULL_DISABLED, true)
    }

    /// `disable-explicit-type-casting`.
    pub fn explicit_type_casting_disabled(&self) -> Result<bool> {
        self.flag(key::EXPLICIT_TYPE_CASTING_DISABLED)
    }

    /// `add-column-before-partition`.
    pub fn add_column_before_partition(&self) -> Result<bool> {
        self.flag(key::ADD_COLUMN_BEFORE_PARTITION)
    }

    /// `deletion-vectors.modifiable`.
    pub fn deletion_vectors_modifiable(&self) -> Result<bool> {
        self.flag(key::DELETION_VECTORS_MODIFIABLE)
    }
}
