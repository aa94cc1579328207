//! Unbounded reads of changes, asked for step by step.

use std::time::Duration;

use alluvium_format::{Predicate, Result};
use alluvium_reader::{ChangeLog, ExpiredSnapshots, StartupMode, StreamPosition, Tail, TailRequest};
use alluvium_store::TableStore;

/// An unbounded read that is being asked for.
#[derive(Clone, Debug)]
pub struct TableTail {
    store: TableStore,
    request: TailRequest,
}

impl TableTail {
    pub(crate) fn of(store: TableStore) -> Self {
        let request = TailRequest {
            change_log: None,
            columns: None,
            predicate: Predicate::True,
            position: None,
            startup: None,
            last_snapshot: None,
            expired: ExpiredSnapshots::Fail,
            consumer_id: None,
            normalize: false,
            poll_interval: None,
        };
        Self { store, request }
    }

    /// Rows of a system table in place of the table's changes, `$audit_log` or `$binlog`: columns, condition and what comes out are its own,
    /// and its rows are all `+I`. The rows that a stream starts with are shown with the kinds they are stored with, deletes included.
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

    /// Only changes for which the condition is true.
    #[must_use]
    pub fn filter(mut self, predicate: Predicate) -> Self {
        self.request.predicate = predicate;
        self
    }

    /// Where it starts; as the table's options say (`scan.mode` and what goes with it), or `latest`, unless said otherwise.
    #[must_use]
    pub fn from(mut self, startup: StartupMode) -> Self {
        self.request.startup = Some(startup);
        self
    }

    /// Goes on where an earlier tail with the same condition was, to the row.
    #[must_use]
    pub fn from_position(mut self, position: StreamPosition) -> Self {
        self.request.position = Some(position);
        self
    }

    /// Changes after the latest snapshot.
    #[must_use]
    pub fn from_latest(self) -> Self {
        self.from(StartupMode::Latest)
    }

    /// Changes from the earliest snapshot that is left.
    #[must_use]
    pub fn from_earliest(self) -> Self {
        self.from(StartupMode::Earliest)
    }

    /// The last snapshot to read.
    #[must_use]
    pub fn to(mut self, snapshot: i64) -> Self {
        self.request.last_snapshot = Some(snapshot);
        self
    }

    /// What becomes of it when the next snapshot has expired: it fails unless said otherwise.
    #[must_use]
    pub fn when_expired(mut self, expired: ExpiredSnapshots) -> Self {
        self.request.expired = expired;
        self
    }

    /// Goes on where this consumer stopped, and keeps its position with the table: behind what [`alluvium_reader::Tail::acknowledge`] says, or
    /// with the option `consumer.mode = at-least-once` behind each snapshot after which more is asked for.
    #[must_use]
    pub fn consumer_id(mut self, id: impl Into<String>) -> Self {
        self.request.consumer_id = Some(id.into());
        self
    }

    /// Makes changes complete where the table's changelog producer (`none`, `input`) does not: `-U` and `+U` of what was and is, `-D` of what
    /// was, nothing for what changed nothing. All rows of the table are kept in memory for it. Overwrites are read, too.
    #[must_use]
    pub fn normalize(mut self) -> Self {
        self.request.normalize = true;
        self
    }

    /// The longest wait before looking for a new snapshot again, in place of the option `continuous.discovery-interval`, or of a second where
    /// the table does not set it. Waits begin at 20 ms behind a snapshot and double. A commit through a table of this process ends them at
    /// once where both come from one catalog, or from catalogs of the same path or URL; and with the feature `watch` so does any commit to
    /// a table on this machine.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.request.poll_interval = Some(interval);
        self
    }

    /// Opens the stream.
    ///
    /// # Errors
    /// `Unsupported` by name where the answer would not be right; `Invalid` for columns and conditions.
    pub async fn execute(self) -> Result<Tail> {
        Tail::open(&self.store, self.request).await
    }
}
