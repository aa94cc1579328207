//! What of Paimon's options this library has: a table that needs more is refused by name, for writing before anything is
//! written, and for reading wherever the answer would not be right.

use super::{BucketMode, ChangelogProducer, CoreOptions, MergeEngine, key};
use crate::data_type::{DataType, TypeRoot};
use crate::error::{Error, Result};
use crate::schema::TableSchema;

impl CoreOptions {
    /// Checks that every option has a value of its kind and that columns they name are there.
    ///
    /// # Errors
    /// `Invalid` that names the option.
    pub fn validate(&self, schema: &TableSchema) -> Result<()> {
        self.bucket_mode(schema)?;
        self.bucket_function()?;
        self.merge_engine()?;
        self.changelog_producer()?;
        self.sequence_descending()?;
        self.ignore_delete()?;
        self.ignore_update_before()?;
        self.write_only()?;
        self.file_compression(0)?;
        self.target_file_bytes(schema)?;
        self.write_buffer_bytes()?;
        self.num_sorted_runs_stop_trigger()?;
        self.num_levels()?;
        schema.fields_of(&self.sequence_fields())?;
        if let Some(name) = self.rowkind_field() {
            let field = schema.fields_of(&[name])?;
            if !field.iter().all(|field| matches!(field.data_type.root, TypeRoot::Char(_) | TypeRoot::VarChar(_))) {
                return Err(Error::invalid(format!(
                    "the option {} names {name}, which is no text",
                    key::ROWKIND_FIELD
                )));
            }
        }
        self.validate_bucket_key(schema)
    }

    fn validate_bucket_key(&self, schema: &TableSchema) -> Result<()> {
        let keys = schema.bucket_keys()?;
        let trimmed = schema.trimmed_primary_keys();
        let outside = keys.iter().find(|name| !trimmed.is_empty() && !trimmed.contains(name));
        if let Some(name) = outside {
            let allowed = trimmed.join(", ");
            return Err(Error::invalid(format!(
                "the bucket key has {name}; it may have columns of the key only: {allowed}"
            )));
        }
        if keys.is_empty() && self.bucket()? > 0 {
            return Err(Error::invalid("a table without primary key needs the option bucket-key for its buckets"));
        }
        Ok(())
    }

    /// Checks that this library can write the table as Paimon would.
    ///
    /// # Errors
    /// `Unsupported` with the option or feature; `Invalid` when an option is wrong.
    pub fn check_write_supported(&self, schema: &TableSchema) -> Result<()> {
        self.validate(schema)?;
        self.check_types(schema)?;
        if schema.primary_keys.is_empty() {
            return Err(Error::unsupported("writing tables without a primary key (append tables)"));
        }
        match self.bucket_mode(schema)? {
            BucketMode::Fixed(_) => {}
            BucketMode::Postpone => return Err(refused(key::BUCKET, "-2 (postpone)")),
            BucketMode::CrossPartition => return Err(refused(key::BUCKET, "-1 (cross-partition upsert)")),
            BucketMode::Dynamic | BucketMode::Unaware => return Err(refused(key::BUCKET, "-1 (dynamic)")),
        }
        if self.merge_engine()? != MergeEngine::Deduplicate {
            return Err(self.refused_value(key::MERGE_ENGINE));
        }
        if self.changelog_producer()? != ChangelogProducer::None {
            return Err(self.refused_value(key::CHANGELOG_PRODUCER));
        }
        for level in 0..10 {
            let format = self.file_format(level)?;
            if format != "parquet" {
                return Err(refused(key::FILE_FORMAT, &format));
            }
        }
        self.check_absent_features()
    }

    fn check_absent_features(&self) -> Result<()> {
        let flags = [
            key::DELETION_VECTORS_ENABLED,
            key::ROW_TRACKING_ENABLED,
            key::DATA_EVOLUTION_ENABLED,
            key::FORCE_LOOKUP,
            key::FORCE_UP_LEVEL_0,
        ];
        for name in flags {
            if self.flag(name)? {
                return Err(self.refused_value(name));
            }
        }
        let texts = [
            key::DATA_FILE_EXTERNAL_PATHS,
            key::RECORD_LEVEL_EXPIRE_TIME,
            key::PARTITION_EXPIRATION_TIME,
            key::OPTIMIZATION_INTERVAL,
            key::FULL_COMPACTION_DELTA_COMMITS,
        ];
        if let Some(name) = texts.into_iter().find(|name| self.get(name).is_some()) {
            return Err(self.refused_value(name));
        }
        for (name, harmless) in
            [(key::ICEBERG_STORAGE, "disabled"), (key::TAG_AUTOMATIC_CREATION, "none"), (key::MANIFEST_FORMAT, "avro")]
        {
            if self.get(name).is_some_and(|value| !value.eq_ignore_ascii_case(harmless)) {
                return Err(self.refused_value(name));
            }
        }
        match self.iter().find(|(name, _)| name.starts_with("file-index.")) {
            Some((name, _)) => Err(self.refused_value(name)),
            None => Ok(()),
        }
    }

    /// Checks that this library reads the table as Paimon would. Formats of single files are checked as they are met.
    ///
    /// # Errors
    /// `Unsupported` with the option or feature.
    pub fn check_read_supported(&self, schema: &TableSchema) -> Result<()> {
        self.check_types(schema)?;
        if !schema.primary_keys.is_empty() && self.merge_engine()? != MergeEngine::Deduplicate {
            return Err(self.refused_value(key::MERGE_ENGINE));
        }
        for name in [key::DELETION_VECTORS_ENABLED, key::DATA_EVOLUTION_ENABLED] {
            if self.flag(name)? {
                return Err(self.refused_value(name));
            }
        }
        if self.get(key::RECORD_LEVEL_EXPIRE_TIME).is_some() {
            return Err(self.refused_value(key::RECORD_LEVEL_EXPIRE_TIME));
        }
        Ok(())
    }

    fn refused_value(&self, name: &str) -> Error {
        refused(name, self.get(name).unwrap_or_default())
    }

    fn check_types(&self, schema: &TableSchema) -> Result<()> {
        for field in &schema.fields {
            if let Some(root) = unsupported_type(&field.data_type) {
                return Err(Error::unsupported(format!("the type {root} (column {})", field.name)));
            }
        }
        Ok(())
    }
}

fn refused(name: &str, value: &str) -> Error {
    Error::unsupported(format!("the option {name} = {value}"))
}

/// The part of a type that has no form here.
fn unsupported_type(data_type: &DataType) -> Option<&TypeRoot> {
    match &data_type.root {
        root @ (TypeRoot::Variant | TypeRoot::Blob | TypeRoot::Vector { .. }) => Some(root),
        TypeRoot::Array(element) | TypeRoot::Multiset(element) => unsupported_type(element),
        TypeRoot::Map { key, value } => unsupported_type(key).or_else(|| unsupported_type(value)),
        TypeRoot::Row(fields) => fields.iter().find_map(|field| unsupported_type(&field.data_type)),
        _ => None,
    }
}
