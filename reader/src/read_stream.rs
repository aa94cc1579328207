//! Reads splits side by side and yields their batches in the order of the splits.
//!
//! Goes in: splits and the [`TableRead`] they share. Comes out: one stream of batches, the same in every run. Every unit has a task that
//! hands pieces of CPU-bound work to the pool and their batches to a bounded channel. Invariants: a piece in the pool never waits
//! for the caller, so that a slow caller blocks nobody who shares the pool; a task that nobody listens to ends with its piece; a
//! stream ends without error only when all units said that they were read to their end.

use std::collections::VecDeque;
use std::sync::Arc;

use alluvium_format::{Error, ErrorKind, Result};
use futures::future;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;

use crate::change_batch::SplitBatch;
use crate::change_log_stream::logged;
use crate::split::{DataSplit, SplitReading};
use crate::split_read::{Chunk, ReadUnit, UnitRead};
use crate::stream_position::SplitOffset;
use crate::table_read::TableRead;

/// Chunks of a unit that wait for the caller, beside the one that is being read.
const CHUNKS_AHEAD: usize = 1;

/// Rows up to which a limit is read from one unit after the other: it is reached before a second one would help.
const SMALL_LIMIT: usize = 1 << 16;

/// What a task says.
type Said = Result<Chunk>;

/// The batches of `splits`, in order, up to `limit` rows. Reading starts when the stream is polled, and stops when it is dropped.
pub(crate) fn read_splits(
    read: Arc<TableRead>,
    splits: Vec<DataSplit>,
    limit: Option<usize>,
) -> BoxStream<'static, Result<SplitBatch>> {
    let inner_limit = limit.filter(|_| read.keeps_rows());
    let batches = shown(read, splits, SplitOffset::default(), inner_limit).map(|batch| batch.map(|(_, batch)| batch));
    limited(batches.boxed(), limit)
}

/// The batches of `splits` behind an offset, in order, each with the offset behind it.
pub(crate) fn read_splits_from(
    read: Arc<TableRead>,
    splits: Vec<DataSplit>,
    from: SplitOffset,
) -> BoxStream<'static, Result<(SplitOffset, SplitBatch)>> {
    shown(read, splits, from, None)
}

/// As rows of the table, or of its log.
fn shown(
    read: Arc<TableRead>,
    splits: Vec<DataSplit>,
    from: SplitOffset,
    limit: Option<usize>,
) -> BoxStream<'static, Result<(SplitOffset, SplitBatch)>> {
    let are_changes = splits.iter().map(|split| split.reading == SplitReading::Changes).collect();
    let batches = reading(Reading::new(Arc::clone(&read), splits, from, limit));
    match &read.change_log {
        Some(log) => logged(log.clone(), are_changes, batches),
        None => batches,
    }
}

/// Up to `limit` rows.
pub(crate) fn limited(
    batches: BoxStream<'static, Result<SplitBatch>>,
    limit: Option<usize>,
) -> BoxStream<'static, Result<SplitBatch>> {
    let Some(rows) = limit else { return batches };
    let first = move |left: &mut usize, batch: Result<SplitBatch>| {
        let batch = (*left > 0).then(|| batch.map(|batch| batch.first(*left)));
        *left = left.saturating_sub(batch.iter().flatten().map(|batch| batch.rows.num_rows()).sum());
        future::ready(batch)
    };
    batches.scan(rows, first).boxed()
}

fn reading(reading: Reading) -> BoxStream<'static, Result<(SplitOffset, SplitBatch)>> {
    stream::unfold(Some(reading), |reading| async {
        let mut reading = reading?;
        match reading.next().await {
            Ok(batch) => batch.map(|batch| (Ok(batch), Some(reading))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

/// As many as there are cores and one that waits for its turn, unless the end is near.
fn units_at_once(limit: Option<usize>) -> usize {
    if limit.is_some_and(|limit| limit <= SMALL_LIMIT) {
        return 1;
    }
    std::thread::available_parallelism().map_or(2, |cores| cores.get() + 1)
}

struct Reading {
    read: Arc<TableRead>,
    units_at_once: usize,
    /// Rows that may still be yielded.
    left: usize,
    /// With their places in the plan.
    splits: std::iter::Skip<std::iter::Enumerate<std::vec::IntoIter<DataSplit>>>,
    /// Of the splits taken so far, not started.
    units: VecDeque<(usize, ReadUnit)>,
    /// In order; batches come from the first.
    running: VecDeque<(usize, mpsc::Receiver<Said>)>,
    /// Of the first that runs, or ran.
    batches: (usize, std::vec::IntoIter<SplitBatch>),
    /// Behind what was yielded.
    at: SplitOffset,
    /// Rows of the split of `at` that come first and are not yielded.
    passed_over: u64,
}

impl Reading {
    fn new(read: Arc<TableRead>, splits: Vec<DataSplit>, from: SplitOffset, limit: Option<usize>) -> Self {
        Self {
            read,
            units_at_once: units_at_once(limit),
            left: limit.unwrap_or(usize::MAX),
            splits: splits.into_iter().enumerate().skip(from.split),
            units: VecDeque::new(),
            running: VecDeque::new(),
            batches: (0, Vec::new().into_iter()),
            at: SplitOffset { split: from.split, row: 0 },
            passed_over: from.row,
        }
    }

    async fn next(&mut self) -> Result<Option<(SplitOffset, SplitBatch)>> {
        while self.left > 0 {
            if let Some(batch) = self.batches.1.next() {
                match self.located(batch)? {
                    Some(batch) => return Ok(Some((self.at, batch))),
                    None => continue,
                }
            }
            self.start_units()?;
            let Some((split, first)) = self.running.front_mut() else { break };
            self.batches.0 = *split;
            match first.recv().await {
                Some(Ok(Chunk::More(batches))) => self.batches.1 = batches.into_iter(),
                Some(Ok(Chunk::Last(batches))) => {
                    self.batches.1 = batches.into_iter();
                    self.running.pop_front();
                }
                Some(Err(error)) => return Err(error),
                None => return Err(Error::new(ErrorKind::Closed, "a read was cut off: the runtime is shutting down")),
            }
        }
        self.check_passed_over().map(|()| None)
    }

    /// What is to be yielded of the next batch.
    fn located(&mut self, batch: SplitBatch) -> Result<Option<SplitBatch>> {
        if self.batches.0 != self.at.split {
            self.check_passed_over()?;
            self.at = SplitOffset { split: self.batches.0, row: 0 };
        }
        let passed = usize::try_from(self.passed_over).unwrap_or(usize::MAX).min(batch.rows.num_rows());
        self.passed_over -= passed as u64;
        self.at.row += passed as u64;
        let batch = batch.behind(passed).first(self.left);
        let rows = batch.rows.num_rows();
        self.left -= rows;
        self.at.row += rows as u64;
        Ok((rows > 0).then_some(batch))
    }

    fn check_passed_over(&self) -> Result<()> {
        if self.passed_over == 0 {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "the position of the stream is {} rows behind the end of split {}: it was saved under another condition or \
             other options; start again with a full read",
            self.passed_over, self.at.split
        )))
    }

    fn start_units(&mut self) -> Result<()> {
        while self.running.len() < self.units_at_once {
            let Some((split, unit)) = self.next_unit()? else { return Ok(()) };
            let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
            tokio::spawn(drive(UnitRead::new(Arc::clone(&self.read), unit), sender));
            self.running.push_back((split, receiver));
        }
        Ok(())
    }

    fn next_unit(&mut self) -> Result<Option<(usize, ReadUnit)>> {
        loop {
            if let Some(unit) = self.units.pop_front() {
                return Ok(Some(unit));
            }
            let Some((at, split)) = self.splits.next() else { return Ok(None) };
            self.units = ReadUnit::of_split(&self.read, split)?.into_iter().map(|unit| (at, unit)).collect();
        }
    }
}

/// Reads a unit to its end, or until nobody listens any more.
async fn drive(mut unit: UnitRead, sender: mpsc::Sender<Said>) {
    let cpu = unit.cpu().clone();
    while let Ok(room) = sender.reserve().await {
        let listener = sender.clone();
        let piece = cpu.run(async move {
            let chunk = unit.next_chunk(&|| listener.is_closed()).await?;
            Ok((unit, chunk))
        });
        match piece.await {
            Ok((back, chunk @ Chunk::More(_))) => {
                unit = back;
                room.send(Ok(chunk));
            }
            Ok((_, last)) => return room.send(Ok(last)),
            Err(error) => return room.send(Err(error)),
        }
    }
}
