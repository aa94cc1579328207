//! Bounded reads of rows: the state of a table at a snapshot.
//!
//! Goes in: a table and what is asked of it. Comes out: a plan of splits, and from that a stream of batches, in the order of the plan.
//! Answers to `org.apache.paimon.table.source.DataTableBatchScan` and `InnerTableRead`.

use std::sync::Arc;

use alluvium_format::{Predicate, Result, Snapshot, TableSchema};
use alluvium_store::TableStore;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::stream::{self, BoxStream, StreamExt};

use crate::change_log::ChangeLog;
use crate::read_stream::read_splits;
use crate::scan_plan::{FilesWanted, LevelFilter, limited, plan_rows};
use crate::split::DataSplit;
use crate::startup;
use crate::table_read::TableRead;
use crate::time_travel;

pub use crate::change_batch::ChangeBatch;
pub use crate::incremental::{incremental, range_of_options};
pub use crate::time_travel::TimeTravel;

/// What is asked of a table.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// The log as whose rows they are shown; `None`: as rows of the table. Columns and condition are its own.
    pub change_log: Option<ChangeLog>,
    /// The columns, in the order of the output; `None`: all.
    pub columns: Option<Vec<String>>,
    /// Only rows for which it is true.
    pub predicate: Predicate,
    /// At most so many rows.
    pub limit: Option<usize>,
    /// Which state; `None`: the one that the options of the table say, or the latest.
    pub travel: Option<TimeTravel>,
}

impl Default for ReadRequest {
    fn default() -> Self {
        Self { change_log: None, columns: None, predicate: Predicate::True, limit: None, travel: None }
    }
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
    /// What the rows are read under: the latest schema, or that of the snapshot travelled to.
    pub table_schema: Arc<TableSchema>,
}

/// Plans a read of rows.
///
/// # Errors
/// `Unsupported` by name where the answer would not be right; `NotFound` for the snapshot or tag; `Invalid` for columns and conditions.
pub async fn plan(table: &TableStore, request: &ReadRequest) -> Result<BatchPlan> {
    table.options().check_read_supported(table.schema())?;
    let travel = match &request.travel {
        Some(travel) => travel.clone(),
        None => startup::travel_of_options(table)?,
    };
    let state = time_travel::resolve(table, &travel).await?;
    let read = table_read(table, request, &state.schema)?;
    let mut splits = match &state.snapshot {
        Some(snapshot) => {
            let files = FilesWanted { levels: LevelFilter::Batch, since_millis: state.files_since };
            plan_rows(&read, snapshot, files).await?
        }
        None => Vec::new(),
    };
    if let Some(limit) = request.limit.filter(|_| read.row_condition == Predicate::True && read.keeps_rows()) {
        splits = limited(splits, limit);
    }
    let schema = Arc::clone(read.output());
    Ok(BatchPlan { snapshot: state.snapshot, splits, schema, table_schema: state.schema })
}

/// Reads the rows of a plan, at most as many as the request says.
pub fn execute(table: &TableStore, request: &ReadRequest, plan: BatchPlan) -> BoxStream<'static, Result<RecordBatch>> {
    match table_read(table, request, &plan.table_schema) {
        Ok(read) => {
            let batches = read_splits(Arc::new(read), plan.splits, request.limit);
            batches.map(|batch| batch.map(|batch| batch.rows)).boxed()
        }
        Err(error) => stream::iter([Err(error)]).boxed(),
    }
}

fn table_read(table: &TableStore, request: &ReadRequest, schema: &Arc<TableSchema>) -> Result<TableRead> {
    let columns = request.columns.as_deref();
    TableRead::shown(table, Arc::clone(schema), columns, &request.predicate, request.change_log)
}
