//! What of Paimon's options this library has: a table that needs more is refused by name, for writing before anything is
//! written, and for reading wherever the answer would not be right.

use super::scan::{START_OPTIONS, ScanStartup};
use super::{ChangelogProducer, CoreOptions, FileCompression, key};
use crate::avro::{Compression, data_file_schema};
use crate::data_type::{DataType, TypeRoot};
use crate::error::{Error, Result, ResultExt};
use crate::file_index::FileIndexPlan;
use crate::schema::TableSchema;

/// Options that change what a writer or a reader must do and that are off as long as they have the value beside them.
const OFF: [(&str, &str); 12] = [
    (key::ROW_TRACKING_ENABLED, "false"),
    (key::DATA_EVOLUTION_ENABLED, "false"),
    (key::SEQUENCE_SNAPSHOT_ORDERING, "false"),
    (key::PRIMARY_KEY_NULLABLE, "false"),
    (key::CLUSTERING_OVERRIDE, "false"),
    (key::CLUSTERING_INCREMENTAL, "false"),
    (key::CHAIN_TABLE_ENABLED, "false"),
    (key::LOOKUP_REMOTE_FILE_ENABLED, "false"),
    (key::ICEBERG_STORAGE, "disabled"),
    (key::TAG_AUTOMATIC_CREATION, "none"),
    (key::MANIFEST_FORMAT, "avro"),
    (key::BRANCH, "main"),
];

/// Options whose presence alone asks a writer for something that is not there.
const ABSENT_ON_WRITE: [&str; 1] = [key::PARTITION_EXPIRATION_TIME];

/// Options that change what a read shows, and that are off as long as they have the value beside them.
const OFF_ON_READ: [(&str, &str); 6] = [
    (key::DATA_EVOLUTION_ENABLED, "false"),
    (key::PRIMARY_KEY_NULLABLE, "false"),
    (key::CLUSTERING_OVERRIDE, "false"),
    (key::CHAIN_TABLE_ENABLED, "false"),
    (key::BRANCH, "main"),
    (key::BATCH_SCAN_MODE, "none"),
];

/// Options that choose which buckets of which branch a read shows: obeying none of them would be a wrong answer.
const ABSENT_ON_READ: [&str; 5] = [
    "scan.bucket",
    "scan.fallback-branch",
    "scan.fallback-snapshot-branch",
    "scan.fallback-delta-branch",
    "scan.primary-branch",
];

impl CoreOptions {
    /// Checks that this library can write the table as Paimon would.
    ///
    /// # Errors
    /// `Unsupported` with the option or feature; `Invalid` when an option is wrong.
    pub fn check_write_supported(&self, schema: &TableSchema) -> Result<()> {
        self.validate(schema)?;
        self.check_types(schema)?;
        for level in (0..self.num_levels()?).filter_map(|level| i32::try_from(level).ok()) {
            self.check_format(key::FILE_FORMAT, &self.file_format(level)?, self.file_compression(level)?, schema)?;
            if self.changelog_producer()? != ChangelogProducer::None {
                let compression = self.changelog_file_compression(level)?;
                let format = self.changelog_file_format(level)?;
                self.check_format(key::CHANGELOG_FILE_FORMAT, &format, compression, schema)?;
            }
        }
        self.check_off(&OFF)?;
        self.check_absent(&ABSENT_ON_WRITE)?;
        FileIndexPlan::of(&schema.fields, self).map(drop)
    }

    /// Checks that files of a format, which the option `name` says, hold the table. Codecs of Parquet and ORC are checked as they are met.
    fn check_format(&self, name: &str, format: &str, compression: FileCompression, schema: &TableSchema) -> Result<()> {
        match format {
            "parquet" | "orc" => Ok(()),
            "avro" => {
                let in_avro = || format!("the option {name} = avro");
                Compression::of_data_files(&compression).context(in_avro)?;
                data_file_schema(&schema.fields).map(drop).context(in_avro)
            }
            other => Err(refused(name, other)),
        }
    }

    fn check_off(&self, options: &[(&str, &str)]) -> Result<()> {
        let on = |(name, off): &&(&str, &str)| self.get(name).is_some_and(|value| !value.eq_ignore_ascii_case(off));
        match options.iter().find(on) {
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
        self.check_off(&OFF_ON_READ)?;
        self.check_absent(&ABSENT_ON_READ)
    }

    /// Checks that no option asks for another state of the table than the latest, for reads that have no other.
    ///
    /// # Errors
    /// `Unsupported` with the option; `Invalid` when it is wrong.
    pub fn check_reads_latest(&self) -> Result<()> {
        if matches!(self.scan_startup()?, None | Some(ScanStartup::Latest | ScanStartup::LatestFull)) {
            return Ok(());
        }
        self.check_absent(&START_OPTIONS)?;
        Err(self.refused_value(key::SCAN_MODE))
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
