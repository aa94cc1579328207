//! Which statistics are kept of which column.

use alluvium_format::{ColumnDefinition, DataType, FileSource, SchemaDefinition};

use super::*;

const NONE: StatsMode = StatsMode::None;
const FULL: StatsMode = StatsMode::Full;
const COUNTS: StatsMode = StatsMode::Counts;

/// The modes of a table with the key `b` and the columns `a`, `b` and `c`.
fn modes(
    options: &[(&str, &str)],
    format: FileFormat,
    key_columns: KeyColumnsMode,
) -> (Vec<StatsMode>, Vec<StatsMode>) {
    let column = |name: &str| ColumnDefinition::new(name, DataType::parse("INT").unwrap());
    let definition = SchemaDefinition {
        columns: ["a", "b", "c"].map(column).to_vec(),
        primary_keys: vec!["b".to_owned()],
        options: options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..SchemaDefinition::default()
    };
    let schema = definition.into_schema(0).unwrap();
    let content = FileContent::Data(FileSource::Append);
    let of = StatsOf { level: 0, option_level: 0, content, format, key_columns };
    let modes = StatsModes::of(&schema, &schema.core_options(), of).unwrap();
    (modes.keys, modes.values)
}

#[test]
fn keys_are_as_other_columns_in_avro_only() {
    let options = [("metadata.stats-mode", "full"), ("fields.c.stats-mode", "counts")];
    let (parquet, avro) = (FileFormat::Parquet, FileFormat::Avro);
    let values = vec![FULL, FULL, COUNTS];
    assert_eq!(modes(&options, parquet, KeyColumnsMode::Thick), (vec![SYSTEM_COLUMN_MODE], values.clone()));
    assert_eq!(modes(&options, avro, KeyColumnsMode::Thick), (vec![FULL], values.clone()));
    assert_eq!(modes(&options, avro, KeyColumnsMode::Thin), (vec![FULL], values));
    let thin = modes(&options, parquet, KeyColumnsMode::Thin);
    assert_eq!(thin, (vec![SYSTEM_COLUMN_MODE], vec![FULL, SYSTEM_COLUMN_MODE, COUNTS]));
}

#[test]
fn the_first_columns_are_counted_as_java_counts_them() {
    let kept = |first, own| {
        let mut options = vec![("metadata.stats-keep-first-n-columns", first), ("metadata.stats-mode", "full")];
        options.extend([("fields.c.stats-mode", "counts")].iter().take(usize::from(own)));
        options
    };
    let of = |first, own, format| modes(&kept(first, own), format, KeyColumnsMode::Thick);
    let (parquet, avro) = (FileFormat::Parquet, FileFormat::Avro);
    assert_eq!(of("1", false, parquet), (vec![SYSTEM_COLUMN_MODE], vec![FULL, NONE, NONE]));
    assert_eq!(of("1", true, parquet), (vec![SYSTEM_COLUMN_MODE], vec![FULL, NONE, COUNTS]));
    assert_eq!(of("1", false, avro), (vec![FULL], vec![NONE, NONE, NONE]));
    assert_eq!(of("4", true, avro), (vec![FULL], vec![FULL, NONE, COUNTS]));
    assert_eq!(of("0", false, avro), (vec![NONE], vec![NONE, NONE, NONE]));
}
