//! One table at rest: its folder, its latest schema, its options, and the stores of its metadata.

use std::sync::Arc;

use alluvium_format::partition::PartitionNaming;
use alluvium_format::{CoreOptions, DataType, Error, ErrorKind, Result, TableSchema};

use crate::consumer_store::ConsumerStore;
use crate::deletion_vectors::VectorCache;
use crate::manifest_store::ManifestStore;
use crate::schema_store::SchemaStore;
use crate::snapshot_store::SnapshotStore;
use crate::table_io::TableIo;
use crate::tag_store::TagStore;

/// One table, or one branch of it. Cheap to clone: clones share what they have read.
#[derive(Clone, Debug)]
pub struct TableStore {
    name: Arc<str>,
    io: TableIo,
    schema: Arc<TableSchema>,
    /// Options over those of the schema.
    dynamic: Arc<Vec<(String, String)>>,
    options: Arc<CoreOptions>,
    naming: Arc<PartitionNaming>,
    schemas: SchemaStore,
    snapshots: SnapshotStore,
    manifests: ManifestStore,
    tags: TagStore,
    consumers: ConsumerStore,
    vectors: VectorCache,
}

impl TableStore {
    /// The table below `io`, whose metadata is below `metadata` (the same folder, or a branch's), with its latest schema.
    ///
    /// # Errors
    /// `Invalid` when an option of the schema is wrong.
    pub fn new(name: &str, io: TableIo, metadata: TableIo, schema: Arc<TableSchema>) -> Result<Self> {
        let options = schema.core_options();
        Ok(Self {
            name: name.into(),
            naming: Arc::new(PartitionNaming::of(&options)?),
            options: Arc::new(options),
            schema,
            dynamic: Arc::default(),
            schemas: SchemaStore::new(metadata.clone()),
            snapshots: SnapshotStore::new(metadata.clone()),
            manifests: ManifestStore::new(io.clone()),
            tags: TagStore::new(metadata.clone()),
            consumers: ConsumerStore::new(metadata),
            vectors: VectorCache::default(),
            io,
        })
    }

    /// The same table with dynamic options over its own.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong, or one of a table that holds data must stay as it is.
    pub fn with_options<'a>(&self, dynamic: impl IntoIterator<Item = (&'a String, &'a String)>) -> Result<Self> {
        let dynamic: Vec<(&String, &String)> = dynamic.into_iter().collect();
        dynamic.iter().try_for_each(|(name, value)| self.options.check_change(name, value))?;
        let schema = self.schema.with_options(dynamic.iter().copied());
        let options = schema.core_options();
        let dynamic = dynamic.into_iter().map(|(name, value)| (name.clone(), value.clone()));
        Ok(Self {
            dynamic: Arc::new(self.dynamic.iter().cloned().chain(dynamic).collect()),
            naming: Arc::new(PartitionNaming::of(&options)?),
            options: Arc::new(options),
            schema: Arc::new(schema),
            ..self.clone()
        })
    }

    /// The same table at the schema that is the latest now, with the dynamic options over it.
    ///
    /// # Errors
    /// `NotFound` when the table is gone; `Invalid` when an option does not fit the schema; `Corrupt`; `Storage`.
    pub async fn at_latest_schema(&self) -> Result<Self> {
        let latest = self.schemas.latest().await?;
        let Some(latest) = latest else {
            let gone = format!("the table {} has no schema any more", self.name);
            return Err(Error::new(ErrorKind::NotFound, gone));
        };
        if latest.id == self.schema.id { Ok(self.clone()) } else { self.at_schema(latest) }
    }

    /// The same table at this schema of it, with the dynamic options over it.
    ///
    /// # Errors
    /// `Invalid` when an option does not fit the schema.
    pub fn at_schema(&self, schema: Arc<TableSchema>) -> Result<Self> {
        let options = schema.core_options();
        let plain = Self {
            naming: Arc::new(PartitionNaming::of(&options)?),
            options: Arc::new(options),
            schema,
            dynamic: Arc::default(),
            ..self.clone()
        };
        plain.with_options(self.dynamic.iter().map(|(name, value)| (name, value)))
    }

    /// `db.table`, as it was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The table's folder.
    pub fn io(&self) -> &TableIo {
        &self.io
    }

    /// The latest schema when the table was opened, with dynamic options.
    pub fn schema(&self) -> &Arc<TableSchema> {
        &self.schema
    }

    /// The options of [`TableStore::schema`].
    pub fn options(&self) -> &CoreOptions {
        &self.options
    }

    /// All schemas.
    pub fn schemas(&self) -> &SchemaStore {
        &self.schemas
    }

    /// Snapshots and long-lived changelogs.
    pub fn snapshots(&self) -> &SnapshotStore {
        &self.snapshots
    }

    /// Manifests.
    pub fn manifests(&self) -> &ManifestStore {
        &self.manifests
    }

    /// Tags.
    pub fn tags(&self) -> &TagStore {
        &self.tags
    }

    /// Consumers.
    pub fn consumers(&self) -> &ConsumerStore {
        &self.consumers
    }

    /// Deletion vectors that were read.
    pub(crate) fn vector_cache(&self) -> &VectorCache {
        &self.vectors
    }

    /// The types of the partition columns.
    pub fn partition_types(&self) -> Vec<DataType> {
        self.schema.partition_types()
    }

    /// How partitions become folders.
    pub(crate) fn partition_naming(&self) -> &PartitionNaming {
        &self.naming
    }
}
