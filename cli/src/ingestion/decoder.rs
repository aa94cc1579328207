//! Rows decoded on a thread of their own, ahead of the writer.
//!
//! Goes in: a reader of rows. Comes out: batches through a short channel. The thread is not one of the runtime's: it may wait for
//! standard input for ever, and must not hold up the end of the process.

use alluvium::{Error, ErrorKind, Result};
use tokio::sync::mpsc;

use crate::input::{InputBatch, Position, RowReader};

/// Rows of a batch: enough that the work per batch does not count, few enough that several fit into a cache.
const BATCH_ROWS: usize = 16 * 1024;
/// Batches that may wait for the writer.
const BATCHES_AHEAD: usize = 3;

/// What the decoder yields.
#[derive(Debug)]
pub(super) enum Decoded {
    /// Rows; with `Boundary::Commit` as many as one commit holds are complete.
    Rows(InputBatch, Boundary),
    /// The inputs are read.
    End,
}

/// What a batch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boundary {
    /// Nothing.
    Batch,
    /// The rows of a commit.
    Commit,
}

/// Starts to decode after `start`; `commit_rows` is how many rows a commit holds at most.
pub(super) fn spawn(
    reader: RowReader,
    start: Option<Position>,
    commit_rows: Option<usize>,
) -> Result<mpsc::Receiver<Result<Decoded>>> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let work = move || {
        if let Err(error) = decode(reader, start, commit_rows, &sender) {
            // Nobody listens any more when the ingest has ended already.
            let _ = sender.blocking_send(Err(error));
        }
    };
    let failed = |error| Error::new(ErrorKind::Storage, "starting a thread that decodes rows").with_source(error);
    std::thread::Builder::new().name("decoder".to_owned()).spawn(work).map_err(failed)?;
    Ok(receiver)
}

fn decode(
    mut reader: RowReader,
    start: Option<Position>,
    commit_rows: Option<usize>,
    out: &mpsc::Sender<Result<Decoded>>,
) -> Result<()> {
    if let Some(position) = start {
        reader.seek(position)?;
    }
    let mut left = commit_rows.unwrap_or(usize::MAX);
    while let Some(batch) = reader.next_batch(BATCH_ROWS.min(left))? {
        left = left.saturating_sub(batch.rows.num_rows());
        let boundary = if left == 0 { Boundary::Commit } else { Boundary::Batch };
        if boundary == Boundary::Commit {
            left = commit_rows.unwrap_or(usize::MAX);
        }
        if out.blocking_send(Ok(Decoded::Rows(batch, boundary))).is_err() {
            return Ok(());
        }
    }
    // Nobody listens any more when the ingest has ended already.
    let _ = out.blocking_send(Ok(Decoded::End));
    Ok(())
}
