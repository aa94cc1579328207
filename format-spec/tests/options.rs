//! Options: their defaults, their values, and what is refused for what this library does not have.

use alluvium_format::options::FileCompression;
use alluvium_format::options::scan::{IncrementalBetween, ScanSnapshot, ScanStartup, ScanTime};
use alluvium_format::{
    BucketMode, ChangelogProducer, ColumnDefinition, CoreOptions, DataType, ErrorKind, MergeEngine, SchemaDefinition,
    StatsMode, TableSchema,
};

fn table(options: &[(&str, &str)]) -> TableSchema {
    let columns = [("dt", "STRING"), ("k", "INT"), ("v", "STRING")];
    SchemaDefinition {
        columns: columns.map(|(name, text)| ColumnDefinition::new(name, DataType::parse(text).unwrap())).into(),
        partition_keys: vec!["dt".to_owned()],
        primary_keys: vec!["dt".to_owned(), "k".to_owned()],
        options: options.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        comment: None,
    }
    .into_schema(0)
    .unwrap()
}

#[test]
fn defaults_are_paimons() {
    let schema = table(&[]);
    let options = CoreOptions::default();
    assert_eq!((options.bucket().unwrap(), options.bucket_mode(&schema).unwrap()), (-1, BucketMode::Dynamic));
    assert_eq!(options.merge_engine().unwrap(), MergeEngine::Deduplicate);
    assert_eq!(options.changelog_producer().unwrap(), ChangelogProducer::None);
    assert_eq!(options.file_format(0).unwrap(), "parquet");
    assert_eq!(options.file_compression(0).unwrap(), FileCompression { codec: "zstd".to_owned(), zstd_level: 1 });
    assert_eq!(options.target_file_bytes(&schema).unwrap(), 128 << 20);
    assert_eq!(options.write_buffer_bytes().unwrap(), 256 << 20);
    assert_eq!(options.num_sorted_runs_compaction_trigger().unwrap(), 5);
    assert_eq!(options.num_sorted_runs_stop_trigger().unwrap(), 8);
    assert_eq!(options.num_levels().unwrap(), 6);
    assert_eq!(options.max_size_amplification_percent().unwrap(), 200);
    assert_eq!(options.size_ratio_percent().unwrap(), 1);
    assert_eq!(options.manifest_target_file_bytes().unwrap(), 8 << 20);
    assert_eq!(options.manifest_full_compaction_bytes().unwrap(), 16 << 20);
    assert_eq!(options.manifest_merge_min_count().unwrap(), 30);
    assert_eq!(options.stats_mode("v", 0).unwrap(), StatsMode::Truncate(16));
    assert_eq!(options.stats_keep_first_n_columns().unwrap(), None);
    assert_eq!(options.commit_max_retries().unwrap(), 10);
    assert_eq!(options.snapshot_num_retained_min().unwrap(), 10);
    assert_eq!(options.snapshot_num_retained_max().unwrap(), 2_147_483_647);
    assert_eq!(options.snapshot_time_retained_millis().unwrap(), 3_600_000);
    let flags = [options.write_only(), options.ignore_delete(), options.data_file_thin_mode()];
    assert!(flags.into_iter().all(|flag| !flag.unwrap()));
    let flags = [options.stats_dense_store(), options.partition_legacy_name(), options.dynamic_partition_overwrite()];
    assert!(flags.into_iter().all(|flag| flag.unwrap()));
}

#[test]
fn options_of_columns_are_found_by_their_names() {
    let of = |pairs: &[(&str, &str)]| {
        CoreOptions::new(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    };
    let options = of(&[
        ("fields.h,i.sequence-group", "y"),
        ("fields.g.sequence-group", "a,b.c"),
        ("fields.b.c.aggregate-function", "sum"),
        ("fields.default-aggregate-function", "max"),
        ("fields.y.ignore-retract", "true"),
        ("partial-update.remove-record-on-sequence-group", "g,h"),
        ("changelog-producer.row-deduplicate-ignore-fields", "a,y"),
    ]);
    let groups = options.sequence_groups().into_iter();
    let groups: Vec<_> = groups.map(|group| (group.option, group.sequence_fields, group.members)).collect();
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (g, h) = ("fields.g.sequence-group".to_owned(), "fields.h,i.sequence-group".to_owned());
    assert_eq!(groups, [(g, names(&["g"]), names(&["a", "b.c"])), (h, names(&["h", "i"]), names(&["y"]))]);
    assert_eq!((options.field_aggregate_function("b.c"), options.field_aggregate_function("y")), (Some("sum"), None));
    assert_eq!(options.default_aggregate_function(), Some("max"));
    assert_eq!((options.field_ignore_retract("y").unwrap(), options.field_ignore_retract("a").unwrap()), (true, false));
    assert_eq!(options.partial_update_remove_record_on_sequence_group(), Some(names(&["g", "h"])));
    assert_eq!(options.changelog_row_deduplicate_ignored_fields(), names(&["a", "y"]));
    let none = of(&[]);
    assert!(none.sequence_groups().is_empty() && none.partial_update_remove_record_on_sequence_group().is_none());
    assert!(none.changelog_row_deduplicate_ignored_fields().is_empty());
}

#[test]
fn four_kinds_of_tables_look_up() {
    let of = |name: &str, value: &str| CoreOptions::new([(name.to_owned(), value.to_owned())].into_iter().collect());
    for (name, value, wanted) in [
        ("changelog-producer", "lookup", true),
        ("merge-engine", "first-row", true),
        ("deletion-vectors.enabled", "true", true),
        ("force-lookup", "true", true),
        ("changelog-producer", "full-compaction", false),
        ("merge-engine", "aggregation", false),
        ("force-lookup", "false", false),
    ] {
        assert_eq!(of(name, value).need_lookup().unwrap(), wanted, "{name} = {value}");
    }
    assert_eq!(of("force-lookup", "perhaps").need_lookup().unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn values_depend_on_each_other_as_in_paimon() {
    let of = |pairs: &[(&str, &str)]| {
        CoreOptions::new(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    };
    let options = of(&[("num-sorted-run.compaction-trigger", "3")]);
    assert_eq!((options.num_levels().unwrap(), options.num_sorted_runs_stop_trigger().unwrap()), (4, 6));
    let options = of(&[("num-sorted-run.compaction-trigger", "9"), ("num-sorted-run.stop-trigger", "2")]);
    assert_eq!(options.num_sorted_runs_stop_trigger().unwrap(), 9);
    let options = of(&[("file.format", "ORC"), ("file.format.per.level", "0:avro, 5:parquet")]);
    assert_eq!([0, 1, 5].map(|level| options.file_format(level).unwrap()), ["avro", "orc", "parquet"]);
    let options = of(&[("file.compression.per.level", "0:snappy"), ("file.compression", "lz4")]);
    assert_eq!([0, 1].map(|level| options.file_compression(level).unwrap().codec), ["snappy", "lz4"]);
    let options = of(&[
        ("metadata.stats-mode", "full"),
        ("metadata.stats-mode.per.level", "0:none"),
        ("fields.v.stats-mode", "counts"),
    ]);
    let modes = [("v", 0), ("k", 0), ("k", 1)].map(|(column, level)| options.stats_mode(column, level).unwrap());
    assert_eq!(modes, [StatsMode::Counts, StatsMode::None, StatsMode::Full]);
    assert!(of(&[("deduplicate.ignore-delete", "true")]).ignore_delete().unwrap());
    assert_eq!(of(&[("sequence.field", " a , b,")]).sequence_fields(), ["a", "b"]);
    let error = of(&[("write-only", "yes")]).write_only().unwrap_err().to_string();
    assert_eq!(error, "the option write-only is \"yes\"; it must be true or false");
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    // Whether writing and reading are refused.
    for (option, refused) in [
        (("bucket", "2"), (false, false)),
        (("bucket", "-1"), (false, false)),
        (("bucket", "-2"), (false, false)),
        (("merge-engine", "partial-update"), (false, false)),
        (("merge-engine", "aggregation"), (false, false)),
        (("merge-engine", "first-row"), (false, false)),
        (("changelog-producer", "input"), (false, false)),
        (("changelog-producer", "lookup"), (false, false)),
        (("changelog-producer", "full-compaction"), (false, false)),
        (("deletion-vectors.enabled", "true"), (false, false)),
        (("force-lookup", "true"), (false, false)),
        (("full-compaction.delta-commits", "3"), (false, false)),
        (("compaction.optimization-interval", "1 h"), (false, false)),
        (("lookup.remote-file.enabled", "true"), (true, false)),
        (("pk-clustering-override", "true"), (true, true)),
        (("chain-table.enabled", "true"), (true, true)),
        (("batch-scan-mode", "x"), (false, true)),
        (("changelog-file.format", "csv"), (false, false)),
        (("file.format", "orc"), (false, false)),
        (("file.format", "avro"), (false, false)),
        (("file.format", "csv"), (true, false)),
        (("file.format.per.level", "3:csv"), (true, false)),
        (("file-index.bloom-filter.columns", "v"), (false, false)),
        (("file-index.fancy.columns", "v"), (true, false)),
        (("sequence.snapshot-ordering", "true"), (true, false)),
        (("branch", "b"), (true, true)),
        (("scan.bucket", "3"), (false, true)),
        (("scan.snapshot-id", "3"), (false, false)),
        (("scan.mode", "latest"), (false, false)),
        (("metadata.iceberg.storage", "table-location"), (true, false)),
        (("write-only", "true"), (false, false)),
        (("sequence.field", "v"), (false, false)),
    ] {
        let schema = table(&[("bucket", "2"), option]);
        let options = schema.core_options();
        for (checked, wanted) in
            [(options.check_write_supported(&schema), refused.0), (options.check_read_supported(&schema), refused.1)]
        {
            assert_eq!(checked.is_err(), wanted, "{option:?}: {checked:?}");
            if let Err(error) = checked {
                assert_eq!(error.kind(), ErrorKind::Unsupported);
                let name = option.0.strip_suffix(".per.level").unwrap_or(option.0);
                assert!(error.to_string().contains(name), "{error}");
            }
        }
    }
}

#[test]
fn changelog_files_of_a_format_that_is_not_there_are_refused() {
    let schema = table(&[("bucket", "2"), ("changelog-producer", "input"), ("changelog-file.format", "csv")]);
    let error = schema.core_options().check_write_supported(&schema).unwrap_err();
    assert_eq!(error.to_string(), "unsupported: the option changelog-file.format = csv");
    schema.core_options().check_read_supported(&schema).unwrap();
}

#[test]
fn types_and_tables_without_a_form_here_are_refused() {
    let mut schema = table(&[("bucket", "2")]);
    schema.fields[2].data_type = DataType::parse("VARIANT").unwrap();
    for checked in
        [schema.core_options().check_write_supported(&schema), schema.core_options().check_read_supported(&schema)]
    {
        assert_eq!(checked.unwrap_err().to_string(), "unsupported: the type VARIANT (column v)");
    }
    for (option, refusal) in [
        ("row-tracking.enabled", "unsupported: the option row-tracking.enabled = true"),
        ("clustering.incremental", "unsupported: the option clustering.incremental = true"),
    ] {
        let mut append = table(&[(option, "true")]);
        append.primary_keys.clear();
        assert_eq!(append.core_options().check_write_supported(&append).unwrap_err().to_string(), refusal);
        append.core_options().check_read_supported(&append).unwrap();
    }
}

fn dynamic(pairs: &[(&str, &str)]) -> CoreOptions {
    CoreOptions::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn a_start_is_said_by_its_mode_or_by_the_one_option_that_is_set() {
    use ScanStartup as Startup;
    let local = ScanTime::Local(1_359_626_400_000);
    for (pairs, wanted) in [
        (&[][..], None),
        (&[("scan.mode", "default")], None),
        (&[("scan.mode", "full")], Some(Startup::LatestFull)),
        (&[("scan.mode", "LATEST")], Some(Startup::Latest)),
        (&[("scan.mode", "compacted-full")], Some(Startup::CompactedFull)),
        (&[("scan.snapshot-id", "3")], Some(Startup::FromSnapshot(ScanSnapshot::Id(3)))),
        (&[("scan.version", "v")], Some(Startup::FromSnapshot(ScanSnapshot::Version("v".to_owned())))),
        (&[("scan.watermark", "-5")], Some(Startup::FromSnapshot(ScanSnapshot::Watermark(-5)))),
        (&[("scan.mode", "from-snapshot-full"), ("scan.snapshot-id", "3")], Some(Startup::FromSnapshotFull(3))),
        (&[("scan.timestamp-millis", "7")], Some(Startup::FromTimestamp(ScanTime::Millis(7)))),
        (&[("scan.timestamp", "2013-01-31 10:00:00")], Some(Startup::FromTimestamp(local))),
        (&[("scan.file-creation-time-millis", "7")], Some(Startup::FromFileCreationTime(7))),
        (&[("scan.creation-time-millis", "7")], Some(Startup::FromCreationTimestamp(7))),
        (
            &[("incremental-between", "a, b")],
            Some(Startup::Incremental(IncrementalBetween::Versions("a".to_owned(), "b".to_owned()))),
        ),
        (
            &[("incremental-between-timestamp", "1,2")],
            Some(Startup::Incremental(IncrementalBetween::Times(ScanTime::Millis(1), ScanTime::Millis(2)))),
        ),
    ] {
        assert_eq!(dynamic(pairs).scan_startup().unwrap(), wanted, "{pairs:?}");
    }
    for (pairs, said) in [
        (&[("scan.mode", "earliest")][..], "scan.mode"),
        (&[("scan.mode", "from-timestamp")], "needs the option scan.timestamp or scan.timestamp-millis"),
        (&[("scan.mode", "latest"), ("scan.snapshot-id", "3")], "does not go with scan.mode = latest"),
        (&[("scan.mode", "from-snapshot"), ("scan.timestamp-millis", "3")], "which takes scan.snapshot-id or"),
        (&[("scan.snapshot-id", "3"), ("scan.tag-name", "t")], "does not go with scan.tag-name"),
        (&[("scan.timestamp", "yesterday")], "a time like"),
        (&[("incremental-between", "3")], "two ends"),
        (&[("incremental-between", "3,4,5")], "two ends"),
    ] {
        let error = dynamic(pairs).scan_startup().unwrap_err();
        assert!(error.to_string().contains(said), "{pairs:?}: {error}");
    }
}

#[test]
fn reads_that_have_no_past_refuse_to_be_sent_there() {
    for (pairs, refused) in [
        (&[("scan.mode", "latest")][..], None),
        (&[("scan.tag-name", "t")], Some("unsupported: the option scan.tag-name = t")),
        (&[("scan.mode", "compacted-full")], Some("unsupported: the option scan.mode = compacted-full")),
    ] {
        let said = dynamic(pairs).check_reads_latest().err().map(|error| error.to_string());
        assert_eq!(said.as_deref(), refused, "{pairs:?}");
    }
}
