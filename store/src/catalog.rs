//! The filesystem catalog: databases are folders `<name>.db` of a warehouse, tables are folders in them.
//!
//! Goes in: a path, a URL, or any object store. Comes out: databases and tables. A table exists when it has a schema; it is created by
//! publishing `schema-0`. Names never leave their folder. Answers to `org.apache.paimon.catalog.FileSystemCatalog`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use alluvium_format::{Error, ErrorKind, Result, SchemaDefinition, path};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::external_files::external_files;
use crate::external_stores::{ALLOWED_EXTERNAL_PATHS, ExternalStores};
use crate::file_location::FileLocation;
use crate::local_disk::LocalDisk;
use crate::memory_budget::MemoryBudget;
use crate::schema_change;
use crate::schema_store::SchemaStore;
use crate::store_place::StorePlace;
use crate::table_io::{Publish, TableIo};
use crate::table_store::TableStore;

/// What keeps a database without tables in stores that have no folders.
const DATABASE_MARKER: &str = ".database";
/// The longest name of a database, table or branch: what file systems hold, with room for suffixes.
const NAME_BYTES_MAX: usize = 200;

/// `database.table`, optionally of a branch: `database.table$branch_name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableName {
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
    /// The branch; `None` is `main`.
    pub branch: Option<String>,
}

impl FromStr for TableName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::invalid(format!("{text:?} is no table: write it as database.table"));
        let (database, rest) = text.split_once('.').ok_or_else(wrong)?;
        let (table, suffix) = rest.split_once('$').map_or((rest, None), |(table, suffix)| (table, Some(suffix)));
        let branch = match suffix {
            None => None,
            Some(suffix) => match suffix.strip_prefix("branch_") {
                Some(branch) if !branch.contains('$') => Some(branch.to_owned()),
                _ => return Err(Error::unsupported(format!("the system table ${suffix}"))),
            },
        };
        for name in [Some(database), Some(table), branch.as_deref()].into_iter().flatten() {
            check_name(name)?;
        }
        let branch = branch.filter(|branch| branch != "main");
        Ok(Self { database: database.to_owned(), table: table.to_owned(), branch })
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.table)?;
        self.branch.as_ref().map_or(Ok(()), |branch| write!(f, "$branch_{branch}"))
    }
}

/// A name is one folder, never hidden, never a way out.
fn check_name(name: &str) -> Result<()> {
    let wrong = |why: &str| Err(Error::invalid(format!("{name:?} is no name: {why}")));
    if name.is_empty() {
        return wrong("it is empty");
    }
    if name.len() > NAME_BYTES_MAX {
        return wrong("it is too long");
    }
    if name.starts_with('.') || name.contains(['/', '\\', '$', '.']) || name.chars().any(char::is_control) {
        return wrong("it must not have . / \\ $ or control characters");
    }
    Ok(())
}

/// The databases and tables of a warehouse.
#[derive(Clone, Debug)]
pub struct FileSystemCatalog {
    io: TableIo,
    warehouse: String,
}

impl FileSystemCatalog {
    /// The warehouse at a path, or a URL (`file://`, `memory:`, and with their features `s3://`, `gs://`, `az://`). The options are
    /// [`ALLOWED_EXTERNAL_PATHS`], and those of the store, by `object_store`'s names, which are never printed.
    ///
    /// # Errors
    /// `Invalid` for a path or URL that is none; `Unsupported` for a store that was not built in.
    pub fn open(warehouse: &str, options: &BTreeMap<String, String>) -> Result<Self> {
        let mut options = options.clone();
        let external = options.remove(ALLOWED_EXTERNAL_PATHS).unwrap_or_default();
        let external = ExternalStores::open(&external, &options)?;
        let StorePlace { store, base, publish, local_root, announcements } =
            StorePlace::open(warehouse, &options).map_err(|error| error.context("opening the warehouse"))?;
        let warehouse = match &local_root {
            Some(root) => root.join(base.as_ref()).display().to_string(),
            None => warehouse.to_owned(),
        };
        let io = TableIo::new(store, base, publish).with_announcements(announcements);
        let io = local_root.into_iter().fold(io, TableIo::with_local_root);
        Ok(Self { io: io.with_external_stores(external), warehouse })
    }

    /// The warehouse below `base` of any store.
    pub fn new(store: Arc<dyn ObjectStore>, base: Path, publish: Publish) -> Self {
        let warehouse = base.to_string();
        Self { io: TableIo::new(store, base, publish), warehouse }
    }

    /// The warehouse of a [`TableIo`].
    pub fn of(io: TableIo) -> Self {
        let warehouse = io.base().to_string();
        Self { io, warehouse }
    }

    /// With this memory for rows, which all work in the warehouse shares; without it there is one of
    /// [`crate::memory_budget::DEFAULT_BYTES`].
    #[must_use]
    pub fn with_memory(mut self, memory: MemoryBudget) -> Self {
        self.io = self.io.with_memory(memory);
        self
    }

    /// With these folders where files outside of tables may be, in place of those of [`ALLOWED_EXTERNAL_PATHS`].
    #[must_use]
    pub fn with_external_stores(mut self, external: ExternalStores) -> Self {
        self.io = self.io.with_external_stores(external);
        self
    }

    /// With this disk for what does not fit into memory; without it there is one in the machine's temporary folder.
    #[must_use]
    pub fn with_local_disk(mut self, disk: LocalDisk) -> Self {
        self.io = self.io.with_local_disk(disk);
        self
    }

    /// With the machine's temporary folder for what does not fit into memory, and so many bytes at most in it, of all that is done in the
    /// warehouse. Where they are not enough, writers flush their rows to the table early; other work fails with `Storage`, and says so.
    #[must_use]
    pub fn with_disk_limit(mut self, bytes_max: u64) -> Self {
        self.io = self.io.with_disk_limit(bytes_max);
        self
    }

    /// Where it is, as it was given.
    pub fn warehouse(&self) -> &str {
        &self.warehouse
    }

    /// Its folder.
    pub fn io(&self) -> &TableIo {
        &self.io
    }

    /// Names of the databases, sorted.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn list_databases(&self) -> Result<Vec<String>> {
        let folders = self.io.list_folders("").await?;
        let mut names: Vec<String> =
            folders.iter().filter_map(|name| name.strip_suffix(path::DATABASE_SUFFIX)).map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Whether there is such a database.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn database_exists(&self, name: &str) -> Result<bool> {
        Ok(self.list_databases().await?.iter().any(|other| other == name))
    }

    /// Creates a database.
    ///
    /// # Errors
    /// `AlreadyExists`; `Invalid` for the name; `Storage`.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        check_name(name)?;
        if self.database_exists(name).await? {
            return Err(Error::new(ErrorKind::AlreadyExists, format!("the database {name} exists already")));
        }
        let folder = database_folder(name);
        if self.io.has_folders() {
            return self.io.make_folder(&folder);
        }
        self.io.put(&format!("{folder}/{DATABASE_MARKER}"), bytes::Bytes::new()).await
    }

    /// Drops a database without tables.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when it has tables; `Storage`.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        self.check_database(name).await?;
        let tables = self.list_tables(name).await?;
        if !tables.is_empty() {
            let message = format!("the database {name} has tables ({}): drop them first", tables.join(", "));
            return Err(Error::invalid(message));
        }
        let folder = database_folder(name);
        self.io.delete(&format!("{folder}/{DATABASE_MARKER}")).await?;
        self.io.remove_folder(&folder)
    }

    /// Names of the tables of a database, sorted.
    ///
    /// # Errors
    /// `NotFound` when there is no such database; `Storage`.
    pub async fn list_tables(&self, database: &str) -> Result<Vec<String>> {
        self.check_database(database).await?;
        let folder = database_folder(database);
        let mut names = Vec::new();
        for name in self.io.list_folders(&folder).await? {
            let schemas = SchemaStore::new(self.io.below(&format!("{folder}/{name}"))?);
            if !schemas.ids().await?.is_empty() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Creates a table and opens it.
    ///
    /// # Errors
    /// `AlreadyExists`; `NotFound` when there is no such database; `Invalid` for the definition; `Storage`.
    pub async fn create_table(&self, name: &TableName, definition: SchemaDefinition) -> Result<TableStore> {
        self.check_database(&name.database).await?;
        if name.branch.is_some() {
            return Err(Error::invalid(format!("{name} names a branch: a table is created without one")));
        }
        let io = self.io.below(&table_folder(name))?;
        let schema = definition.into_schema(io.clock().now_millis())?;
        schema_change::check(&schema, &schema.fields)?;
        let schemas = SchemaStore::new(io);
        let exists = || Error::new(ErrorKind::AlreadyExists, format!("the table {name} exists already"));
        if schemas.latest().await?.is_some() || !schemas.create(&schema).await? {
            return Err(exists());
        }
        self.table(name).await
    }

    /// Opens a table at its latest schema.
    ///
    /// # Errors
    /// `NotFound` that names what is missing; `Corrupt`; `Storage`.
    pub async fn table(&self, name: &TableName) -> Result<TableStore> {
        let io = self.io.below(&table_folder(name))?;
        let metadata = match &name.branch {
            Some(branch) => io.below(&path::branch(branch))?,
            None => io.clone(),
        };
        let Some(schema) = SchemaStore::new(metadata.clone()).latest().await? else {
            self.check_database(&name.database).await?;
            let tables = self.list_tables(&name.database).await?;
            let there = if tables.is_empty() { "none".to_owned() } else { tables.join(", ") };
            let message = format!("there is no table {name}; the tables of {} are: {there}", name.database);
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        TableStore::new(&name.to_string(), io, metadata, schema)
    }

    /// The paths of all files of a table, those outside of its folder too: what dropping it deletes, in that order. The schema goes first:
    /// from then on there is no such table.
    ///
    /// # Errors
    /// `NotFound`; `Unsupported` for a branch; `Invalid` for files that are where the catalog does not allow it; `Corrupt`; `Storage`.
    pub async fn table_files(&self, name: &TableName) -> Result<Vec<String>> {
        Ok(self.files_of(name).await?.into_iter().map(|(path, _)| path).collect())
    }

    /// Drops a table with all its files, and gives their paths.
    ///
    /// # Errors
    /// As [`FileSystemCatalog::table_files`]; nothing is deleted then but by a store that fails on the way.
    pub async fn drop_table(&self, name: &TableName) -> Result<Vec<String>> {
        let files = self.files_of(name).await?;
        for (_, file) in &files {
            file.delete().await?;
        }
        self.io.remove_folder(&table_folder(name))?;
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }

    async fn files_of(&self, name: &TableName) -> Result<Vec<(String, FileLocation)>> {
        if name.branch.is_some() {
            return Err(Error::unsupported(format!("dropping a branch ({name})")));
        }
        let table = self.table(name).await?;
        let folder = format!("{}/{}", self.warehouse.trim_end_matches('/'), table_folder(name));
        let mut own: Vec<String> = table.io().list_all("").await?.into_iter().map(|file| file.path).collect();
        let is_schema = |file: &String| file.starts_with(&format!("{}/", path::SCHEMA_FOLDER));
        own.sort_by_key(|file| (!is_schema(file), file.clone()));
        let own = own.into_iter().map(|file| (format!("{folder}/{file}"), FileLocation::in_folder(table.io(), file)));
        Ok(own.chain(external_files(&table).await?).collect())
    }

    async fn check_database(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let names = self.list_databases().await?;
        if names.iter().any(|other| other == name) {
            return Ok(());
        }
        let there =
            if names.is_empty() { "there are none".to_owned() } else { format!("there are {}", names.join(", ")) };
        Err(Error::new(ErrorKind::NotFound, format!("there is no database {name} in {}: {there}", self.warehouse)))
    }
}

fn database_folder(name: &str) -> String {
    format!("{name}{}", path::DATABASE_SUFFIX)
}

fn table_folder(name: &TableName) -> String {
    format!("{}/{}", database_folder(&name.database), name.table)
}
