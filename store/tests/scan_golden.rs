//! Scans of the golden tables against what Paimon says is in them.

use std::fs;

use alluvium_format::{CompareOp, FileKind, FileSource, ManifestEntry, Predicate};
use alluvium_store::{TableStore, scan};
use serde_json::{Value, json};

use crate::golden_table::{self, Place};

fn case_json(case: &str) -> Value {
    let path = format!("{}/../tests/golden/{case}/case.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// An entry as `case.json` shows it.
fn shown(table: &TableStore, entry: &ManifestEntry) -> Value {
    let file = &entry.file;
    json!({
        "partition": table.partition_path(&entry.partition).unwrap(),
        "bucket": entry.bucket,
        "totalBuckets": entry.total_buckets,
        "level": file.level,
        "rows": file.row_count,
        "deleteRows": file.delete_row_count,
        "minSequence": file.min_sequence_number,
        "maxSequence": file.max_sequence_number,
        "schemaId": file.schema_id,
        "source": file.file_source.map(|source| match source {
            FileSource::Append => "APPEND",
            FileSource::Compact => "COMPACT",
        }),
        "name": file.file_name,
        "extraFiles": file.extra_files,
    })
}

fn by_name(mut files: Vec<Value>) -> Vec<Value> {
    files.sort_by_key(|file| (file["name"].to_string(), file["level"].to_string()));
    files
}

#[tokio::test]
async fn the_live_files_are_those_that_paimon_sees() {
    for case in golden_table::cases() {
        let table = golden_table::open(&case, Place::Local).await;
        let latest = table.snapshots().latest().await.unwrap().unwrap();
        let live = scan::live_entries(&table, &latest, &Predicate::True).await.unwrap();
        let ours = by_name(live.iter().map(|entry| shown(&table, entry)).collect());
        let theirs = by_name(case_json(&case)["liveFiles"].as_array().unwrap().clone());
        assert_eq!(ours, theirs, "{case}");
    }
}

fn rows(entries: &[ManifestEntry]) -> i64 {
    let signed = |entry: &ManifestEntry| match entry.kind {
        FileKind::Add => entry.file.row_count,
        FileKind::Delete => -entry.file.row_count,
    };
    entries.iter().map(signed).sum()
}

#[tokio::test]
async fn every_snapshot_has_as_many_rows_as_it_says() {
    let mut changelogs = 0;
    for case in golden_table::cases() {
        let table = golden_table::open(&case, Place::Local).await;
        for id in table.snapshots().ids().await.unwrap() {
            let snapshot = table.snapshots().get(id).await.unwrap();
            let live = scan::live_entries(&table, &snapshot, &Predicate::True).await.unwrap();
            let delta = scan::delta_entries(&table, &snapshot, &Predicate::True).await.unwrap();
            let changelog = scan::changelog_entries(&table, &snapshot, &Predicate::True).await.unwrap();
            assert_eq!(Some(rows(&live)), snapshot.total_record_count, "{case} {id}");
            assert_eq!(Some(rows(&delta)), snapshot.delta_record_count, "{case} {id}");
            assert_eq!(rows(&changelog), snapshot.changelog_record_count.unwrap_or(0), "{case} {id}");
            changelogs += changelog.len();
        }
    }
    assert!(changelogs > 20, "{changelogs}");
}

#[tokio::test]
async fn a_condition_on_partitions_keeps_exactly_those() {
    let mut checked = 0;
    for case in golden_table::cases() {
        let table = golden_table::open(&case, Place::Local).await;
        let Some(column) = table.schema().partition_keys.first().cloned() else { continue };
        let latest = table.snapshots().latest().await.unwrap().unwrap();
        let all = scan::live_entries(&table, &latest, &Predicate::True).await.unwrap();
        for entry in &all {
            let value = |entry: &ManifestEntry| entry.partition.decode(&table.partition_types()).unwrap()[0].clone();
            let wanted = value(entry);
            let predicate = match wanted.clone() {
                Some(literal) => Predicate::Compare { column: column.clone(), op: CompareOp::Eq, literal },
                None => Predicate::IsNull(column.clone()),
            };
            let found = scan::live_entries(&table, &latest, &predicate).await.unwrap();
            let expected: Vec<_> = all.iter().filter(|other| value(other) == wanted).cloned().collect();
            assert_eq!(found, expected, "{case} {wanted:?}");
            checked += usize::from(expected.len() < all.len());
        }
        assert!(scan::live_entries(&table, &latest, &Predicate::False).await.unwrap().is_empty(), "{case}");
        let of_no_partition = Predicate::IsNull("not a partition column".to_owned());
        assert_eq!(scan::live_entries(&table, &latest, &of_no_partition).await.unwrap(), all, "{case}");
    }
    assert!(checked > 20, "{checked}");
}
