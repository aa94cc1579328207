//! Consumers seen from outside of their streams: setting one back or forward, forgetting one.
//!
//! Goes in: an id, and perhaps the snapshot to go on with. Comes out: the consumer's file. A stream that is open does not look at it again: it
//! writes its own position over it. Answers to the procedures `reset_consumer` and `clear_consumers`.

use alluvium_format::{Consumer, Error, ErrorKind, Result};
use alluvium_store::TableStore;

use crate::consumer_progress::check_id;
use crate::snapshot_range::snapshot_range;
use crate::starting_scanner::{check_not_beyond, expired};

/// Sets the next snapshot of a consumer.
///
/// # Errors
/// `Invalid` for the id; `NotFound` when that snapshot has expired, `Invalid` when it is beyond the next one; `Storage`.
pub async fn reset(table: &TableStore, id: &str, next_snapshot: i64) -> Result<()> {
    check_id(id)?;
    check_next(table, next_snapshot).await?;
    table.consumers().put(id, &Consumer::from(next_snapshot)).await
}

/// Whether a stream can go on with a snapshot.
///
/// # Errors
/// As [`reset`].
pub async fn check_next(table: &TableStore, next_snapshot: i64) -> Result<()> {
    let range = snapshot_range(table).await?;
    check_not_beyond(next_snapshot, &range)?;
    match range.earliest_readable() {
        Some(first) if next_snapshot < first => Err(expired(next_snapshot, first)),
        None if next_snapshot < 1 => Err(Error::invalid("the first snapshot of a table is 1")),
        _ => Ok(()),
    }
}

/// Forgets a consumer.
///
/// # Errors
/// `NotFound` that names the consumers there are; `Storage`.
pub async fn delete(table: &TableStore, id: &str) -> Result<()> {
    let ids = table.consumers().ids().await?;
    if ids.iter().any(|other| other == id) {
        return table.consumers().delete(id).await;
    }
    let there = if ids.is_empty() { "there are none".to_owned() } else { format!("there are {}", ids.join(", ")) };
    Err(Error::new(ErrorKind::NotFound, format!("there is no consumer {id}: {there}")))
}
