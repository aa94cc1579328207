//! Streams of rows as things that callers are slow with, drop, and read next to other work on the same threads.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use alluvium::format::ColumnDefinition;
use alluvium::{DataType, FileSystemCatalog, Predicate, Publish, SchemaDefinition, StartupMode, Table, TailEvent};
use alluvium_store::{CpuPool, TableIo};
use arrow_array::{Int64Array, RecordBatch};
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;

/// So many rows that several pieces of work wait for the caller.
const ROWS: i64 = 300_000;
/// Far longer than any step takes: a test that waits this long hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A table of `files` files without common keys, whose work is done by one thread.
pub(crate) async fn table(files: i64) -> Table {
    let io = TableIo::new(Arc::new(InMemory::new()), Path::from("wh"), Publish::ConditionalPut);
    let catalog = FileSystemCatalog::of_io(io.with_cpu_pool(CpuPool::new(NonZero::<usize>::MIN)));
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
    let table = catalog.create_table("db.t", definition).await.unwrap();
    for file in 0..files {
        append(&table, file, file * ROWS..(file + 1) * ROWS).await;
    }
    table
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
