//! Snapshots, tags, consumers, statistics and long-lived changelogs: read, and written back byte for byte.

use std::time::Duration;

use alluvium_format::{Changelog, CommitKind, Consumer, ErrorKind, LocalDateTime, Snapshot, TableStatistics, Tag};

use crate::golden::{files, text};

fn written_back<T>(
    folder: &str,
    read: impl Fn(&[u8], &str) -> alluvium_format::Result<T>,
    write: impl Fn(&T) -> String,
) {
    for file in files(folder) {
        let text = text(&file);
        let value = read(text.as_bytes(), &file).unwrap();
        assert_eq!(write(&value), text, "{file}");
    }
}

#[test]
fn every_json_file_is_written_back_as_it_was() {
    written_back("snapshot/1.4.2", Snapshot::from_json, Snapshot::to_json);
    written_back("changelog/1.4.2", Changelog::from_json, Changelog::to_json);
    written_back("tag/1.4.2", Tag::from_json, Tag::to_json);
    written_back("consumer/1.4.2", Consumer::from_json, Consumer::to_json);
    written_back("statistics/1.4.2", TableStatistics::from_json, TableStatistics::to_json);
}

#[test]
fn fields_of_a_snapshot() {
    let read = |file: &str| Snapshot::from_json(text(file).as_bytes(), file).unwrap();
    let analyzed = read("snapshot/1.4.2/statistics-2.json");
    assert_eq!(analyzed.commit_kind, CommitKind::Analyze);
    assert_eq!(analyzed.commit_identifier, i64::MAX);
    assert_eq!(analyzed.statistics.as_deref(), Some("stat-930817fa-0639-450f-80ab-3a17c08c3ef0-0"));
    assert_eq!((analyzed.version, analyzed.id, analyzed.schema_id, analyzed.next_row_id), (3, 2, 0, Some(0)));
    assert_eq!((analyzed.total_record_count, analyzed.delta_record_count), (Some(10), Some(0)));
    assert_eq!((analyzed.watermark, analyzed.changelog_record_count, analyzed.properties), (None, None, None));
    let vectors = read("snapshot/1.4.2/dv-bitmap32-7.json");
    assert_eq!(vectors.index_manifest.as_deref(), Some("index-manifest-7f6a7e12-6ea8-4286-9d09-1247f7fbf5de-0"));
    assert_eq!((vectors.base_manifest_list_size, vectors.time_millis), (Some(1208), 1_795_458_903_913));
}

#[test]
fn old_and_new_snapshots_are_read() {
    let oldest = r#"{"id": 5, "schemaId": 0, "baseManifestList": "b", "deltaManifestList": "d", "commitUser": "u",
        "commitIdentifier": 3, "commitKind": "APPEND", "timeMillis": 1, "logOffsets": {"0": 12}}"#;
    let snapshot = Snapshot::from_json(oldest.as_bytes(), "snapshot-5").unwrap();
    assert_eq!((snapshot.version, snapshot.total_record_count, snapshot.base_manifest_list_size), (1, None, None));
    let newer =
        text("snapshot/1.4.2/dv-bitmap32-7.json").replacen('{', "{ \"uuid\" : \"x\", \"operation\" : [ 1 ],", 1);
    assert_eq!(Snapshot::from_json(newer.as_bytes(), "s").unwrap().id, 7);
    let mut full = snapshot;
    full.watermark = Some(i64::MIN);
    full.properties = Some([("k \"ü\"".to_owned(), "v\n".to_owned())].into_iter().collect());
    let text = full.to_json();
    assert!(text.contains(
        "\"watermark\" : -9223372036854775808,\n  \"properties\" : {\n    \"k \\\"ü\\\"\" : \"v\\n\"\n  }\n}"
    ));
    assert_eq!(Snapshot::from_json(text.as_bytes(), "s").unwrap(), full);
}

#[test]
fn a_tag_has_its_times() {
    let read = |name: &str| Tag::from_json(text(name).as_bytes(), name).unwrap();
    let kept = read("tag/1.4.2/kept.json");
    assert_eq!(kept.snapshot.id, 2);
    assert_eq!(kept.time_retained, Some(Duration::from_secs(86_400)));
    // 2026-11-23T18:35:15.006, read as if UTC.
    assert_eq!(kept.create_time.map(LocalDateTime::local_millis), Some(1_795_458_915_006));
    assert_eq!(read("tag/1.4.2/before.json"), Tag::of(read("tag/1.4.2/before.json").snapshot));
    for millis in [1, 999, 1000, 90_061_001, 1_000_000_000_123] {
        let tag = Tag { time_retained: Some(Duration::from_millis(millis)), ..kept.clone() };
        assert_eq!(Tag::from_json(tag.to_json().as_bytes(), "t").unwrap(), tag);
    }
    let negative = kept.to_json().replace("86400", "-1");
    assert_eq!(Tag::from_json(negative.as_bytes(), "t").unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn broken_json_names_file_and_offset() {
    let whole = text("snapshot/1.4.2/dv-bitmap32-7.json");
    for length in 0..whole.len() {
        let error = Snapshot::from_json(&whole.as_bytes()[..length], "snapshot-7").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().starts_with("snapshot-7 is corrupt at byte"), "{error}");
    }
    let unnamed = whole.replace("commitUser", "user");
    assert!(Snapshot::from_json(unnamed.as_bytes(), "s").unwrap_err().to_string().contains("commitUser"));
}
