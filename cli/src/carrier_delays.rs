//! The running aggregation of the quickstart: changes of `flights.delays` become rows of `flights.carrier_delays`.
//!
//! A job by hand, until there is a runtime for operators. Goes in: the tail of a table whose changes are upserts. Comes out: for each
//! of its snapshots one commit with the carriers that changed. Exactly once: a commit's identifier is the snapshot it covers,
//! so it happens once; after a crash the job goes on behind its last commit, and knows the row before a change from the
//! source table as of that snapshot.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use alluvium::arrow_array::cast::AsArray;
use alluvium::arrow_array::types::{Int32Type, TimestampMillisecondType};
use alluvium::arrow_array::{Array, ArrayRef, Int8Array, Int64Array, RecordBatch, StringArray};
use alluvium::{ChangeBatch, Error, Result, RowKind, StartupMode, StreamWrite, Table, TailEvent, TimeTravel};
use futures::TryStreamExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Who commits to `flights.carrier_delays`.
const COMMIT_USER: &str = "carrier-delays";
/// What the aggregation reads of a flight.
const COLUMNS: [&str; 5] = ["time_hour", "carrier", "flight", "dep_delay", "arr_delay"];
/// Events that may wait for the aggregation.
const EVENTS_AHEAD: usize = 4;

/// Aggregates what is and comes in `delays` into `carriers`, up to the snapshot that `last` names once it is known.
///
/// # Errors
/// Those of reading and writing the tables.
pub(crate) async fn aggregate(delays: &Table, carriers: &Table, mut last: watch::Receiver<Option<i64>>) -> Result<()> {
    let mut job = Job::open(delays, carriers).await?;
    let mut following = JoinSet::new();
    let mut events = follow(delays, job.covered, &mut following).await?;
    loop {
        let end = *last.borrow_and_update();
        if end.is_some_and(|end| job.covered >= end) {
            break;
        }
        tokio::select! {
            event = events.recv() => match event.transpose()? {
                Some(event) => job.take(event).await?,
                None => return Err(Error::internal("the tail of flights.delays ended")),
            },
            // Whoever knew the end is gone without telling, and ends this too.
            changed = last.changed(), if end.is_none() => if changed.is_err() { break },
        }
    }
    job.write.close().await?;
    Ok(())
}

/// The events after a snapshot, read on a task of their own.
async fn follow(delays: &Table, covered: i64, tasks: &mut JoinSet<()>) -> Result<mpsc::Receiver<Result<TailEvent>>> {
    let start = if covered == 0 { StartupMode::Earliest } else { StartupMode::Position(covered + 1) };
    let mut tail = delays.tail().columns(COLUMNS).from(start).execute().await?;
    let (sender, receiver) = mpsc::channel(EVENTS_AHEAD);
    tasks.spawn(async move {
        while let Some(event) = tail.next().await.transpose() {
            let failed = event.is_err();
            if sender.send(event).await.is_err() || failed {
                return;
            }
        }
    });
    Ok(receiver)
}

struct Job {
    delays: Table,
    write: StreamWrite,
    /// The last snapshot of the source that is in the result; 0: none.
    covered: i64,
    /// Read when the first change comes.
    aggregation: Option<Aggregation>,
}

impl Job {
    async fn open(delays: &Table, carriers: &Table) -> Result<Self> {
        let write = carriers.stream_write(COMMIT_USER).await?;
        let covered = write.last_committed().unwrap_or(0);
        Ok(Self { delays: delays.clone(), write, covered, aggregation: None })
    }

    async fn take(&mut self, event: TailEvent) -> Result<()> {
        match event {
            TailEvent::Changes(changes) => {
                let mut aggregation = match self.aggregation.take() {
                    Some(aggregation) => aggregation,
                    None => recover(&self.delays, self.covered).await?,
                };
                aggregation.apply(&changes)?;
                self.aggregation = Some(aggregation);
            }
            TailEvent::SnapshotEnd(snapshot) => {
                if let Some(changes) = self.aggregation.as_mut().map(Aggregation::take_changes).transpose()?.flatten() {
                    self.write.write(changes.rows, Some(changes.kinds)).await?;
                    self.write.commit(snapshot).await?;
                }
                self.covered = snapshot;
            }
            TailEvent::Expired(first, last) => {
                return Err(Error::internal(format!("snapshots {first} to {last} were passed over")));
            }
        }
        Ok(())
    }
}

/// The state as of a snapshot of the source.
async fn recover(delays: &Table, snapshot: i64) -> Result<Aggregation> {
    let mut aggregation = Aggregation::default();
    if snapshot == 0 {
        return Ok(aggregation);
    }
    let mut rows = delays.read().columns(COLUMNS).at(TimeTravel::Snapshot(snapshot)).execute().await?;
    while let Some(rows) = rows.try_next().await? {
        let kinds = Int8Array::from(vec![RowKind::Insert.to_byte(); rows.num_rows()]);
        aggregation.apply(&ChangeBatch { kinds, rows })?;
    }
    // It is in the result already.
    aggregation.changed.clear();
    Ok(aggregation)
}

/// time_hour, carrier and flight.
type FlightKey = (i64, Arc<str>, i32);

/// What flights add to their carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    flights: i64,
    dep_delay: i64,
    arr_delay: i64,
}

/// The flights as they are, and the totals of their carriers.
#[derive(Debug, Default)]
struct Aggregation {
    flights: HashMap<FlightKey, Totals>,
    carriers: BTreeMap<Arc<str>, Totals>,
    changed: BTreeSet<Arc<str>>,
}

impl Aggregation {
    fn apply(&mut self, changes: &ChangeBatch) -> Result<()> {
        let flights = Flights::of(&changes.rows)?;
        for row in 0..changes.rows.num_rows() {
            let (key, totals) = flights.row(row);
            let carrier = Arc::clone(&key.1);
            let (before, now) = if RowKind::from_byte(changes.kinds.value(row))?.is_add() {
                (self.flights.insert(key, totals), totals)
            } else {
                (self.flights.remove(&key), Totals::default())
            };
            let before = before.unwrap_or_default();
            if before != now {
                let sum = self.carriers.entry(Arc::clone(&carrier)).or_default();
                sum.flights += now.flights - before.flights;
                sum.dep_delay += now.dep_delay - before.dep_delay;
                sum.arr_delay += now.arr_delay - before.arr_delay;
                self.changed.insert(carrier);
            }
        }
        Ok(())
    }

    /// The carriers that changed since the last call, as changes of the result: those without flights are deleted.
    fn take_changes(&mut self) -> Result<Option<ChangeBatch>> {
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() {
            return Ok(None);
        }
        let totals: Vec<Totals> =
            changed.iter().map(|name| self.carriers.get(name).copied().unwrap_or_default()).collect();
        let kind = |totals: &Totals| if totals.flights > 0 { RowKind::UpdateAfter } else { RowKind::Delete };
        let kinds = totals.iter().map(|totals| kind(totals).to_byte()).collect::<Vec<i8>>();
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(&changed));
        let numbers =
            |of: fn(&Totals) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(totals.iter().map(of))) };
        let rows = RecordBatch::try_from_iter([
            ("carrier", names),
            ("flights", numbers(|totals| totals.flights)),
            ("dep_delay_total", numbers(|totals| totals.dep_delay)),
            ("arr_delay_total", numbers(|totals| totals.arr_delay)),
        ]);
        let rows = rows.map_err(|error| Error::internal("the totals are no batch").with_source(error))?;
        Ok(Some(ChangeBatch { kinds: Int8Array::from(kinds), rows }))
    }
}

/// The columns of a batch of flights.
struct Flights<'a> {
    time_hour: &'a alluvium::arrow_array::TimestampMillisecondArray,
    carrier: &'a StringArray,
    flight: &'a alluvium::arrow_array::Int32Array,
    dep_delay: &'a alluvium::arrow_array::Int32Array,
    arr_delay: &'a alluvium::arrow_array::Int32Array,
}

impl<'a> Flights<'a> {
    fn of(rows: &'a RecordBatch) -> Result<Self> {
        let wrong =
            |name: &str| Error::invalid(format!("the column {name} of flights.delays is not what the quickstart made"));
        let column = |name: &str| rows.column_by_name(name).ok_or_else(|| wrong(name));
        let ints = |name: &str| column(name)?.as_primitive_opt::<Int32Type>().ok_or_else(|| wrong(name));
        let time_hour = column("time_hour")?.as_primitive_opt::<TimestampMillisecondType>();
        Ok(Self {
            time_hour: time_hour.ok_or_else(|| wrong("time_hour"))?,
            carrier: column("carrier")?.as_string_opt::<i32>().ok_or_else(|| wrong("carrier"))?,
            flight: ints("flight")?,
            dep_delay: ints("dep_delay")?,
            arr_delay: ints("arr_delay")?,
        })
    }

    fn row(&self, row: usize) -> (FlightKey, Totals) {
        let minutes = |column: &alluvium::arrow_array::Int32Array| {
            if column.is_null(row) { 0 } else { i64::from(column.value(row)) }
        };
        let key = (self.time_hour.value(row), Arc::from(self.carrier.value(row)), self.flight.value(row));
        (key, Totals { flights: 1, dep_delay: minutes(self.dep_delay), arr_delay: minutes(self.arr_delay) })
    }
}

#[cfg(test)]
mod tests {
    use alluvium::arrow_array::{Int32Array, TimestampMillisecondArray};

    use super::*;

    fn changes(rows: &[(&str, i32, Option<i32>, RowKind)]) -> ChangeBatch {
        let hours: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![0; rows.len()]));
        let carriers: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
        let flights: ArrayRef = Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.1)));
        let delays: ArrayRef = Arc::new(Int32Array::from_iter(rows.iter().map(|row| row.2)));
        let columns = COLUMNS.into_iter().zip([hours, carriers, flights, Arc::clone(&delays), delays]);
        let kinds = rows.iter().map(|row| row.3.to_byte()).collect::<Vec<i8>>();
        ChangeBatch { kinds: Int8Array::from(kinds), rows: RecordBatch::try_from_iter(columns).unwrap() }
    }

    fn taken(aggregation: &mut Aggregation) -> Vec<(String, i8, i64, i64)> {
        let Some(changes) = aggregation.take_changes().unwrap() else { return Vec::new() };
        let names = changes.rows.column(0).as_string::<i32>().clone();
        let number = |column: usize| {
            changes.rows.column(column).as_primitive::<alluvium::arrow_array::types::Int64Type>().clone()
        };
        let (flights, delays) = (number(1), number(2));
        (0..names.len())
            .map(|row| (names.value(row).to_owned(), changes.kinds.value(row), flights.value(row), delays.value(row)))
            .collect()
    }

    #[test]
    fn totals_follow_upserts() {
        use RowKind::{Delete, Insert, UpdateAfter};
        let mut aggregation = Aggregation::default();
        aggregation
            .apply(&changes(&[("AA", 1, None, Insert), ("AA", 2, Some(5), Insert), ("UA", 1, Some(-3), Insert)]))
            .unwrap();
        assert_eq!(taken(&mut aggregation), [("AA".to_owned(), 2, 2, 5), ("UA".to_owned(), 2, 1, -3)]);
        assert_eq!(taken(&mut aggregation), [], "nothing has changed since");
        aggregation.apply(&changes(&[("AA", 1, Some(7), UpdateAfter), ("UA", 1, None, Delete)])).unwrap();
        assert_eq!(taken(&mut aggregation), [("AA".to_owned(), 2, 2, 12), ("UA".to_owned(), 3, 0, 0)]);
        aggregation.apply(&changes(&[("AA", 1, Some(7), UpdateAfter), ("XX", 9, None, Delete)])).unwrap();
        assert_eq!(taken(&mut aggregation), [], "the same row again, and a delete of nothing");
    }
}
