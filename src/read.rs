//! Bounded reads, asked for step by step.

use alluvium_format::{Predicate, Result};
use alluvium_reader::{BatchPlan, ChangeBatch, ChangeLog, ChangesBetween, ReadRequest, TimeTravel, batch_scan};
use alluvium_store::TableStore;
use arrow_array::RecordBatch;
use futures::stream::BoxStream;

/// A bounded read that is being asked for.
#[derive(Clone, Debug)]
pub struct Read {
    store: TableStore,
    request: ReadRequest,
}

impl Read {
    pub(crate) fn of(store: TableStore) -> Self {
        Self { store, request: ReadRequest::default() }
    }

    /// Rows of a system table in place of the table's, `$audit_log` or `$binlog`: columns, condition and what comes out are its own, and its
    /// rows are all `+I`. Records are shown as they are stored, deletes that are not compacted away included.
    #[must_use]
    pub fn shown_as(mut self, log: ChangeLog) -> Self {
        self.request.change_log = Some(log);
        self
    }

    /// Only these columns, in this order.
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.request.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Only rows for which the condition is true.
    #[must_use]
    pub fn filter(mut self, predicate: Predicate) -> Self {
        self.request.predicate = predicate;
        self
    }

    /// At most so many rows.
    #[must_use]
    pub fn limit(mut self, rows: usize) -> Self {
        self.request.limit = Some(rows);
        self
    }

    /// A state of the table; the one that its options say (`scan.*`), or the latest, unless said otherwise.
    #[must_use]
    pub fn at(mut self, travel: TimeTravel) -> Self {
        self.request.travel = Some(travel);
        self
    }

    /// What would be read.
    ///
    /// # Errors
    /// `Unsupported` by name where the answer would not be right; `NotFound` for the snapshot or tag; `Invalid` for columns and conditions.
    pub async fn plan(&self) -> Result<BatchPlan> {
        batch_scan::plan(&self.store, &self.request).await
    }

    /// Reads: batches of rows, one a key, in no order.
    ///
    /// # Errors
    /// As [`Read::plan`].
    pub async fn execute(self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let plan = self.plan().await?;
        Ok(batch_scan::execute(&self.store, &self.request, plan))
    }

    /// Reads the changes of the snapshots after `from` up to and including `to`.
    ///
    /// # Errors
    /// As [`Read::plan`].
    pub async fn incremental(self, from: i64, to: i64) -> Result<BoxStream<'static, Result<ChangeBatch>>> {
        self.changes(&ChangesBetween::Snapshots(from, to)).await
    }

    /// Reads the changes of a range, as the option `incremental-between-scan-mode` says: those that commits made, or what became of the rows.
    ///
    /// # Errors
    /// As [`Read::plan`].
    pub async fn changes(self, between: &ChangesBetween) -> Result<BoxStream<'static, Result<ChangeBatch>>> {
        batch_scan::incremental(&self.store, &self.request, between).await
    }

    /// The range of changes that the options of the table ask for (`incremental-between` and what goes with it), if they do.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong.
    pub fn range_of_options(&self) -> Result<Option<ChangesBetween>> {
        batch_scan::range_of_options(&self.store)
    }
}
