//! The plan of a stream, step by step: a state machine that is told what the table holds and says what to read next.
//!
//! Goes in: sightings (the facts at the start, a snapshot that was found, or the range when it was not). Comes out: a
//! [`ScanStep`]. Pure: no clock, no store. Invariants: every snapshot from the start to the end is read or skipped once, in
//! order; a snapshot that expired, or was replaced by another, is an error or is reported, never a silent gap. Example: from snapshot 4
//! with snapshots 3 to 5: `Read(4)`, `Read(5)`, `Wait`. Answers to `DataTableStreamScan`, `NextSnapshotFetcher` and `BoundedChecker`.

use alluvium_format::{Error, ErrorKind, Result, Snapshot};

use crate::follow_up_scanner::{FollowRules, FollowUp, follow_up};
use crate::starting_scanner::{SnapshotRange, Start, StartFacts, StartupMode, check_not_beyond, expired, start};
use crate::stream_position::{Phase, SnapshotIdentity, StreamPosition};

/// What becomes of a stream whose next snapshot has expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpiredSnapshots {
    /// It fails.
    #[default]
    Fail,
    /// It goes on with the first one that is left, and reports which it passed over.
    Skip,
}

/// What a stream reads and when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanRules {
    /// What it reads of each kind of snapshot.
    pub follow: FollowRules,
    /// The last snapshot to read.
    pub last_snapshot: Option<i64>,
    /// It ends before the first snapshot with a later watermark.
    pub bounded_watermark: Option<i64>,
    /// How old a snapshot must be to be read.
    pub snapshot_delay_millis: i64,
    /// What becomes of it when the next snapshot has expired.
    pub expired: ExpiredSnapshots,
}

/// What the shell must look at before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The facts for a start in this mode.
    Start(StartupMode),
    /// The snapshot of this id, whose rows are to be read.
    Full(i64),
    /// The snapshot of this id, if it is there: it comes before the first whose changes are read.
    Before(i64),
    /// The snapshot of this id (or its long-lived changelog) and, when `with_before` is set, the one before it.
    Snapshot {
        /// The id.
        id: i64,
        /// Whether to look whether the snapshot before it is still the one that was read.
        with_before: bool,
    },
    /// Nothing: the stream has ended.
    Nothing,
}

/// What the shell saw.
#[derive(Clone, Debug)]
pub enum Sighting<'a> {
    /// The facts for the start.
    Start(StartFacts),
    /// The snapshot to be read whole, unless it has expired.
    Full(Option<&'a Snapshot>),
    /// The snapshot before the first, unless it is not there.
    Before(Option<&'a Snapshot>),
    /// The wanted snapshot and, when it was asked for and is still there, the one before it.
    Found {
        /// The wanted snapshot.
        snapshot: &'a Snapshot,
        /// What now has the id before it; `None` when that has expired.
        before: Option<SnapshotIdentity>,
        /// The time of the look, milliseconds since 1970.
        now_millis: i64,
    },
    /// The wanted snapshot is not there; this is.
    Missing(SnapshotRange),
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanStep {
    /// Read all rows of the snapshot just found.
    ReadFull,
    /// Read the changes of the snapshot just found, as said.
    ReadChanges(FollowUp),
    /// The snapshot just found holds no change: go on.
    Skip,
    /// These snapshots, first and last, have expired and are passed over: report it and go on.
    Expired(i64, i64),
    /// Where to start is settled: go on.
    Started,
    /// There is nothing yet: look again later.
    Wait,
    /// The end that was asked for is reached.
    End,
}

/// The plan of a stream.
#[derive(Clone, Debug)]
pub struct StreamScan {
    state: State,
    rules: ScanRules,
    /// The snapshot read last.
    seen: Option<SnapshotIdentity>,
    /// The next snapshot, when it was read in part.
    unfinished: Option<SnapshotIdentity>,
    files_since: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Starting(StartupMode),
    Full { id: i64 },
    Settling { next: i64 },
    Following { next: i64 },
    Ended { next: Option<i64> },
}

impl StreamScan {
    /// A stream that starts in `mode`.
    pub fn new(mode: StartupMode, rules: ScanRules) -> Self {
        Self { state: State::Starting(mode), rules, seen: None, unfinished: None, files_since: None }
    }

    /// A stream that goes on where another one was.
    pub fn restore(position: &StreamPosition, rules: ScanRules) -> Self {
        let mut scan = Self {
            state: State::Following { next: position.next_snapshot },
            rules,
            seen: position.before.clone(),
            unfinished: None,
            files_since: position.files_since,
        };
        match &position.unfinished {
            None => drop(scan.go_to(position.next_snapshot, ScanStep::Started)),
            Some(unfinished) => {
                scan.unfinished = Some(unfinished.snapshot.clone());
                if unfinished.phase == Phase::Full {
                    scan.state = State::Full { id: position.next_snapshot };
                }
            }
        }
        scan
    }

    /// The next snapshot whose changes are read. `None` before the start is settled.
    pub fn next_snapshot(&self) -> Option<i64> {
        match self.state {
            State::Settling { next } | State::Following { next } => Some(next),
            State::Starting(_) | State::Full { .. } => None,
            State::Ended { next } => next,
        }
    }

    /// The snapshot that was seen last.
    pub fn seen(&self) -> Option<&SnapshotIdentity> {
        self.seen.as_ref()
    }

    /// Only files created at this time or later are read, milliseconds since 1970.
    pub fn files_since(&self) -> Option<i64> {
        self.files_since
    }

    /// What to look at before [`StreamScan::next`].
    pub fn wanted(&self) -> Wanted {
        match self.state {
            State::Starting(mode) => Wanted::Start(mode),
            State::Full { id } => Wanted::Full(id),
            State::Settling { next } => Wanted::Before(next - 1),
            State::Following { next } => Wanted::Snapshot { id: next, with_before: self.seen.is_some() },
            State::Ended { .. } => Wanted::Nothing,
        }
    }

    /// Takes one step.
    ///
    /// # Errors
    /// `NotFound` when the next snapshot has expired, `Conflict` when snapshots that were read have been replaced by others,
    /// `Invalid` when the start lies beyond the table's snapshots.
    pub fn next(&mut self, sighting: &Sighting<'_>) -> Result<ScanStep> {
        match (self.state, sighting) {
            (State::Starting(mode), Sighting::Start(facts)) => self.start(mode, facts),
            (State::Full { id }, Sighting::Full(snapshot)) => self.full(id, *snapshot),
            (State::Settling { next }, Sighting::Before(snapshot)) => Ok(self.settle(next, *snapshot)),
            (State::Following { next }, Sighting::Found { snapshot, before, now_millis }) => {
                self.found(next, snapshot, (before, *now_millis))
            }
            (State::Following { next }, Sighting::Missing(range)) => self.missing(next, range),
            (State::Ended { .. }, _) => Ok(ScanStep::End),
            (state, sighting) => Err(Error::internal(format!("a stream in state {state:?} was told {sighting:?}"))),
        }
    }

    fn start(&mut self, mode: StartupMode, facts: &StartFacts) -> Result<ScanStep> {
        match start(mode, facts)? {
            Start::Full(id) => self.state = State::Full { id },
            Start::FilesSince(id, millis) => {
                self.files_since = Some(millis);
                self.state = State::Full { id };
            }
            Start::Changes(next) => self.state = State::Settling { next },
            Start::Wait if self.rules.last_snapshot.is_some() => {
                self.state = State::Ended { next: None };
                return Ok(ScanStep::End);
            }
            Start::Wait => return Ok(ScanStep::Wait),
        }
        Ok(ScanStep::Started)
    }

    fn full(&mut self, id: i64, snapshot: Option<&Snapshot>) -> Result<ScanStep> {
        let Some(snapshot) = snapshot else {
            let message = format!("snapshot {id} expired before its rows were read: start again with a full read");
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        self.check_unfinished(snapshot)?;
        self.seen = Some(SnapshotIdentity::of(snapshot));
        let step = self.go_to(id + 1, ScanStep::ReadFull);
        if self.is_beyond_bound(snapshot) {
            self.state = State::Ended { next: Some(id + 1) };
        }
        Ok(step)
    }

    fn settle(&mut self, next: i64, before: Option<&Snapshot>) -> ScanStep {
        self.seen = before.map(SnapshotIdentity::of);
        let step = self.go_to(next, ScanStep::Started);
        if before.is_some_and(|before| self.is_beyond_bound(before)) {
            self.state = State::Ended { next: Some(next) };
        }
        step
    }

    fn found(
        &mut self,
        next: i64,
        snapshot: &Snapshot,
        (before, now_millis): (&Option<SnapshotIdentity>, i64),
    ) -> Result<ScanStep> {
        if self.seen.is_some() && before.is_some() && self.seen != *before {
            return Err(replaced(next - 1));
        }
        if self.is_beyond_bound(snapshot) {
            self.state = State::Ended { next: Some(next) };
            return Ok(ScanStep::End);
        }
        if self.rules.snapshot_delay_millis > 0 && snapshot.time_millis > now_millis - self.rules.snapshot_delay_millis
        {
            return Ok(ScanStep::Wait);
        }
        self.check_unfinished(snapshot)?;
        self.seen = Some(SnapshotIdentity::of(snapshot));
        let step = match follow_up(snapshot, self.rules.follow) {
            FollowUp::Skip => ScanStep::Skip,
            read => ScanStep::ReadChanges(read),
        };
        Ok(self.go_to(next + 1, step))
    }

    fn missing(&mut self, next: i64, range: &SnapshotRange) -> Result<ScanStep> {
        if self.seen.is_some() && range.latest.unwrap_or(0) + 1 < next {
            return Err(rolled_back(next - 1, range));
        }
        let first = range.earliest_readable().filter(|first| next < *first);
        match (first, self.rules.expired) {
            (Some(first), ExpiredSnapshots::Fail) => Err(expired(next, first)),
            (Some(first), ExpiredSnapshots::Skip) => {
                self.seen = None;
                self.unfinished = None;
                Ok(self.go_to(first, ScanStep::Expired(next, first - 1)))
            }
            (None, _) => check_not_beyond(next, range).map(|()| ScanStep::Wait),
        }
    }

    /// The step is taken in any case; the stream ends when the snapshot after it is not wanted.
    fn go_to(&mut self, next: i64, step: ScanStep) -> ScanStep {
        self.state = State::Following { next };
        if self.rules.last_snapshot.is_some_and(|last| next > last) {
            self.state = State::Ended { next: Some(next) };
        }
        step
    }

    fn is_beyond_bound(&self, snapshot: &Snapshot) -> bool {
        let bound = self.rules.bounded_watermark;
        bound.zip(snapshot.watermark).is_some_and(|(bound, reached)| reached > bound)
    }

    /// What was read in part must still be what it was.
    fn check_unfinished(&mut self, snapshot: &Snapshot) -> Result<()> {
        match self.unfinished.take() {
            Some(unfinished) if unfinished != SnapshotIdentity::of(snapshot) => Err(replaced(snapshot.id)),
            _ => Ok(()),
        }
    }
}

fn rolled_back(last: i64, range: &SnapshotRange) -> Error {
    let have = range.latest.map_or_else(|| "has none".to_owned(), |latest| format!("ends at snapshot {latest}"));
    let message = format!(
        "the table was rolled back under this stream: it read up to snapshot {last}, and the table {have} now; start \
         again with a full read"
    );
    Error::new(ErrorKind::Conflict, message)
}

fn replaced(id: i64) -> Error {
    let message = format!(
        "snapshot {id} is no longer the one that this stream read: the table was rolled back, or a branch was \
         fast-forwarded into it, and other snapshots took the place of those; start again with a full read"
    );
    Error::new(ErrorKind::Conflict, message)
}

#[cfg(test)]
mod tests;
