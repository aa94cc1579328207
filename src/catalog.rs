//! Databases and tables of a warehouse, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_compaction::FleetScope;
use alluvium_format::{Result, SchemaDefinition};
use alluvium_store::{ExternalStores, LocalDisk, MemoryBudget, Publish, TableIo};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::compact_tables::CompactTables;
use crate::table::Table;

/// The databases and tables of a warehouse: folders of a file system or an object store, in Paimon's layout.
#[derive(Clone, Debug)]
pub struct FileSystemCatalog {
    catalog: alluvium_store::FileSystemCatalog,
}

impl FileSystemCatalog {
    /// The warehouse at a path or a URL (`file://`, `memory:`, and with their features `s3://`, `gs://`, `az://`). `options` are
    /// `allowed-external-paths`, the folders with commas between them where data files outside of tables may be, and those of the store, by
    /// `object_store`'s names; they are never printed.
    ///
    /// # Errors
    /// `Invalid` for a path or URL that is none; `Unsupported` for a store that was not built in.
    pub fn open(warehouse: &str, options: BTreeMap<String, String>) -> Result<Self> {
        Ok(Self { catalog: alluvium_store::FileSystemCatalog::open(warehouse, &options)? })
    }

    /// The warehouse below `base` of any store, whose conditional puts work as `publish` says.
    pub fn of_store(store: Arc<dyn ObjectStore>, base: Path, publish: Publish) -> Self {
        Self { catalog: alluvium_store::FileSystemCatalog::new(store, base, publish) }
    }

    /// The warehouse in a folder with its own clock and file names: for tests.
    pub fn of_io(io: TableIo) -> Self {
        Self { catalog: alluvium_store::FileSystemCatalog::of(io) }
    }

    /// With this memory for rows, shared by all that is done in the warehouse, and with other warehouses by clones of the budget. Without it
    /// there is one of [`alluvium_store::memory_budget::DEFAULT_BYTES`]. Where it is used up, rows go to the local disk.
    #[must_use]
    pub fn with_memory(self, memory: MemoryBudget) -> Self {
        Self { catalog: self.catalog.with_memory(memory) }
    }

    /// With these folders where data files outside of tables may be, in place of those of `allowed-external-paths`.
    #[must_use]
    pub fn with_external_stores(self, external: ExternalStores) -> Self {
        Self { catalog: self.catalog.with_external_stores(external) }
    }

    /// With this folder for what does not fit into memory; without it, the machine's temporary one.
    #[must_use]
    pub fn with_local_disk(self, disk: LocalDisk) -> Self {
        Self { catalog: self.catalog.with_local_disk(disk) }
    }

    /// With the machine's temporary folder for what does not fit into memory, and so many bytes at most in it, of all that is done in the
    /// warehouse. Where they are not enough, writers flush their rows to the table early; other work fails with `Storage`, and says so.
    #[must_use]
    pub fn with_disk_limit(self, bytes_max: u64) -> Self {
        Self { catalog: self.catalog.with_disk_limit(bytes_max) }
    }

    /// Where the warehouse is.
    pub fn warehouse(&self) -> &str {
        self.catalog.warehouse()
    }

    /// Names of the databases, sorted.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn list_databases(&self) -> Result<Vec<String>> {
        self.catalog.list_databases().await
    }

    /// Creates a database.
    ///
    /// # Errors
    /// `AlreadyExists`; `Invalid` for the name; `Storage`.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        self.catalog.create_database(name).await
    }

    /// Drops a database without tables.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when it has tables; `Storage`.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        self.catalog.drop_database(name).await
    }

    /// Names of the tables of a database, sorted.
    ///
    /// # Errors
    /// `NotFound` when there is no such database; `Storage`.
    pub async fn list_tables(&self, database: &str) -> Result<Vec<String>> {
        self.catalog.list_tables(database).await
    }

    /// Creates a table, `database.table`, and opens it.
    ///
    /// # Errors
    /// `AlreadyExists`; `NotFound` when there is no such database; `Invalid` for the name and the definition; `Storage`.
    pub async fn create_table(&self, name: &str, definition: SchemaDefinition) -> Result<Table> {
        self.catalog.create_table(&name.parse()?, definition).await.map(Table::of)
    }

    /// Opens a table, `database.table` or `database.table$branch_name`, at its latest schema.
    ///
    /// # Errors
    /// `NotFound` that names what is missing; `Corrupt`; `Storage`.
    pub async fn table(&self, name: &str) -> Result<Table> {
        self.catalog.table(&name.parse()?).await.map(Table::of)
    }

    /// The paths of all files of a table, those outside of its folder too: what dropping it deletes.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for files that are where the catalog does not allow it; `Corrupt`; `Storage`.
    pub async fn table_files(&self, name: &str) -> Result<Vec<String>> {
        self.catalog.table_files(&name.parse()?).await
    }

    /// Drops a table with all its files, and gives their paths.
    ///
    /// # Errors
    /// As [`FileSystemCatalog::table_files`].
    pub async fn drop_table(&self, name: &str) -> Result<Vec<String>> {
        self.catalog.drop_table(&name.parse()?).await
    }

    /// A compaction of many tables.
    pub fn compact_tables(&self, scope: FleetScope) -> CompactTables {
        CompactTables::of(self.catalog.clone(), scope)
    }
}
