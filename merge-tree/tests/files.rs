//! Data files by their keys, written down as text, for levels and sections.

use alluvium_format::{BinaryRow, DataFileMeta, DataType, Datum};

pub(crate) fn key_types() -> Vec<DataType> {
    vec![DataType::parse("INT NOT NULL").unwrap()]
}

fn key(value: i32) -> BinaryRow {
    BinaryRow::encode(&key_types(), &[Some(Datum::Int(value))]).unwrap()
}

/// A file of keys from `min` to `max`; its name says which.
pub(crate) fn file(min: i32, max: i32) -> DataFileMeta {
    DataFileMeta {
        file_name: format!("[{min},{max}]"),
        file_size: 1,
        row_count: 1,
        min_key: key(min),
        max_key: key(max),
        creation_time_millis: Some(0),
        delete_row_count: Some(0),
        ..DataFileMeta::blank()
    }
}

/// A file at a level, of sequence numbers from `sequences.0` to `sequences.1`.
pub(crate) fn file_at(level: i32, keys: (i32, i32), sequences: (i64, i64)) -> DataFileMeta {
    DataFileMeta { level, min_sequence_number: sequences.0, max_sequence_number: sequences.1, ..file(keys.0, keys.1) }
}

/// The files of `[1,5] [3,8]`.
pub(crate) fn files(text: &str) -> Vec<DataFileMeta> {
    let bounds = |word: &str| {
        let (min, max) = word.trim_matches(['[', ']']).split_once(',').unwrap();
        file(min.parse().unwrap(), max.parse().unwrap())
    };
    text.split_whitespace().map(bounds).collect()
}
