//! Which files of a table hold keys that were looked up when they were compacted, so that each key has one row above level 0.
//!
//! Goes in: the options that are read by, and the schemas that files were written under. Comes out: [`LookedUp`]. A `first-row` table
//! always looks up; one with deletion vectors does since they were switched on, which is where the schemas say so without a gap.
//! Files from before may hold a key twice, and their level 0 was no matter of a later compaction: both are merged as they were
//! before. Java has no such rule: there only a full compaction makes a switch right.

use alluvium_format::{CoreOptions, DataFileMeta, ErrorKind, ManifestEntry, MergeEngine, Result};
use alluvium_store::TableStore;

/// Since when keys are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookedUp {
    /// Always.
    Always,
    /// Since the schema of this id.
    Since(i64),
    /// Never: compactions merge only what they are given.
    Never,
}

impl LookedUp {
    /// Of a read of `entries` under `options` and the schema of this id.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong; `Corrupt` or `Storage` of a schema.
    pub(crate) async fn of(
        table: &TableStore,
        options: &CoreOptions,
        schema_id: i64,
        entries: &[ManifestEntry],
    ) -> Result<Self> {
        if options.merge_engine()? == MergeEngine::FirstRow {
            return Ok(Self::Always);
        }
        let oldest = entries.iter().map(|entry| entry.file.schema_id).min();
        let Some(oldest) = oldest.filter(|oldest| *oldest <= schema_id) else { return Ok(Self::Never) };
        if !options.deletion_vectors_enabled()? {
            return Ok(Self::Never);
        }
        let mut since = Self::Never;
        for id in (oldest..=schema_id).rev() {
            match table.schemas().get(id).await {
                Ok(schema) if schema.core_options().deletion_vectors_enabled()? => since = Self::Since(id),
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            }
        }
        Ok(since)
    }

    /// Whether the file was written in that time.
    pub(crate) fn covers(self, file: &DataFileMeta) -> bool {
        match self {
            Self::Always => true,
            Self::Since(id) => file.schema_id >= id,
            Self::Never => false,
        }
    }
}
