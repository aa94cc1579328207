//! How much manifests say of the columns of a file.
//!
//! Goes in: a table's schema and options, and what files hold. Comes out: a mode for each column of the key, and of the table. What a
//! column's own option says goes before all; `metadata.stats-keep-first-n-columns` counts the columns of a file in their order. Of keys,
//! sequence numbers and row kinds there are bounds whatever the options say, and they are not counted, but for Avro, whose statistics
//! are gathered from the rows as if those were columns of anybody. Answers to `StatsCollectorFactories`.

use alluvium_format::key_value_file::{KEY_FIELD_PREFIX, SEQUENCE_NUMBER, VALUE_KIND};
use alluvium_format::stats::SYSTEM_COLUMN_MODE;
use alluvium_format::{CoreOptions, Result, StatsMode, TableSchema};

use super::FileContent;
use super::format::FileFormat;
use super::record_columns::KeyColumnsMode;

/// What the files of a writer have in common, for their statistics.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatsOf {
    pub(super) level: i32,
    /// The level that options are looked up for.
    pub(super) option_level: i32,
    pub(super) content: FileContent,
    pub(super) format: FileFormat,
    pub(super) key_columns: KeyColumnsMode,
}

/// The modes of a file's columns.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StatsModes {
    /// Of the key's columns, in its order.
    pub(super) keys: Vec<StatsMode>,
    /// Of the table's columns.
    pub(super) values: Vec<StatsMode>,
}

impl StatsModes {
    /// The modes of files of a table.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong.
    pub(super) fn of(schema: &TableSchema, options: &CoreOptions, of: StatsOf) -> Result<Self> {
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let columns = names(schema.fields.iter().map(|field| field.name.as_str()).collect());
        let trimmed = schema.trimmed_primary_keys();
        let is_thin = of.key_columns == KeyColumnsMode::Thin;
        let keys: Vec<String> = match is_thin {
            true => Vec::new(),
            false => trimmed.iter().map(|key| format!("{KEY_FIELD_PREFIX}{key}")).collect(),
        };
        let system = if schema.primary_keys.is_empty() { Vec::new() } else { vec![SEQUENCE_NUMBER, VALUE_KIND] };
        let before = keys.into_iter().chain(names(system)).collect::<Vec<_>>();
        let mut counted = Counted { options, of, kept: options.stats_keep_first_n_columns()?, count: 0 };
        let is_exempt = of.format != FileFormat::Avro;
        let before = before.iter().map(|name| counted.mode(name, is_exempt)).collect::<Result<Vec<_>>>()?;
        let values = columns.iter().map(|name| {
            let is_key = is_thin && trimmed.iter().any(|key| key == name);
            counted.mode(name, is_exempt && is_key)
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        let keys = match is_thin {
            true => trimmed.iter().filter_map(|key| values.get(schema.index_of(key)?).copied()).collect(),
            false => before.into_iter().take(trimmed.len()).collect(),
        };
        Ok(Self { keys, values })
    }
}

/// Columns of a file, counted.
struct Counted<'a> {
    options: &'a CoreOptions,
    of: StatsOf,
    kept: Option<usize>,
    count: usize,
}

impl Counted<'_> {
    /// The mode of the next column.
    fn mode(&mut self, name: &str, is_exempt: bool) -> Result<StatsMode> {
        let has_own = self.options.has_stats_mode(name);
        if is_exempt && !has_own {
            return Ok(SYSTEM_COLUMN_MODE);
        }
        let is_kept = self.kept.is_none_or(|kept| self.count < kept);
        self.count += 1;
        match self.of.content {
            _ if !has_own && !is_kept => Ok(StatsMode::None),
            FileContent::Data(_) | FileContent::Waiting => self.options.stats_mode(name, self.of.option_level),
            FileContent::Changelog => self.options.changelog_file_stats_mode(name, self.of.option_level),
        }
    }
}

#[cfg(test)]
mod tests;
