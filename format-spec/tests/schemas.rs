//! Schemas: read, written back byte for byte, made as Paimon makes them, and refused.

use alluvium_format::{ColumnDefinition, DataType, ErrorKind, SchemaDefinition, TableSchema};

use crate::golden;

fn schema(name: &str) -> TableSchema {
    let file = format!("schema/1.4.2/{name}.json");
    TableSchema::from_json(&golden::bytes(&file), &file).unwrap()
}

#[test]
fn every_schema_is_written_back_as_it_was() {
    for file in golden::files("schema/1.4.2") {
        let text = golden::text(&file);
        assert_eq!(TableSchema::from_json(text.as_bytes(), &file).unwrap().to_json(), text, "{file}");
    }
}

#[test]
fn definitions_become_the_schemas_that_paimon_makes_of_them() {
    for (case, definition) in golden::json("schema/definitions.json").as_object().unwrap() {
        let wanted = schema(&format!("{case}-0"));
        let definition = SchemaDefinition::from_json(definition.to_string().as_bytes()).unwrap();
        // The order of options is that of a hash map of Java's; it does not count.
        assert_eq!(definition.into_schema(wanted.time_millis).unwrap(), wanted, "{case}");
    }
}

#[test]
fn fields_of_an_evolved_schema() {
    let first = schema("evolve-nested-0");
    let last = schema("evolve-nested-2");
    assert_eq!((first.id, last.id, first.highest_field_id), (0, 2, 8));
    assert_eq!(last.index_of("l"), Some(2));
    assert_eq!(last.field("l").unwrap().id, first.field("l").unwrap().id);
    assert!(last.highest_field_id > first.highest_field_id, "new fields have new ids");
    let partitioned = schema("dedup-partition-int-date-0");
    let trimmed = partitioned.trimmed_primary_keys();
    assert!(partitioned.partition_keys.iter().all(|name| !trimmed.contains(name)));
    assert_eq!(partitioned.bucket_keys().unwrap(), trimmed);
    assert_eq!(partitioned.partition_types().len(), 2);
    assert!(!partitioned.is_cross_partition_update());
}

#[test]
fn old_versions_have_the_defaults_of_their_time() {
    let options = |version: &str| {
        let text = format!(
            r#"{{{version} "id": 0, "fields": [{{"id": 0, "name": "k", "type": "INT NOT NULL"}}], "highestFieldId": 0,
            "partitionKeys": [], "primaryKeys": ["k"], "options": {{}}, "later": 1}}"#
        );
        let schema = TableSchema::from_json(text.as_bytes(), "schema-0").unwrap();
        assert_eq!(schema.time_millis, 0);
        (schema.options.get("bucket").cloned(), schema.options.get("file.format").cloned())
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(options(""), (text("1"), text("orc")));
    assert_eq!(options(r#""version": 2,"#), (None, text("orc")));
    assert_eq!(options(r#""version": 3,"#), (None, None));
}

#[test]
fn broken_schemas_are_refused_with_path_and_offset() {
    let good = golden::text("schema/1.4.2/evolve-nested-2.json");
    for length in (0..good.len()).step_by(7) {
        let error = TableSchema::from_json(&good.as_bytes()[..length], "schema-2").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().starts_with("schema-2 is corrupt at byte "), "{error}");
    }
    for (from, to) in [
        ("\"INT NOT NULL\"", "\"INTEGRAL\""),
        ("\"k\" ]", "\"absent\" ]"),
        ("\"id\" : 0", "\"id\" : \"zero\""),
        ("\"version\" : 3", "\"version\" : 4"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from} is there");
        let error = TableSchema::from_json(bad.as_bytes(), "schema-2").unwrap_err();
        assert!(error.to_string().contains("schema-2"), "{error}");
    }
    let deep = format!("{}\"INT\"{}", "{\"type\":\"ARRAY\",\"element\":".repeat(5000), "}".repeat(5000));
    assert!(TableSchema::from_json(deep.as_bytes(), "schema-0").is_err());
}

fn definition(columns: &[(&str, &str)], primary_keys: &[&str], options: &[(&str, &str)]) -> SchemaDefinition {
    SchemaDefinition {
        columns: columns
            .iter()
            .map(|(name, text)| ColumnDefinition::new(*name, DataType::parse(text).unwrap()))
            .collect(),
        primary_keys: primary_keys.iter().map(ToString::to_string).collect(),
        options: options.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        ..SchemaDefinition::default()
    }
}

#[test]
fn keys_given_as_options_become_lists() {
    let columns = [("dt", "STRING"), ("k", "INT"), ("v", "INT")];
    let options = [("primary-key", "dt, k"), ("partition", "dt"), ("bucket", "2")];
    let schema = definition(&columns, &[], &options).into_schema(7).unwrap();
    assert_eq!((schema.primary_keys.join(","), schema.partition_keys.join(",")), ("dt,k".to_owned(), "dt".to_owned()));
    assert_eq!(schema.options.keys().collect::<Vec<_>>(), ["bucket"]);
    assert_eq!(schema.fields.iter().map(|field| field.data_type.nullable).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!((schema.version, schema.id, schema.highest_field_id, schema.time_millis), (3, 0, 2, 7));
}

#[test]
fn wrong_definitions_are_refused_by_name() {
    let k = ("k", "INT");
    for (columns, keys, options, says) in [
        (&[][..], &[][..], &[][..], "needs a column"),
        (&[k, k], &["k"], &[("bucket", "1")], "two columns k"),
        (&[k, ("_KEY_k", "INT")], &["k"], &[("bucket", "1")], "_KEY_k is reserved"),
        (&[("_SEQUENCE_NUMBER", "INT")], &[], &[], "_SEQUENCE_NUMBER is reserved"),
        (&[(" ", "INT")], &[], &[], "column 1 has no name"),
        (&[k], &["q"], &[("bucket", "1")], "there is no column q; the columns are k"),
        (&[k], &["k", "k"], &[("bucket", "1")], "name k twice"),
        (&[k], &["k"], &[("primary-key", "k")], "both name keys"),
        (&[k], &["k"], &[("partition", "k")], "partition columns only"),
        (&[("k", "INT ARRAY")], &["k"], &[("bucket", "1")], "column k of type"),
        (&[k], &["k"], &[("bucket", "0")], "option bucket is \"0\""),
        (&[k], &["k"], &[("bucket", "many")], "option bucket is \"many\""),
        (&[k, ("v", "INT")], &["k"], &[("bucket", "1"), ("bucket-key", "v")], "the bucket key has v"),
        (&[k], &["k"], &[("bucket", "1"), ("sequence.field", "s")], "no column s"),
        (&[k], &["k"], &[("bucket", "1"), ("rowkind.field", "k")], "rowkind.field names k"),
        (&[k], &["k"], &[("bucket", "1"), ("write-buffer-size", "8 furlongs")], "write-buffer-size"),
        (&[k], &["k"], &[("bucket", "1"), ("merge-engine", "fuse")], "option merge-engine is \"fuse\""),
        (&[k], &["k"], &[("bucket", "1"), ("num-levels", "1")], "1 levels"),
        (&[k], &["k"], &[("bucket", "1"), ("data-file.path-directory", "../up")], "data-file.path-directory"),
        (&[k], &[], &[("bucket", "2")], "needs the option bucket-key"),
    ] {
        let error = definition(columns, keys, options).into_schema(0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(says), "{error} does not say {says}");
    }
    for (json, says) in [
        ("[]", "no JSON object"),
        (r#"{"fields": [{"name": "k"}]}"#, "the field k lacks \"type\""),
        (r#"{"fields": [{"name": "k", "type": "INTT"}]}"#, "unsupported type: INTT"),
        (r#"{"fields": [{"name": "k", "type": "INT"}], "primaryKey": ["k"]}"#, "a member \"primaryKey\""),
        (r#"{"fields": [{"name": "k", "type": "INT", "description": 1}]}"#, "\"description\" is 1"),
    ] {
        let error = SchemaDefinition::from_json(json.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(says), "{error} does not say {says}");
    }
    let x = r#"{"name": "x", "type": "INT"}"#;
    let twice = format!(r#"{{"fields": [{{"name": "r", "type": {{"type": "ROW", "fields": [{x}, {x}]}}}}]}}"#);
    let error = SchemaDefinition::from_json(twice.as_bytes()).unwrap().into_schema(0).unwrap_err();
    assert!(error.to_string().contains("field 2 of a row is named \"x\""), "{error}");
}
