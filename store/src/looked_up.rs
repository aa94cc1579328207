//! Which files of a table hold keys that were looked up when they were compacted, so that each key has one row above level 0.
//!
//! Goes in: the options of a read or a compaction, and the schemas that files were written under. Comes out: [`LookedUp`]. A `first-row`
//! table always looks up; one with deletion vectors does since they were switched on, which is where the schemas say so without a gap.
//! Files from before may hold a key twice, and their level 0 was no matter of a later compaction: both are merged as they were
//! before. For example, with `a@9(L3) a@2(L5)` from before, a lookup of `a` finds the newer row only, and the older one would outlive
//! it: such levels are merged with each other first. Java has no such rule: there only a full compaction makes a switch right.

use alluvium_format::{CoreOptions, DataFileMeta, ErrorKind, MergeEngine, Result};

use crate::table_store::TableStore;

/// Since when keys are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LookedUp {
    /// Always: `first-row`.
    Always,
    /// Since the schema with which deletion vectors were switched on.
    Since {
        /// Its id.
        schema: i64,
        /// What compactions did before.
        before: BeforeVectors,
    },
    /// Never so that each key has one row: there are no deletion vectors.
    #[default]
    Never,
}

/// What compactions did before there were deletion vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeforeVectors {
    /// They merged what they were given: of the records of a key above level 0 all count.
    Merged,
    /// They looked keys up, too (`changelog-producer = lookup`): that of the lowest level counts.
    LookedUp,
}

impl LookedUp {
    /// Of a read or a compaction of `files` under `options` and the schema of this id.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong; `Corrupt` or `Storage` of a schema.
    pub async fn of(
        table: &TableStore,
        options: &CoreOptions,
        schema_id: i64,
        files: impl IntoIterator<Item = &DataFileMeta>,
    ) -> Result<Self> {
        if options.merge_engine()? == MergeEngine::FirstRow {
            return Ok(Self::Always);
        }
        if !options.deletion_vectors_enabled()? {
            return Ok(Self::Never);
        }
        let oldest = files.into_iter().map(|file| file.schema_id).min().unwrap_or(schema_id);
        // Where no schema says so, an option of this read alone does.
        let (mut since, mut before) = (i64::MAX, BeforeVectors::LookedUp);
        for id in (oldest..=schema_id).rev() {
            let schema = match table.schemas().get(id).await {
                Ok(schema) => schema.core_options(),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    before = BeforeVectors::Merged;
                    break;
                }
                Err(error) => return Err(error),
            };
            if (since == i64::MAX || since == id + 1) && schema.deletion_vectors_enabled()? {
                since = id;
            } else if !schema.need_lookup()? {
                before = BeforeVectors::Merged;
                break;
            }
        }
        Ok(Self::Since { schema: since, before })
    }

    /// Whether the file was written in that time.
    pub fn covers(self, file: &DataFileMeta) -> bool {
        match self {
            Self::Always => true,
            Self::Since { schema, .. } => file.schema_id >= schema,
            Self::Never => false,
        }
    }

    /// Whether a key may have rows above level 0, in these files of a bucket, of which several are alive though deletion vectors delete:
    /// several levels are from before.
    pub fn leaves_versions<'a>(self, files: impl IntoIterator<Item = &'a DataFileMeta>) -> bool {
        if !matches!(self, Self::Since { .. }) {
            return false;
        }
        let mut levels = files.into_iter().filter(|file| file.level > 0 && !self.covers(file)).map(|file| file.level);
        let first = levels.next();
        levels.any(|level| Some(level) != first)
    }

    /// Whether of the records of a key all count that no deletion vector takes away, whatever their levels; else that of the lowest level
    /// above 0 counts, where the table looks up. Where each key has one row, both are the same.
    pub fn counts_all_levels(self) -> bool {
        matches!(self, Self::Since { before: BeforeVectors::Merged, .. })
    }
}
