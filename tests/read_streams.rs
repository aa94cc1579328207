//! Streams of rows as things that callers are slow with, drop, and read next to other work on the same threads.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use alluvium::format::ColumnDefinition;
use alluvium::{
    DataType, FileSystemCatalog, Predicate, Publish, SchemaDefinition, StartupMode, StreamWrite, Table, Tail, TailEvent,
};
use alluvium_sim::{Faults, FaultyStore, OperationKind};
use alluvium_store::{CpuPool, TableIo};
use arrow_array::{Int64Array, RecordBatch};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;

/// So many rows that several pieces of work wait for the caller.
const ROWS: i64 = 300_000;
/// Far longer than any step takes: a test that waits this long hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A table of `files` files without common keys, whose work is done by one thread.
pub(crate) async fn table(files: i64) -> Table {
    table_of(Arc::new(InMemory::new()), files).await
}

async fn table_of(store: Arc<dyn ObjectStore>, files: i64) -> Table {
    let io = TableIo::new(store, Path::from("wh"), Publish::ConditionalPut);
    let table = create(&FileSystemCatalog::of_io(io.with_cpu_pool(CpuPool::new(NonZero::<usize>::MIN)))).await;
    for file in 0..files {
        append(&table, file, file * ROWS..(file + 1) * ROWS).await;
    }
    table
}

async fn create(catalog: &FileSystemCatalog) -> Table {
    catalog.create_database("db").await.unwrap();
    let columns = [("id", "BIGINT NOT NULL"), ("v", "BIGINT")];
    let column = |(name, text)| ColumnDefinition::new(name, DataType::parse(text).unwrap());
    let definition = SchemaDefinition {
        columns: columns.map(column).to_vec(),
        partition_keys: Vec::new(),
        primary_keys: vec!["id".to_owned()],
        options: [("bucket", "1"), ("write-only", "true")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        comment: None,
    };
    catalog.create_table("db.t", definition).await.unwrap()
}

async fn append(table: &Table, identifier: i64, ids: std::ops::Range<i64>) {
    let ids: Int64Array = ids.collect();
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(ids.clone()) as _, false),
        ("v", Arc::new(ids) as _, true),
    ]);
    let mut write = table.stream_write(&format!("writer-{identifier}")).await.unwrap();
    write.write(batch.unwrap(), None).await.unwrap();
    write.commit(identifier).await.unwrap();
    write.close().await.unwrap();
}

fn rows(batches: &[RecordBatch]) -> i64 {
    batches.iter().map(|batch| batch.num_rows() as i64).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_holds_nobody_up() {
    let table = table(2).await;
    let mut stream = table.read().execute().await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    // All that is read ahead waits for the caller now; the one thread there is must be free for the writer.
    let writing = append(&table, 9, 0..10);
    tokio::time::timeout(PATIENCE, writing).await.expect("the writer waits for the reader");
    let rest: Vec<RecordBatch> = stream.try_collect().await.unwrap();
    assert_eq!(rows(&[first]) + rows(&rest), 2 * ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_batches_is_that_of_the_plan() {
    let table = table(3).await;
    let batches: Vec<RecordBatch> = table.read().execute().await.unwrap().try_collect().await.unwrap();
    let ids: Vec<i64> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec())
        .collect();
    assert!(ids.iter().copied().eq(0..3 * ROWS), "the rows are not in the order of the splits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_plans_no_more_than_it_needs() {
    let table = table(3).await;
    let planned = async |limit: Option<usize>, filter: Predicate| {
        let read = table.read().filter(filter);
        let read = limit.map_or(read.clone(), |limit| read.clone().limit(limit));
        read.plan().await.unwrap().splits.iter().map(|split| split.files.len()).sum::<usize>()
    };
    let rows_of_file = usize::try_from(ROWS).unwrap();
    for (limit, files) in [(0, 0), (1, 1), (rows_of_file, 1), (rows_of_file + 1, 2), (5 * rows_of_file, 3)] {
        assert_eq!(planned(Some(limit), Predicate::True).await, files, "{limit}");
    }
    assert_eq!(planned(None, Predicate::True).await, 3);
    // How many rows pass a condition is not known before.
    assert_eq!(planned(Some(1), Predicate::IsNotNull("v".to_owned())).await, 3);
    let split = table.read().limit(5).execute().await.unwrap().try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(rows(&split), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_dropped_leaves_the_threads_free() {
    let table = table(2).await;
    for _ in 0..20 {
        let mut stream = table.read().execute().await.unwrap();
        stream.next().await.unwrap().unwrap();
        let mut tail = table.tail().from(StartupMode::LatestFull).execute().await.unwrap();
        assert!(matches!(tail.next().await.unwrap(), Some(TailEvent::Changes(_))));
    }
    let whole = async { table.read().execute().await.unwrap().try_collect::<Vec<RecordBatch>>().await.unwrap() };
    let batches = tokio::time::timeout(PATIENCE, whole).await.expect("the threads are not free");
    assert_eq!(rows(&batches), 2 * ROWS);
}

/// One row a commit.
async fn commit(write: &mut StreamWrite, identifier: i64) {
    let ids = Int64Array::from(vec![identifier]);
    let columns = [("id", Arc::new(ids.clone()) as _, false), ("v", Arc::new(ids) as _, true)];
    write.write(RecordBatch::try_from_iter_with_nullable(columns).unwrap(), None).await.unwrap();
    write.commit(identifier).await.unwrap();
}

/// The changes up to the end of the next snapshot: rows, and the snapshot.
async fn next_snapshot(tail: &mut Tail) -> (i64, i64) {
    let mut rows = 0;
    loop {
        match tail.next().await.unwrap().expect("the stream has no end") {
            TailEvent::Changes(batch) => rows += batch.rows.num_rows() as i64,
            TailEvent::SnapshotEnd(id) => return (rows, id),
            TailEvent::Expired(..) => panic!("nothing has expired"),
        }
    }
}

/// A stream that waits so long that only an announcement wakes it: each call that is cancelled makes the wait longer.
async fn waiting(table: &Table) -> Tail {
    let longest = Duration::from_secs(1_000_000);
    let mut tail = table.tail().from_earliest().poll_interval(longest).execute().await.unwrap();
    for _ in 0..40 {
        assert!(tail.next().now_or_never().is_none(), "there is nothing to read");
    }
    tail
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_wakes_the_streams_of_its_catalog() {
    let table = table(0).await;
    let mut tails = [waiting(&table).await, waiting(&table).await];
    let readers = tails.iter_mut().map(|tail| tokio::time::timeout(PATIENCE, next_snapshot(tail)));
    let mut write = table.stream_write("writer").await.unwrap();
    let (read, ()) = futures::join!(futures::future::join_all(readers), commit(&mut write, 1));
    assert_eq!(read, [Ok((1, 1)), Ok((1, 1))]);
    write.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_wakes_the_streams_of_catalogs_of_the_same_path() {
    let folder = tempfile::tempdir().unwrap();
    let open = || FileSystemCatalog::open(folder.path().to_str().unwrap(), Default::default()).unwrap();
    let written = create(&open()).await;
    let table = open().table("db.t").await.unwrap();
    let mut tail = table.tail().from_earliest().poll_interval(Duration::from_secs(1_000_000)).execute().await.unwrap();
    let mut write = written.stream_write("writer").await.unwrap();
    // Waits grow far beyond the test with the snapshots that do not come.
    for _ in 0..40 {
        let waits = tokio::time::timeout(Duration::from_millis(5), tail.next());
        assert!(waits.await.is_err(), "there is nothing to read");
    }
    let reader = tokio::time::timeout(PATIENCE, next_snapshot(&mut tail));
    let (read, ()) = futures::join!(reader, commit(&mut write, 1));
    assert_eq!(read, Ok((1, 1)));
    write.close().await.unwrap();
}

/// What a stream that is far behind does is the same for each snapshot, and nothing is done before it is asked for.
#[tokio::test]
async fn a_stream_far_behind_reads_a_snapshot_at_a_time() {
    const SNAPSHOTS: i64 = 1000;
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    let table = table_of(Arc::new(store.clone()), 0).await;
    let mut write = table.stream_write("writer").await.unwrap();
    for identifier in 1..=SNAPSHOTS {
        commit(&mut write, identifier).await;
    }
    write.close().await.unwrap();
    store.arm(Faults::None);
    let mut tail = table.tail().from_earliest().execute().await.unwrap();
    assert_eq!(next_snapshot(&mut tail).await, (1, 1));
    assert_eq!(next_snapshot(&mut tail).await, (1, 2));
    let mut wanted = None;
    for id in 3..=SNAPSHOTS {
        let before = store.operations().len();
        assert_eq!(next_snapshot(&mut tail).await, (1, id));
        let operations = store.operations();
        let done: Vec<_> = operations[before..].iter().map(|operation| operation.kind).collect();
        assert_eq!(*wanted.get_or_insert_with(|| done.clone()), done, "at snapshot {id}");
        tokio::task::yield_now().await;
        assert_eq!(store.operations().len(), operations.len(), "something was read ahead behind snapshot {id}");
    }
    let wanted = wanted.unwrap();
    assert!(!wanted.is_empty() && !wanted.contains(&OperationKind::List), "{wanted:?}");
}
