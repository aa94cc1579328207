//! The options by which compactions are picked, and by which they leave out rows that are too old.

use super::{CoreOptions, key, parse_duration_millis};
use crate::data_type::TypeRoot;
use crate::error::{Error, Result, ResultExt};
use crate::schema::TableSchema;

/// `lookup-compact`: how eagerly level 0 is compacted in tables that look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LookupCompactMode {
    /// Whenever there is a file.
    #[default]
    Radical,
    /// When the rules of universal compaction ask for it, and every so often besides.
    Gentle,
}

impl CoreOptions {
    /// `lookup-compact`.
    pub fn lookup_compact_mode(&self) -> Result<LookupCompactMode> {
        match self.get(key::LOOKUP_COMPACT).map(str::to_ascii_lowercase).as_deref() {
            None | Some("radical") => Ok(LookupCompactMode::Radical),
            Some("gentle") => Ok(LookupCompactMode::Gentle),
            Some(_) => Err(self.invalid(key::LOOKUP_COMPACT, "radical or gentle")),
        }
    }

    /// `lookup-compact.max-interval`: twice the compaction trigger by default, and not below it.
    pub fn lookup_compact_max_interval(&self) -> Result<usize> {
        let trigger = self.num_sorted_runs_compaction_trigger()?;
        let default = i32::try_from(trigger).unwrap_or(i32::MAX).saturating_mul(2);
        let interval: i32 = self.number(key::LOOKUP_COMPACT_MAX_INTERVAL, default)?;
        Ok(usize::try_from(interval).unwrap_or(0).max(trigger))
    }

    /// `compaction.force-up-level-0`.
    pub fn compaction_force_up_level_0(&self) -> Result<bool> {
        self.flag(key::FORCE_UP_LEVEL_0)
    }

    /// `compaction.optimization-interval`, milliseconds.
    pub fn compaction_optimization_interval_millis(&self) -> Result<Option<u64>> {
        let name = key::OPTIMIZATION_INTERVAL;
        self.get(name).map(|text| parse_duration_millis(text).context(|| format!("the option {name}"))).transpose()
    }

    /// `compaction.total-size-threshold`, bytes.
    pub fn compaction_total_size_threshold(&self) -> Result<Option<u64>> {
        self.optional_memory(key::TOTAL_SIZE_THRESHOLD)
    }

    /// `compaction.incremental-size-threshold`, bytes.
    pub fn compaction_incremental_size_threshold(&self) -> Result<Option<u64>> {
        self.optional_memory(key::INCREMENTAL_SIZE_THRESHOLD)
    }

    fn optional_memory(&self, name: &str) -> Result<Option<u64>> {
        self.get(name).map(|_| self.memory(name, 0)).transpose()
    }

    /// `compaction.offpeak.start.hour`; -1: there are no such hours.
    pub fn compaction_offpeak_start_hour(&self) -> Result<i32> {
        self.number(key::OFFPEAK_START_HOUR, -1)
    }

    /// `compaction.offpeak.end.hour`; -1: there are no such hours.
    pub fn compaction_offpeak_end_hour(&self) -> Result<i32> {
        self.number(key::OFFPEAK_END_HOUR, -1)
    }

    /// `compaction.offpeak-ratio`, percent.
    pub fn compaction_offpeak_ratio_percent(&self) -> Result<u64> {
        self.number(key::OFFPEAK_RATIO, 0)
    }

    /// `record-level.expire-time`, whole seconds.
    pub fn record_level_expire_seconds(&self) -> Result<Option<u64>> {
        let name = key::RECORD_LEVEL_EXPIRE_TIME;
        let millis = self.get(name).map(|text| parse_duration_millis(text).context(|| format!("the option {name}")));
        Ok(millis.transpose()?.map(|millis| millis / 1000))
    }

    /// `record-level.time-field`.
    pub fn record_level_time_field(&self) -> Option<&str> {
        self.get(key::RECORD_LEVEL_TIME_FIELD)
    }

    /// Checks that the time by which rows grow old is a time, and there when they do.
    ///
    /// # Errors
    /// `Invalid` that names the option.
    pub fn validate_record_level_expire(&self, schema: &TableSchema) -> Result<()> {
        let Some(column) = self.record_level_time_field() else {
            return match self.record_level_expire_seconds()? {
                None => Ok(()),
                Some(_) => Err(Error::invalid(format!(
                    "the option {} needs to know how old a row is: set {} to a column",
                    key::RECORD_LEVEL_EXPIRE_TIME,
                    key::RECORD_LEVEL_TIME_FIELD
                ))),
            };
        };
        self.record_level_expire_seconds()?;
        let is_time = |root: &TypeRoot| {
            matches!(root, TypeRoot::Int | TypeRoot::BigInt | TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_))
        };
        match schema.field(column) {
            Some(field) if is_time(&field.data_type.root) => Ok(()),
            _ => Err(self.invalid(key::RECORD_LEVEL_TIME_FIELD, "a column of type INT, BIGINT or TIMESTAMP")),
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
    fn the_interval_of_gentle_compactions_is_not_below_the_trigger() {
        let interval = |pairs: &[_]| options(pairs).lookup_compact_max_interval().unwrap();
        let trigger = ("num-sorted-run.compaction-trigger", "4");
        assert_eq!(interval(&[]), 10);
        assert_eq!(interval(&[trigger]), 8);
        assert_eq!(interval(&[trigger, ("lookup-compact.max-interval", "3")]), 4);
        assert_eq!(interval(&[trigger, ("lookup-compact.max-interval", "-3")]), 4);
        assert_eq!(interval(&[trigger, ("lookup-compact.max-interval", "7")]), 7);
        let mode = |value| options(&[("lookup-compact", value)]).lookup_compact_mode();
        assert_eq!(mode("GENTLE").unwrap(), LookupCompactMode::Gentle);
        assert!(mode("soft").is_err());
    }

    #[test]
    fn thresholds_are_absent_until_they_are_set() {
        let none = options(&[]);
        assert_eq!(none.compaction_optimization_interval_millis().unwrap(), None);
        assert_eq!(none.compaction_total_size_threshold().unwrap(), None);
        let set = options(&[
            ("compaction.optimization-interval", "1 min"),
            ("compaction.total-size-threshold", "1 kb"),
            ("compaction.incremental-size-threshold", "x"),
        ]);
        assert_eq!(set.compaction_optimization_interval_millis().unwrap(), Some(60_000));
        assert_eq!(set.compaction_total_size_threshold().unwrap(), Some(1024));
        assert!(set.compaction_incremental_size_threshold().is_err());
    }

    #[test]
    fn rows_grow_old_by_a_column_that_is_a_time() {
        let check = |options: &str| {
            let text = format!(
                r#"{{"fields": [{{"name": "k", "type": "INT NOT NULL"}}, {{"name": "v", "type": "STRING"}}], "primaryKeys": ["k"],
                    "options": {{"bucket": "1"{options}}}}}"#
            );
            let definition = crate::schema::SchemaDefinition::from_json(text.as_bytes()).unwrap();
            definition.into_schema(0).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(check(""), Ok(()));
        assert_eq!(check(r#", "record-level.expire-time": "1 d", "record-level.time-field": "k""#), Ok(()));
        let no_field = check(r#", "record-level.expire-time": "1 d""#).unwrap_err();
        assert!(no_field.contains("record-level.time-field"), "{no_field}");
        for wrong in [r#", "record-level.time-field": "v""#, r#", "record-level.time-field": "x""#] {
            assert!(check(wrong).unwrap_err().contains("INT, BIGINT or TIMESTAMP"));
        }
    }
}
