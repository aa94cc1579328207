//! The streaming tail: follows a table's snapshots and yields their changes, for ever or up to a snapshot.
//!
//! Goes in: where to start. Comes out: changes with their kinds, and word of each snapshot that is read whole. A thin shell around
//! [`StreamScan`]. Invariants: the position moves only past snapshots that were yielded whole; a consumer's saved position only past
//! those whose end the caller was told and after which it asked for more, so that nothing is lost when it dies; nothing is lost or
//! doubled when a call to [`Tail::next`] is cancelled. Answers to `org.apache.paimon.table.source.DataTableStreamScan`.

use std::sync::Arc;
use std::time::Duration;

use alluvium_format::{ChangelogProducer, Consumer, Error, ErrorKind, Predicate, Result, Snapshot};
use alluvium_store::TableStore;
use arrow_schema::SchemaRef;
use futures::stream::{BoxStream, StreamExt};

use crate::change_batch::{ChangeBatch, SplitBatch};
use crate::follow_up_scanner::{FollowRules, FollowUp, OverwriteReading};
use crate::read_stream::read_splits;
use crate::scan_plan::{LevelFilter, plan_changes, plan_rows};
use crate::snapshot_range::{change_source, find_change_snapshot, snapshot_range, start_facts};
use crate::starting_scanner::StartupMode;
use crate::stream_scan::{ScanStep, Sighting, SnapshotIdentity, StreamScan, Wanted};
use crate::table_read::TableRead;

/// How many times the next snapshot is looked for before the range of snapshots is looked at again, as Java does: that it expired
/// or was rolled back is rare, and listing costs more than a look.
const LOOKS_PER_RANGE_CHECK: u32 = 16;
/// The option by which append tables insert what overwrites brought.
const STREAMING_READ_APPEND_OVERWRITE: &str = "streaming-read-append-overwrite";

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
    /// All changes of this snapshot were yielded; also of one that has none.
    SnapshotEnd(i64),
}

/// A stream of changes.
pub struct Tail {
    read: Arc<TableRead>,
    scan: StreamScan,
    state: State,
    /// The next snapshot to read, once all that was yielded is taken care of.
    position: Option<i64>,
    consumer: Option<ConsumerProgress>,
    poll_interval: Duration,
    /// Looks for the next snapshot that found nothing.
    misses: u32,
}

/// Where the stream stands between two events.
enum State {
    /// The next step is not decided.
    Deciding,
    /// It is decided what to read next, but not planned.
    Planning(Decided),
    /// The snapshot of this id is being read.
    Reading(i64, BoxStream<'static, Result<ChangeBatch>>),
    /// A snapshot was not read to its end.
    Failed,
}

/// What is read next.
#[derive(Clone, Debug)]
enum Decided {
    /// All rows of the snapshot of this id.
    Rows(i64),
    /// Changes of this snapshot.
    Changes(Box<Snapshot>, FollowUp),
}

/// Whose position is kept, and what is not saved of it yet.
#[derive(Debug)]
struct ConsumerProgress {
    id: String,
    unsaved: Option<i64>,
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (table, position) = (self.read.table.name(), self.position);
        f.debug_struct("Tail").field("table", &table).field("position", &position).finish_non_exhaustive()
    }
}

impl Tail {
    /// Opens a stream.
    ///
    /// # Errors
    /// `Unsupported` by name where the answer would not be right; `Invalid` for columns, conditions and the consumer's id; `Corrupt`
    /// or `Storage` when the consumer's position cannot be read.
    pub async fn open(table: &TableStore, request: TailRequest) -> Result<Self> {
        let schema = Arc::clone(table.schema());
        let read = TableRead::new(table, schema, request.columns.as_deref(), &request.predicate)?;
        let rules = FollowRules { source: change_source(table)?, overwrite: overwrite_reading(table)? };
        let startup = match &request.consumer_id {
            Some(id) => consumer_position(table, id).await?.map_or(request.startup, StartupMode::Position),
            None => request.startup,
        };
        Ok(Self {
            read: Arc::new(read),
            scan: StreamScan::new(startup, rules, request.last_snapshot),
            state: State::Deciding,
            position: None,
            consumer: request.consumer_id.map(|id| ConsumerProgress { id, unsaved: None }),
            poll_interval: request.poll_interval,
            misses: 0,
        })
    }

    /// The columns of the changes.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.read.output())
    }

    /// The next event; waits for snapshots to come. `None` at the end that was asked for. It may be cancelled and called again.
    ///
    /// # Errors
    /// `NotFound` when the next snapshot has expired; `Conflict` after a rollback; `Corrupt`; `Storage`. After an error in the
    /// midst of a snapshot the stream is `Closed`: another one goes on from [`Tail::position`].
    pub async fn next(&mut self) -> Result<Option<TailEvent>> {
        loop {
            self.save_progress().await?;
            match &mut self.state {
                State::Failed => return Err(failed(self.position)),
                State::Reading(id, changes) => {
                    let id = *id;
                    match changes.next().await {
                        Some(Ok(batch)) => return Ok(Some(TailEvent::Changes(batch))),
                        Some(Err(error)) => {
                            self.state = State::Failed;
                            return Err(error.context(format!("reading the changes of snapshot {id}")));
                        }
                        None => return Ok(Some(self.end_of(id))),
                    }
                }
                State::Planning(decided) => {
                    let (id, changes) = changes_of(&self.read, decided).await?;
                    self.state = State::Reading(id, changes);
                }
                State::Deciding => match self.step().await? {
                    ScanStep::End => return Ok(None),
                    ScanStep::Wait => tokio::time::sleep(self.poll_interval).await,
                    ScanStep::Skip => {
                        if let Some(next) = self.position {
                            return Ok(Some(TailEvent::SnapshotEnd(next - 1)));
                        }
                    }
                    ScanStep::Started | ScanStep::ReadFull(_) | ScanStep::ReadChanges(_) => {}
                },
            }
        }
    }

    /// The next snapshot to read: what to save once all that was yielded is taken care of. `None` before the start is settled, and
    /// as long as the rows of the first snapshot are being read.
    pub fn position(&self) -> Option<i64> {
        self.position
    }

    fn end_of(&mut self, id: i64) -> TailEvent {
        self.state = State::Deciding;
        self.settle(id + 1);
        TailEvent::SnapshotEnd(id)
    }

    fn settle(&mut self, position: i64) {
        self.position = Some(position);
        if let Some(consumer) = &mut self.consumer {
            consumer.unsaved = Some(position);
        }
    }

    async fn save_progress(&mut self) -> Result<()> {
        let Some(consumer) = &mut self.consumer else { return Ok(()) };
        if let Some(next_snapshot) = consumer.unsaved {
            self.read.table.consumers().put(&consumer.id, &Consumer { next_snapshot }).await?;
            consumer.unsaved = None;
        }
        Ok(())
    }

    /// Looks at the table and takes the next step of the scan. Nothing is awaited once the step is taken, so that it is never lost.
    async fn step(&mut self) -> Result<ScanStep> {
        let table = &self.read.table;
        match self.scan.wanted() {
            Wanted::Nothing => Ok(ScanStep::End),
            Wanted::Start(mode) => {
                let facts = start_facts(table, mode).await?;
                let step = self.scan.next(&Sighting::Start(facts))?;
                Ok(self.take(step, None))
            }
            Wanted::Snapshot { id, before } => {
                let Some(snapshot) = find_change_snapshot(table, id).await? else { return self.miss().await };
                let before = match before {
                    Some(_) => find_change_snapshot(table, id - 1).await?.as_ref().map(SnapshotIdentity::of),
                    None => None,
                };
                let step = self.scan.next(&Sighting::Found { snapshot: &snapshot, before })?;
                self.misses = 0;
                Ok(self.take(step, Some(snapshot)))
            }
        }
    }

    async fn miss(&mut self) -> Result<ScanStep> {
        let step = if self.misses.is_multiple_of(LOOKS_PER_RANGE_CHECK) {
            let range = snapshot_range(&self.read.table).await?;
            self.scan.next(&Sighting::Missing(range))?
        } else {
            ScanStep::Wait
        };
        self.misses = self.misses.wrapping_add(1);
        Ok(step)
    }

    /// Keeps what is to be done of a step that the scan has taken.
    fn take(&mut self, step: ScanStep, found: Option<Snapshot>) -> ScanStep {
        match (step, found) {
            (ScanStep::ReadFull(id), _) => self.state = State::Planning(Decided::Rows(id)),
            (ScanStep::ReadChanges(reading), Some(snapshot)) => {
                self.state = State::Planning(Decided::Changes(Box::new(snapshot), reading));
            }
            (ScanStep::Skip | ScanStep::Started, _) => {
                if let Some(next) = self.scan.position() {
                    self.settle(next);
                }
            }
            _ => {}
        }
        step
    }
}

async fn changes_of(
    read: &Arc<TableRead>,
    decided: &Decided,
) -> Result<(i64, BoxStream<'static, Result<ChangeBatch>>)> {
    match decided {
        Decided::Rows(id) => {
            let snapshot = read.table.snapshots().get(*id).await?;
            let splits = plan_rows(read, &snapshot, full_levels(read)?).await?;
            let batches = read_splits(Arc::clone(read), splits, None);
            Ok((*id, batches.map(|batch| batch.map(|batch| ChangeBatch::inserts(batch.rows))).boxed()))
        }
        Decided::Changes(snapshot, reading) => {
            let splits = plan_changes(read, snapshot, *reading, LevelFilter::All).await?;
            let batches = read_splits(Arc::clone(read), splits, None);
            Ok((snapshot.id, batches.map(|batch| batch.map(SplitBatch::into_changes)).boxed()))
        }
    }
}

/// What a stream that starts with all rows reads of them: what is not compacted yet comes with the changelog of its compaction.
fn full_levels(read: &TableRead) -> Result<LevelFilter> {
    let options = read.table.options();
    Ok(match options.changelog_producer()? {
        ChangelogProducer::Lookup => LevelFilter::AboveZero,
        ChangelogProducer::FullCompaction => {
            let highest = options.num_levels()?.saturating_sub(1);
            LevelFilter::Only(i32::try_from(highest).unwrap_or(i32::MAX))
        }
        ChangelogProducer::None | ChangelogProducer::Input => LevelFilter::All,
    })
}

fn overwrite_reading(table: &TableStore) -> Result<OverwriteReading> {
    let options = table.options();
    if table.schema().primary_keys.is_empty() {
        let inserts =
            options.get(STREAMING_READ_APPEND_OVERWRITE).is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
        return Ok(if inserts { OverwriteReading::Insert } else { OverwriteReading::AsOthers });
    }
    Ok(if options.streaming_read_overwrite()? { OverwriteReading::Retract } else { OverwriteReading::AsOthers })
}

async fn consumer_position(table: &TableStore, id: &str) -> Result<Option<i64>> {
    if id.is_empty() || id.contains(['/', '\\']) || id.starts_with('.') {
        return Err(Error::invalid(format!("{id:?} is no id of a consumer: it is part of a file's name")));
    }
    Ok(table.consumers().find(id).await?.map(|consumer| consumer.next_snapshot))
}

fn failed(position: Option<i64>) -> Error {
    let from = position.map_or_else(|| "its start".to_owned(), |next| format!("snapshot {next}"));
    Error::new(ErrorKind::Closed, format!("the stream failed while it read a snapshot; open another one from {from}"))
}
