//! A writer whose rows are committed by others: rows of the table as they are go in, what is to be committed comes out.

use alluvium_compaction::Picking;
use alluvium_format::{CommitMessage, Error, Result};
use alluvium_store::{Committed, OverwriteScope};
use futures::future::join_all;

use super::{CommitExtras, CompactionWait, State, TableWrite};
use crate::bucket_writer::{BucketWriter, CompactionDemand};
use crate::table_rows::TableRows;

impl TableWrite {
    /// Takes rows that were checked when they came to the table. After an error it is to be [given up](Self::give_up).
    pub(crate) async fn write_rows(&mut self, rows: TableRows) -> Result<()> {
        self.check_open()?;
        self.take(rows).await
    }

    /// Replaces what is in `scope`, which was read at this snapshot, by what was written; others may have compacted since, no more.
    pub(crate) async fn replace_rows(
        &mut self,
        scope: OverwriteScope,
        read_at: i64,
        identifier: i64,
        extras: CommitExtras,
    ) -> Result<Committed> {
        self.read_at = Some(read_at);
        self.overwrite(scope, identifier, extras).await
    }

    /// What is to be committed under `identifier`, with the compactions of all buckets: full ones where they are due or asked for. The files
    /// are up to who calls.
    pub(crate) async fn into_messages(mut self, identifier: i64, asked: Picking) -> Result<Vec<CommitMessage>> {
        self.state = State::Busy;
        let picking = if asked == Picking::Full { asked } else { self.demand(identifier).picking };
        let demand = CompactionDemand { wait: CompactionWait::Always, picking };
        let prepared = join_all(self.buckets.values_mut().map(|writer| writer.prepare_commit(demand))).await;
        match self.all_or_none(prepared).await {
            Ok(messages) => Ok(messages),
            Err(error) => Err(self.give_up(error).await),
        }
    }

    /// Ends, and deletes what was written.
    pub(crate) async fn give_up(mut self, error: Error) -> Error {
        let buckets = std::mem::take(&mut self.buckets);
        join_all(buckets.into_values().map(BucketWriter::abandon)).await;
        error
    }
}
