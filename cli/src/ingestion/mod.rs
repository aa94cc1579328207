//! Rows from inputs into a table, commit by commit.
//!
//! Goes in: a reader of rows, a table, a commit user, and when to commit. Comes out: snapshots, and what was done. Invariants: a row is
//! committed with everything before it or not at all; a commit carries the position after its rows, so that the same user with the
//! same inputs goes on there; a row that cannot be read stops it before the commit that would hold that row.

mod decoder;
mod resume;

use std::time::Duration;

use alluvium::{CommitExtras, Committed, Error, OverwriteScope, StreamWrite, Table, WriteMode, WriteOptions};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::failure::{Failure, Outcome};
use crate::ingestion::decoder::{Boundary, Decoded};
use crate::input::{InputBatch, InputProgress, Position, RowReader};
use crate::progress::Progress;
use crate::quantity::{count_of, counted};

pub(crate) use resume::InputNames;

/// Commits never come oftener, whatever is asked for: each costs a few files.
const COMMIT_INTERVAL_MIN: Duration = Duration::from_millis(10);
/// Longer is never, and clocks cannot count for ever.
const COMMIT_INTERVAL_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// How rows become commits.
#[derive(Clone, Debug)]
pub(crate) struct CommitPlan {
    /// Who commits; `None`: somebody new, and nothing is skipped.
    pub(crate) user: Option<String>,
    /// At most so many rows a commit.
    pub(crate) rows: Option<usize>,
    /// Rows do not wait longer than this.
    pub(crate) interval: Duration,
    /// What is replaced, in one commit at the end; `None`: rows are appended.
    pub(crate) overwrite: Option<OverwriteScope>,
}

/// What an ingest did.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ingested {
    /// Who committed.
    pub(crate) user: String,
    /// Where it went on, when an earlier run had come so far.
    pub(crate) resumed_at: Option<Position>,
    /// Rows that are committed.
    pub(crate) rows: u64,
    /// Rows that could not be read and were skipped.
    pub(crate) skipped: u64,
    /// Commits with rows.
    pub(crate) commits: u64,
    /// The last snapshot it made.
    pub(crate) snapshot: Option<i64>,
    /// The identifier of the last commit.
    pub(crate) identifier: Option<i64>,
}

/// Ingests what `reader` reads into `table`, until the inputs or `stop` end.
///
/// # Errors
/// `Interrupted` when `stop` came first, with what is committed; else what failed, with what is committed.
pub(crate) async fn ingest(
    table: &Table,
    reader: RowReader,
    names: InputNames,
    plan: CommitPlan,
    stop: impl Future<Output = ()>,
) -> Outcome<Ingested> {
    let mut ingest = Ingest::open(table, reader.progress(), names, plan).await?;
    let ended = ingest.take_all(reader, stop).await;
    ingest.progress.finish();
    let closed = ingest.write.close().await;
    let mut done = ingest.done;
    let kept = kept(&done);
    let ended = ended.map_err(|failure| failure.doing(format!("ingesting into {} ({kept})", table.name())))?;
    let closed = closed.map_err(|error| {
        Failure::from(error).doing(format!("compacting {} after the ingest ({kept})", table.name()))
    })?;
    done.snapshot = closed.snapshots.last().map(|snapshot| snapshot.id).or(done.snapshot);
    match ended {
        Ended::Inputs => Ok(done),
        Ended::Stopped => Err(Failure::Interrupted(format!("{kept}; the inputs were not read to their end"))),
    }
}

/// Why no more rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Inputs,
    Stopped,
}

struct Ingest {
    write: StreamWrite,
    names: InputNames,
    plan: CommitPlan,
    next_identifier: i64,
    /// Rows that are written and not committed, and the place after them.
    pending: u64,
    position: Position,
    input: InputProgress,
    progress: Progress,
    done: Ingested,
}

impl Ingest {
    async fn open(table: &Table, input: InputProgress, names: InputNames, plan: CommitPlan) -> Outcome<Self> {
        let user = plan.user.clone().unwrap_or_else(|| table.new_commit_user());
        let mode = plan.overwrite.as_ref().map_or(WriteMode::Append, |_| WriteMode::Overwrite);
        let options = WriteOptions { mode, ..WriteOptions::default() };
        let write = table.stream_write_with(&user, options).await?;
        let resumed_at = match (&plan.user, &plan.overwrite) {
            (Some(_), None) => names.position(&write.last_properties())?,
            _ => None,
        };
        let next_identifier = write.last_committed().map_or(Ok(1), |last| identifier_after(last, &user))?;
        let progress = Progress::of_rows(input.bytes_total());
        let position = resumed_at.unwrap_or_default();
        let done = Ingested { user, resumed_at, ..Ingested::default() };
        Ok(Self { write, names, plan, next_identifier, pending: 0, position, input, progress, done })
    }

    async fn take_all(&mut self, reader: RowReader, stop: impl Future<Output = ()>) -> Outcome<Ended> {
        let commit_rows = if self.plan.overwrite.is_some() { None } else { self.plan.rows };
        let mut decoded = decoder::spawn(reader, self.done.resumed_at, commit_rows)?;
        let mut timer = timer(self.plan.interval);
        tokio::pin!(stop);
        let ended = loop {
            tokio::select! {
                biased;
                () = &mut stop => break Ended::Stopped,
                _ = timer.tick() => self.commit_appended().await?,
                next = decoded.recv() => match next {
                    Some(Ok(Decoded::Rows(batch, boundary))) => {
                        self.take(batch).await?;
                        if boundary == Boundary::Commit {
                            self.commit_appended().await?;
                            timer.reset();
                        }
                    }
                    Some(Ok(Decoded::End)) => break Ended::Inputs,
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(Error::internal("the thread that decodes rows ended early").into()),
                },
            }
        };
        match (&self.plan.overwrite, ended) {
            (None, _) => self.commit_appended().await?,
            (Some(scope), Ended::Inputs) => self.replace(scope.clone()).await?,
            // Half an input replaces nothing.
            (Some(_), Ended::Stopped) => {}
        }
        Ok(ended)
    }

    async fn take(&mut self, batch: InputBatch) -> Outcome {
        let rows = batch.rows.num_rows() as u64;
        if rows > 0 {
            self.write.write(batch.rows, Some(batch.kinds)).await?;
        }
        self.pending += rows;
        self.position = batch.position;
        self.done.skipped += batch.skipped;
        self.progress.rows(self.done.rows + self.pending, self.input.bytes_read());
        Ok(())
    }

    /// Commits the rows that are pending, unless they replace others at the end.
    async fn commit_appended(&mut self) -> Outcome {
        if self.pending == 0 || self.plan.overwrite.is_some() {
            return Ok(());
        }
        let extras = self.extras();
        let committed = self.write.commit_with(self.next_identifier, extras).await?;
        self.committed(&committed)
    }

    async fn replace(&mut self, scope: OverwriteScope) -> Outcome {
        let extras = self.extras();
        let committed = self.write.overwrite(scope, self.next_identifier, extras).await?;
        self.committed(&committed)
    }

    fn extras(&self) -> CommitExtras {
        let properties = match self.plan.user {
            Some(_) => self.names.properties(self.position),
            None => Default::default(),
        };
        CommitExtras { properties, ..CommitExtras::default() }
    }

    fn committed(&mut self, committed: &Committed) -> Outcome {
        self.done.rows += self.pending;
        self.pending = 0;
        self.done.commits += 1;
        self.done.identifier = Some(self.next_identifier);
        self.done.snapshot = committed.snapshots.last().map(|snapshot| snapshot.id).or(self.done.snapshot);
        self.next_identifier = identifier_after(self.next_identifier, &self.done.user)?;
        Ok(())
    }
}

fn identifier_after(last: i64, user: &str) -> Outcome<i64> {
    let used_up =
        || Error::invalid(format!("the commit user {user} has used its last identifier: choose another --commit-user"));
    Ok(last.checked_add(1).ok_or_else(used_up)?)
}

fn timer(interval: Duration) -> Interval {
    let interval = interval.clamp(COMMIT_INTERVAL_MIN, COMMIT_INTERVAL_MAX);
    let mut timer = interval_at(Instant::now() + interval, interval);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timer
}

/// What of an ingest stays, whatever happened after.
fn kept(done: &Ingested) -> String {
    match done.snapshot {
        None => "nothing was committed".to_owned(),
        Some(snapshot) => {
            format!("{} in {} stay, up to snapshot {snapshot}", rows_text(done.rows), counted(done.commits, "commit"))
        }
    }
}

fn rows_text(rows: u64) -> String {
    format!("{} row{}", count_of(rows), if rows == 1 { "" } else { "s" })
}
