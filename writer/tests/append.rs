//! Tables without a primary key: rows are only added; small files are put together, in order where there are buckets.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_format::deletion_vector::{DeletionVector, DeletionVectorKind};
use alluvium_format::{
    BinaryRow, CommitKind, CommitMessage, CompactIncrement, DataIncrement, ErrorKind, FileSource, IndexFileMeta,
    RowKind,
};
use alluvium_store::{
    Committable, DeletionVectors, EmptyCommits, FileStoreCommit, OverwriteScope, PartitionBucket, deletion_vectors,
};
use alluvium_writer::{CommitExtras, TableWrite, WriteOptions};
use serde_json::{Value, json};

use crate::world::{Row, World, add, delete};

async fn table(options: Value) -> World {
    let fields = json!([{"name": "k", "type": "INT"}, {"name": "n", "type": "INT"}, {"name": "v", "type": "STRING"}]);
    World::new(json!({"fields": fields, "options": options})).await
}

/// Rows whose text does not compress to less than eight bytes.
fn rows(numbers: std::ops::Range<i32>) -> Vec<Row> {
    let mixed = |n: u64| (n ^ (n >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let text = |n: i32| format!("{:016x}", mixed(mixed(mixed(n as u64 + 1))));
    numbers.map(|n| add(json!({"k": n % 5, "n": n, "v": text(n)}))).collect()
}

/// Rows that fill a file of `target-file-size = 64 kb`.
const FILE_ROWS: i32 = 8192;

async fn commit(world: &World, writer: &mut TableWrite, identifier: i64, rows: &[Row]) {
    world.write(writer, rows).await;
    writer.commit(identifier, CommitExtras::default()).await.unwrap();
}

/// The numbers of the rows of all buckets, sorted.
async fn numbers(world: &World) -> Vec<i64> {
    let rows = world.appended().await.into_values().flatten();
    let mut numbers: Vec<i64> = rows.map(|row| row["n"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

async fn kinds(world: &World) -> Vec<CommitKind> {
    world.snapshots().await.iter().map(|snapshot| snapshot.commit_kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_take_back_are_refused_or_left_out() {
    let world = table(json!({"bucket": "-1"})).await;
    let mut writer = world.writer("w").await;
    let (batch, kinds) = crate::world::batch_of(world.table.schema(), &[add(json!({"k": 1})), delete(json!({"k": 1}))]);
    let error = writer.write(batch, Some(kinds)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("row 1 is a -U or -D, and d.t has no primary key"), "{error}");
    // An update's new row is a row like any other.
    commit(&world, &mut writer, 1, &[(RowKind::UpdateAfter, json!({"k": 1, "n": 7}))]).await;
    assert_eq!(numbers(&world).await, [7]);

    let world = table(json!({"bucket": "-1", "ignore-delete": "true"})).await;
    let mut writer = world.writer("w").await;
    commit(&world, &mut writer, 1, &[add(json!({"k": 1, "n": 1})), delete(json!({"k": 1, "n": 1}))]).await;
    assert_eq!(numbers(&world).await, [1]);

    let schema = json!({"fields": [{"name": "kind", "type": "STRING"}], "options": {"rowkind.field": "kind"}});
    let world = World::new(schema).await;
    let (batch, _) = crate::world::batch_of(world.table.schema(), &[add(json!({"kind": "-D"}))]);
    let error = world.writer("w").await.write(batch, None).await.unwrap_err();
    assert!(error.to_string().contains("column kind, row 0 is a -U or -D"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_buckets_has_one_folder_and_any_number_of_writers() {
    let fields = json!([{"name": "p", "type": "STRING"}, {"name": "n", "type": "INT"}]);
    let world = World::new(json!({"fields": fields, "partitionKeys": ["p"], "options": {}})).await;
    let (mut first, mut second) = (world.writer("a").await, world.writer("b").await);
    let row = |p: Value, n: i32| add(json!({"p": p, "n": n}));
    commit(&world, &mut first, 1, &[row(json!("x"), 1), row(Value::Null, 2), row(json!("x"), 3)]).await;
    commit(&world, &mut second, 1, &[row(json!("x"), 4)]).await;
    commit(&world, &mut first, 2, &[row(json!("x"), 5)]).await;
    assert_eq!(numbers(&world).await, [1, 2, 3, 4, 5]);
    let live = world.live().await;
    assert!(live.iter().all(|entry| (entry.bucket, entry.total_buckets, entry.file.level) == (0, -1, 0)));
    let sequences = live.iter().map(|entry| (entry.file.min_sequence_number, entry.file.max_sequence_number));
    let mut sequences: Vec<_> = sequences.collect();
    sequences.sort_unstable();
    // Each writer counts for itself, from 0.
    assert_eq!(sequences, [(0, 0), (0, 0), (0, 1), (2, 2)]);
    let meta = &live[0].file;
    assert_eq!((meta.min_key.arity(), meta.delete_row_count, meta.file_source), (0, Some(0), Some(FileSource::Append)));
    assert!(world.data_files().await.len() == 4, "nobody compacts behind the writer's back");
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_compacted_by_its_writer_and_keeps_its_order() {
    let world = table(json!({"bucket": "2", "bucket-key": "k", "compaction.min.file-num": "3"})).await;
    let mut writer = world.writer("w").await;
    for identifier in 1..=7i32 {
        commit(&world, &mut writer, identifier.into(), &rows(identifier * 100..identifier * 100 + 10)).await;
        if identifier == 4 {
            writer = world.writer("w").await;
        }
    }
    let buckets = world.appended().await;
    assert_eq!(buckets.len(), 2);
    for rows in buckets.values() {
        assert!(rows.is_sorted_by_key(|row| row["n"].as_i64()), "{rows:?}");
    }
    assert_eq!(numbers(&world).await.len(), 70);
    assert!(kinds(&world).await.contains(&CommitKind::Compact));
    let live = world.live().await;
    assert!(live.len() <= 6, "{} files", live.len());
    // What was compacted lies within the numbers of what went into it.
    assert!(live.iter().any(|entry| entry.file.file_source == Some(FileSource::Compact)));
    let mut of_bucket: Vec<_> = live.iter().filter(|entry| entry.bucket == 0).map(|entry| &entry.file).collect();
    of_bucket.sort_by_key(|file| file.min_sequence_number);
    assert!(of_bucket.windows(2).all(|pair| pair[0].max_sequence_number < pair[1].min_sequence_number));
    writer.close().await.unwrap();
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_roll_at_the_target_size_and_so_do_those_of_compactions() {
    let options = json!({"bucket": "1", "bucket-key": "k", "target-file-size": "64 kb", "write-only": "true"});
    let world = table(options).await;
    let mut writer = world.writer("w").await;
    for identifier in 0..3 {
        commit(&world, &mut writer, identifier, &rows(identifier as i32 * 20_000..(identifier as i32 + 1) * 20_000))
            .await;
    }
    let flushed = world.live().await.len();
    assert!(flushed > 3, "{flushed} files");
    let table = world.reopened().await;
    let all = [("compaction.force-rewrite-all-files".to_owned(), "true".to_owned())];
    let table = table.with_options(all.iter().map(|(name, value)| (name, value))).unwrap();
    let report = crate::world::compact(&table, true).await.unwrap();
    assert_eq!(report.files_before, flushed);
    assert!(report.files_after > 1, "{report:?}");
    let rows = world.appended().await.into_values().next().unwrap();
    assert!(rows.iter().map(|row| row["n"].as_i64().unwrap()).eq(0..60_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_compacts_a_table_without_buckets() {
    let world = table(json!({"bucket": "-1"})).await;
    for identifier in 1..=4i32 {
        let mut writer = world.writer("w").await;
        commit(&world, &mut writer, identifier.into(), &rows(identifier * 10..identifier * 10 + 3)).await;
    }
    assert_eq!(world.compact(false).await.unwrap().snapshot, None, "four small files are not worth it");
    let report = world.compact(true).await.unwrap();
    assert_eq!((report.files_before, report.files_after), (4, 1));
    let last = world.snapshots().await.pop().unwrap();
    assert_eq!(
        (last.commit_kind, last.delta_record_count, last.total_record_count),
        (CommitKind::Compact, Some(0), Some(12))
    );
    let live = world.live().await;
    let [entry] = &live[..] else { panic!("{live:?}") };
    assert_eq!((entry.bucket, entry.total_buckets), (0, -1));
    assert_eq!((entry.file.min_sequence_number, entry.file.max_sequence_number), (0, 11));
    assert_eq!(numbers(&world).await.len(), 12);
    assert_eq!(world.compact(true).await.unwrap().snapshot, None);
    for identifier in 5..=8i32 {
        let mut writer = world.writer("w").await;
        commit(&world, &mut writer, identifier.into(), &rows(identifier * 10..identifier * 10 + 3)).await;
    }
    assert_eq!(world.compact(false).await.unwrap().files_before, 5);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_a_table_without_buckets_compact_it() {
    let world = table(json!({"bucket": "-1", "compaction.min.file-num": "3"})).await;
    let (mut first, mut second) = (world.writer("a").await, world.writer("b").await);
    for identifier in 1..=6i32 {
        commit(&world, &mut first, identifier.into(), &rows(identifier * 10..identifier * 10 + 3)).await;
        commit(&world, &mut second, identifier.into(), &rows(identifier * 100..identifier * 100 + 3)).await;
        assert_eq!(numbers(&world).await.len(), identifier as usize * 6);
    }
    let kinds = kinds(&world).await;
    let compactions = kinds.iter().filter(|kind| **kind == CommitKind::Compact).count();
    assert!(kinds.len() - compactions == 12 && compactions > 2, "{kinds:?}");
    assert!(world.live().await.len() < 6);
    first.close().await.unwrap();
    second.close().await.unwrap();
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_of_a_table_without_buckets_survives_a_compactor_beside_it() {
    let world = table(json!({"bucket": "-1", "compaction.min.file-num": "2"})).await;
    // It does not wait, so that its tasks are under way while the job is first.
    let mut writer = TableWrite::open(&world.table, "w", WriteOptions::default()).await.unwrap();
    for identifier in 1..=12i32 {
        commit(&world, &mut writer, identifier.into(), &rows(identifier * 10..identifier * 10 + 3)).await;
        if identifier % 3 == 0 {
            world.compact(true).await.unwrap();
        }
        assert_eq!(numbers(&world).await.len(), identifier as usize * 3);
        assert_eq!(writer.last_committed(), Some(identifier.into()));
    }
    writer.close().await.unwrap();
    assert_eq!(numbers(&world).await.len(), 36);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn few_files_are_compacted_when_no_more_come() {
    let fields = json!([{"name": "p", "type": "INT"}, {"name": "n", "type": "INT"}]);
    let world = World::new(json!({"fields": fields, "partitionKeys": ["p"], "options": {"bucket": "-1"}})).await;
    let row = |p: i32, n: i32| add(json!({"p": p, "n": n}));
    for identifier in 1..=2i32 {
        commit(&world, &mut world.writer("a").await, identifier.into(), &[row(0, identifier)]).await;
    }
    let mut writer = world.writer("w").await;
    for identifier in 1..=8i32 {
        let before = world.live().await.len();
        commit(&world, &mut writer, identifier.into(), &[row(identifier, 100)]).await;
        let compacted = world.live().await.len() == before;
        assert_eq!(compacted, identifier == 7, "commit {identifier}");
    }
    assert_eq!(numbers(&world).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_can_be_overwritten() {
    for bucket in ["-1", "2"] {
        let mut options = json!({"bucket": bucket});
        if bucket == "2" {
            options["bucket-key"] = json!("k");
        }
        let world = table(options).await;
        let mut writer = world.writer("w").await;
        commit(&world, &mut writer, 1, &rows(0..10)).await;
        world.write(&mut writer, &rows(20..23)).await;
        let committed = writer.overwrite(OverwriteScope::Table, 2, CommitExtras::default()).await.unwrap();
        assert_eq!(committed.snapshots[0].commit_kind, CommitKind::Overwrite);
        commit(&world, &mut writer, 3, &rows(30..31)).await;
        assert_eq!(numbers(&world).await, [20, 21, 22, 30]);
        assert!(world.live().await.iter().all(|entry| entry.file.level == 0), "there are no levels to go up to");
        world.assert_no_garbage().await;
    }
}

/// Deletes rows of a file by position, as Paimon's `DELETE` does: the vectors of `replaced` go on in the new index file.
pub(crate) async fn delete_rows(
    world: &World,
    file: &str,
    positions: &[u64],
    replaced: Option<(IndexFileMeta, DeletionVectors)>,
) {
    let bucket = PartitionBucket { partition: BinaryRow::empty(), bucket: 0 };
    let (gone, mut vectors) = replaced.map_or_else(Default::default, |(file, vectors)| (Some(file), vectors));
    let none = || Arc::new(DeletionVector::new(DeletionVectorKind::Bitmap32));
    for position in positions {
        Arc::make_mut(vectors.entry(file.to_owned()).or_insert_with(none)).delete(*position).unwrap();
    }
    let index = deletion_vectors::write(&world.table, &bucket, &vectors).await.unwrap();
    let data = DataIncrement {
        new_index_files: vec![index],
        deleted_index_files: gone.into_iter().collect(),
        ..DataIncrement::default()
    };
    let compact = CompactIncrement::default();
    let message = CommitMessage { partition: bucket.partition, bucket: 0, total_buckets: -1, data, compact };
    let committable = Committable { identifier: 1, messages: vec![message], ..Committable::default() };
    let user = world.table.io().namer().uuid();
    FileStoreCommit::new(&world.table, user, EmptyCommits::Skipped).commit(committable).await.unwrap();
}

/// The index files of the latest snapshot, each with the data files that it speaks of.
pub(crate) async fn index_files(world: &World) -> BTreeMap<String, Vec<String>> {
    let snapshot = world.snapshots().await.pop().unwrap();
    let Some(manifest) = snapshot.index_manifest else { return BTreeMap::new() };
    let entries = world.table.manifests().index_entries(&manifest).await.unwrap();
    let ranges =
        |file: &IndexFileMeta| file.dv_ranges.iter().flatten().map(|range| range.data_file_name.clone()).collect();
    entries.iter().map(|entry| (entry.index_file.file_name.clone(), ranges(&entry.index_file))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_rows_and_their_vectors_are_compacted_away() {
    let options = json!({
        "bucket": "-1", "deletion-vectors.enabled": "true", "target-file-size": "64 kb", "source.split.open-file-cost": "1 b",
        "write-only": "true",
    });
    let world = table(options).await;
    let mut writer = TableWrite::open(&world.table, "w", WriteOptions::default()).await.unwrap();
    // Two large files and two small ones.
    for (identifier, rows) in
        [rows(0..FILE_ROWS), rows(10_000..10_000 + FILE_ROWS), rows(20_000..20_003), rows(30_000..30_003)]
            .iter()
            .enumerate()
    {
        commit(&world, &mut writer, identifier as i64, rows).await;
    }
    let mut live = world.live().await;
    live.sort_by_key(|entry| entry.file.min_sequence_number);
    let small: Vec<_> =
        live.iter().filter(|entry| entry.file.file_size < 10_000).map(|entry| entry.file.clone()).collect();
    let large: Vec<_> =
        live.iter().filter(|entry| entry.file.file_size > 60_000).map(|entry| entry.file.clone()).collect();
    assert_eq!((small.len(), large.len()), (2, 2), "{live:?}");
    delete_rows(&world, &large[0].file_name, &[0, 5], None).await;
    let of_large = index_files(&world).await.into_keys().next().unwrap();
    // A few rows of a large file are no reason to write it anew; any row of a small one is.
    assert_eq!(world.compact(false).await.unwrap().snapshot, None);
    delete_rows(&world, &small[0].file_name, &[1], None).await;
    assert_eq!(index_files(&world).await.len(), 2);
    let before = numbers(&world).await;
    assert!(!before.contains(&0) && !before.contains(&20_001));
    let report = world.compact(false).await.unwrap();
    assert_eq!((report.files_before, report.files_after), (1, 1), "{report:?}");
    assert_eq!(index_files(&world).await, BTreeMap::from([(of_large, vec![large[0].file_name.clone()])]));
    assert_eq!(numbers(&world).await, before);
    let last = world.snapshots().await.pop().unwrap();
    assert_eq!((last.commit_kind, last.delta_record_count), (CommitKind::Compact, Some(-1)));

    // A full compaction takes the large one as well.
    world.compact(true).await.unwrap();
    assert_eq!(index_files(&world).await, BTreeMap::new());
    assert_eq!(numbers(&world).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_files_that_stay_move_to_an_index_file_of_their_own() {
    let options = json!({
        "bucket": "-1", "deletion-vectors.enabled": "true", "target-file-size": "64 kb", "source.split.open-file-cost": "1 b",
        "write-only": "true",
    });
    let world = table(options).await;
    let mut writer = TableWrite::open(&world.table, "w", WriteOptions::default()).await.unwrap();
    commit(&world, &mut writer, 1, &rows(0..FILE_ROWS)).await;
    commit(&world, &mut writer, 2, &rows(20_000..20_003)).await;
    let mut live = world.live().await;
    live.sort_by_key(|entry| entry.file.file_size);
    let (small, large) = (live[0].file.file_name.clone(), live.pop().unwrap().file.file_name);
    delete_rows(&world, &large, &[0], None).await;
    let bucket = PartitionBucket { partition: BinaryRow::empty(), bucket: 0 };
    let snapshot = world.snapshots().await.pop().unwrap();
    let read = deletion_vectors::read_by_file(&world.table, &snapshot, &[bucket]).await.unwrap();
    let (index, vectors) = read.into_iter().flatten().next().unwrap();
    let old = index.file_name.clone();
    delete_rows(&world, &small, &[0, 1], Some((index, (*vectors).clone()))).await;
    let before = numbers(&world).await;
    world.compact(false).await.unwrap();
    let left = index_files(&world).await;
    assert_eq!(left.values().collect::<Vec<_>>(), [&vec![large]]);
    assert!(!left.contains_key(&old));
    assert_eq!(numbers(&world).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_rows_of_a_bucket_go_when_its_writer_compacts() {
    let world = table(json!({
        "bucket": "1", "bucket-key": "k", "deletion-vectors.enabled": "true", "compaction.min.file-num": "3",
    }))
    .await;
    let mut writer = world.writer("w").await;
    commit(&world, &mut writer, 1, &rows(0..10)).await;
    delete_rows(&world, &world.live().await[0].file.file_name, &[3, 4], None).await;
    let mut writer = world.writer("w").await;
    for identifier in 2..=3i32 {
        commit(&world, &mut writer, identifier.into(), &rows(identifier * 100..identifier * 100 + 2)).await;
    }
    assert_eq!(world.live().await.len(), 1);
    assert_eq!(numbers(&world).await, [0, 1, 2, 5, 6, 7, 8, 9, 200, 201, 300, 301]);
    assert_eq!(index_files(&world).await.into_values().collect::<Vec<_>>(), [Vec::<String>::new()]);
}
