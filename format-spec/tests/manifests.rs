//! Manifests, manifest lists and index manifests: read, compared with what is known of them, and written back.

use alluvium_format::avro::Compression;
use alluvium_format::manifest::{file, list};
use alluvium_format::{
    ErrorKind, FileKind, FileSource, IndexManifestEntry, ManifestEntry, ManifestFileMeta, Result, index_file,
};

use crate::golden::{bytes, files};

/// Bytes behind the header up to the first block: everything but the marker is the same in every file of a kind.
fn header(file: &[u8]) -> &[u8] {
    let codec = file.windows(10).position(|window| window == b"avro.codec").unwrap();
    let length = usize::from(file[codec + 10] >> 1);
    &file[..codec + 10 + 1 + length + 1]
}

/// The decompressed bytes of the blocks of a file.
fn payload(file: &[u8]) -> Vec<u8> {
    let varint = |at: &mut usize| {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = file[*at];
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return usize::try_from(value >> 1).unwrap();
            }
        }
    };
    let mut at = header(file).len() + 16;
    let mut payload = Vec::new();
    while at < file.len() {
        varint(&mut at);
        let length = varint(&mut at);
        payload.extend(zstd::stream::decode_all(&file[at..at + length]).unwrap());
        at += length + 16;
    }
    payload
}

type Decode<T> = fn(&[u8], &str) -> Result<Vec<T>>;
type Encode<T> = fn(&[T], Compression) -> Result<Vec<u8>>;

fn written_back<T: PartialEq + std::fmt::Debug>(folder: &str, decode: Decode<T>, encode: Encode<T>) {
    for file in files(folder) {
        let java = bytes(&file);
        let records = decode(&java, &file).unwrap();
        assert_eq!(records.capacity(), records.len(), "{file}: what is kept has room for nothing more");
        let ours = encode(&records, Compression::default()).unwrap();
        assert_eq!(header(&ours), header(&java), "{file}");
        assert_eq!(payload(&ours), payload(&java), "{file}");
        assert_eq!(encode(&records, Compression::default()).unwrap(), ours, "nothing about a file is random");
        for compression in [Compression::Null, Compression::Deflate, Compression::Snappy] {
            let other = encode(&records, compression).unwrap();
            assert_eq!(decode(&other, &file).unwrap(), records, "{file} in {compression:?}");
        }
    }
}

#[test]
fn every_file_is_written_back_with_javas_header_and_records() {
    written_back::<ManifestEntry>("manifest/1.4.2", file::decode, file::encode);
    written_back::<ManifestFileMeta>("manifest_list/1.4.2", list::decode, list::encode);
    written_back::<IndexManifestEntry>(
        "index_manifest/1.4.2",
        index_file::decode_manifest,
        index_file::encode_manifest,
    );
}

fn entries(case: &str) -> Vec<ManifestEntry> {
    let path = format!("manifest/1.4.2/{case}.avro");
    file::decode(&bytes(&path), &path).unwrap()
}

#[test]
fn fields_of_entries() {
    let external = entries("external-paths");
    assert_eq!(external.len(), 2);
    let file = &external[0].file;
    assert_eq!((external[0].kind, external[0].bucket, external[0].total_buckets), (FileKind::Add, 0, -1));
    assert_eq!(external[0].partition.as_bytes(), b"\0\0\0\0\0\0\0\0b\0\0\0\0\0\0\x81");
    assert_eq!(file.file_name, "data-ff1b42a7-5cd5-48ee-9ff7-461bc2fc04be-0.parquet");
    let path = "file:/tmp/alluvium-golden/external/p=b/bucket-0/data-ff1b42a7-5cd5-48ee-9ff7-461bc2fc04be-0.parquet";
    assert_eq!(file.external_path.as_deref(), Some(path));
    assert_eq!((file.file_size, file.row_count, file.delete_row_count), (634, 1, Some(0)));
    assert_eq!(file.value_stats.null_counts, [Some(0), Some(0), Some(0)]);
    assert_eq!((file.creation_time_millis, file.file_source), (Some(1_795_458_917_921), Some(FileSource::Append)));

    let tracked = &entries("append-row-tracking")[0].file;
    assert_eq!((tracked.first_row_id, tracked.min_sequence_number, tracked.max_sequence_number), (Some(3), 2, 2));

    let postponed = &entries("postpone")[0];
    assert_eq!((postponed.bucket, postponed.total_buckets, postponed.file.min_sequence_number), (-2, -2, -1));
    assert_eq!(postponed.file.value_stats_cols.as_deref(), Some(&[][..]));
    assert_eq!(postponed.file.key_stats.null_counts, [None]);

    let indexed = &entries("index-pk-bloom")[0].file;
    assert_eq!(
        indexed.embedded_index.as_ref().map(|index| index[..8].to_vec()),
        Some(0x0005_4e4e_d01a_35ae_u64.to_be_bytes().to_vec())
    );

    let kinds: Vec<_> = entries("dedup-upgrade-levels").iter().map(|entry| (entry.kind, entry.file.level)).collect();
    let (delete, add) = (FileKind::Delete, FileKind::Add);
    assert_eq!(kinds, [(delete, 2), (delete, 0), (delete, 3), (delete, 0), (add, 3)]);
}

#[test]
fn fields_of_lists_and_index_manifests() {
    let read = |case: &str| {
        let path = format!("manifest_list/1.4.2/{case}.avro");
        list::decode(&bytes(&path), &path).unwrap()
    };
    assert_eq!(read("empty"), []);
    let upgrade = read("dedup-upgrade-levels");
    let last = upgrade.last().unwrap();
    assert_eq!(upgrade.len(), 8);
    assert_eq!(last.file_name, "manifest-54037fbf-2d60-4bc9-8c4f-2930edb92e73-1");
    assert_eq!((last.file_size, last.num_added_files, last.num_deleted_files), (2398, 1, 4));
    assert_eq!(
        (last.min_bucket, last.max_bucket, last.min_level, last.max_level),
        (Some(0), Some(0), Some(0), Some(3))
    );
    assert_eq!((last.min_row_id, last.max_row_id), (None, None));
    let partitioned = &read("dedup-partition-int-date")[0].partition_stats;
    assert_eq!(partitioned.null_counts, [Some(0), Some(0)]);
    assert_eq!(partitioned.max_values.as_bytes(), b"\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0FM\0\0\0\0\0\0");
    let tracked = &read("append-row-tracking")[0];
    assert_eq!((tracked.min_row_id, tracked.max_row_id), (Some(0), Some(2)));

    let read = |case: &str| {
        let path = format!("index_manifest/1.4.2/{case}.avro");
        index_file::decode_manifest(&bytes(&path), &path).unwrap()
    };
    let vectors = read("dv-bitmap32");
    let first = &vectors[0].index_file;
    assert_eq!((first.index_type.as_str(), first.file_size, first.row_count), ("DELETION_VECTORS", 75, 2));
    let ranges: Vec<_> =
        first.dv_ranges.iter().flatten().map(|range| (range.offset, range.length, range.cardinality)).collect();
    assert_eq!(ranges, [(1, 22, Some(1)), (31, 36, Some(8))]);
    let hashes: Vec<_> =
        read("dynamic-bucket").iter().map(|entry| (entry.bucket, entry.index_file.row_count)).collect();
    assert_eq!(hashes, [(1, 3), (2, 3), (0, 3), (3, 1)]);
}

/// An uncompressed file of one block under `schema`.
fn container(schema: &str, records: u8, block: &[u8]) -> Vec<u8> {
    let varint = |length: usize| vec![(length * 2 % 128) as u8 | 0x80, u8::try_from(length * 2 / 128).unwrap()];
    let mut file = b"Obj\x01\x02\x16avro.schema".to_vec();
    file.extend(varint(schema.len()));
    file.extend(schema.as_bytes());
    file.push(0);
    file.extend([7; 16]);
    file.push(records * 2);
    file.extend(varint(block.len()));
    file.extend(block);
    file.extend([7; 16]);
    file
}

const EMPTY_ROW: &[u8] = &[24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn columns_are_found_by_name() {
    // Other order, null as second branch, a record nobody knows in between, and most columns absent.
    let schema = r#"{"type":"record","name":"r","fields":[{"name":"_FILE_SIZE","type":["long","null"]},
        {"name":"_NEW","type":{"type":"record","name":"n","fields":[{"name":"m","type":{"type":"map","values":"double"}},
        {"name":"u","type":["null","boolean","string"]},{"name":"x","type":{"type":"fixed","name":"f","size":3}}]}},
        {"name":"_PARTITION_STATS","type":{"type":"record","name":"s","fields":[{"name":"_MAX_VALUES","type":"bytes"},
        {"name":"_MIN_VALUES","type":"bytes"}]}},{"name":"_VERSION","type":"int"},{"name":"_FILE_NAME","type":"string"}]}"#;
    let mut block = vec![0, 84, 2, 2, b'k', 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2, b'v', 1, 2, 3];
    block.extend(EMPTY_ROW);
    block.extend(EMPTY_ROW);
    block.extend([4, 2, b'm']);
    let manifests = list::decode(&container(schema, 1, &block), "list").unwrap();
    assert_eq!((manifests[0].file_name.as_str(), manifests[0].file_size, manifests[0].min_bucket), ("m", 42, None));

    let version = block.len() - 3;
    block[version] = 2;
    let error = list::decode(&container(schema, 1, &block), "list").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let lacking = schema.replace("_FILE_NAME", "_NAME");
    let error = list::decode(&container(&lacking, 0, &[]), "list").unwrap_err();
    assert!(error.to_string().contains("no field _FILE_NAME"), "{error}");
}

#[test]
fn many_entries_make_many_blocks() {
    let template = &entries("dedup-partition-string")[0];
    let numbered = |number: i64| {
        let mut entry = template.clone();
        entry.file.file_name = format!("data-{number}.parquet");
        entry.file.max_sequence_number = number * (i64::MAX / 7000);
        entry
    };
    let entries: Vec<_> = (0..7000).map(numbered).collect();
    for compression in [Compression::default(), Compression::Null, Compression::Deflate, Compression::Snappy] {
        let encoded = file::encode(&entries, compression).unwrap();
        assert_eq!(file::decode(&encoded, "m").unwrap(), entries, "{compression:?}");
    }
}

#[test]
fn hostile_bytes_are_refused_with_path_and_offset() {
    let read = |file: &[u8]| {
        let results = [
            file::decode(file, "m").err(),
            list::decode(file, "m").err(),
            index_file::decode_manifest(file, "m").err(),
        ];
        for error in results.into_iter().flatten() {
            let message = error.to_string();
            match error.kind() {
                ErrorKind::Corrupt => assert!(message.starts_with("m is corrupt at byte "), "{message}"),
                kind => assert_eq!(kind, ErrorKind::Unsupported, "{message}"),
            }
        }
    };
    for folder in ["manifest/1.4.2", "manifest_list/1.4.2", "index_manifest/1.4.2"] {
        let path = files(folder).swap_remove(0);
        let whole = bytes(&path);
        (0..whole.len()).for_each(|length| read(&whole[..length]));
        // Uncompressed, so that what is wrong gets as far as the records.
        let plain = match folder {
            "manifest/1.4.2" => file::encode(&file::decode(&whole, &path).unwrap(), Compression::Null),
            "manifest_list/1.4.2" => list::encode(&list::decode(&whole, &path).unwrap(), Compression::Null),
            _ => index_file::encode_manifest(&index_file::decode_manifest(&whole, &path).unwrap(), Compression::Null),
        };
        for original in [whole, plain.unwrap()] {
            for at in 0..original.len() {
                for change in [1, 0x80, 0xff] {
                    let mut mutated = original.clone();
                    mutated[at] ^= change;
                    read(&mutated);
                }
            }
        }
    }
}

#[test]
fn claimed_lengths_are_not_believed() {
    let schema = r#"{"type":"record","name":"r","fields":[{"name":"_VERSION","type":"int"},{"name":"_FILE_SIZE","type":"long"},
        {"name":"_PARTITION_STATS","type":{"type":"record","name":"s","fields":[{"name":"_MIN_VALUES","type":"bytes"},
        {"name":"_MAX_VALUES","type":"bytes"},{"name":"_NULL_COUNTS","type":{"type":"array","items":"long"}}]}},
        {"name":"_FILE_NAME","type":"string"}]}"#;
    let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let bytes = [&[4, 2][..], &huge].concat();
    let counts = [&[4, 2][..], EMPTY_ROW, EMPTY_ROW, &huge].concat();
    let negative = [&[4, 2][..], EMPTY_ROW, EMPTY_ROW, &[0xff; 9], &[1]].concat();
    for block in [bytes, counts, negative] {
        let error = list::decode(&container(schema, 1, &block), "list").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
    // A snappy block that claims 4 GiB.
    let mut file = b"Obj\x01\x04\x16avro.schema".to_vec();
    file.extend([(schema.len() * 2 % 128) as u8 | 0x80, u8::try_from(schema.len() * 2 / 128).unwrap()]);
    file.extend(schema.as_bytes());
    file.extend(b"\x14avro.codec\x0csnappy\0");
    file.extend([7; 16]);
    file.extend([2, 20, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0]);
    file.extend([7; 16]);
    let error = list::decode(&file, "list").unwrap_err();
    assert!(error.to_string().contains("cannot hold 4294967295"), "{error}");
}
