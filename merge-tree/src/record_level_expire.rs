//! Rows that are too old: `record-level.expire-time` and `record-level.time-field`.
//!
//! Goes in: rows, or what a manifest says of a file, and the time. Comes out: which rows stay, or whether a file has one that does not. Rows
//! without a time stay. They are left out when compactions read them, and nowhere else: until then they are seen. Whole numbers are seconds
//! since 1970, those from 10¹² on milliseconds. Answers to `org.apache.paimon.io.RecordLevelExpire`; files of another schema than the latest
//! are not looked at from the outside, so that they wait for a compaction of their own.

use alluvium_format::arrow::MILLIS;
use alluvium_format::{CoreOptions, DataFileMeta, Datum, Error, Result, TableSchema};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::{DataType, TimeUnit};

use crate::key_value::{KeyValueBatch, filter_rows};

/// Whole numbers from here on are milliseconds: as seconds they would be 30,000 years away.
const MILLIS_FROM: i64 = 1_000_000_000_000;

/// Which rows of a table are too old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordLevelExpire {
    column: String,
    expire_seconds: i64,
}

impl RecordLevelExpire {
    /// Those of a table; `None` when its rows do not grow old.
    ///
    /// # Errors
    /// `Invalid` for a wrong option, and when the time field is missing.
    pub fn new(schema: &TableSchema, options: &CoreOptions) -> Result<Option<Self>> {
        options.validate_record_level_expire(schema)?;
        let (Some(seconds), Some(column)) = (options.record_level_expire_seconds()?, options.record_level_time_field())
        else {
            return Ok(None);
        };
        Ok(Some(Self { column: column.to_owned(), expire_seconds: i64::try_from(seconds).unwrap_or(i64::MAX) }))
    }

    /// Whether a file of the schema has a row that is too old, as far as its statistics tell.
    pub fn is_in_file(&self, file: &DataFileMeta, schema: &TableSchema, now_millis: i64) -> bool {
        self.oldest_in(file, schema)
            .is_some_and(|oldest| now_millis / 1000 > oldest.saturating_add(self.expire_seconds))
    }

    /// The smallest time in a file, in seconds.
    fn oldest_in(&self, file: &DataFileMeta, schema: &TableSchema) -> Option<i64> {
        if file.schema_id != schema.id {
            return None;
        }
        let all = || schema.fields.iter().map(|field| field.name.clone()).collect();
        let columns: Vec<String> = file.value_stats_cols.clone().unwrap_or_else(all);
        let at = columns.iter().position(|column| *column == self.column)?;
        let types: Vec<_> = schema.fields_of(&columns).ok()?.into_iter().map(|field| field.data_type).collect();
        match file.value_stats.min_values.decode(&types).ok()?.into_iter().nth(at)?? {
            Datum::Int(value) => Some(i64::from(value)),
            Datum::BigInt(value) => Some(seconds_of_number(value)),
            Datum::Timestamp { millis, .. } => Some(millis / 1000),
            _ => None,
        }
    }

    /// Leaves out the rows that are too old.
    ///
    /// # Errors
    /// `Internal` when the batch lacks the time field.
    pub fn retain(&self, batch: KeyValueBatch, now_millis: i64) -> Result<KeyValueBatch> {
        let fresh = self.fresh(&batch.values, now_millis)?;
        if fresh.true_count() == fresh.len() { Ok(batch) } else { filter_rows(&batch, &fresh) }
    }

    /// Which rows are not too old.
    ///
    /// # Errors
    /// `Internal` when the batch lacks the time field.
    pub fn fresh(&self, values: &RecordBatch, now_millis: i64) -> Result<BooleanArray> {
        let wrong =
            || Error::internal(format!("rows without the time field {} are checked for their age", self.column));
        let times = values.column_by_name(&self.column).ok_or_else(wrong)?;
        let seconds = seconds(times).ok_or_else(wrong)?;
        let now_seconds = now_millis / 1000;
        let is_fresh =
            |row: usize| times.is_null(row) || now_seconds <= seconds(row).saturating_add(self.expire_seconds);
        Ok((0..times.len()).map(|row| Some(is_fresh(row))).collect())
    }
}

fn seconds_of_number(value: i64) -> i64 {
    if value >= MILLIS_FROM { value / 1000 } else { value }
}

/// The seconds of a row that is not null; `None` for a type that is no time.
fn seconds(times: &ArrayRef) -> Option<Box<dyn Fn(usize) -> i64 + '_>> {
    Some(match times.data_type() {
        DataType::Int32 => {
            let times = times.as_primitive::<Int32Type>();
            Box::new(|row| i64::from(times.value(row)))
        }
        DataType::Int64 => {
            let times = times.as_primitive::<Int64Type>();
            Box::new(|row| seconds_of_number(times.value(row)))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let times = times.as_primitive::<TimestampMillisecondType>();
            Box::new(|row| times.value(row) / 1000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = times.as_primitive::<TimestampMicrosecondType>();
            Box::new(|row| times.value(row).div_euclid(1000) / 1000)
        }
        DataType::Struct(_) => {
            let millis = times.as_struct().column_by_name(MILLIS)?.as_primitive_opt::<Int64Type>()?;
            Box::new(|row| millis.value(row) / 1000)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use alluvium_format::{BinaryRow, SchemaDefinition, SimpleStats};
    use arrow_array::{Int32Array, Int64Array, TimestampMicrosecondArray};

    use super::*;

    fn schema(time: &str) -> TableSchema {
        let text = format!(
            r#"{{"fields": [{{"name": "k", "type": "INT NOT NULL"}}, {{"name": "t", "type": "{time}"}}], "primaryKeys": ["k"],
                "options": {{"bucket": "1", "record-level.expire-time": "10 s", "record-level.time-field": "t"}}}}"#
        );
        SchemaDefinition::from_json(text.as_bytes()).unwrap().into_schema(0).unwrap()
    }

    fn expire(time: &str) -> RecordLevelExpire {
        let schema = schema(time);
        RecordLevelExpire::new(&schema, &schema.core_options()).unwrap().unwrap()
    }

    fn fresh(time: &str, array: ArrayRef, now_millis: i64) -> Vec<bool> {
        let batch = RecordBatch::try_from_iter([("t", array)]).unwrap();
        expire(time).fresh(&batch, now_millis).unwrap().iter().map(|fresh| fresh.unwrap()).collect()
    }

    #[test]
    fn rows_stay_until_the_second_they_expire_in_is_over() {
        let now = 1_000_010_999;
        let ints = Int32Array::from(vec![Some(1_000_000), Some(999_999), None]);
        assert_eq!(fresh("INT", Arc::new(ints), now), [true, false, true]);
        let now = 1_700_000_010_000;
        let longs = Int64Array::from(vec![1_700_000_000, 1_699_999_999, 1_700_000_000_000, 1_699_999_999_999]);
        assert_eq!(fresh("BIGINT", Arc::new(longs), now), [true, false, true, false]);
        let micros = TimestampMicrosecondArray::from(vec![1_700_000_000_000_000, 1_699_999_999_999_999]);
        assert_eq!(fresh("TIMESTAMP(6)", Arc::new(micros), now), [true, false]);
    }

    #[test]
    fn files_tell_by_their_statistics_whether_they_hold_an_old_row() {
        let schema = schema("INT");
        let types: Vec<_> = schema.fields.iter().map(|field| field.data_type.clone()).collect();
        let mut file = DataFileMeta {
            value_stats: SimpleStats {
                min_values: BinaryRow::encode(&types, &[Some(Datum::Int(1)), Some(Datum::Int(100))]).unwrap(),
                ..SimpleStats::empty()
            },
            ..DataFileMeta::blank()
        };
        let expire = expire("INT");
        assert!(!expire.is_in_file(&file, &schema, 110_999));
        assert!(expire.is_in_file(&file, &schema, 111_000));
        file.value_stats_cols = Some(vec!["k".to_owned()]);
        assert!(!expire.is_in_file(&file, &schema, 111_000), "there are no statistics of the time");
        file.value_stats_cols = None;
        file.schema_id = 7;
        assert!(!expire.is_in_file(&file, &schema, 111_000));
    }
}
