//! The merge of sections into files, and nothing else.
//!
//! Answers to `MergeTreeCompactRewriter.rewriteCompaction`.

use alluvium_format::{DataFileMeta, Result};
use alluvium_merge_tree::drop_deletes;
use alluvium_store::{MergeRead, RollingFileWriter, TableStore};

use super::SLICE_BATCHES;
use crate::stop::StopSignal;
use crate::strategy::Retractions;

/// A merge of sections into files, under way.
pub(super) struct PlainRewrite {
    pub(super) read: MergeRead,
    pub(super) write: RollingFileWriter,
    pub(super) retractions: Retractions,
}

/// What a slice of work came to.
enum Slice {
    More(Box<PlainRewrite>),
    Done(Vec<DataFileMeta>),
}

/// Whether the merge has more rows.
enum Rows {
    More,
    End,
}

impl PlainRewrite {
    /// Merges to the end. Nothing is left of it when it fails or is stopped.
    pub(super) async fn run(mut self, table: &TableStore, stop: &StopSignal) -> Result<Vec<DataFileMeta>> {
        loop {
            if stop.is_set() {
                self.write.abort().await;
                return Err(stop.error());
            }
            match table.io().cpu().run(self.slice()).await? {
                Slice::More(rest) => self = *rest,
                Slice::Done(files) => return Ok(files),
            }
        }
    }

    async fn slice(mut self) -> Result<Slice> {
        match self.merge_batches().await {
            Ok(Rows::More) => Ok(Slice::More(Box::new(self))),
            Ok(Rows::End) => self.write.finish().await.map(Slice::Done),
            Err(error) => {
                self.write.abort().await;
                Err(error)
            }
        }
    }

    async fn merge_batches(&mut self) -> Result<Rows> {
        for _ in 0..SLICE_BATCHES {
            let Some(mut batch) = self.read.next().await? else { return Ok(Rows::End) };
            if self.retractions == Retractions::Dropped {
                batch = drop_deletes(batch)?;
            }
            if batch.num_rows() > 0 {
                self.write.write(&batch).await?;
            }
        }
        Ok(Rows::More)
    }
}
