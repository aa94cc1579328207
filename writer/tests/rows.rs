//! What rows a writer takes and what it says of those that it does not.

use std::sync::Arc;

use alluvium_format::{ErrorKind, RowKind};
use alluvium_writer::CommitExtras;
use arrow_array::{ArrayRef, Int8Array, Int32Array, RecordBatch, StringArray};
use serde_json::json;

use crate::world::{World, add, batch_of, delete};

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn ints(values: Vec<Option<i32>>) -> ArrayRef {
    Arc::new(Int32Array::from(values))
}

fn texts(values: Vec<Option<&str>>) -> ArrayRef {
    Arc::new(StringArray::from(values))
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_come_in_any_order_and_may_be_absent() {
    let world = World::simple(json!({"bucket": "2"})).await;
    let mut writer = world.writer("w").await;
    let kinds = Some(Int8Array::from(vec![0, 0]));
    let turned = batch(vec![("v", texts(vec![Some("a"), None])), ("k", ints(vec![Some(1), Some(2)]))]);
    writer.write(turned, kinds).await.unwrap();
    writer.write(batch(vec![("k", ints(vec![Some(3)]))]), None).await.unwrap();
    writer.commit(1, CommitExtras::default()).await.unwrap();
    let rows: Vec<_> = world.read().await.into_values().collect();
    assert_eq!(rows, [json!({"k": 1, "v": "a"}), json!({"k": 2, "v": null}), json!({"k": 3, "v": null})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_does_not_fit_is_refused_whole_and_the_writer_goes_on() {
    let fields = json!([
        {"name": "k", "type": "INT NOT NULL"}, {"name": "v", "type": "VARCHAR(3)"}, {"name": "n", "type": "INT NOT NULL"},
    ]);
    let world = World::new(json!({"fields": fields, "primaryKeys": ["k"], "options": {"bucket": "1"}})).await;
    let mut writer = world.writer("w").await;
    let (k, n) = (ints(vec![Some(1), Some(2)]), ints(vec![Some(1), Some(1)]));
    let v = texts(vec![Some("aaa"), Some("äöü")]);
    let two = |a, b| Some(Int8Array::from(vec![a, b]));
    let cases: Vec<(RecordBatch, Option<Int8Array>, &str)> = vec![
        (
            batch(vec![("k", ints(vec![Some(1), None])), ("n", n.clone())]),
            None,
            "column k, row 1: null in a column that is INT NOT NULL",
        ),
        (
            batch(vec![("k", k.clone()), ("n", ints(vec![None, Some(1)]))]),
            two(3, 3),
            "column n, row 0: null in a column that is INT NOT NULL",
        ),
        (batch(vec![("k", k.clone())]), None, "column n is INT NOT NULL and not in the batch"),
        (
            batch(vec![("k", k.clone()), ("n", n.clone()), ("v", texts(vec![Some("äöü"), Some("abcd")]))]),
            None,
            "column v, row 1: 4 characters are too many for VARCHAR(3)",
        ),
        (
            batch(vec![("k", k.clone()), ("n", n.clone()), ("x", n.clone())]),
            None,
            "column x of the batch is no column of d.t; its columns are k, v, n",
        ),
        (
            batch(vec![("k", texts(vec![Some("1"), Some("2")])), ("n", n.clone())]),
            None,
            "column k is INT NOT NULL: it takes Int32, not Utf8",
        ),
        (batch(vec![("k", k.clone()), ("n", n.clone())]), two(0, 4), "row 1: 4 is no row kind"),
        (
            batch(vec![("k", k.clone()), ("n", n.clone())]),
            Some(Int8Array::from(vec![0])),
            "1 row kinds for a batch of 2 rows",
        ),
        (
            batch(vec![("k", k.clone()), ("n", n.clone())]),
            Some(Int8Array::from(vec![Some(0), None])),
            "row 1: the row kind is null",
        ),
    ];
    for (batch, kinds, wanted) in cases {
        let error = writer.write(batch, kinds).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(wanted), "{error}\nwanted: {wanted}");
        assert_eq!(writer.buffered_bytes(), 0);
    }
    writer.write(batch(vec![("k", k), ("v", v), ("n", n)]), None).await.unwrap();
    writer.commit(1, CommitExtras::default()).await.unwrap();
    assert_eq!(world.read().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_options_leave_out_retractions() {
    for (option, left) in [("ignore-delete", vec!["1", "2"]), ("ignore-update-before", vec!["2"])] {
        let world = World::simple(json!({"bucket": "1", option: "true"})).await;
        let mut writer = world.writer("w").await;
        let row = |k: i32, kind| (kind, json!({"k": k, "v": "x"}));
        let rows =
            [row(1, RowKind::Insert), row(2, RowKind::Insert), row(2, RowKind::UpdateBefore), delete(json!({"k": 1}))];
        world.write(&mut writer, &rows).await;
        writer.commit(1, CommitExtras::default()).await.unwrap();
        let keys: Vec<String> = world.read().await.into_keys().collect();
        assert_eq!(keys, left, "{option}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_ignored_rows_make_no_snapshot() {
    let world = World::simple(json!({"bucket": "1", "ignore-delete": "true"})).await;
    let mut writer = world.writer("w").await;
    world.write(&mut writer, &[delete(json!({"k": 1}))]).await;
    let committed = writer.commit(1, CommitExtras::default()).await.unwrap();
    assert_eq!(committed.snapshots, []);
    assert_eq!(writer.last_committed(), None);
    assert_eq!(world.data_files().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_row_kind_is_taken_from_its_column() {
    let world = World::simple(json!({"bucket": "1", "rowkind.field": "v"})).await;
    let mut writer = world.writer("w").await;
    let rows = [add(json!({"k": 1, "v": "+I"})), add(json!({"k": 2, "v": "+U"})), add(json!({"k": 1, "v": "-D"}))];
    world.write(&mut writer, &rows).await;
    writer.commit(1, CommitExtras::default()).await.unwrap();
    assert_eq!(world.read().await.into_keys().collect::<Vec<_>>(), ["2"]);
    for (value, wanted) in [(json!(null), "column v, row 0: null is no row kind"), (json!("D"), "\"D\" is no row kind")]
    {
        let (batch, kinds) = batch_of(world.table.schema(), &[add(json!({"k": 1, "v": value}))]);
        let error = writer.write(batch, Some(kinds)).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_refused_before_anything_is() {
    let world = World::simple(json!({"bucket": "1", "row-tracking.enabled": "true"})).await;
    let error = alluvium_writer::TableWrite::open(&world.table, "w", Default::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("row-tracking.enabled = true"), "{error}");
    let error = world.compact(true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
