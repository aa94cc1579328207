//! The streaming tail: follows a table's snapshots and yields their changes, for ever or up to an end.
//!
//! Goes in: where to start, or the position of an earlier stream. Comes out: changes with their kinds, and word of each snapshot that is read
//! whole. A thin shell around [`StreamScan`]. Invariants: the position moves past a batch when it is yielded; a consumer is registered
//! before the first read, and its saved position moves only past what the caller took care of, so that nothing is lost when it dies; nothing
//! is lost or doubled when a call to [`Tail::next`] is cancelled. Answers to `org.apache.paimon.table.source.DataTableStreamScan`.

use std::sync::Arc;
use std::time::Duration;

use alluvium_format::options::scan::StreamScanMode;
use alluvium_format::{ChangelogProducer, Error, ErrorKind, Predicate, Result, Snapshot};
use alluvium_store::TableStore;
use arrow_schema::SchemaRef;
use futures::stream::{BoxStream, StreamExt};

use crate::change_batch::{ChangeBatch, SplitBatch};
use crate::change_log::ChangeLog;
use crate::complete_changes::{self, CompleteChanges};
use crate::consumer_progress::ConsumerProgress;
use crate::follow_up_scanner::{ChangeSource, FollowRules, FollowUp, OverwriteReading};
use crate::read_stream::read_splits_from;
use crate::scan_plan::{FilesWanted, LevelFilter, plan_changes, plan_rows};
use crate::snapshot_range::{change_source, find_change_snapshot, snapshot_range, start_facts};
use crate::snapshot_wait::SnapshotWait;
use crate::starting_scanner::StartupMode;
use crate::startup::mode_of_options;
use crate::stream_position::{Phase, SnapshotIdentity, SplitOffset, StreamPosition, Unfinished};
use crate::stream_scan::{ExpiredSnapshots, ScanRules, ScanStep, Sighting, StreamScan, Wanted};
use crate::table_read::TableRead;

/// How many times the next snapshot is looked for before the range of snapshots is looked at again, as Java does: that it expired
/// or was rolled back is rare, and listing costs more than a look.
const LOOKS_PER_RANGE_CHECK: u32 = 16;

/// What is asked of a stream.
#[derive(Clone, Debug)]
pub struct TailRequest {
    /// The log as whose rows changes are shown; `None`: as rows of the table. Columns and condition are its own.
    pub change_log: Option<ChangeLog>,
    /// The columns, in the order of the output; `None`: all.
    pub columns: Option<Vec<String>>,
    /// Only changes for which it is true.
    pub predicate: Predicate,
    /// Where an earlier stream with the same condition stood: it goes before all that says where to start.
    pub position: Option<StreamPosition>,
    /// Where it starts, unless the consumer has a position; `None`: as the options of the table say, or `latest`.
    pub startup: Option<StartupMode>,
    /// The last snapshot to read; `None`: it never ends.
    pub last_snapshot: Option<i64>,
    /// What becomes of it when the next snapshot has expired.
    pub expired: ExpiredSnapshots,
    /// Whose position to go on from and to keep; `None`: that of the option `consumer-id`, or nobody's.
    pub consumer_id: Option<String>,
    /// Whether changes are made complete where the table's changelog producer does not: `-U` and `+U` of what was and is, `-D` of what was.
    pub normalize: bool,
    /// The longest wait before looking for a new snapshot again; `None`: as the table says by `continuous.discovery-interval`, or a second.
    /// Waits are shorter behind a snapshot, and end when one is announced.
    pub poll_interval: Option<Duration>,
}

/// What a stream yields.
#[derive(Clone, Debug)]
pub enum TailEvent {
    /// Changes of the snapshot.
    Changes(ChangeBatch),
    /// All changes of this snapshot were yielded; also of one that has none.
    SnapshotEnd(i64),
    /// These snapshots, first and last, have expired and were passed over, as [`ExpiredSnapshots::Skip`] says.
    Expired(i64, i64),
}

/// A stream of changes.
pub struct Tail {
    read: Arc<TableRead>,
    scan: StreamScan,
    expired: ExpiredSnapshots,
    state: State,
    /// Behind what was yielded.
    position: Option<StreamPosition>,
    /// How much of the next plan an earlier stream has yielded.
    resume: SplitOffset,
    consumer: Option<ConsumerProgress>,
    complete: Option<CompleteChanges>,
    wait: SnapshotWait,
    /// Looks for the next snapshot that found nothing.
    misses: u32,
}

/// Where the stream stands between two events.
enum State {
    /// The next step is not decided.
    Deciding,
    /// It is decided what to read next, but not planned.
    Planning(Box<Decided>),
    /// A snapshot is being read.
    Reading(Box<Decided>, BoxStream<'static, Result<(SplitOffset, SplitBatch)>>),
    /// A snapshot was not read to its end.
    Failed,
}

/// What is read next.
#[derive(Clone, Debug)]
struct Decided {
    snapshot: Snapshot,
    what: What,
    /// The snapshot before it, if it was seen.
    before: Option<SnapshotIdentity>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Rows,
    Changes(FollowUp),
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (table, position) = (self.read.table.name(), &self.position);
        f.debug_struct("Tail").field("table", &table).field("position", position).finish_non_exhaustive()
    }
}

impl Tail {
    /// Opens a stream.
    ///
    /// # Errors
    /// `Unsupported` by name where the answer would not be right; `Invalid` for columns, conditions, options and the consumer's id;
    /// `Corrupt` or `Storage` when the consumer's position cannot be read.
    pub async fn open(table: &TableStore, request: TailRequest) -> Result<Self> {
        let completed = if request.normalize { complete_changes::table_of(table)? } else { None };
        let table = completed.as_ref().unwrap_or(table);
        let (read, complete) = match &completed {
            Some(table) => {
                check_whole(request.position.as_ref())?;
                check_no_log(request.change_log)?;
                let read = complete_changes::read_of(table, &request)?;
                let complete = CompleteChanges::new(&read, &request)?;
                (read, Some(complete))
            }
            None => {
                let schema = Arc::clone(table.schema());
                let columns = request.columns.as_deref();
                (TableRead::shown(table, schema, columns, &request.predicate, request.change_log)?, None)
            }
        };
        let rules = scan_rules(table, &request)?;
        let mut consumer = match request.consumer_id.as_deref().or(table.options().consumer_id()) {
            Some(id) => Some(ConsumerProgress::open(table, id).await?),
            None => None,
        };
        if let (Some(consumer), Some(position)) = (&mut consumer, &request.position) {
            consumer.acknowledge(table, position).await?;
        }
        let scan = match &request.position {
            Some(position) => StreamScan::restore(position, rules),
            None => StreamScan::new(startup_mode(table, &request, consumer.as_ref())?, rules),
        };
        let unfinished = request.position.as_ref().and_then(|position| position.unfinished.as_ref());
        Ok(Self {
            read: Arc::new(read),
            scan,
            expired: request.expired,
            state: State::Deciding,
            resume: unfinished.map(|unfinished| unfinished.offset).unwrap_or_default(),
            position: request.position,
            consumer,
            complete,
            wait: SnapshotWait::new(table, request.poll_interval)?,
            misses: 0,
        })
    }

    /// The columns of the changes.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.complete.as_ref().map_or(self.read.output(), CompleteChanges::output))
    }

    /// The next event; waits for snapshots to come. `None` at the end that was asked for. It may be cancelled and called again.
    ///
    /// # Errors
    /// `NotFound` when the next snapshot has expired; `Conflict` when snapshots that were read are gone; `Corrupt`; `Storage`. After an
    /// error in the midst of a snapshot the stream is `Closed`: another one goes on from [`Tail::position`].
    pub async fn next(&mut self) -> Result<Option<TailEvent>> {
        loop {
            self.save_progress().await?;
            match &mut self.state {
                State::Failed => return Err(failed(self.position.as_ref())),
                State::Reading(decided, changes) => {
                    match (&mut self.complete, decided.what) {
                        (Some(complete), What::Rows) => complete.start_empty(),
                        (Some(complete), What::Changes(_)) => complete.prepare(&self.read, decided.snapshot.id).await?,
                        (None, _) => {}
                    }
                    match changes.next().await {
                        Some(batch) => {
                            let since = self.scan.files_since();
                            match located(decided, since, batch, self.complete.as_mut()) {
                                Ok((position, changes)) => {
                                    self.position = Some(position);
                                    if let Some(changes) = changes {
                                        return Ok(Some(TailEvent::Changes(changes)));
                                    }
                                }
                                Err(error) => {
                                    let id = decided.snapshot.id;
                                    self.state = State::Failed;
                                    return Err(error.context(format!("reading the changes of snapshot {id}")));
                                }
                            }
                        }
                        None => {
                            let id = decided.snapshot.id;
                            self.state = State::Deciding;
                            self.settle(id + 1);
                            return Ok(Some(TailEvent::SnapshotEnd(id)));
                        }
                    }
                }
                State::Planning(decided) => {
                    let decided = decided.clone();
                    match self.plan(&decided).await {
                        Ok(changes) => self.state = State::Reading(decided, changes),
                        Err(error) => return self.passed_over(&decided, error).await.map(Some),
                    }
                }
                State::Deciding => match self.step().await? {
                    ScanStep::End => return Ok(None),
                    ScanStep::Wait => self.wait.wait().await,
                    ScanStep::Expired(first, last) => return Ok(Some(TailEvent::Expired(first, last))),
                    ScanStep::Skip => {
                        if let Some(position) = &self.position {
                            return Ok(Some(TailEvent::SnapshotEnd(position.next_snapshot - 1)));
                        }
                    }
                    ScanStep::Started | ScanStep::ReadFull | ScanStep::ReadChanges(_) => {}
                },
            }
        }
    }

    /// Behind all that was yielded: what to save once that is taken care of. `None` before the start is settled, and before the first of
    /// the rows it starts with.
    pub fn position(&self) -> Option<&StreamPosition> {
        self.position.as_ref()
    }

    /// Says that all before `position` is taken care of: the consumer, if there is one, goes on from there. Of a snapshot that was read in
    /// part a consumer keeps nothing: it is read again.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn acknowledge(&mut self, position: &StreamPosition) -> Result<()> {
        match &mut self.consumer {
            Some(consumer) => consumer.acknowledge(&self.read.table, position).await,
            None => Ok(()),
        }
    }

    fn settle(&mut self, next_snapshot: i64) {
        let position = StreamPosition {
            before: self.scan.seen().filter(|seen| seen.id + 1 == next_snapshot).cloned(),
            files_since: self.scan.files_since(),
            ..StreamPosition::new(next_snapshot)
        };
        if let Some(consumer) = &mut self.consumer {
            consumer.yielded(position.clone());
        }
        self.position = Some(position);
    }

    async fn save_progress(&mut self) -> Result<()> {
        match &mut self.consumer {
            Some(consumer) => consumer.save(&self.read.table).await,
            None => Ok(()),
        }
    }

    /// Looks at the table and takes the next step of the scan. Nothing is awaited once the step is taken, so that it is never lost.
    async fn step(&mut self) -> Result<ScanStep> {
        self.wait.look();
        let table = &self.read.table;
        match self.scan.wanted() {
            Wanted::Nothing => Ok(ScanStep::End),
            Wanted::Start(mode) => {
                let facts = start_facts(table, mode).await?;
                let step = self.scan.next(&Sighting::Start(facts))?;
                Ok(self.take(step, None))
            }
            Wanted::Full(id) => {
                self.register(id, Phase::Full).await?;
                let snapshot = self.read.table.snapshots().find(id).await?;
                let step = self.scan.next(&Sighting::Full(snapshot.as_ref()))?;
                Ok(self.take(step, snapshot))
            }
            Wanted::Before(id) => {
                self.register(id + 1, Phase::Changes).await?;
                let snapshot = find_change_snapshot(&self.read.table, id).await?;
                let step = self.scan.next(&Sighting::Before(snapshot.as_ref()))?;
                Ok(self.take(step, snapshot))
            }
            Wanted::Snapshot { id, with_before } => {
                let Some(snapshot) = look_for(table, id, self.misses).await? else { return self.miss().await };
                let before = match with_before {
                    true => find_change_snapshot(table, id - 1).await?.as_ref().map(SnapshotIdentity::of),
                    false => None,
                };
                let now_millis = table.io().clock().now_millis();
                let step = self.scan.next(&Sighting::Found { snapshot: &snapshot, before, now_millis })?;
                self.misses = 0;
                Ok(self.take(step, Some(snapshot)))
            }
        }
    }

    async fn register(&mut self, next_snapshot: i64, phase: Phase) -> Result<()> {
        match &mut self.consumer {
            Some(consumer) => consumer.register(&self.read.table, next_snapshot, phase).await,
            None => Ok(()),
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
        Ok(self.take(step, None))
    }

    /// Keeps what is to be done of a step that the scan has taken.
    fn take(&mut self, step: ScanStep, found: Option<Snapshot>) -> ScanStep {
        let what = match step {
            ScanStep::ReadFull => Some(What::Rows),
            ScanStep::ReadChanges(reading) => Some(What::Changes(reading)),
            ScanStep::Skip | ScanStep::Started | ScanStep::Expired(..) => {
                if let (Some(next), State::Deciding) = (self.scan.next_snapshot(), &self.state) {
                    self.settle(next);
                }
                None
            }
            ScanStep::Wait | ScanStep::End => None,
        };
        if step != ScanStep::Wait {
            self.wait.found();
        }
        if let (Some(what), Some(snapshot)) = (what, found) {
            let before = self.position.as_ref().and_then(|position| position.before.clone());
            self.state = State::Planning(Box::new(Decided { snapshot, what, before }));
        }
        if matches!(step, ScanStep::Expired(..)) {
            self.lose_track();
        }
        step
    }

    /// Changes were passed over.
    fn lose_track(&mut self) {
        self.resume = SplitOffset::default();
        if let Some(complete) = &mut self.complete {
            complete.lose_track();
        }
    }

    async fn plan(&mut self, decided: &Decided) -> Result<BoxStream<'static, Result<(SplitOffset, SplitBatch)>>> {
        let (read, since_millis) = (&self.read, self.scan.files_since());
        let splits = match decided.what {
            What::Rows => {
                let files = FilesWanted { levels: full_levels(read)?, since_millis };
                plan_rows(read, &decided.snapshot, files).await?
            }
            What::Changes(reading) => {
                let files = FilesWanted { levels: LevelFilter::All, since_millis };
                plan_changes(read, &decided.snapshot, reading, files).await?
            }
        };
        Ok(read_splits_from(Arc::clone(read), splits, std::mem::take(&mut self.resume)))
    }

    /// What comes of a plan that failed: a snapshot whose files are gone because it has expired meanwhile may be passed over.
    async fn passed_over(&mut self, decided: &Decided, error: Error) -> Result<TailEvent> {
        let id = decided.snapshot.id;
        let error = error.context(format!("planning the changes of snapshot {id}"));
        let skips = self.expired == ExpiredSnapshots::Skip && matches!(decided.what, What::Changes(_));
        if !skips || error.kind() != ErrorKind::NotFound || find_change_snapshot(&self.read.table, id).await?.is_some()
        {
            return Err(error);
        }
        self.state = State::Deciding;
        self.lose_track();
        self.settle(id + 1);
        Ok(TailEvent::Expired(id, id))
    }
}

impl Decided {
    /// Behind `offset` of its plan.
    fn position(&self, offset: SplitOffset, files_since: Option<i64>) -> StreamPosition {
        let phase = match self.what {
            What::Rows => Phase::Full,
            What::Changes(_) => Phase::Changes,
        };
        let snapshot = SnapshotIdentity::of(&self.snapshot);
        StreamPosition {
            before: self.before.clone(),
            unfinished: Some(Unfinished { snapshot, phase, offset }),
            files_since,
            ..StreamPosition::new(self.snapshot.id)
        }
    }
}

/// The snapshot of an id, by one request while it is waited for. What has expired is looked for when the range is looked at.
async fn look_for(table: &TableStore, id: i64, misses: u32) -> Result<Option<Snapshot>> {
    match misses.is_multiple_of(LOOKS_PER_RANGE_CHECK) {
        true => find_change_snapshot(table, id).await,
        false => table.snapshots().find(id).await,
    }
}

/// What comes out of a batch of a plan, and the position behind it.
fn located(
    decided: &Decided,
    files_since: Option<i64>,
    batch: Result<(SplitOffset, SplitBatch)>,
    complete: Option<&mut CompleteChanges>,
) -> Result<(StreamPosition, Option<ChangeBatch>)> {
    let (offset, batch) = batch?;
    let changes = match decided.what {
        What::Rows => ChangeBatch::inserts(batch.rows),
        What::Changes(_) => batch.into_changes(),
    };
    let changes = match complete {
        Some(complete) => complete.complete(&changes)?,
        None => Some(changes),
    };
    Ok((decided.position(offset, files_since), changes))
}

/// The rows there are are known between snapshots only.
fn check_whole(position: Option<&StreamPosition>) -> Result<()> {
    match position.and_then(|position| position.unfinished.as_ref()) {
        None => Ok(()),
        Some(unfinished) => Err(Error::invalid(format!(
            "a stream of complete changes cannot go on in the midst of snapshot {}: take a position at the end of one",
            unfinished.snapshot.id
        ))),
    }
}

fn check_no_log(change_log: Option<ChangeLog>) -> Result<()> {
    match change_log {
        None => Ok(()),
        Some(log) => {
            Err(Error::unsupported(format!("complete changes as rows of a log ({log:?}): tail the table itself")))
        }
    }
}

fn scan_rules(table: &TableStore, request: &TailRequest) -> Result<ScanRules> {
    let options = table.options();
    let source = match options.stream_scan_mode()? {
        StreamScanMode::None => change_source(table)?,
        StreamScanMode::CompactBucketTable => ChangeSource::AddedFiles,
        StreamScanMode::FileMonitor => ChangeSource::AllDeltas,
    };
    let delay = options.streaming_read_snapshot_delay_millis()?.unwrap_or(0);
    Ok(ScanRules {
        follow: FollowRules { source, overwrite: overwrite_reading(table)? },
        last_snapshot: request.last_snapshot,
        bounded_watermark: options.scan_bounded_watermark()?,
        snapshot_delay_millis: i64::try_from(delay).unwrap_or(i64::MAX),
        expired: request.expired,
    })
}

/// Where a stream without a position starts: modes that are not for rows go first, then the consumer, then what was asked for.
fn startup_mode(table: &TableStore, request: &TailRequest, consumer: Option<&ConsumerProgress>) -> Result<StartupMode> {
    match table.options().stream_scan_mode()? {
        StreamScanMode::CompactBucketTable => return Ok(StartupMode::CompactBucketTable),
        StreamScanMode::FileMonitor => return Ok(StartupMode::LatestFull),
        StreamScanMode::None => {}
    }
    if let Some(next) = consumer.and_then(ConsumerProgress::next_snapshot) {
        return Ok(StartupMode::Position(next));
    }
    match request.startup {
        Some(startup) => Ok(startup),
        None => Ok(mode_of_options(table)?.unwrap_or(StartupMode::Latest)),
    }
}

/// What a stream that starts with all rows reads of them: what is not compacted yet comes with the changelog of its compaction.
fn full_levels(read: &TableRead) -> Result<LevelFilter> {
    let options = read.table.options();
    if options.stream_scan_mode()? == StreamScanMode::FileMonitor {
        return Ok(LevelFilter::All);
    }
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
    let (reading, is_on) = if table.schema().primary_keys.is_empty() {
        (OverwriteReading::Insert, options.streaming_read_append_overwrite()?)
    } else {
        (OverwriteReading::Retract, options.streaming_read_overwrite()?)
    };
    Ok(if is_on { reading } else { OverwriteReading::AsOthers })
}

fn failed(position: Option<&StreamPosition>) -> Error {
    let from =
        position.map_or_else(|| "its start".to_owned(), |position| format!("snapshot {}", position.next_snapshot));
    Error::new(ErrorKind::Closed, format!("the stream failed while it read a snapshot; open another one from {from}"))
}
