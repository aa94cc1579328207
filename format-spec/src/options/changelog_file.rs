//! The options of changelog files: what they have of their own, and what they share with the data files of their level.

use super::{CoreOptions, FileCompression, key};
use crate::error::Result;
use crate::stats_mode::StatsMode;

impl CoreOptions {
    /// `changelog-file.prefix`.
    pub fn changelog_file_prefix(&self) -> &str {
        self.get(key::CHANGELOG_FILE_PREFIX).unwrap_or("changelog-")
    }

    /// `changelog-file.format`, or that of the data files of the level; lower case.
    pub fn changelog_file_format(&self, level: i32) -> Result<String> {
        match self.get(key::CHANGELOG_FILE_FORMAT) {
            Some(format) => Ok(format.to_ascii_lowercase()),
            None => self.file_format(level),
        }
    }

    /// `changelog-file.compression`, or that of the data files of the level; the option of the format of the files goes before both.
    pub fn changelog_file_compression(&self, level: i32) -> Result<FileCompression> {
        let own = self.codec_of_format(&self.changelog_file_format(level)?);
        let own = own.or_else(|| self.get(key::CHANGELOG_FILE_COMPRESSION)).map(str::to_owned);
        self.compression(own.map_or_else(|| self.codec_of_level(level), |own| Ok(Some(own)))?)
    }

    /// The mode of statistics of a column in changelog files: `changelog-file.stats-mode`, or that of the data files of the level; the
    /// column's own goes before both.
    pub fn changelog_file_stats_mode(&self, column: &str, level: i32) -> Result<StatsMode> {
        let of_field = self.get(&format!("fields.{column}.stats-mode"));
        match self.get(key::CHANGELOG_FILE_STATS_MODE).filter(|_| of_field.is_none()) {
            Some(text) => self.parse_stats_mode(key::CHANGELOG_FILE_STATS_MODE, text),
            None => self.stats_mode(column, level),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> CoreOptions {
        CoreOptions::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn changelog_files_are_as_the_data_files_of_their_level() {
        let of_level = options(&[
            ("file.format.per.level", "0:avro"),
            ("file.compression.per.level", "0:lz4"),
            ("metadata.stats-mode.per.level", "0:none"),
        ]);
        assert_eq!(of_level.changelog_file_format(0).unwrap(), "avro");
        assert_eq!(of_level.changelog_file_compression(0).unwrap().codec, "lz4");
        assert_eq!(of_level.changelog_file_stats_mode("v", 0).unwrap(), StatsMode::None);
        assert_eq!(of_level.changelog_file_format(1).unwrap(), "parquet");
        assert_eq!(of_level.changelog_file_prefix(), "changelog-");
    }

    #[test]
    fn their_own_options_go_before_those_of_a_level_and_the_columns_before_both() {
        let own = options(&[
            ("file.format.per.level", "0:avro"),
            ("file.compression.per.level", "0:lz4"),
            ("metadata.stats-mode.per.level", "0:none"),
            ("changelog-file.format", "Parquet"),
            ("changelog-file.compression", "Snappy"),
            ("changelog-file.stats-mode", "counts"),
            ("changelog-file.prefix", "cl-"),
            ("fields.v.stats-mode", "full"),
        ]);
        assert_eq!(own.changelog_file_format(0).unwrap(), "parquet");
        assert_eq!(own.changelog_file_compression(0).unwrap().codec, "snappy");
        assert_eq!(own.changelog_file_stats_mode("k", 0).unwrap(), StatsMode::Counts);
        assert_eq!(own.changelog_file_stats_mode("v", 0).unwrap(), StatsMode::Full);
        assert_eq!(own.changelog_file_prefix(), "cl-");
        let wrong = options(&[("changelog-file.stats-mode", "some")]);
        assert!(wrong.changelog_file_stats_mode("v", 0).unwrap_err().to_string().contains("changelog-file.stats-mode"));
    }
}
