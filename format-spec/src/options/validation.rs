//! Whether the options of a table make sense: each by itself, with each other, and with the columns they name.
//!
//! Goes in: options and the schema they belong to. Comes out: nothing, or an error that says what is wrong, why, and what to do.
//! What a table is refused for when it is created here, it would be refused for by Paimon too, or later fail in the midst of a write.
//! Answers to `org.apache.paimon.schema.SchemaValidation`; the rules of merge engines are in `merge_validation`.

use super::{BucketMode, ChangelogProducer, CoreOptions, MergeEngine, key};
use crate::error::{Error, Result};
use crate::partition::PartitionNaming;
use crate::path;
use crate::schema::TableSchema;

/// Each level costs memory in every bucket that is open; Paimon's default is 6.
const LEVELS_MAX: usize = 1000;

impl CoreOptions {
    /// Checks that every option has a value of its kind and that columns they name are there.
    ///
    /// # Errors
    /// `Invalid` that names the option.
    pub fn validate(&self, schema: &TableSchema) -> Result<()> {
        self.bucket_mode(schema)?;
        self.bucket_function()?;
        self.validate_dynamic_bucket()?;
        self.merge_engine()?;
        self.changelog_producer()?;
        self.sequence_descending()?;
        self.ignore_delete()?;
        self.ignore_update_before()?;
        self.write_only()?;
        self.validate_files(schema)?;
        self.validate_changes()?;
        self.validate_levels()?;
        self.validate_compaction()?;
        self.validate_record_level_expire(schema)?;
        self.validate_retention()?;
        self.validate_producer(schema)?;
        self.validate_merge(schema)?;
        self.validate_scan(schema)?;
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
        self.external_paths()?;
        self.index_external_path()?;
        self.source_split_target_bytes()?;
        self.source_split_open_file_bytes()?;
        self.snapshot_num_retained_min()?;
        self.snapshot_num_retained_max()?;
        self.snapshot_time_retained_millis()?;
        PartitionNaming::of(self)?;
        self.validate_names()?;
        schema.fields.iter().try_for_each(|field| {
            self.stats_mode(&field.name, 0)?;
            self.changelog_file_stats_mode(&field.name, 0).map(drop)
        })
    }

    /// What would come up in an overwrite, or when the schema is changed.
    fn validate_changes(&self) -> Result<()> {
        self.dynamic_partition_overwrite()?;
        self.overwrite_upgrade()?;
        self.add_column_before_partition()?;
        self.alter_null_to_not_null_disabled()?;
        self.explicit_type_casting_disabled().map(drop)
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

    /// When to compact, how to look up and what memory to take.
    fn validate_compaction(&self) -> Result<()> {
        self.lookup_compact_mode()?;
        self.lookup_compact_max_interval()?;
        self.compaction_force_up_level_0()?;
        self.compaction_optimization_interval_millis()?;
        self.compaction_total_size_threshold()?;
        self.compaction_incremental_size_threshold()?;
        self.compaction_offpeak_start_hour()?;
        self.compaction_offpeak_end_hour()?;
        self.compaction_offpeak_ratio_percent()?;
        self.full_compaction_delta_commits()?;
        self.full_compaction_interval_millis()?;
        self.prepare_commit_waits_for_compaction()?;
        self.lookup_cache_file_retention_millis()?;
        self.lookup_cache_max_disk_bytes()?;
        self.lookup_cache_max_memory_bytes()?;
        self.lookup_compression()?;
        self.cache_page_bytes()?;
        self.lookup_bloom_filter_fpp()?;
        self.write_buffer_spillable()?;
        self.write_buffer_spill_max_disk_bytes()?;
        self.spill_compression()?;
        self.sort_spill_threshold()?;
        self.deletion_vector_kind()?;
        self.deletion_vectors_modifiable()?;
        self.compaction_min_file_num()?;
        self.compaction_delete_ratio_threshold()?;
        self.zorder_var_length_contribution()?;
        self.changelog_row_deduplicate().map(drop)
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
            self.changelog_file_compression(level)?;
        }
        Ok(())
    }

    fn validate_bucket_key(&self, schema: &TableSchema) -> Result<()> {
        if self.bucket()? == -1 && self.get(key::BUCKET_KEY).is_some() {
            return Err(self.conflict(key::BUCKET_KEY, "bucket = -1: leave it away, or give a number of buckets"));
        }
        if self.bucket_mode(schema)? == BucketMode::Unaware && self.full_compaction_delta_commits()?.is_some() {
            let with = "a table without primary key and without buckets, which has no full compactions: leave it away";
            return Err(self.conflict(key::FULL_COMPACTION_DELTA_COMMITS, with));
        }
        if self.bucket()? == path::POSTPONE_BUCKET && schema.primary_keys.is_empty() {
            return Err(self.conflict(key::BUCKET, "a table without primary key: take a number of buckets, or -1"));
        }
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

    fn validate_retention(&self) -> Result<()> {
        let (min, max) = (self.snapshot_num_retained_min()?, self.snapshot_num_retained_max()?);
        let of_changelogs =
            (self.number(key::CHANGELOG_NUM_RETAINED_MIN, min)?, self.number(key::CHANGELOG_NUM_RETAINED_MAX, max)?);
        for (what, (min, max)) in [("snapshot", (min, max)), ("changelog", of_changelogs)] {
            if min == 0 || min > max {
                return Err(Error::invalid(format!(
                    "{what}.num-retained.min is {min} and {what}.num-retained.max is {max}: at least one is kept, and \
                     the first is not above the second"
                )));
            }
        }
        Ok(())
    }

    /// The changelog producer, and what it does not go with.
    fn validate_producer(&self, schema: &TableSchema) -> Result<()> {
        let (producer, engine) = (self.changelog_producer()?, self.merge_engine()?);
        let keyed = !schema.primary_keys.is_empty();
        if !keyed && producer != ChangelogProducer::None {
            return Err(self.conflict(key::CHANGELOG_PRODUCER, "a table without primary key: its changes are its rows"));
        }
        if engine == MergeEngine::FirstRow && !matches!(producer, ChangelogProducer::None | ChangelogProducer::Lookup) {
            return Err(self.conflict(key::CHANGELOG_PRODUCER, "merge-engine = first-row: take none or lookup"));
        }
        if !self.deletion_vectors_enabled()? {
            return Ok(());
        }
        let name = key::DELETION_VECTORS_ENABLED;
        if producer == ChangelogProducer::FullCompaction {
            return Err(self.conflict(name, "changelog-producer = full-compaction: take none, input or lookup"));
        }
        if engine == MergeEngine::FirstRow {
            return Err(self.conflict(name, "merge-engine = first-row, which deletes no older rows: leave it away"));
        }
        Ok(())
    }

    pub(super) fn conflict(&self, name: &str, with: &str) -> Error {
        let value = self.get(name).unwrap_or_default();
        Error::invalid(format!("the option {name} = {value} does not go with {with}"))
    }
}
