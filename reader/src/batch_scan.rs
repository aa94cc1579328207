//! Bounded reads: the rows of a snapshot, or the changes between two.
//!
//! Goes in: a table and what is asked of it. Comes out: a plan of splits, and from that a stream of batches. Answers to
//! `org.apache.paimon.table.source.DataTableBatchScan` and `InnerTableRead`.

use alluvium_format::{Error, Predicate, Result, Snapshot};
use alluvium_store::TableStore;
use arrow_array::{Int8Array, RecordBatch};
use arrow_schema::SchemaRef;
use futures::stream::BoxStream;

use crate::split::DataSplit;

/// Which state of the table.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum TimeTravel {
    /// The latest snapshot.
    #[default]
    Latest,
    /// This snapshot.
    Snapshot(i64),
    /// The snapshot of this tag.
    Tag(String),
    /// The last snapshot committed at this time or before, milliseconds since 1970.
    Timestamp(i64),
}

/// What is asked of a table.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// The columns, in the order of the output; `None`: all.
    pub columns: Option<Vec<String>>,
    /// Only rows for which it is true.
    pub predicate: Predicate,
    /// At most so many rows.
    pub limit: Option<usize>,
    /// Which state.
    pub travel: TimeTravel,
}

impl Default for ReadRequest {
    fn default() -> Self {
        Self { columns: None, predicate: Predicate::True, limit: None, travel: TimeTravel::Latest }
    }
}

/// Changes of rows.
#[derive(Clone, Debug)]
pub struct ChangeBatch {
    /// The bytes of [`alluvium_format::RowKind`].
    pub kinds: Int8Array,
    /// The rows.
    pub rows: RecordBatch,
}

/// What a read will read.
#[derive(Clone, Debug)]
pub struct BatchPlan {
    /// The snapshot; `None` in an empty table.
    pub snapshot: Option<Snapshot>,
    /// Pieces that can be read independently.
    pub splits: Vec<DataSplit>,
    /// The columns of the output.
    pub schema: SchemaRef,
}

/// Plans a read of rows.
///
/// # Errors
/// `Unsupported` by name where the answer would not be right; `NotFound` for the snapshot or tag; `Invalid` for columns and conditions.
pub async fn plan(_table: &TableStore, _request: &ReadRequest) -> Result<BatchPlan> {
    Err(Error::internal("not built"))
}

/// Reads the rows of a plan, at most as many as the request says.
pub fn execute(
    _table: &TableStore,
    _request: &ReadRequest,
    _plan: BatchPlan,
) -> BoxStream<'static, Result<RecordBatch>> {
    Box::pin(futures::stream::empty())
}

/// The changes of the snapshots after `from` up to and including `to`; both by id.
///
/// # Errors
/// As [`plan`].
pub async fn incremental(
    _table: &TableStore,
    _request: &ReadRequest,
    (_from, _to): (i64, i64),
) -> Result<BoxStream<'static, Result<ChangeBatch>>> {
    Err(Error::internal("not built"))
}
