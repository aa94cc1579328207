//! Rows read by their keys are the rows that a scan gives: of every engine, compacted or not, with deletion vectors and partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium::{ErrorKind, FileSystemCatalog, PointRows, SchemaChange, SchemaDefinition, Table};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int8Array, Int32Array, Int64Array, RecordBatch, StringArray};
use futures::TryStreamExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Keys `id` of 0 to 39 in partitions `p` of two, a column to order by, one to add up.
const SCHEMA: &str = r#"{"fields":[{"name":"n","type":"BIGINT"},{"name":"id","type":"INT NOT NULL"},{"name":"s","type":"STRING"},
    {"name":"p","type":"STRING NOT NULL"},{"name":"o","type":"BIGINT"}],"primaryKeys":["p","id"],"options":{"bucket":"3"}}"#;

const IDS: i32 = 40;
const PARTITIONS: [&str; 2] = ["a/b", "c"];

async fn table(options: &[(&str, &str)], partitioned: bool) -> Table {
    let catalog = FileSystemCatalog::open("memory:", BTreeMap::new()).unwrap();
    catalog.create_database("db").await.unwrap();
    let mut definition = SchemaDefinition::from_json(SCHEMA.as_bytes()).unwrap();
    if partitioned {
        definition.partition_keys = vec!["p".to_owned()];
    }
    definition.options.extend(options.iter().map(|(key, value)| (key.to_string(), value.to_string())));
    catalog.create_table("db.t", definition).await.unwrap()
}

fn strings(values: impl IntoIterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// Random changes of random keys.
fn changes(random: &mut StdRng, retractions: bool) -> (RecordBatch, Int8Array) {
    let rows = random.random_range(1..40);
    let number = |random: &mut StdRng| (random.random_range(0..4) > 0).then(|| random.random_range(0..100_i64));
    let kinds: Int8Array = (0..rows)
        .map(|_| if retractions && random.random_range(0..4) == 0 { 3 } else { 0 })
        .collect::<Vec<i8>>()
        .into();
    let columns: [(&str, ArrayRef, bool); 5] = [
        ("n", Arc::new((0..rows).map(|_| number(random)).collect::<Int64Array>()), true),
        (
            "id",
            Arc::new(
                (0..rows).map(|_| random.random_range(0..IDS)).collect::<Vec<_>>().into_iter().collect::<Int32Array>(),
            ),
            false,
        ),
        ("s", strings((0..rows).map(|_| format!("text {}", random.random_range(0..1000)))), true),
        ("p", strings((0..rows).map(|_| PARTITIONS[random.random_range(0..2)].to_owned())), false),
        ("o", Arc::new((0..rows).map(|_| number(random)).collect::<Int64Array>()), true),
    ];
    (RecordBatch::try_from_iter_with_nullable(columns).unwrap(), kinds)
}

fn keys(keys: &[(String, i32)]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int32Array::from_iter_values(keys.iter().map(|key| key.1)));
    RecordBatch::try_from_iter([("id", ids), ("p", strings(keys.iter().map(|key| key.0.clone())))]).unwrap()
}

/// Every row as text, by its key.
fn by_key(batches: &[RecordBatch]) -> BTreeMap<(String, i32), String> {
    let mut rows = BTreeMap::new();
    for batch in batches {
        let numbers = |at: usize| batch.column(at).as_primitive::<Int64Type>().clone();
        let (n, o, s) = (numbers(0), numbers(4), batch.column(2).as_string::<i32>());
        let (ids, partitions) = (batch.column(1).as_primitive::<Int32Type>(), batch.column(3).as_string::<i32>());
        for row in 0..batch.num_rows() {
            let number = |numbers: &Int64Array| numbers.is_valid(row).then(|| numbers.value(row));
            let text = s.is_valid(row).then(|| s.value(row));
            let values = format!("{:?} {text:?} {:?}", number(&n), number(&o));
            let before = rows.insert((partitions.value(row).to_owned(), ids.value(row)), values);
            assert_eq!(before, None, "a scan gives a key twice");
        }
    }
    rows
}

async fn scanned(table: &Table) -> BTreeMap<(String, i32), String> {
    by_key(&table.read().execute().await.unwrap().try_collect::<Vec<_>>().await.unwrap())
}

/// Some keys, some of them twice, some that never were.
fn asked(random: &mut StdRng) -> Vec<(String, i32)> {
    let key = |random: &mut StdRng| {
        let partition = ["a/b", "c", "never"][random.random_range(0..3)];
        (partition.to_owned(), random.random_range(-3..IDS + 3))
    };
    (0..random.random_range(0..60)).map(|_| key(random)).collect()
}

fn check(asked: &[(String, i32)], answer: &PointRows, scanned: &BTreeMap<(String, i32), String>) {
    let found: Vec<bool> = asked.iter().map(|key| scanned.contains_key(key)).collect();
    assert_eq!(answer.found.values().iter().collect::<Vec<_>>(), found, "{asked:?}");
    let there: Vec<_> = asked.iter().filter(|key| scanned.contains_key(key)).collect();
    assert_eq!(answer.rows.num_rows(), there.len());
    for (row, key) in there.into_iter().enumerate() {
        let one = by_key(&[answer.rows.slice(row, 1)]);
        assert_eq!(one.get(key), scanned.get(key), "{key:?}");
    }
}

/// Options, and whether the engine takes retractions.
const TABLES: [(&[(&str, &str)], bool); 11] = [
    (&[], true),
    (&[("sequence.field", "o")], true),
    (&[("sequence.field", "o"), ("sequence.field.sort-order", "descending")], true),
    (&[("ignore-delete", "true")], true),
    (&[("merge-engine", "partial-update")], false),
    (
        &[
            ("merge-engine", "partial-update"),
            ("fields.o.sequence-group", "n"),
            ("partial-update.remove-record-on-delete", "false"),
        ],
        false,
    ),
    (
        &[
            ("merge-engine", "aggregation"),
            ("fields.n.aggregate-function", "sum"),
            ("fields.o.aggregate-function", "max"),
        ],
        false,
    ),
    (&[("merge-engine", "first-row"), ("changelog-producer", "lookup")], false),
    (&[("deletion-vectors.enabled", "true")], true),
    (&[("changelog-producer", "lookup")], true),
    (&[("force-lookup", "true"), ("sequence.field", "o")], true),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_by_key_are_those_of_a_scan() {
    let mut found = 0;
    for seed in 0..TABLES.len() as u64 * 4 {
        let mut random = StdRng::seed_from_u64(seed);
        let (options, retractions) = TABLES[seed as usize % TABLES.len()];
        let mut options = options.to_vec();
        options.push(("num-sorted-run.compaction-trigger", ["2", "4", "100"][random.random_range(0..3)]));
        if random.random() {
            // Lookup files that are never kept.
            options.push(("lookup.cache-max-memory-size", "0 b"));
        }
        let table = table(&options, random.random()).await;
        let mut reader = table.point_reader(None).await.unwrap();
        let mut write = table.stream_write("w").await.unwrap();
        for commit in 0..8 {
            let (rows, kinds) = changes(&mut random, retractions);
            write.write(rows, Some(kinds)).await.unwrap();
            write.commit(commit).await.unwrap();
            reader.refresh().await.unwrap();
            let (asked, scanned) = (asked(&mut random), scanned(&table).await);
            check(&asked, &reader.get(&keys(&asked)).await.unwrap(), &scanned);
            // Whoever asks may be spawned.
            let answer = tokio::spawn(table.get(keys(&asked)).execute()).await.unwrap().unwrap();
            check(&asked, &answer, &scanned);
            found += answer.rows.num_rows();
        }
        write.close().await.unwrap();
        let (asked, scanned) = (asked(&mut random), scanned(&table).await);
        check(&asked, &table.get(keys(&asked)).execute().await.unwrap(), &scanned);
    }
    assert!(found > 1000, "{found} rows are too few to prove anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_stays_at_its_snapshot_until_it_is_refreshed() {
    let table = table(&[], false).await;
    let mut reader = table.point_reader(Some(&["n".to_owned()])).await.unwrap();
    let one = keys(&[("c".to_owned(), 1)]);
    assert_eq!(reader.get(&one).await.unwrap().rows.num_rows(), 0, "the table is empty");
    let mut write = table.stream_write("w").await.unwrap();
    for commit in 0..3 {
        let columns: [(&str, ArrayRef, bool); 5] = [
            ("n", Arc::new(Int64Array::from(vec![commit * 10])), true),
            ("id", Arc::new(Int32Array::from(vec![1])), false),
            ("s", strings(["text".to_owned()]), true),
            ("p", strings(["c".to_owned()]), false),
            ("o", Arc::new(Int64Array::from(vec![0])), true),
        ];
        write.write(RecordBatch::try_from_iter_with_nullable(columns).unwrap(), None).await.unwrap();
        write.commit(commit).await.unwrap();
        let before = reader.get(&one).await.unwrap();
        assert_eq!(before.rows.num_rows(), usize::from(commit > 0));
        assert!(reader.refresh().await.unwrap());
        let answer = reader.get(&one).await.unwrap();
        assert_eq!(answer.rows.schema().fields().len(), 1);
        assert_eq!(answer.rows.column(0).as_primitive::<Int64Type>().values(), &[commit * 10]);
    }
    assert!(!reader.refresh().await.unwrap());
}

#[tokio::test]
async fn what_cannot_be_read_by_key_is_refused_by_name() {
    for (options, kind, words) in [
        (("bucket", "-1"), ErrorKind::Unsupported, "bucket mode Dynamic"),
        (("bucket", "-2"), ErrorKind::Unsupported, "bucket mode Postpone"),
    ] {
        let error = table(&[options], false).await.point_reader(None).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let table = table(&[], true).await;
    let error = table.point_reader(Some(&["x".to_owned()])).await.unwrap_err();
    assert!(error.to_string().contains("there is no column x"), "{error}");
    let id: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let wide: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let none: ArrayRef = Arc::new(Int32Array::from(vec![None]));
    let text = || strings(["c".to_owned()]);
    for (columns, words) in [
        (vec![("id", Arc::clone(&id))], "the columns of the primary key and no others: p, id"),
        (vec![("id", Arc::clone(&id)), ("x", text())], "the columns of the primary key"),
        (vec![("id", wide), ("p", text())], "id is INT NOT NULL, not Int64"),
        (vec![("p", text()), ("id", none)], "id holds a null"),
    ] {
        let error = table.get(RecordBatch::try_from_iter(columns).unwrap()).execute().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// These keys of partition `c`, with the number.
async fn write(table: &Table, user: &str, ids: std::ops::Range<i32>, (number, kind): (i64, i8)) {
    let rows = ids.len();
    let columns: [(&str, ArrayRef, bool); 5] = [
        ("n", Arc::new(Int64Array::from(vec![number; rows])), true),
        ("id", Arc::new(Int32Array::from_iter_values(ids.clone())), false),
        // Texts that no codec makes small.
        ("s", strings(ids.map(|id| format!("{:x}", (id as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))), true),
        ("p", strings((0..rows).map(|_| "c".to_owned())), false),
        ("o", Arc::new(Int64Array::from(vec![number; rows])), true),
    ];
    let mut write = table.stream_write(user).await.unwrap();
    let kinds = Int8Array::from(vec![kind; rows]);
    write.write(RecordBatch::try_from_iter_with_nullable(columns).unwrap(), Some(kinds)).await.unwrap();
    write.commit(0).await.unwrap();
    write.close().await.unwrap();
}

/// The number of key 1 of partition `c`, by key and by a scan, which agree.
async fn number_of_one(table: &Table) -> Option<i64> {
    let key = ("c".to_owned(), 1);
    let answer = table.get(keys(std::slice::from_ref(&key))).execute().await.unwrap();
    check(std::slice::from_ref(&key), &answer, &scanned(table).await);
    let found = answer.found.value(0);
    found.then(|| answer.rows.column(0).as_primitive::<Int64Type>().value(0))
}

async fn levels(table: &Table) -> Vec<i32> {
    let snapshot = table.latest_snapshot().await.unwrap().unwrap();
    let mut levels: Vec<i32> = table.files(&snapshot).await.unwrap().iter().map(|entry| entry.file.level).collect();
    levels.sort_unstable();
    levels.dedup();
    levels
}

/// A key has rows on two levels from before: none of them outlives what is written afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn levels_from_before_deletion_vectors_are_read_and_merged_whole() {
    let sums = [("merge-engine", "aggregation"), ("fields.n.aggregate-function", "sum")];
    for (options, before, written, after) in [
        (&[][..], 2, (0, 3), None),
        (&[], 2, (7, 0), Some(7)),
        (&[("sequence.field", "o"), ("sequence.field.sort-order", "descending")], 1, (7, 0), Some(1)),
        (&sums, 5, (7, 0), Some(12)),
    ] {
        let few_runs = [("num-sorted-run.compaction-trigger", "3"), ("num-levels", "6"), ("bucket", "1")];
        let modifiable = [("deletion-vectors.modifiable", "true")];
        let plain = table(&[options, &few_runs, &modifiable].concat(), false).await;
        write(&plain, "a", 0..20_000, (1, 0)).await;
        plain.compact().full().execute().await.unwrap();
        for user in ["b", "c"] {
            write(&plain, user, 1..2, (2, 0)).await;
        }
        plain.compact().execute().await.unwrap();
        assert_eq!(levels(&plain).await, [4, 5]);
        let enabled = ("deletion-vectors.enabled".to_owned(), "true".to_owned());
        let vectors = plain.alter(&[SchemaChange::SetOption { key: enabled.0, value: enabled.1 }]).await.unwrap();
        assert_eq!(number_of_one(&vectors).await, Some(before), "{options:?}");
        write(&vectors, "d", 1..2, written).await;
        assert_eq!(number_of_one(&vectors).await, after, "{options:?}");
        let snapshot = vectors.latest_snapshot().await.unwrap().unwrap();
        let files = vectors.files(&snapshot).await.unwrap();
        assert!(files.iter().all(|entry| entry.file.schema_id == 1), "{options:?}: they are merged with each other");
        write(&vectors, "e", 1..2, (0, 0)).await;
        vectors.compact().full().execute().await.unwrap();
        assert!(number_of_one(&vectors).await.is_some());
    }
}
