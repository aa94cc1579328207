//! File indexes: the container, bloom filters and bitmaps.

use alluvium_format::file_index::{self, BitmapIndex, BloomFilter, FileIndex, hash_of};
use alluvium_format::json_value::from_json;
use alluvium_format::{DataType, Datum, ErrorKind};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use crate::golden::{json, unhex};

/// The vectors of an index type that Java does not refuse, with type and values.
fn vectors(index_type: Option<&str>) -> Vec<(Value, DataType, Vec<Option<Datum>>)> {
    let all = json("bytes/file-index.json");
    let wanted =
        |vector: &&Value| vector.get("body").is_some() && index_type.is_none_or(|wanted| vector["index"] == wanted);
    let found: Vec<_> = all.as_array().unwrap().iter().filter(wanted).cloned().collect();
    assert!(found.len() > 10);
    let typed = found.into_iter().map(|vector| {
        let data_type = DataType::parse(vector["type"].as_str().unwrap()).unwrap();
        let values = vector["values"].as_array().unwrap().iter();
        let values = values.map(|value| from_json(value, &data_type).unwrap()).collect();
        (vector, data_type, values)
    });
    typed.collect()
}

fn bytes_of(vector: &Value, name: &str) -> Vec<u8> {
    unhex(vector[name].as_str().unwrap())
}

#[test]
fn containers_are_written_and_read_as_java_does() {
    for (vector, ..) in vectors(None) {
        let container = bytes_of(&vector, "container");
        let index_type = vector["index"].as_str().unwrap().to_owned();
        let index = FileIndex { column: "c".to_owned(), index_type, body: Some(bytes_of(&vector, "body").into()) };
        assert_eq!(file_index::encode(std::slice::from_ref(&index)).unwrap(), container, "{vector}");
        assert_eq!(file_index::decode(&container.into(), "x").unwrap(), [index], "{vector}");
    }
}

#[test]
fn several_columns_and_an_empty_index() {
    let index = |column: &str, index_type: &str, body: Option<&'static [u8]>| FileIndex {
        column: column.to_owned(),
        index_type: index_type.to_owned(),
        body: body.map(Bytes::from_static),
    };
    let indexes =
        [index("a", "bloom-filter", Some(&[1, 2])), index("a", "bitmap", None), index("m[k]", "new", Some(&[3]))];
    let container = Bytes::from(file_index::encode(&indexes).unwrap());
    assert_eq!(file_index::decode(&container, "x").unwrap(), indexes);
    for length in 0..container.len() {
        if let Err(error) = file_index::decode(&container.slice(..length), "x") {
            assert!(error.to_string().starts_with("x is corrupt at byte "), "{error}");
        } else {
            assert!(length + 3 > container.len());
        }
    }
    let long = index(&"x".repeat(70_000), "bitmap", None);
    assert_eq!(file_index::encode(&[long]).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn bloom_filters_as_java_builds_them() {
    for (vector, data_type, values) in vectors(Some("bloom-filter")) {
        let mut filter = BloomFilter::new(16, 0.01).unwrap();
        for (value, hash) in values.iter().zip(vector["hashes"].as_array().unwrap()) {
            let Some(value) = value else { continue };
            let found = hash_of(value, &data_type).unwrap();
            assert_eq!(Some(found), hash.as_i64(), "{vector}");
            assert!(!filter.may_contain(found) || vector["values"].as_array().unwrap().len() > 1);
            filter.add(found);
        }
        let body = bytes_of(&vector, "body");
        assert_eq!(filter.encode(), body, "{vector}");
        let read = BloomFilter::decode(&body, "x").unwrap();
        assert_eq!(read, filter);
        assert!(values.iter().flatten().all(|value| read.may_contain(hash_of(value, &data_type).unwrap())));
    }
    assert_eq!(BloomFilter::new(1_000_000, 0.1).unwrap().encode().len(), 4 + 599_067);
    assert!(BloomFilter::new(0, 0.1).is_err() && BloomFilter::new(5, 1.0).is_err());
    for bytes in [&[][..], &[0, 0, 0, 7], &[0, 0, 0, 0, 1], &[0x7f, 0, 0, 0, 1]] {
        assert_eq!(BloomFilter::decode(bytes, "x").unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn bitmaps_as_java_builds_them() {
    for (vector, data_type, values) in vectors(Some("bitmap")) {
        let index = BitmapIndex::decode(&bytes_of(&vector, "body"), &data_type, "x").unwrap();
        assert_eq!(index.row_count() as usize, values.len());
        for wanted in &values {
            let rows = match wanted {
                Some(value) => index.rows_of(value),
                None => index.null_rows().clone(),
            };
            let expected = values.iter().enumerate().filter(|(_, value)| *value == wanted).map(|(row, _)| row as u32);
            assert!(rows.iter().eq(expected), "{vector}: {rows:?} hold {wanted:?}");
        }
    }
    let (vector, data_type, _) = vectors(Some("bitmap")).swap_remove(0);
    let body = bytes_of(&vector, "body");
    let index = BitmapIndex::decode(&body, &data_type, "x").unwrap();
    assert!(index.rows_of(&Datum::Int(77)).is_empty());
    for at in 0..body.len() {
        assert_ne!(BitmapIndex::decode(&body[..at], &data_type, "x").map_err(|error| error.kind()), Ok(index.clone()));
        for change in [1, 0x80, 0xff] {
            let mut mutated = body.clone();
            mutated[at] ^= change;
            if let Err(error) = BitmapIndex::decode(&mutated, &data_type, "x") {
                assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported), "{error}");
            }
        }
    }
}

proptest! {
    #[test]
    fn a_bloom_filter_forgets_nothing(hashes in prop::collection::vec(any::<i64>(), 1..200), items in 1_u32..300) {
        let mut filter = BloomFilter::new(items, 0.1).unwrap();
        hashes.iter().for_each(|hash| filter.add(*hash));
        prop_assert!(hashes.iter().all(|hash| filter.may_contain(*hash)));
    }

    #[test]
    fn hostile_containers_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut container = unhex("00054e4ed01a35ae0000000100000036000000");
        container.extend(bytes);
        let _ = file_index::decode(&container.into(), "x").map_err(|error| assert_eq!(error.kind(), ErrorKind::Corrupt));
    }
}
