//! What of Paimon's options this library has: a table that needs more is refused by name, for writing before anything is
//! written, and for reading wherever the answer would not be right.

use super::{BucketMode, ChangelogProducer, CoreOptions, MergeEngine, key};
use crate::data_type::{DataType, TypeRoot};
use crate::error::{Error, Result};
use crate::partition::PartitionNaming;
use crate::schema::TableSchema;

/// Options that change what a writer or a reader must do and that are off as long as they have the value beside them.
const OFF: [(&str, &str); 12] = [
    (key::DELETION_VECTORS_ENABLED, "false"),
    (key::ROW_TRACKING_ENABLED, "false"),
    (key::DATA_EVOLUTION_ENABLED, "false"),
    (key::FORCE_LOOKUP, "false"),
    (key::FORCE_UP_LEVEL_0, "false"),
    (key::SEQUENCE_SNAPSHOT_ORDERING, "false"),
    (key::PRIMARY_KEY_NULLABLE, "false"),
    (key::CLUSTERING_OVERRIDE, "false"),
    (key::ICEBERG_STORAGE, "disabled"),
    (key::TAG_AUTOMATIC_CREATION, "none"),
    (key::MANIFEST_FORMAT, "avro"),
    (key::BRANCH, "main"),
];

/// Each level costs memory in every bucket that is open; Paimon's default is 6.
const LEVELS_MAX: usize = 1000;

/// Options whose presence alone asks a writer for something that is not there.
const ABSENT_ON_WRITE: [&str; 7] = [
    key::DATA_FILE_EXTERNAL_PATHS,
    key::RECORD_LEVEL_EXPIRE_TIME,
    key::PARTITION_EXPIRATION_TIME,
    key::OPTIMIZATION_INTERVAL,
    key::TOTAL_SIZE_THRESHOLD,
    key::INCREMENTAL_SIZE_THRESHOLD,
    key::FULL_COMPACTION_DELTA_COMMITS,
];

/// Options that choose which state of which branch a read shows: obeying none of them would be a wrong answer.
const ABSENT_ON_READ: [&str; 17] = [
    key::RECORD_LEVEL_EXPIRE_TIME,
    "scan.snapshot-id",
    "scan.tag-name",
    "scan.version",
    "scan.timestamp",
    "scan.timestamp-millis",
    "scan.watermark",
    "scan.creation-time-millis",
    "scan.file-creation-time-millis",
    "scan.bounded.watermark",
    "scan.bucket",
    "scan.fallback-branch",
    "scan.fallback-snapshot-branch",
    "scan.fallback-delta-branch",
    "scan.primary-branch",
    "incremental-between",
    "incremental-between-timestamp",
];

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
        self.validate_files(schema)?;
        self.validate_levels()?;
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

    /// What would otherwise come up in the midst of a flush or a commit.
    fn validate_files(&self, schema: &TableSchema) -> Result<()> {
        self.commit_force_compact()?;
        self.deletion_vectors_enabled()?;
        self.file_suffix_include_compression()?;
        self.target_file_bytes(schema)?;
        self.file_block_bytes()?;
        self.write_buffer_bytes()?;
        self.manifest_target_file_bytes()?;
        self.manifest_full_compaction_bytes()?;
        self.manifest_merge_min_count()?;
        self.manifest_delete_file_drop_stats()?;
        self.stats_keep_first_n_columns()?;
        self.stats_dense_store()?;
        self.commit_max_retries()?;
        self.data_file_thin_mode()?;
        self.index_file_in_data_file_dir()?;
        self.source_split_target_bytes()?;
        self.source_split_open_file_bytes()?;
        self.snapshot_num_retained_min()?;
        self.snapshot_num_retained_max()?;
        self.snapshot_time_retained_millis()?;
        PartitionNaming::of(self)?;
        self.validate_names()?;
        schema.fields.iter().try_for_each(|field| self.stats_mode(&field.name, 0).map(drop))
    }

    /// Names that become parts of paths stay inside the table.
    fn validate_names(&self) -> Result<()> {
        let directory = self.data_file_path_directory().unwrap_or("data");
        if directory.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(self.invalid(key::DATA_FILE_PATH_DIRECTORY, "a folder of the table, like data"));
        }
        for (name, prefix) in [
            (key::DATA_FILE_PREFIX, self.data_file_prefix()),
            (key::CHANGELOG_FILE_PREFIX, self.changelog_file_prefix()),
        ] {
            if prefix.contains('/') {
                return Err(self.invalid(name, "the beginning of a file's name, without /"));
            }
        }
        Ok(())
    }

    fn validate_levels(&self) -> Result<()> {
        if self.num_sorted_runs_compaction_trigger()? == 0 {
            return Err(self.invalid(key::COMPACTION_TRIGGER, "1 or more"));
        }
        self.num_sorted_runs_stop_trigger()?;
        self.max_size_amplification_percent()?;
        self.size_ratio_percent()?;
        self.force_rewrite_all_files()?;
        let levels = self.num_levels()?;
        if !(2..=LEVELS_MAX).contains(&levels) {
            return Err(Error::invalid(format!("a table of {levels} levels: there are 2 to {LEVELS_MAX}")));
        }
        for level in (0..levels).filter_map(|level| i32::try_from(level).ok()) {
            self.file_format(level)?;
            self.file_compression(level)?;
        }
        Ok(())
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
        for field in schema.fields_of(&keys)? {
            let (name, data_type) = (&field.name, &field.data_type);
            if schema.partition_keys.contains(name) {
                return Err(Error::invalid(format!("the bucket key has {name}, which is a partition column")));
            }
            if data_type.is_nested() {
                return Err(Error::invalid(format!("the bucket key has {name}, which is of type {data_type}")));
            }
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
        for level in (0..self.num_levels()?).filter_map(|level| i32::try_from(level).ok()) {
            let format = self.file_format(level)?;
            if format != "parquet" {
                return Err(refused(key::FILE_FORMAT, &format));
            }
        }
        if let Some(field) = schema.fields.iter().find(|field| field.default_value.is_some()) {
            return Err(Error::unsupported(format!("writing the default value of column {}", field.name)));
        }
        self.check_off(|_| true)?;
        self.check_absent(&ABSENT_ON_WRITE)?;
        match self.iter().find(|(name, _)| name.starts_with("file-index.")) {
            Some((name, _)) => Err(self.refused_value(name)),
            None => Ok(()),
        }
    }

    fn check_off(&self, counts: impl Fn(&str) -> bool) -> Result<()> {
        let on = |(name, off): &(&str, &str)| self.get(name).is_some_and(|value| !value.eq_ignore_ascii_case(off));
        match OFF.iter().find(|option| counts(option.0) && on(option)) {
            Some((name, _)) => Err(self.refused_value(name)),
            None => Ok(()),
        }
    }

    fn check_absent(&self, names: &[&str]) -> Result<()> {
        match names.iter().find(|name| self.get(name).is_some()) {
            Some(name) => Err(self.refused_value(name)),
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
        let read = [key::DELETION_VECTORS_ENABLED, key::DATA_EVOLUTION_ENABLED, key::PRIMARY_KEY_NULLABLE];
        self.check_off(|name| name == key::BRANCH || read.contains(&name))?;
        if self.get(key::SCAN_MODE).is_some_and(|mode| !mode.eq_ignore_ascii_case("default")) {
            return Err(self.refused_value(key::SCAN_MODE));
        }
        self.check_absent(&ABSENT_ON_READ)
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
