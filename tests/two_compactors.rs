//! Two writers that both compact one bucket of a table that looks keys up, each with a view of it that the other makes stale.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium::{FileSystemCatalog, SchemaDefinition, StreamWrite, Table};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use futures::TryStreamExt;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

const KEYS: i64 = 12;
const STEPS: i64 = 30;

async fn table(options: &str) -> Table {
    let catalog = FileSystemCatalog::open("memory:", Default::default()).unwrap();
    catalog.create_database("db").await.unwrap();
    let definition = format!(
        r#"{{"fields":[{{"name":"id","type":"BIGINT"}},{{"name":"v","type":"BIGINT"}}],"primaryKeys":["id"],"options":{options}}}"#
    );
    let definition = SchemaDefinition::from_json(definition.as_bytes()).unwrap();
    catalog.create_table("db.t", definition).await.unwrap()
}

async fn commit(write: &mut StreamWrite, identifier: i64, ids: Vec<i64>, value: i64) {
    let values: ArrayRef = Arc::new(Int64Array::from(vec![value; ids.len()]));
    let ids: ArrayRef = Arc::new(Int64Array::from(ids));
    let rows = RecordBatch::try_from_iter([("id", ids), ("v", values)]).unwrap();
    write.write(rows, None).await.unwrap();
    write.commit(identifier).await.unwrap();
}

/// Every key once, whichever writer it came by last.
async fn keys(table: &Table) -> BTreeMap<i64, i64> {
    let batches: Vec<RecordBatch> = table.read().execute().await.unwrap().try_collect().await.unwrap();
    let mut rows = BTreeMap::new();
    for batch in &batches {
        let (ids, values) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
        for (id, value) in ids.values().iter().zip(values.values()) {
            assert_eq!(rows.insert(*id, *value), None, "key {id} is there twice");
        }
    }
    rows
}

async fn take_turns(options: &str, seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let table = table(options).await;
    let mut writers = [table.stream_write("a").await.unwrap(), table.stream_write("b").await.unwrap()];
    let mut written = std::collections::BTreeSet::new();
    for step in 1..=STEPS {
        let ids: Vec<i64> = (0..KEYS).filter(|_| random.random_ratio(1, 4)).collect();
        written.extend(ids.iter().copied());
        let writer = &mut writers[random.random_range(0..2)];
        commit(writer, step, ids, step).await;
        let rows = keys(&table).await;
        assert!(rows.keys().eq(&written), "after step {step}: {rows:?} of {written:?}");
    }
    for writer in writers {
        writer.close().await.unwrap();
    }
    assert!(keys(&table).await.keys().eq(&written));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_each_key_one_row_is_left_where_vectors_delete_the_others() {
    for seed in 0..8 {
        println!("seed {seed}");
        take_turns(r#"{"bucket":"1","deletion-vectors.enabled":"true"}"#, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_each_key_the_first_row_is_left_once() {
    for seed in 0..8 {
        println!("seed {seed}");
        take_turns(r#"{"bucket":"1","merge-engine":"first-row"}"#, seed).await;
    }
}
