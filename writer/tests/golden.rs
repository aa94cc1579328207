//! The steps of golden tables through this writer: the same snapshots and files as Paimon 1.4.2 made of them.

use std::str::FromStr;

use alluvium_format::{IndexFileMeta, IndexManifestEntry, RowKind};
use alluvium_writer::CommitExtras;
use serde_json::{Value, json};

use crate::world::{Row, World};

fn case(name: &str) -> Value {
    let path = format!("{}/../tests/golden/{name}/case.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn rows_of(step: &Value) -> Vec<Row> {
    let row = |row: &Value| {
        let kind =
            row.get("rowkind").map_or(RowKind::Insert, |kind| RowKind::from_str(kind.as_str().unwrap()).unwrap());
        (kind, row.clone())
    };
    step["rows"].as_array().unwrap().iter().map(row).collect()
}

async fn replay(name: &str, options: &[(&str, &str)]) -> (World, Value) {
    let mut case = case(name);
    for (option, value) in options {
        case["schema"]["options"][*option] = json!(value);
    }
    let world = World::new(case["schema"].clone()).await;
    let mut writer = world.writer("writer").await;
    for (identifier, step) in (1..).zip(case["steps"].as_array().unwrap()) {
        match step["do"].as_str().unwrap() {
            "write" => {
                world.write(&mut writer, &rows_of(step)).await;
                writer.commit(identifier, CommitExtras::default()).await.unwrap();
            }
            "compact" => drop(world.compact(step["kind"] == "full").await.unwrap()),
            other => panic!("the step {other} is not played"),
        }
        if step["full"] == "last" {
            world.compact(true).await.unwrap();
        }
        // Paimon's were made by one writer a step: it goes on from the sequence numbers that are left.
        writer = world.writer("writer").await;
    }
    (world, case)
}

/// Paimon's snapshots and files, without what is random or a matter of who compacted.
async fn assert_as_paimon_made_it(name: &str, options: &[(&str, &str)]) {
    let (world, case) = replay(name, options).await;
    let snapshots: Vec<Value> = (world.snapshots().await.iter())
        .map(|snapshot| {
            let members =
                ["id", "commitKind", "schemaId", "totalRecordCount", "deltaRecordCount", "changelogRecordCount"];
            let json: Value = serde_json::from_str(&snapshot.to_json()).unwrap();
            let there = members.iter().filter_map(|member| Some((member.to_string(), json.get(member)?.clone())));
            there.collect()
        })
        .collect();
    let wanted: Vec<Value> = (case["snapshots"].as_array().unwrap().iter())
        .map(|snapshot| {
            let mut snapshot = snapshot.clone();
            snapshot
                .as_object_mut()
                .unwrap()
                .retain(|member, _| !member.starts_with("commitU") && member != "commitIdentifier");
            snapshot
        })
        .collect();
    assert_eq!(snapshots, wanted, "the snapshots of {name}");
    let files: Vec<Value> = (world.live().await.iter())
        .map(|entry| {
            json!({
                "bucket": entry.bucket, "totalBuckets": entry.total_buckets, "level": entry.file.level, "rows": entry.file.row_count,
                "deleteRows": entry.file.delete_row_count, "minSequence": entry.file.min_sequence_number,
                "maxSequence": entry.file.max_sequence_number, "schemaId": entry.file.schema_id,
                "source": format!("{:?}", entry.file.file_source.unwrap()).to_uppercase(),
            })
        })
        .collect();
    let wanted: Vec<Value> = (case["liveFiles"].as_array().unwrap().iter())
        .map(|file| {
            let mut file = file.clone();
            file.as_object_mut()
                .unwrap()
                .retain(|member, _| !["partition", "name", "extraFiles"].contains(&member.as_str()));
            file
        })
        .collect();
    assert_same(&files, &wanted, &format!("the files of {name}"));
    let wanted = case["indexFiles"].as_array().cloned().unwrap_or_default();
    let wanted: Vec<Value> = (wanted.iter())
        .map(|file| json!({"bucket": file["bucket"], "type": file["type"], "size": file["size"], "rows": file["rows"]}))
        .collect();
    assert_same(&index_files(&world).await, &wanted, &format!("the index files of {name}"));
    let path = format!("{}/../tests/golden/{name}/expected.ndjson", env!("CARGO_MANIFEST_DIR"));
    let expected = std::fs::read_to_string(path).unwrap();
    let expected: Vec<Value> = expected.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let read: Vec<Value> = match world.table.schema().primary_keys.is_empty() {
        true => world.appended().await.into_values().flatten().collect(),
        false => world.read().await.into_values().collect(),
    };
    assert_eq!(read.len(), expected.len());
    assert!(read.iter().all(|row| expected.contains(row)), "the rows of {name}");
    world.assert_no_garbage().await;
}

async fn index_files(world: &World) -> Vec<Value> {
    let latest = world.table.snapshots().latest().await.unwrap().unwrap();
    let Some(manifest) = &latest.index_manifest else { return Vec::new() };
    let entries = world.table.manifests().index_entries(manifest).await.unwrap();
    let file = |entry: &IndexManifestEntry| {
        let IndexFileMeta { index_type, file_size, row_count, .. } = &entry.index_file;
        json!({"bucket": entry.bucket, "type": index_type, "size": file_size, "rows": row_count})
    };
    entries.iter().map(file).collect()
}

/// In any order.
fn assert_same(ours: &[Value], theirs: &[Value], what: &str) {
    let text = |files: &[Value]| files.iter().map(sorted_members).collect::<Vec<_>>();
    let (mut ours, mut theirs) = (text(ours), text(theirs));
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs, "{what}");
}

fn sorted_members(file: &Value) -> String {
    let mut members: Vec<String> =
        file.as_object().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
    members.sort();
    members.join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_run_below_small_ones() {
    // What is picked goes by sizes, and with zstd our large file is much smaller than Paimon's.
    assert_as_paimon_made_it("dedup-upgrade-levels", &[("file.compression", "snappy")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_only_table_compacted_by_a_job() {
    assert_as_paimon_made_it("dedup-compacted", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_buckets() {
    assert_as_paimon_made_it("dedup-three-buckets", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dynamic_buckets() {
    assert_as_paimon_made_it("dynamic-bucket", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dynamic_buckets_of_partitions() {
    assert_as_paimon_made_it("dynamic-bucket-partitioned", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn appended_rows_without_buckets() {
    assert_as_paimon_made_it("append-unaware", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn appended_rows_in_buckets() {
    assert_as_paimon_made_it("append-bucketed", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_move_between_partitions() {
    assert_as_paimon_made_it("cross-partition", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_stay_in_their_first_partition() {
    assert_as_paimon_made_it("cross-partition-partial-update", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_wait() {
    assert_as_paimon_made_it("postpone", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_given_their_buckets() {
    assert_as_paimon_made_it("postpone-compacted", &[]).await;
}
