//! Sort compactions: the rows stay, their order is over all files of a partition, and what others commit meanwhile is kept.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use alluvium_compaction::{CompactReport, CompactRequest, OrderStrategy, SortOrder, compact_table};
use alluvium_format::{
    BinaryRow, CommitKind, CompareOp, Datum, Error, ErrorKind, FileSource, Predicate, Result, datum,
};
use alluvium_sim::{Fault, FaultMode, Faults};
use alluvium_store::{FileSystemCatalog, MemoryBudget, TableStore};
use alluvium_writer::{CommitExtras, TableWrite, WriteOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::append::{delete_rows, index_files};
use crate::world::{Row, World, add};

const STRATEGIES: [OrderStrategy; 3] = [OrderStrategy::Order, OrderStrategy::ZOrder, OrderStrategy::Hilbert];

fn request(strategy: OrderStrategy, columns: &[&str]) -> CompactRequest {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    CompactRequest { order: Some(SortOrder { strategy, columns }), ..CompactRequest::default() }
}

async fn sort_by(table: &TableStore, strategy: OrderStrategy, columns: &[&str]) -> Result<CompactReport> {
    compact_table(table, &table.io().namer().uuid(), &request(strategy, columns), &|_, _| {}).await
}

fn schema(options: Value) -> Value {
    let fields = json!([
        {"name": "p", "type": "INT"}, {"name": "a", "type": "INT"}, {"name": "b", "type": "STRING"},
        {"name": "c", "type": "DOUBLE"}, {"name": "_SORT_KEY", "type": "BIGINT"},
    ]);
    json!({"fields": fields, "options": options})
}

async fn append(world: &World, rows: &[Row]) {
    let table = world.reopened().await;
    let user = table.io().namer().uuid();
    let mut writer = TableWrite::open(&table, &user, WriteOptions::default()).await.unwrap();
    world.write(&mut writer, rows).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    writer.close().await.unwrap();
}

/// Rows in an order that no column has.
fn rows(numbers: std::ops::Range<i64>) -> Vec<Row> {
    let row = |n: i64| {
        let mixed = (n * 7919 + 13) % 1000;
        add(
            json!({"p": n % 2, "a": mixed, "b": format!("text {}", (n * 31) % 97), "c": n as f64 / 4.0, "_SORT_KEY": n}),
        )
    };
    numbers.map(row).collect()
}

/// All rows as texts, sorted.
async fn held(world: &World) -> Vec<String> {
    let mut held: Vec<String> = world.appended().await.into_values().flatten().map(|row| row.to_string()).collect();
    held.sort_unstable();
    held
}

fn texts<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<String> {
    let mut texts: Vec<String> = rows.into_iter().map(|(_, row)| row.to_string()).collect();
    texts.sort_unstable();
    texts
}

/// Null is lowest, and a number that is none highest.
fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64().unwrap().total_cmp(&right.as_f64().unwrap()),
        (Value::String(left), Value::String(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) | (Value::Number(_), Value::String(_)) => Ordering::Less,
        _ => Ordering::Greater,
    }
}

fn by_columns(columns: &[&str], left: &Value, right: &Value) -> Ordering {
    let unequal = columns.iter().map(|name| compare(&left[name], &right[name])).find(|order| order.is_ne());
    unequal.unwrap_or(Ordering::Equal)
}

/// Of the columns a, b and c.
type Values = (Option<i8>, Option<String>, Option<f64>);

#[derive(Clone, Debug)]
struct Plan {
    commits: Vec<Vec<Values>>,
    partitioned: bool,
    strategy: OrderStrategy,
    columns: Vec<&'static str>,
    buffer: &'static str,
    format: &'static str,
    deleted: Vec<u8>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let double = prop_oneof![Just(f64::NAN), Just(-1.5), any::<i16>().prop_map(f64::from)];
    let row = (any::<Option<i8>>(), proptest::option::of("[a-c]{0,3}|[é-ü]"), proptest::option::of(double));
    let commits = prop::collection::vec(prop::collection::vec(row, 1..120), 1..5);
    let columns = prop_oneof![
        Just(vec!["a"]),
        Just(vec!["b", "a"]),
        Just(vec!["c", "_SORT_KEY"]),
        Just(vec!["p", "c", "b"]),
        Just(vec!["a", "b", "c", "p", "_SORT_KEY"]),
    ];
    let buffer = prop_oneof![Just("1 kb"), Just("8 kb"), Just("256 mb")];
    let format = prop_oneof![3 => Just("parquet"), 1 => Just("avro"), 1 => Just("orc")];
    let strategy = prop::sample::select(STRATEGIES.to_vec());
    let deleted = prop::collection::vec(any::<u8>(), 0..8);
    (commits, any::<bool>(), strategy, columns, buffer, format, deleted).prop_map(
        |(commits, partitioned, strategy, columns, buffer, format, deleted)| {
            let strategy = if columns.len() < 2 { OrderStrategy::Order } else { strategy };
            Plan { commits, partitioned, strategy, columns, buffer, format, deleted }
        },
    )
}

impl Plan {
    fn schema(&self) -> Value {
        let mut schema = schema(json!({
            "bucket": "-1", "write-only": "true", "target-file-size": "1 kb", "write-buffer-size": self.buffer,
            "local-sort.max-num-file-handles": "3", "file.format": self.format, "deletion-vectors.enabled": "true",
        }));
        if self.partitioned {
            schema["partitionKeys"] = json!(["p"]);
        }
        schema
    }

    async fn prepared(&self) -> World {
        let world = World::new(self.schema()).await;
        let mut next = 0;
        for commit in &self.commits {
            let row = |(at, (a, b, c)): (usize, &Values)| {
                let c = c.map_or(Value::Null, |c| if c.is_nan() { json!("NaN") } else { json!(c) });
                add(json!({"p": at % 2, "a": a, "b": b, "c": c, "_SORT_KEY": next + at}))
            };
            let rows: Vec<Row> = commit.iter().enumerate().map(row).collect();
            next += rows.len();
            append(&world, &rows).await;
        }
        if !self.partitioned && !self.deleted.is_empty() {
            let first = world.live().await.remove(0).file;
            let positions: BTreeSet<u64> =
                self.deleted.iter().map(|at| u64::from(*at) % u64::try_from(first.row_count).unwrap()).collect();
            delete_rows(&world, &first.file_name, &positions.into_iter().collect::<Vec<_>>(), None).await;
        }
        world
    }
}

async fn run(plan: &Plan) {
    let world = plan.prepared().await;
    let before = held(&world).await;
    let report = sort_by(&world.reopened().await, plan.strategy, &plan.columns).await.unwrap();
    assert_eq!(report.files_after, world.live().await.len());
    assert_eq!(held(&world).await, before, "the rows are the same");
    assert!(index_files(&world).await.is_empty(), "what was deleted is gone");
    if plan.strategy == OrderStrategy::Order {
        for rows in world.appended().await.into_values() {
            assert!(rows.is_sorted_by(|left, right| by_columns(&plan.columns, left, right).is_le()), "{rows:?}");
        }
        assert_ranges_are_disjoint(&world, plan.columns[0]).await;
    }
    let io = world.table.io();
    assert_eq!((io.local_disk().unwrap().used_bytes(), io.memory().used_bytes()), (0, 0));
    if plan.format == "parquet" {
        world.assert_no_garbage().await;
    }
}

/// By their statistics, the files of a partition have ranges of a column that at most touch.
async fn assert_ranges_are_disjoint(world: &World, column: &str) {
    let schema = world.table.schema();
    let at = schema.index_of(column).unwrap();
    let types: Vec<_> = schema.fields.iter().map(|field| field.data_type.clone()).collect();
    let mut partitions: BTreeMap<Vec<u8>, Vec<_>> = BTreeMap::new();
    for entry in world.live().await {
        let value = |row: &BinaryRow| row.decode(&types).unwrap().swap_remove(at);
        let stats = &entry.file.value_stats;
        let range = (entry.file.min_sequence_number, value(&stats.min_values), value(&stats.max_values));
        partitions.entry(entry.partition.as_bytes().to_vec()).or_default().push(range);
    }
    for mut ranges in partitions.into_values() {
        ranges.sort_by_key(|(sequence, ..)| *sequence);
        let known: Vec<_> = ranges.iter().filter_map(|(_, min, max)| min.as_ref().zip(max.as_ref())).collect();
        assert!(known.windows(2).all(|pair| datum::compare(pair[0].1, pair[1].0).is_le()), "{ranges:?}");
    }
}

/// More with `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(32)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_stay_and_are_in_order(plan in plans()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(run(&plan));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sort_is_one_overwrite_as_paimons_is() {
    let mut schema = schema(json!({"bucket": "-1", "write-only": "true", "file-index.bloom-filter.columns": "b"}));
    schema["partitionKeys"] = json!(["p"]);
    let world = World::new(schema).await;
    for commit in 0..3 {
        append(&world, &rows(commit * 100..commit * 100 + 100)).await;
    }
    let before = held(&world).await;
    let report = sort_by(&world.table, OrderStrategy::ZOrder, &["a", "b"]).await.unwrap();
    assert_eq!((report.snapshot, report.buckets, report.files_before, report.files_after), (Some(4), 2, 6, 2));
    let last = world.snapshots().await.pop().unwrap();
    assert_eq!((last.commit_kind, last.commit_identifier), (CommitKind::Overwrite, i64::MAX));
    assert_eq!((last.total_record_count, last.delta_record_count), (Some(300), Some(0)));
    for entry in world.live().await {
        assert_eq!((entry.bucket, entry.total_buckets, entry.file.level), (0, -1, 0));
        assert_eq!(entry.file.file_source, Some(FileSource::Append));
        assert_eq!((entry.file.min_sequence_number, entry.file.max_sequence_number), (0, 149));
        assert!(entry.file.extra_files[0].ends_with(".index"), "it has its file index");
    }
    assert_eq!(held(&world).await, before);

    // Only the partition that is named; Hilbert, in another order.
    let of_one = Predicate::Compare { column: "p".to_owned(), op: CompareOp::Eq, literal: Datum::Int(1) };
    let request = CompactRequest { partitions: of_one, ..request(OrderStrategy::Hilbert, &["c", "a"]) };
    let report = compact_table(&world.table, "w", &request, &|_, _| {}).await.unwrap();
    assert_eq!((report.buckets, report.files_before, report.files_after), (1, 1, 1));
    assert_eq!(held(&world).await, before);
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_whose_rows_are_all_deleted_is_left_empty() {
    let world = World::new(schema(json!({"bucket": "-1", "deletion-vectors.enabled": "true"}))).await;
    append(&world, &rows(0..3)).await;
    delete_rows(&world, &world.live().await[0].file.file_name, &[0, 1, 2], None).await;
    let report = sort_by(&world.table, OrderStrategy::Order, &["a"]).await.unwrap();
    assert_eq!((report.files_before, report.files_after), (1, 0));
    assert_eq!((world.live().await.len(), index_files(&world).await.len()), (0, 0));
    assert_eq!(sort_by(&world.table, OrderStrategy::Order, &["a"]).await.unwrap().snapshot, None, "nothing is there");
}

/// What is done once, after the sort and before its commit.
async fn sorted_while(world: &World, meanwhile: impl AsyncFn() + Sync) -> Result<CompactReport> {
    let once = std::sync::Once::new();
    let runtime = tokio::runtime::Handle::current();
    let progress = |_, _| once.call_once(|| tokio::task::block_in_place(|| runtime.block_on(meanwhile())));
    let request = request(OrderStrategy::Order, &["a"]);
    let report = compact_table(&world.table, "sorter", &request, &progress).await;
    assert!(once.is_completed());
    report
}

async fn prepared(options: Value) -> World {
    let world = World::new(schema(options)).await;
    append(&world, &rows(0..50)).await;
    append(&world, &rows(50..100)).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_appended_meanwhile_stay() {
    let world = prepared(json!({"bucket": "-1", "write-only": "true"})).await;
    let report = sorted_while(&world, async || append(&world, &rows(200..220)).await).await.unwrap();
    assert_eq!((report.snapshot, report.files_before, report.files_after), (Some(4), 2, 1));
    assert_eq!(held(&world).await, texts(rows(0..100).iter().chain(&rows(200..220))));
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_compacted_meanwhile_are_sorted_anew() {
    let world = prepared(json!({"bucket": "-1", "write-only": "true"})).await;
    let report = sorted_while(&world, async || {
        world.compact(true).await.unwrap();
    });
    let report = report.await.unwrap();
    assert_eq!((report.snapshot, report.files_before, report.files_after), (Some(4), 1, 1));
    assert_eq!(held(&world).await, texts(&rows(0..100)));
    let sorted = world.appended().await.into_values().next().unwrap();
    assert!(sorted.is_sorted_by_key(|row| row["a"].as_i64()));
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_deleted_meanwhile_do_not_come_back() {
    let options = json!({"bucket": "-1", "write-only": "true", "deletion-vectors.enabled": "true"});
    let world = prepared(options).await;
    sorted_while(&world, async || {
        let file = world.live().await.remove(0).file.file_name;
        delete_rows(&world, &file, &[0, 7], None).await;
    })
    .await
    .unwrap();
    assert_eq!(held(&world).await.len(), 98);
    assert!(index_files(&world).await.is_empty());
    world.assert_no_garbage().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_fails_a_sort_that_needs_it() {
    let world = prepared(json!({"bucket": "-1", "write-buffer-size": "4 kb"})).await;
    let small = [("write-buffer-spill.max-disk-size", "1 kb")];
    let small: Vec<_> = small.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let table = world.table.with_options(small.iter().map(|(name, value)| (name, value))).unwrap();
    let error = sort_by(&table, OrderStrategy::Order, &["a"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("would pass the limit of 1024"), "{error}");
    assert_eq!(world.snapshots().await.len(), 2);
    world.assert_no_garbage().await;
    sort_by(&world.table, OrderStrategy::Order, &["a"]).await.unwrap();
    assert_eq!(held(&world).await, texts(&rows(0..100)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sort_keeps_to_a_small_budget() {
    let world = World::new(schema(json!({"bucket": "-1", "target-file-size": "256 kb"}))).await;
    for commit in 0..4 {
        append(&world, &rows(commit * 20_000..(commit + 1) * 20_000)).await;
    }
    let memory = MemoryBudget::new(1);
    let catalog = FileSystemCatalog::of(world.catalog.io().clone().with_memory(memory.clone()));
    let table = catalog.table(&"d.t".parse().unwrap()).await.unwrap();
    sort_by(&table, OrderStrategy::Hilbert, &["a", "c"]).await.unwrap();
    assert!((1..=memory.kept_bytes()).contains(&memory.peak_bytes()), "{} bytes", memory.peak_bytes());
    assert_eq!(held(&world).await, texts(&rows(0..80_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sorted_is_refused_by_name() {
    let key = json!({"fields": [{"name": "k", "type": "INT"}], "primaryKeys": ["k"], "options": {"bucket": "1"}});
    let dynamic = json!({"fields": [{"name": "k", "type": "INT"}], "primaryKeys": ["k"], "options": {"bucket": "-1"}});
    let buckets = json!({"fields": [{"name": "k", "type": "INT"}], "options": {"bucket": "2", "bucket-key": "k"}});
    for (schema, words) in [(key, "it has a primary key"), (dynamic, "it has a primary key"), (buckets, "bucket = 2")] {
        let world = World::new(schema).await;
        let error = sort_by(&world.table, OrderStrategy::Order, &["k"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("sort compaction of d.t") && error.to_string().contains(words), "{error}");
    }
    let fields = json!([{"name": "k", "type": "INT"}, {"name": "l", "type": {"type": "ARRAY", "element": "INT"}}]);
    let world = World::new(json!({"fields": fields, "options": {}})).await;
    for (strategy, columns, words) in [
        (OrderStrategy::Order, vec!["x"], "there is no column x to sort d.t by: it has k, l"),
        (OrderStrategy::Order, vec!["k", "k"], "the column k is twice"),
        (OrderStrategy::Order, vec![], "no column to sort by"),
        (OrderStrategy::Order, vec!["l"], "the column l: it is of the type ARRAY"),
        (OrderStrategy::ZOrder, vec!["k", "l"], "the column l: it is of the type ARRAY"),
        (OrderStrategy::Hilbert, vec!["k"], "2 columns at least"),
    ] {
        let error = sort_by(&world.table, strategy, &columns).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(words), "{error}");
    }
}

fn is_no_defect(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Internal | ErrorKind::Corrupt)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_a_sort_changes_no_row() {
    let options = json!({
        "bucket": "-1", "write-only": "true", "deletion-vectors.enabled": "true", "target-file-size": "1 kb",
        "write-buffer-size": "4 kb",
    });
    let prepared = async || {
        let world = prepared(options.clone()).await;
        let mut live = world.live().await;
        live.sort_by(|left, right| left.file.file_name.cmp(&right.file.file_name));
        delete_rows(&world, &live[0].file.file_name, &[1, 2], None).await;
        world
    };
    let (operations, rows, files) = {
        let world = prepared().await;
        world.store.arm(Faults::None);
        sort_by(&world.table, OrderStrategy::ZOrder, &["a", "b"]).await.unwrap();
        (world.store.operations().len(), held(&world).await.len(), world.live().await.len())
    };
    assert_eq!(rows, 98);
    for mode in FaultMode::ALL {
        for operation in 0..operations {
            let at = format!("{mode:?} at {operation}");
            let world = prepared().await;
            let before = held(&world).await;
            let table = world.reopened().await;
            world.store.arm(Faults::At(Fault { operation, mode }));
            let outcome = sort_by(&table, OrderStrategy::ZOrder, &["a", "b"]).await;
            world.store.arm(Faults::None);
            if let Err(error) = outcome {
                assert!(is_no_defect(&error), "{at}: {error}");
            }
            assert_eq!(held(&world).await, before, "{at}");
            sort_by(&world.reopened().await, OrderStrategy::ZOrder, &["a", "b"]).await.unwrap();
            assert_eq!((held(&world).await, world.live().await.len()), (before, files), "{at}, again");
        }
    }
}
