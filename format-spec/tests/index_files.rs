//! Deletion vectors and hash indexes.

use std::collections::BTreeSet;

use alluvium_format::deletion_vector::{decode_all, decode_one, encode_index_file};
use alluvium_format::{DeletionVector, DeletionVectorKind, DeletionVectorMeta, ErrorKind, hash_index};
use proptest::prelude::*;
use serde_json::Value;

use crate::golden::{json, unhex};

fn positions(json: &Value) -> Vec<u64> {
    match json {
        Value::Array(positions) => positions.iter().map(|position| position.as_u64().unwrap()).collect(),
        range => {
            let bound = |name: &str| range[name].as_u64().unwrap();
            (bound("from")..bound("to")).step_by(bound("step") as usize).collect()
        }
    }
}

fn vector(kind: DeletionVectorKind, positions: &[u64]) -> DeletionVector {
    let mut vector = DeletionVector::new(kind);
    positions.iter().for_each(|position| assert!(vector.delete(*position).unwrap()));
    vector
}

fn meta(json: &Value) -> DeletionVectorMeta {
    DeletionVectorMeta {
        data_file_name: json["f0"].as_str().unwrap().to_owned(),
        offset: json["f1"].as_i64().unwrap() as i32,
        length: json["f2"].as_i64().unwrap() as i32,
        cardinality: json["_CARDINALITY"].as_i64(),
    }
}

#[test]
fn vectors_are_written_and_read_as_java_does() {
    for case in json("bytes/deletion-vectors.json").as_array().unwrap() {
        let kind = match case["kind"].as_str().unwrap() {
            "bitmap32" => DeletionVectorKind::Bitmap32,
            "bitmap64" => DeletionVectorKind::Bitmap64,
            other => panic!("{other}"),
        };
        let files: Vec<_> = case["positions"].as_object().unwrap().iter().collect();
        let vectors: Vec<_> = files.iter().map(|(_, json)| vector(kind, &positions(json))).collect();
        let named: Vec<_> = files.iter().map(|(name, _)| name.as_str()).zip(&vectors).collect();
        let java = unhex(case["bytes"].as_str().unwrap());
        let metas: Vec<_> = case["ranges"].as_array().unwrap().iter().map(meta).collect();
        let (bytes, found) = encode_index_file(&named).unwrap();
        assert_eq!(found, metas);
        assert!(bytes == java, "{case}");
        let read = decode_all(&java, &metas, "index").unwrap();
        assert!(read.iter().map(|(name, vector)| (name.as_str(), vector)).eq(named), "{case}");
    }
}

#[test]
fn what_a_vector_answers() {
    for kind in [DeletionVectorKind::Bitmap32, DeletionVectorKind::Bitmap64] {
        let mut some = vector(kind, &[3, 70_000, 5]);
        assert!(!some.delete(5).unwrap());
        assert!(some.is_deleted(70_000) && !some.is_deleted(4) && !some.is_deleted(u64::MAX));
        assert_eq!(some.positions_in(4..70_000), [5]);
        assert_eq!(some.positions_in(5..u64::MAX), [5, 70_000]);
        assert_eq!((some.last(), vector(kind, &[]).last()), (Some(70_000), None));
        let run = vector(kind, &(10..200_000).collect::<Vec<_>>());
        assert!(run.are_deleted(10..200_000) && run.are_deleted(65_535..65_537) && run.are_deleted(7..7));
        assert!(!run.are_deleted(9..11) && !run.are_deleted(10..200_001) && !run.are_deleted(10..1 << 40));
        for other in [DeletionVectorKind::Bitmap32, DeletionVectorKind::Bitmap64] {
            some.merge(&vector(other, &[1, 5])).unwrap();
        }
        assert_eq!((some.cardinality(), some.is_empty(), some.kind()), (4, false, kind));
        assert_eq!(some.positions().collect::<Vec<_>>(), [1, 3, 5, 70_000]);
        assert_eq!(some.delete(1 << 50).unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert!(vector(DeletionVectorKind::Bitmap32, &[]).delete(1 << 31).is_err());
}

#[test]
fn an_empty_index_file_is_its_version() {
    let (bytes, metas) = encode_index_file(&[]).unwrap();
    assert_eq!((bytes.as_slice(), metas.len()), (&[1][..], 0));
    assert_eq!(decode_all(&bytes, &[], "index").unwrap(), []);
    assert_eq!(decode_all(&[], &[], "index").unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(decode_all(&[2], &[], "index").unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn hostile_vectors_are_refused() {
    let vectors = [
        vector(DeletionVectorKind::Bitmap32, &[1, 2, 3, 9, 70_000]),
        vector(DeletionVectorKind::Bitmap64, &[1, 5, 1 << 33]),
        vector(DeletionVectorKind::Bitmap32, &(0..9000).map(|n| n * 3).collect::<Vec<_>>()),
    ];
    let named: Vec<_> = vectors.iter().map(|vector| ("data", vector)).collect();
    let (bytes, metas) = encode_index_file(&named).unwrap();
    let refused = |bytes: &[u8], meta: &DeletionVectorMeta| {
        let error = decode_one(bytes, meta, "index").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().starts_with("index is corrupt at byte "), "{error}");
    };
    for meta in &metas {
        let start = meta.offset as usize;
        let end = metas.iter().map(|meta| meta.offset as usize).find(|offset| *offset > start).unwrap_or(bytes.len());
        (0..end).step_by(7).for_each(|length| refused(&bytes[..length], meta));
        for at in (start..end).step_by(3) {
            let mut mutated = bytes.clone();
            mutated[at] ^= 0x10;
            refused(&mutated, meta);
            // The same with a checksum that agrees: refused, or another vector that is sound.
            let checksum = crc32fast::hash(&mutated[start + 4..end - 4]).to_be_bytes();
            mutated[end - 4..end].copy_from_slice(&checksum);
            if let Ok(other) = decode_one(&mutated, meta, "index") {
                assert!(other.positions().is_sorted() && other.positions().count() as u64 == other.cardinality());
            }
        }
        for (offset, length) in [(-1, meta.length), (i32::MAX, meta.length), (meta.offset, meta.length + 1)] {
            refused(&bytes, &DeletionVectorMeta { offset, length, ..meta.clone() });
        }
    }
}

#[test]
fn hashes_are_written_and_read_as_java_does() {
    for case in json("bytes/hash-index.json").as_array().unwrap() {
        let hashes: Vec<_> =
            case["hashes"].as_array().unwrap().iter().map(|hash| hash.as_i64().unwrap() as i32).collect();
        let bytes = unhex(case["bytes"].as_str().unwrap());
        assert_eq!(hash_index::encode(&hashes), bytes);
        assert_eq!(hash_index::decode(&bytes, "index").unwrap(), hashes);
        assert_eq!(case["_INDEX_TYPE"], hash_index::INDEX_TYPE);
    }
    let error = hash_index::decode(&[0, 0, 0, 1, 7], "index-1").unwrap_err();
    assert!(error.to_string().starts_with("index-1 is corrupt at byte 4:"), "{error}");
}

proptest! {
    #[test]
    fn a_vector_is_the_set_of_its_positions(
        sets in prop::collection::vec(prop::collection::btree_set(0_u64..200_000, 0..300), 0..4),
        high in prop::collection::btree_set((1_u64 << 32)..(1 << 34), 0..5),
    ) {
        for kind in [DeletionVectorKind::Bitmap32, DeletionVectorKind::Bitmap64] {
            let sets: Vec<BTreeSet<u64>> = sets.iter().map(|set| match kind {
                DeletionVectorKind::Bitmap32 => set.clone(),
                DeletionVectorKind::Bitmap64 => set | &high,
            }).collect();
            let vectors: Vec<_> = sets.iter().map(|set| vector(kind, &set.iter().copied().collect::<Vec<_>>())).collect();
            let named: Vec<_> = vectors.iter().map(|vector| ("data", vector)).collect();
            let (bytes, metas) = encode_index_file(&named).unwrap();
            for ((meta, set), vector) in metas.iter().zip(&sets).zip(&vectors) {
                let read = decode_one(&bytes, meta, "index").unwrap();
                prop_assert_eq!(&read, vector);
                prop_assert!(read.positions().eq(set.iter().copied()));
                prop_assert_eq!(meta.cardinality, Some(set.len() as i64));
            }
        }
    }
}
