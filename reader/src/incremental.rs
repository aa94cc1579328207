//! Bounded reads of changes: those that the snapshots of a range made.
//!
//! Goes in: a table, what is asked of it, and a range of snapshots that is open at its start. Comes out: a stream of changes, snapshot by
//! snapshot, each with its kind. A table without changelog has its changes in the files that APPEND snapshots add, others in their
//! changelog files; what overwrites did is no change. Answers to `IncrementalDeltaStartingScanner`.

use std::sync::Arc;

use alluvium_format::{CommitKind, Error, ErrorKind, Result};
use alluvium_store::TableStore;
use futures::stream::{BoxStream, StreamExt};

use crate::batch_scan::ReadRequest;
use crate::change_batch::{ChangeBatch, SplitBatch};
use crate::follow_up_scanner::{FollowRules, FollowUp, OverwriteReading, follow_up};
use crate::read_stream::read_splits;
use crate::scan_plan::{LevelFilter, plan_changes};
use crate::snapshot_range::{change_source, find_change_snapshot, snapshot_range};
use crate::table_read::TableRead;

/// The changes of the snapshots after `from` up to and including `to`; both by id. The latest schema is read, whatever the request's
/// `travel`.
///
/// # Errors
/// As [`crate::batch_scan::plan`]; `NotFound` when the table has not all of these snapshots, `Invalid` when `from` is above `to`.
pub async fn incremental(
    table: &TableStore,
    request: &ReadRequest,
    (from, to): (i64, i64),
) -> Result<BoxStream<'static, Result<ChangeBatch>>> {
    let read = TableRead::new(table, Arc::clone(table.schema()), request.columns.as_deref(), &request.predicate)?;
    check_range(table, from, to).await?;
    let rules = FollowRules { source: change_source(table)?, overwrite: OverwriteReading::AsOthers };
    let mut splits = Vec::new();
    for id in from + 1..=to {
        let Some(snapshot) = find_change_snapshot(table, id).await? else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("snapshot {id} has expired while the range was planned"),
            ));
        };
        let reading = match snapshot.commit_kind {
            CommitKind::Overwrite => FollowUp::Skip,
            _ => follow_up(&snapshot, rules),
        };
        splits.extend(plan_changes(&read, &snapshot, reading, LevelFilter::Batch).await?);
    }
    let changes = read_splits(Arc::new(read), splits, request.limit);
    Ok(changes.map(|batch| batch.map(SplitBatch::into_changes)).boxed())
}

async fn check_range(table: &TableStore, from: i64, to: i64) -> Result<()> {
    if from > to {
        return Err(Error::invalid(format!(
            "the changes from snapshot {from} to {to}: the second must not be before the first"
        )));
    }
    let range = snapshot_range(table).await?;
    match (range.earliest_readable(), range.latest) {
        (Some(first), Some(latest)) if from >= first - 1 && to <= latest => Ok(()),
        (Some(first), Some(latest)) => Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "the changes after snapshot {from} up to {to}: the table has those of snapshots {first} to {latest}, \
                 so ask for {} to {latest} or less",
                first - 1
            ),
        )),
        _ if from == to => Ok(()),
        _ => Err(Error::new(ErrorKind::NotFound, "the table has no snapshot, and so no changes")),
    }
}
