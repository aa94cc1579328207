//! Options that do not go together, or may not change: what is refused when a table is made, as Paimon refuses it.

use alluvium_format::{ColumnDefinition, CoreOptions, DataType, ErrorKind, Result, SchemaDefinition, TableSchema};

/// A table of columns `k`, `g`, `h`, `a`, `b`, and its options, as `name=value` in a line.
fn table(options: &str, primary_keys: &[&str]) -> Result<TableSchema> {
    let columns = [("k", "INT"), ("g", "INT"), ("h", "INT"), ("a", "INT"), ("b", "STRING")];
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    SchemaDefinition {
        columns: columns.map(|(name, text)| ColumnDefinition::new(name, DataType::parse(text).unwrap())).into(),
        partition_keys: Vec::new(),
        primary_keys: primary_keys.iter().map(|name| (*name).to_owned()).collect(),
        options: options.split_whitespace().map(pair).collect(),
        comment: None,
    }
    .into_schema(0)
}

#[test]
fn tables_that_paimon_makes_are_made() {
    for options in [
        "merge-engine=partial-update fields.g.sequence-group=a,b",
        "merge-engine=partial-update fields.g,h.sequence-group=a fields.a.aggregate-function=sum",
        "merge-engine=partial-update fields.g.sequence-group=g,a",
        "merge-engine=partial-update fields.default-aggregate-function=last_non_null_value",
        "merge-engine=partial-update fields.g.sequence-group=a partial-update.remove-record-on-sequence-group=g",
        "merge-engine=partial-update partial-update.remove-record-on-delete=true",
        "merge-engine=aggregation fields.a.aggregate-function=sum aggregation.remove-record-on-delete=true",
        "merge-engine=aggregation fields.a.ignore-retract=true sequence.field=g,h",
        "merge-engine=first-row changelog-producer=lookup ignore-delete=true",
        "changelog-producer=input deletion-vectors.enabled=true streaming-read-overwrite=true",
        "changelog-producer=lookup deletion-vectors.enabled=true deletion-vectors.bitmap64=true",
        "changelog-producer=full-compaction full-compaction.delta-commits=3",
        "snapshot.num-retained.min=1 snapshot.num-retained.max=1",
    ] {
        let schema = table(&format!("bucket=2 {options}"), &["k"]).unwrap_or_else(|error| panic!("{options}: {error}"));
        schema.core_options().check_write_supported(&schema).unwrap();
        schema.core_options().check_read_supported(&schema).unwrap();
    }
}

#[test]
fn tables_that_make_no_sense_are_refused_with_what_to_do() {
    let engine = "merge-engine=partial-update";
    for (options, said) in [
        ("bucket-key=k bucket=-1", "does not go with bucket = -1"),
        ("sequence.field=z", "option sequence.field: there is no column z"),
        ("sequence.field=g,g", "names g twice"),
        ("sequence.field=a fields.a.aggregate-function=sum merge-engine=aggregation", "a sequence is not aggregated"),
        ("sequence.field=g merge-engine=first-row", "the row written first stays"),
        ("merge-engine=first-row changelog-producer=input", "take none or lookup"),
        ("merge-engine=first-row deletion-vectors.enabled=true", "which deletes no older rows"),
        ("changelog-producer=full-compaction deletion-vectors.enabled=true", "take none, input or lookup"),
        ("changelog-producer=lookup streaming-read-overwrite=true", "would be read twice"),
        ("fields.z.aggregate-function=sum", "fields.z.aggregate-function: there is no column z"),
        ("fields.g,z.sequence-group=a", "no column z"),
        ("rowkind.field=a", "which is no text"),
        ("snapshot.num-retained.min=0", "at least one is kept"),
        ("snapshot.num-retained.min=5 snapshot.num-retained.max=4", "not above the second"),
        ("changelog.num-retained.min=5 changelog.num-retained.max=4", "changelog.num-retained.min is 5"),
        (&format!("{engine} fields.g.sequence-group=z"), "option fields.g.sequence-group: there is no column z"),
        (&format!("{engine} fields.g.sequence-group=a fields.h.sequence-group=a"), "it can follow one order only"),
        (&format!("{engine} fields.a.aggregate-function=sum"), "is in no sequence group"),
        (&format!("{engine} fields.default-aggregate-function=max"), "is in no sequence group"),
        (&format!("{engine} partial-update.remove-record-on-delete=true ignore-delete=true"), "or is ignored"),
        (
            &format!("{engine} partial-update.remove-record-on-delete=true fields.g.sequence-group=a"),
            "take partial-update.remove-record-on-sequence-group",
        ),
        (
            &format!("{engine} partial-update.remove-record-on-sequence-group=a fields.g.sequence-group=a"),
            "which is no sequence field",
        ),
        (
            "merge-engine=aggregation aggregation.remove-record-on-delete=true fields.a.ignore-retract=true",
            "does not go with fields.a.ignore-retract",
        ),
    ] {
        let error = table(options, &["k"]).expect_err(options);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{options}: {error}");
        assert!(error.to_string().contains(said), "{options}: {error}");
    }
    for (options, said) in [
        ("changelog-producer=input", "a table without primary key"),
        ("streaming-read-overwrite=true", "take streaming-read-append-overwrite"),
        ("bucket=2", "needs the option bucket-key"),
        ("bucket=-1 bucket-key=k", "does not go with bucket = -1"),
        ("bucket=-2 bucket-key=k", "take a number of buckets, or -1"),
        ("full-compaction.delta-commits=3", "has no full compactions"),
        ("compaction.min.file-num=x", "a whole number"),
        ("compaction.delete-ratio-threshold=x", "compaction.delete-ratio-threshold"),
    ] {
        let error = table(options, &[]).unwrap_err();
        assert!(error.to_string().contains(said), "{options}: {error}");
    }
}

#[test]
fn tables_without_a_primary_key_are_written() {
    for options in [
        "",
        "bucket=-1 write-only=true ignore-delete=true",
        "bucket=2 bucket-key=k bucket-append-ordered=true full-compaction.delta-commits=3",
        "bucket=-1 deletion-vectors.enabled=true compaction.min.file-num=2 compaction.delete-ratio-threshold=0.5",
    ] {
        let schema = table(options, &[]).unwrap_or_else(|error| panic!("{options}: {error}"));
        schema.core_options().check_write_supported(&schema).unwrap();
        schema.core_options().check_read_supported(&schema).unwrap();
    }
    let schema = table("target-file-size=1000kb", &[]).unwrap();
    assert_eq!(schema.core_options().compaction_file_bytes(&schema).unwrap(), 1024 * 700);
}

#[test]
fn options_that_files_were_written_under_do_not_change() {
    let of = |pairs: &[(&str, &str)]| {
        CoreOptions::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    };
    let live = of(&[("bucket", "2"), ("merge-engine", "aggregation"), ("ignore-delete", "true")]);
    for (name, value) in [
        ("merge-engine", "deduplicate"),
        ("bucket", "-1"),
        ("rowkind.field", "k"),
        ("force-lookup", "true"),
        ("ignore-delete", "false"),
        ("deletion-vectors.enabled", "true"),
    ] {
        let error = live.check_change(name, value).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().starts_with(&format!("the option {name} cannot change from ")), "{error}");
    }
    for (name, value) in [
        ("merge-engine", "aggregation"),
        ("bucket", "4"),
        ("ignore-delete", "true"),
        ("write-only", "true"),
        ("deletion-vectors.enabled", "false"),
    ] {
        live.check_change(name, value).unwrap();
    }
    let modifiable = of(&[("deletion-vectors.enabled", "true"), ("deletion-vectors.modifiable", "true")]);
    modifiable.check_change("deletion-vectors.enabled", "false").unwrap();
}
