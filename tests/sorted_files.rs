//! Sorted tables: a condition on a column that a table is sorted by reads few of its files.

use std::sync::Arc;

use alluvium::format::CompareOp;
use alluvium::{Datum, FileSystemCatalog, OrderStrategy, Predicate, SchemaDefinition, Table};
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Int32Array, RecordBatch};
use futures::TryStreamExt;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// A file is looked at every 8192 rows.
const ROWS: usize = 32 * 8192;
const VALUES: i32 = 1000;
const COLUMNS: [&str; 3] = ["a", "b", "c"];

async fn table() -> Table {
    let catalog = FileSystemCatalog::open("memory:", Default::default()).unwrap();
    catalog.create_database("db").await.unwrap();
    let fields = COLUMNS.map(|name| format!(r#"{{"name":"{name}","type":"INT"}}"#)).join(",");
    let options = r#"{"target-file-size":"8 kb","write-only":"true"}"#;
    let definition = format!(r#"{{"fields":[{fields}],"options":{options}}}"#);
    let definition = SchemaDefinition::from_json(definition.as_bytes()).unwrap();
    let table = catalog.create_table("db.t", definition).await.unwrap();
    let mut random = SmallRng::seed_from_u64(3);
    let mut write = table.stream_write("w").await.unwrap();
    let column = |random: &mut SmallRng| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values((0..ROWS).map(|_| random.random_range(0..VALUES))))
    };
    let columns = COLUMNS.map(|name| (name, column(&mut random)));
    write.write(RecordBatch::try_from_iter(columns).unwrap(), None).await.unwrap();
    write.commit(1).await.unwrap();
    table
}

fn equals(column: &str, value: i32) -> Predicate {
    Predicate::Compare { column: column.to_owned(), op: CompareOp::Eq, literal: Datum::Int(value) }
}

/// How many files a read of `column = 500` reads, of how many, and the rows that it finds.
async fn read(table: &Table, column: &str) -> (usize, usize, Vec<[i32; 3]>) {
    let files = async |predicate: Predicate| {
        let plan = table.read().filter(predicate).plan().await.unwrap();
        plan.splits.iter().map(|split| split.files.len()).sum::<usize>()
    };
    let stream = table.read().filter(equals(column, 500)).execute().await.unwrap();
    let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
    let mut rows = Vec::new();
    for batch in &batches {
        let column = |at: usize| batch.column(at).as_primitive::<Int32Type>().values();
        rows.extend((0..batch.num_rows()).map(|row| [column(0)[row], column(1)[row], column(2)[row]]));
    }
    rows.sort_unstable();
    (files(equals(column, 500)).await, files(Predicate::True).await, rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_on_the_columns_of_a_curve_skip_most_files() {
    let table = table().await;
    let mut before = Vec::new();
    for column in COLUMNS {
        let (read, all, rows) = read(&table, column).await;
        assert!(all >= 10 && read == all, "nothing is skipped yet: {read} of {all}");
        before.push(rows);
    }
    for strategy in [OrderStrategy::ZOrder, OrderStrategy::Hilbert] {
        table.compact().order_by(strategy, COLUMNS).execute().await.unwrap();
        for (column, before) in COLUMNS.iter().zip(&before) {
            let (read, all, rows) = read(&table, column).await;
            assert!(read * 3 <= all * 2, "{strategy}, {column}: {read} of {all}");
            assert_eq!(rows, *before, "{strategy}, {column}");
        }
    }
    table.compact().order_by(OrderStrategy::Order, ["b", "a"]).execute().await.unwrap();
    let (read, all, rows) = read(&table, "b").await;
    assert!(read <= 2 && all >= 10, "{read} of {all}");
    assert_eq!(rows, before[1]);
}
