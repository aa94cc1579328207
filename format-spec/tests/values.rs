//! Types, rows, buckets and partition folders against the vectors of `golden/bytes`.

use alluvium_format::arrow::array_from_datums;
use alluvium_format::bucket::{assign_buckets, bucket_of_row};
use alluvium_format::json_value::{from_json, to_json};
use alluvium_format::partition::{NameStyle, PartitionNaming, partition_path};
use alluvium_format::{BinaryRow, BucketFunction, DataField, DataType, Datum, murmur};
use serde_json::Value;

use crate::golden;

fn vectors(name: &str) -> Vec<Value> {
    let vectors: Vec<Value> = serde_json::from_str(&golden::text(&format!("bytes/{name}.json"))).unwrap();
    assert!(vectors.len() > 2, "{name} holds vectors");
    vectors
}

fn types(vector: &Value) -> Vec<DataType> {
    vector["types"].as_array().unwrap().iter().map(|t| DataType::from_json(t).unwrap()).collect()
}

fn values(vector: &Value, types: &[DataType]) -> Vec<Option<Datum>> {
    let values = vector["values"].as_array().unwrap();
    assert_eq!(values.len(), types.len());
    values.iter().zip(types).map(|(value, data_type)| from_json(value, data_type).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn types_are_read_and_written_as_paimon_does() {
    for vector in vectors("types") {
        let read = DataType::from_json_without_ids(&vector["input"]);
        match vector.get("schema") {
            None => assert!(read.is_err(), "{vector}"),
            Some(schema) if vector["input"].is_string() => assert_eq!(read.unwrap().to_json(), *schema, "{vector}"),
            Some(schema) => assert_eq!(DataType::from_json(&vector["input"]).unwrap().to_json(), *schema, "{vector}"),
        }
    }
}

#[test]
fn rows_have_paimons_bytes_and_hash() {
    for vector in vectors("rows") {
        let types = types(&vector);
        let values = values(&vector, &types);
        let row = BinaryRow::encode(&types, &values).unwrap();
        assert_eq!(hex(&row.to_serialized()), vector["bytes"].as_str().unwrap(), "{vector}");
        assert_eq!(i64::from(row.hash()), vector["hash"].as_i64().unwrap(), "{vector}");
        let read = BinaryRow::from_serialized(&row.to_serialized()).unwrap();
        assert_eq!(read, row);
        let decoded = read.decode(&types).unwrap();
        let json = |values: &[Option<Datum>]| -> Vec<Value> {
            values.iter().zip(&types).map(|(value, data_type)| to_json(value.as_ref(), data_type)).collect()
        };
        assert_eq!(json(&decoded), json(&values), "{vector}");
    }
}

#[test]
fn hashes_of_bytes() {
    for vector in vectors("murmur") {
        let text = vector["bytes"].as_str().unwrap();
        let bytes: Vec<u8> =
            (0..text.len() / 2).map(|i| u8::from_str_radix(&text[i * 2..i * 2 + 2], 16).unwrap()).collect();
        assert_eq!(i64::from(murmur::hash_words(&bytes)), vector["hash"].as_i64().unwrap(), "{vector}");
    }
}

#[test]
fn keys_fall_into_paimons_buckets() {
    let functions =
        [("default", BucketFunction::Default), ("mod", BucketFunction::Mod), ("hive", BucketFunction::Hive)];
    let mut compared = 0;
    for vector in vectors("buckets") {
        let types = types(&vector);
        let values = values(&vector, &types);
        let row = BinaryRow::encode(&types, &values).unwrap();
        let columns: Vec<_> =
            types.iter().zip(&values).map(|(t, v)| array_from_datums(t, std::slice::from_ref(v)).unwrap()).collect();
        for (name, function) in functions {
            for count in [1, 3, 16] {
                let wanted = &vector[name];
                let got = bucket_of_row(function, count, &types, &row);
                match wanted.get(count.to_string()).or_else(|| wanted.get(format!("{count}"))) {
                    Some(bucket) => {
                        assert_eq!(i64::from(got.unwrap()), bucket.as_i64().unwrap(), "{name} {count} {vector}");
                        let column = assign_buckets(function, count, &types, &columns).unwrap();
                        assert_eq!(i64::from(column[0]), bucket.as_i64().unwrap(), "{name} {count} {vector}");
                        compared += 1;
                    }
                    None => assert!(got.is_err() || wanted.is_null(), "{name} {count} {vector}: {got:?}"),
                }
            }
        }
    }
    assert!(compared > 50, "only {compared} buckets were compared");
}

#[test]
fn partitions_have_paimons_folders() {
    for vector in vectors("partition-paths") {
        let types = types(&vector);
        let row = BinaryRow::encode(&types, &values(&vector, &types)).unwrap();
        assert_eq!(hex(&row.to_serialized()), vector["bytes"].as_str().unwrap(), "{vector}");
        let columns: Vec<DataField> =
            types.iter().enumerate().map(|(i, t)| DataField::new(i as i32, format!("f{i}"), t.clone())).collect();
        for (name, style) in [("legacy", NameStyle::Legacy), ("cast", NameStyle::Cast)] {
            let naming = PartitionNaming { default_name: "__DEFAULT_PARTITION__".to_owned(), style };
            let path = partition_path(&columns, &row, &naming);
            match vector[name].as_str() {
                Some(wanted) => assert_eq!(path.unwrap(), wanted, "{name} {vector}"),
                None => assert!(path.is_err(), "{name} {vector}"),
            }
        }
    }
}
