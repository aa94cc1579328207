//! Logs of batches that cut updates in two.

use alluvium_format::RowKind::{self, Delete, Insert, UpdateAfter, UpdateBefore};
use alluvium_format::{Predicate, SchemaDefinition};
use arrow_array::{Int64Array, ListArray, RecordBatch};
use futures::StreamExt;

use super::*;
use crate::change_log::ChangeLog;

/// Changes `kind value` of a split up to a row.
fn batch(split: usize, row: u64, changes: &[(RowKind, i64)]) -> Result<Located> {
    let kinds = Int8Array::from_iter_values(changes.iter().map(|(kind, _)| kind.to_byte()));
    let values = Int64Array::from_iter_values(changes.iter().map(|(_, value)| *value));
    let rows = RecordBatch::try_from_iter_with_nullable([("v", std::sync::Arc::new(values) as _, true)]).unwrap();
    Ok((SplitOffset { split, row }, SplitBatch { kinds: Some(kinds), rows }))
}

/// The rows of the log of `batches`, as `split:row kind values`.
async fn check(batches: Vec<Result<Located>>, expected: &[&str]) {
    let table = br#"{"fields": [{"name": "v", "type": "BIGINT"}], "options": {"bucket": "-1"}}"#;
    let table = SchemaDefinition::from_json(table).unwrap().into_schema(0).unwrap();
    let (log, _) = ChangeLogRead::new(ChangeLog::Binlog, &table, None, &Predicate::True).unwrap();
    let made = logged(log, vec![true, true, false], stream::iter(batches).boxed());
    let made: Vec<_> = made.collect().await;
    let mut found = Vec::new();
    for (at, batch) in made.into_iter().map(Result::unwrap) {
        let kinds = batch.rows.column(0).as_string::<i32>();
        let lists: &ListArray = batch.rows.column(1).as_list();
        for row in 0..batch.rows.num_rows() {
            let values = lists.value(row);
            let values = values.as_primitive::<arrow_array::types::Int64Type>().values().to_vec();
            found.push(format!("{}:{} {} {values:?}", at.split, at.row, kinds.value(row)));
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn an_update_may_be_in_two_batches() {
    let batches =
        || vec![batch(0, 2, &[(Insert, 1), (UpdateBefore, 1)]), batch(0, 4, &[(UpdateAfter, 2), (Delete, 2)])];
    check(batches(), &["0:1 +I [1]", "0:4 +U [1, 2]", "0:4 -D [2]"]).await;
    check(vec![batch(0, 1, &[(UpdateBefore, 1)]), batch(0, 2, &[(UpdateAfter, 2)])], &["0:2 +U [1, 2]"]).await;
}

#[tokio::test]
async fn an_update_that_is_not_complete_stands_alone() {
    check(vec![batch(0, 1, &[(UpdateBefore, 1)]), batch(1, 1, &[(UpdateAfter, 2)])], &["0:1 -U [1]", "1:1 +U [2]"])
        .await;
    check(vec![batch(1, 7, &[(Insert, 1), (UpdateBefore, 1)])], &["1:6 +I [1]", "1:7 -U [1]"]).await;
}

#[tokio::test]
async fn rows_that_are_no_changes_are_not_put_together() {
    check(vec![batch(2, 2, &[(UpdateBefore, 1), (UpdateAfter, 2)])], &["2:2 -U [1]", "2:2 +U [2]"]).await;
}
