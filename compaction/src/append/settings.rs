//! What the compactions of a table without a primary key go by, and how many of them go on at a time.

use std::num::NonZero;
use std::sync::Arc;

use alluvium_format::{DataFileMeta, DeletionVectorKind, Result};
use alluvium_store::TableStore;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use super::rules::AppendRules;

/// What the compactions of a table go by.
#[derive(Debug)]
pub struct AppendSettings {
    pub(super) table: TableStore,
    pub(super) rules: AppendRules,
    /// One permit for each compaction that may have files open.
    open: Semaphore,
    pub(super) deletion_kind: DeletionVectorKind,
    /// What entries say of a table without buckets.
    pub(super) total_buckets: i32,
}

impl AppendSettings {
    /// Those of a table, of which so many buckets are compacted at a time.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub(crate) fn at_once(table: &TableStore, buckets: NonZero<usize>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            rules: AppendRules::of(table.schema(), table.options())?,
            open: Semaphore::new(buckets.get().min(Semaphore::MAX_PERMITS)),
            deletion_kind: table.options().deletion_vector_kind()?,
            total_buckets: table.options().bucket()?,
            table: table.clone(),
        }))
    }

    /// The table.
    pub fn table(&self) -> &TableStore {
        &self.table
    }

    /// The rules by which files are picked.
    pub fn rules(&self) -> &AppendRules {
        &self.rules
    }

    /// Waits until one more compaction may have files open.
    ///
    /// # Errors
    /// None in practice.
    pub(crate) async fn admit(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.open.acquire().await
    }

    /// Whether all files have a schema that is known here: rewriting others as the schema at hand would lose their newer columns.
    pub(crate) fn knows_schemas_of(&self, files: &[DataFileMeta]) -> bool {
        files.iter().all(|file| file.schema_id <= self.table.schema().id)
    }
}
