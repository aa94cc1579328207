//! The streaming tail: follows a table's snapshots and yields their changes, for ever or up to a snapshot.
//!
//! Goes in: where to start. Comes out: changes with their kinds, and word of each snapshot that is read whole. Invariant: the position
//! moves only past snapshots that were yielded whole. Answers to `org.apache.paimon.table.source.DataTableStreamScan`.

use alluvium_format::{Error, Predicate, Result};
use alluvium_store::TableStore;
use arrow_schema::SchemaRef;
use std::time::Duration;

use crate::batch_scan::ChangeBatch;
use crate::starting_scanner::StartupMode;

/// What is asked of a stream.
#[derive(Clone, Debug)]
pub struct TailRequest {
    /// The columns, in the order of the output; `None`: all.
    pub columns: Option<Vec<String>>,
    /// Only changes for which it is true.
    pub predicate: Predicate,
    /// Where it starts, unless the consumer has a position.
    pub startup: StartupMode,
    /// The last snapshot to read; `None`: it never ends.
    pub last_snapshot: Option<i64>,
    /// Whose position to go on from and to keep.
    pub consumer_id: Option<String>,
    /// How long to wait before looking for a new snapshot again.
    pub poll_interval: Duration,
}

/// What a stream yields.
#[derive(Clone, Debug)]
pub enum TailEvent {
    /// Changes of the snapshot.
    Changes(ChangeBatch),
    /// All changes of this snapshot were yielded.
    SnapshotEnd(i64),
}

/// A stream of changes.
#[derive(Debug)]
pub struct Tail {}

impl Tail {
    /// Opens a stream.
    ///
    /// # Errors
    /// `Unsupported` by name where the answer would not be right; `Invalid` for columns and conditions.
    pub async fn open(_table: &TableStore, _request: TailRequest) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// The columns of the changes.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::new(arrow_schema::Schema::empty())
    }

    /// The next event; waits for snapshots to come. `None` at the end that was asked for.
    ///
    /// # Errors
    /// `NotFound` when the next snapshot has expired; `Conflict` after a rollback; `Corrupt`; `Storage`.
    pub async fn next(&mut self) -> Result<Option<TailEvent>> {
        Err(Error::internal("not built"))
    }

    /// The next snapshot to read: what to save once all that was yielded is taken care of.
    pub fn position(&self) -> Option<i64> {
        None
    }
}
