//! The table options: Paimon's keys, defaults and notations, typed.
//!
//! Goes in: the text pairs of a schema (and dynamic options over them). Comes out: typed values, or an error that names the
//! option, its value and what it may be. Answers to `org.apache.paimon.CoreOptions`. `support` says what this library has of them.

mod aggregate;
mod append;
mod auto_tag;
mod change;
mod changelog_file;
mod commit_compaction;
mod compaction;
mod deletion_vector;
mod dynamic_bucket;
pub mod external_paths;
mod file_index;
pub mod key;
mod lookup;
mod memory;
mod merge_engine;
mod merge_validation;
mod notation;
pub mod scan;
mod support;
mod validation;

use indexmap::IndexMap;

use crate::bucket::BucketFunction;
use crate::error::{Error, Result, ResultExt};
use crate::schema::{TableSchema, split_names};
use crate::stats_mode::StatsMode;

pub use compaction::LookupCompactMode;
pub use dynamic_bucket::DYNAMIC_BUCKETS_MAX;
pub use file_index::IndexedColumn;
pub use lookup::LookupCompression;
pub use merge_engine::SequenceGroup;
pub use notation::{parse_duration_millis, parse_memory_bytes};

/// How records of one key become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the option's values")]
pub enum MergeEngine {
    Deduplicate,
    PartialUpdate,
    Aggregation,
    FirstRow,
}

/// How a table makes the changes its streaming readers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the option's values")]
pub enum ChangelogProducer {
    None,
    Input,
    FullCompaction,
    Lookup,
}

/// How the buckets of a table come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketMode {
    /// `bucket = n`: by hash.
    Fixed(i32),
    /// `bucket = -1` with a primary key that has the partition columns.
    Dynamic,
    /// `bucket = -1` with a primary key that lacks a partition column.
    CrossPartition,
    /// `bucket = -2`.
    Postpone,
    /// `bucket = -1` without a primary key.
    Unaware,
}

/// A codec of data files with its level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCompression {
    /// `zstd`, `snappy`, `gzip`, `lz4`, `none` …, lower case.
    pub codec: String,
    /// Of zstd.
    pub zstd_level: i32,
}

/// The options of a table, typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CoreOptions {
    options: IndexMap<String, String>,
}

impl CoreOptions {
    /// The options of these pairs.
    pub fn new(options: IndexMap<String, String>) -> Self {
        Self { options }
    }

    /// The text of an option that is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(|text| text.trim())
    }

    /// All pairs that are set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn invalid(&self, name: &str, wanted: impl std::fmt::Display) -> Error {
        let value = self.get(name).unwrap_or_default();
        Error::invalid(format!("the option {name} is {value:?}; it must be {wanted}"))
    }

    fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T> {
        self.get(name).map_or(Ok(default), |text| text.parse().map_err(|_| self.invalid(name, "a whole number")))
    }

    fn flag(&self, name: &str) -> Result<bool> {
        self.flag_or(name, false)
    }

    fn flag_or(&self, name: &str, default: bool) -> Result<bool> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err(self.invalid(name, "true or false")),
        }
    }

    fn memory(&self, name: &str, default: u64) -> Result<u64> {
        self.get(name).map_or(Ok(default), |text| parse_memory_bytes(text).context(|| format!("the option {name}")))
    }

    fn names(&self, name: &str) -> Vec<String> {
        self.get(name).map(split_names).unwrap_or_default()
    }

    /// `bucket`, -1 by default.
    pub fn bucket(&self) -> Result<i32> {
        self.number(key::BUCKET, -1)
    }

    /// How the buckets of the schema's table come about.
    pub fn bucket_mode(&self, schema: &TableSchema) -> Result<BucketMode> {
        match (self.bucket()?, schema.primary_keys.is_empty()) {
            (-1, true) => Ok(BucketMode::Unaware),
            (-1, false) if schema.is_cross_partition_update() => Ok(BucketMode::CrossPartition),
            (-1, false) => Ok(BucketMode::Dynamic),
            (-2, _) => Ok(BucketMode::Postpone),
            (buckets, _) if buckets > 0 => Ok(BucketMode::Fixed(buckets)),
            _ => Err(self.invalid(key::BUCKET, "a number of buckets from 1, -1 (dynamic) or -2 (postpone)")),
        }
    }

    /// `bucket-function.type`.
    pub fn bucket_function(&self) -> Result<BucketFunction> {
        match self.get(key::BUCKET_FUNCTION).map(str::to_ascii_lowercase).as_deref() {
            None | Some("default") => Ok(BucketFunction::Default),
            Some("mod") => Ok(BucketFunction::Mod),
            Some("hive") => Ok(BucketFunction::Hive),
            Some(_) => Err(self.invalid(key::BUCKET_FUNCTION, "default, mod or hive")),
        }
    }

    /// `merge-engine`.
    pub fn merge_engine(&self) -> Result<MergeEngine> {
        match self.get(key::MERGE_ENGINE).map(str::to_ascii_lowercase).as_deref() {
            None | Some("deduplicate") => Ok(MergeEngine::Deduplicate),
            Some("partial-update") => Ok(MergeEngine::PartialUpdate),
            Some("aggregation") => Ok(MergeEngine::Aggregation),
            Some("first-row") => Ok(MergeEngine::FirstRow),
            Some(_) => Err(self.invalid(key::MERGE_ENGINE, "deduplicate, partial-update, aggregation or first-row")),
        }
    }

    /// `changelog-producer`.
    pub fn changelog_producer(&self) -> Result<ChangelogProducer> {
        match self.get(key::CHANGELOG_PRODUCER).map(str::to_ascii_lowercase).as_deref() {
            None | Some("none") => Ok(ChangelogProducer::None),
            Some("input") => Ok(ChangelogProducer::Input),
            Some("full-compaction") => Ok(ChangelogProducer::FullCompaction),
            Some("lookup") => Ok(ChangelogProducer::Lookup),
            Some(_) => Err(self.invalid(key::CHANGELOG_PRODUCER, "none, input, full-compaction or lookup")),
        }
    }

    /// `sequence.field`, in order.
    pub fn sequence_fields(&self) -> Vec<String> {
        self.names(key::SEQUENCE_FIELD)
    }

    /// Whether `sequence.field.sort-order` is descending.
    pub fn sequence_descending(&self) -> Result<bool> {
        match self.get(key::SEQUENCE_SORT_ORDER).map(str::to_ascii_lowercase).as_deref() {
            None | Some("ascending") => Ok(false),
            Some("descending") => Ok(true),
            Some(_) => Err(self.invalid(key::SEQUENCE_SORT_ORDER, "ascending or descending")),
        }
    }

    /// `ignore-delete`, under any of its names.
    pub fn ignore_delete(&self) -> Result<bool> {
        for name in key::IGNORE_DELETE_NAMES {
            if self.get(name).is_some() {
                return self.flag(name);
            }
        }
        Ok(false)
    }

    /// `ignore-update-before`.
    pub fn ignore_update_before(&self) -> Result<bool> {
        self.flag(key::IGNORE_UPDATE_BEFORE)
    }

    /// `rowkind.field`.
    pub fn rowkind_field(&self) -> Option<&str> {
        self.get(key::ROWKIND_FIELD).filter(|name| !name.is_empty())
    }

    /// `write-only`.
    pub fn write_only(&self) -> Result<bool> {
        self.flag(key::WRITE_ONLY)
    }

    /// `commit.force-compact`.
    pub fn commit_force_compact(&self) -> Result<bool> {
        self.flag(key::COMMIT_FORCE_COMPACT)
    }

    /// `file.format`, or its override for a level; lower case.
    pub fn file_format(&self, level: i32) -> Result<String> {
        let of_level = self.of_level(key::FILE_FORMAT_PER_LEVEL, level)?;
        Ok(of_level
            .or_else(|| self.get(key::FILE_FORMAT).map(str::to_owned))
            .unwrap_or("parquet".to_owned())
            .to_ascii_lowercase())
    }

    /// `file.compression`, or its override for a level; the option of the format of the level's files goes before both.
    pub fn file_compression(&self, level: i32) -> Result<FileCompression> {
        let own = self.codec_of_format(&self.file_format(level)?).map(str::to_owned);
        self.compression(own.map_or_else(|| self.codec_of_level(level), |own| Ok(Some(own)))?)
    }

    /// The codec that the option of a format itself says.
    fn codec_of_format(&self, format: &str) -> Option<&str> {
        match format {
            "parquet" => self.get(key::PARQUET_COMPRESSION),
            "avro" => self.get(key::AVRO_CODEC),
            _ => None,
        }
    }

    fn codec_of_level(&self, level: i32) -> Result<Option<String>> {
        let of_level = self.of_level(key::FILE_COMPRESSION_PER_LEVEL, level)?;
        Ok(of_level.or_else(|| self.get(key::FILE_COMPRESSION).map(str::to_owned)))
    }

    fn compression(&self, codec: Option<String>) -> Result<FileCompression> {
        Ok(FileCompression {
            codec: codec.unwrap_or("zstd".to_owned()).to_ascii_lowercase(),
            zstd_level: self.number(key::FILE_COMPRESSION_ZSTD_LEVEL, 1)?,
        })
    }

    /// The value for a level in a list like `0:avro,3:parquet`.
    fn of_level(&self, name: &str, level: i32) -> Result<Option<String>> {
        for pair in self.names(name) {
            let (number, value) =
                pair.split_once(':').ok_or_else(|| self.invalid(name, "a list like 0:avro,3:parquet"))?;
            let number: i32 = number.trim().parse().map_err(|_| self.invalid(name, "a list like 0:avro,3:parquet"))?;
            if number == level {
                return Ok(Some(value.trim().to_owned()));
            }
        }
        Ok(None)
    }

    /// `file.suffix.include.compression`.
    pub fn file_suffix_include_compression(&self) -> Result<bool> {
        self.flag(key::FILE_SUFFIX_INCLUDE_COMPRESSION)
    }

    /// `target-file-size`, bytes: 128 MB by default with a primary key, 256 MB without.
    pub fn target_file_bytes(&self, schema: &TableSchema) -> Result<u64> {
        let default = if schema.primary_keys.is_empty() { 256 } else { 128 };
        self.memory(key::TARGET_FILE_SIZE, default << 20)
    }

    /// `file.block-size`, bytes: of a Parquet row group.
    pub fn file_block_bytes(&self) -> Result<u64> {
        let default = self.memory("parquet.block.size", 128 << 20)?;
        self.memory(key::FILE_BLOCK_SIZE, default)
    }

    /// `num-sorted-run.compaction-trigger`.
    pub fn num_sorted_runs_compaction_trigger(&self) -> Result<usize> {
        self.number(key::COMPACTION_TRIGGER, 5)
    }

    /// `num-sorted-run.stop-trigger`, at least the compaction trigger.
    pub fn num_sorted_runs_stop_trigger(&self) -> Result<usize> {
        let trigger = self.num_sorted_runs_compaction_trigger()?;
        Ok(self.number(key::STOP_TRIGGER, trigger.saturating_add(3))?.max(trigger))
    }

    /// `num-levels`, one more than the compaction trigger by default.
    pub fn num_levels(&self) -> Result<usize> {
        self.number(key::NUM_LEVELS, self.num_sorted_runs_compaction_trigger()?.saturating_add(1))
    }

    /// `compaction.max-size-amplification-percent`.
    pub fn max_size_amplification_percent(&self) -> Result<u64> {
        self.number(key::MAX_SIZE_AMPLIFICATION, 200)
    }

    /// `compaction.size-ratio`, percent.
    pub fn size_ratio_percent(&self) -> Result<u64> {
        self.number(key::SIZE_RATIO, 1)
    }

    /// `compaction.force-rewrite-all-files`.
    pub fn force_rewrite_all_files(&self) -> Result<bool> {
        self.flag(key::FORCE_REWRITE_ALL_FILES)
    }

    /// `manifest.target-file-size`, bytes.
    pub fn manifest_target_file_bytes(&self) -> Result<u64> {
        self.memory(key::MANIFEST_TARGET_FILE_SIZE, 8 << 20)
    }

    /// `manifest.full-compaction-threshold-size`, bytes.
    pub fn manifest_full_compaction_bytes(&self) -> Result<u64> {
        self.memory(key::MANIFEST_FULL_COMPACTION_SIZE, 16 << 20)
    }

    /// `manifest.merge-min-count`.
    pub fn manifest_merge_min_count(&self) -> Result<usize> {
        self.number(key::MANIFEST_MERGE_MIN_COUNT, 30)
    }

    /// `manifest.compression`, lower case.
    pub fn manifest_compression(&self) -> String {
        self.get(key::MANIFEST_COMPRESSION).unwrap_or("zstd").to_ascii_lowercase()
    }

    /// `manifest.delete-file-drop-stats`.
    pub fn manifest_delete_file_drop_stats(&self) -> Result<bool> {
        self.flag(key::MANIFEST_DELETE_FILE_DROP_STATS)
    }

    /// The mode of statistics of a column in files of a level.
    pub fn stats_mode(&self, column: &str, level: i32) -> Result<StatsMode> {
        let of_field = format!("fields.{column}.stats-mode");
        if let Some(text) = self.get(&of_field) {
            return self.parse_stats_mode(&of_field, text);
        }
        if let Some(text) = self.of_level(key::STATS_MODE_PER_LEVEL, level)? {
            return self.parse_stats_mode(key::STATS_MODE_PER_LEVEL, &text);
        }
        self.get(key::STATS_MODE)
            .map_or(Ok(StatsMode::Truncate(16)), |text| self.parse_stats_mode(key::STATS_MODE, text))
    }

    /// Whether a column has a mode of its own.
    pub fn has_stats_mode(&self, column: &str) -> bool {
        self.get(&format!("fields.{column}.stats-mode")).is_some()
    }

    fn parse_stats_mode(&self, name: &str, text: &str) -> Result<StatsMode> {
        text.parse().map_err(|_| self.invalid(name, "none, counts, truncate(n) or full"))
    }

    /// `metadata.stats-keep-first-n-columns`; `None`: all.
    pub fn stats_keep_first_n_columns(&self) -> Result<Option<usize>> {
        let columns: i64 = self.number(key::STATS_KEEP_FIRST_N, -1)?;
        Ok(usize::try_from(columns).ok())
    }

    /// `metadata.stats-dense-store`.
    pub fn stats_dense_store(&self) -> Result<bool> {
        self.flag_or(key::STATS_DENSE_STORE, true)
    }

    /// `partition.default-name`.
    pub fn partition_default_name(&self) -> &str {
        self.get(key::PARTITION_DEFAULT_NAME).unwrap_or("__DEFAULT_PARTITION__")
    }

    /// `partition.legacy-name`.
    pub fn partition_legacy_name(&self) -> Result<bool> {
        self.flag_or(key::PARTITION_LEGACY_NAME, true)
    }

    /// `commit.max-retries`.
    pub fn commit_max_retries(&self) -> Result<u32> {
        self.number(key::COMMIT_MAX_RETRIES, 10)
    }

    /// `data-file.prefix`.
    pub fn data_file_prefix(&self) -> &str {
        self.get(key::DATA_FILE_PREFIX).unwrap_or("data-")
    }

    /// `data-file.path-directory`.
    pub fn data_file_path_directory(&self) -> Option<&str> {
        self.get(key::DATA_FILE_PATH_DIRECTORY).map(|path| path.trim_matches('/')).filter(|path| !path.is_empty())
    }

    /// `data-file.thin-mode`.
    pub fn data_file_thin_mode(&self) -> Result<bool> {
        self.flag(key::DATA_FILE_THIN_MODE)
    }

    /// `index-file-in-data-file-dir`.
    pub fn index_file_in_data_file_dir(&self) -> Result<bool> {
        self.flag(key::INDEX_FILE_IN_DATA_FILE_DIR)
    }

    /// `source.split.target-size`, bytes.
    pub fn source_split_target_bytes(&self) -> Result<u64> {
        self.memory(key::SOURCE_SPLIT_TARGET_SIZE, 128 << 20)
    }

    /// `source.split.open-file-cost`, bytes.
    pub fn source_split_open_file_bytes(&self) -> Result<u64> {
        self.memory(key::SOURCE_SPLIT_OPEN_FILE_COST, 4 << 20)
    }

    /// `dynamic-partition-overwrite`.
    pub fn dynamic_partition_overwrite(&self) -> Result<bool> {
        self.flag_or(key::DYNAMIC_PARTITION_OVERWRITE, true)
    }

    /// `overwrite-upgrade`.
    pub fn overwrite_upgrade(&self) -> Result<bool> {
        self.flag_or(key::OVERWRITE_UPGRADE, true)
    }

    /// `snapshot.num-retained.min`.
    pub fn snapshot_num_retained_min(&self) -> Result<u32> {
        self.number(key::SNAPSHOT_NUM_RETAINED_MIN, 10)
    }

    /// `snapshot.num-retained.max`, 2147483647 by default: no limit.
    pub fn snapshot_num_retained_max(&self) -> Result<u32> {
        self.number(key::SNAPSHOT_NUM_RETAINED_MAX, i32::MAX.unsigned_abs())
    }

    /// `snapshot.time-retained`, milliseconds.
    pub fn snapshot_time_retained_millis(&self) -> Result<u64> {
        let parse =
            |text| parse_duration_millis(text).context(|| format!("the option {}", key::SNAPSHOT_TIME_RETAINED));
        self.get(key::SNAPSHOT_TIME_RETAINED).map_or(Ok(3_600_000), parse)
    }
}
