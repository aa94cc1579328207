//! Room for rows: what a writer does when its buffers hold more than they may.
//!
//! Goes in: the sizes of the buffers. Comes out: buffers within the limits: a large one is flushed, small ones go to the local disk, as their
//! flush would make small files. Invariants: what waits is within `write-buffer-size` and what is being flushed, too; both are reserved in
//! the budget of the process, but for the [`UNASKED_BYTES`] that every writer may use. Nothing here waits for other writers: flushes, and the
//! compactions that they may wait for, come to their end by themselves. Answers to `org.apache.paimon.memory.MemoryPoolFactory` and
//! `MergeTreeWriter.flushMemory`.

use alluvium_format::options::LookupCompression;
use alluvium_format::{ErrorKind, Result};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_store::{LocalDisk, MemoryReservation, SpillWriter, SpilledBatch, TableIo, TableStore};

use super::TableWrite;
use crate::bucket_writer::BucketWriter;
use crate::write_buffer::joined;

/// What a writer may use without asking, so that it goes on, if slowly, where others use all.
const UNASKED_BYTES: usize = 4 << 20;
/// A buffer of so many bytes is worth a file, whatever the limit: about ten megabytes of Parquet.
const FILE_BYTES_MAX: usize = 32 << 20;
/// A buffer of this part of the limit is worth a file: fewer buckets than this have buffers that are.
const FILE_SHARE: usize = 8;

/// The memory of a writer.
#[derive(Debug)]
pub(super) struct Room {
    /// What may wait, and what may be flushed at a time.
    bytes_max: usize,
    reserved: Option<MemoryReservation>,
    spilling: Option<Spilling>,
}

/// How rows go to the local disk.
#[derive(Clone, Debug)]
struct Spilling {
    compression: LookupCompression,
    disk_bytes_max: u64,
    /// Once it is needed.
    disk: Option<LocalDisk>,
}

/// What becomes of the largest buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Relief {
    /// There is room.
    Enough,
    /// A file of level 0.
    Flush((Vec<u8>, i32)),
    /// It and smaller ones go to the disk.
    Spill,
    /// Nothing waits; the largest flush is to end.
    AwaitFlush,
}

impl Room {
    /// The memory of a writer that may have so many bytes waiting.
    pub(super) fn of(table: &TableStore, bytes_max: u64) -> Result<Self> {
        let options = table.options();
        let spilling = Spilling {
            compression: options.spill_compression()?,
            disk_bytes_max: options.write_buffer_spill_max_disk_bytes()?,
            disk: None,
        };
        // One flush must fit into what is kept for work that comes to its end.
        let kept_bytes = table.io().memory().kept_bytes();
        Ok(Self {
            bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX).min(kept_bytes),
            reserved: None,
            spilling: options.write_buffer_spillable()?.then_some(spilling),
        })
    }

    /// What may wait now: less when others wait for memory.
    fn waiting_bytes_max(&self, io: &TableIo) -> usize {
        if io.memory().is_short() { self.bytes_max / 2 } else { self.bytes_max }
    }

    /// Whether the writer may hold so many bytes in all.
    fn reserves(&mut self, io: &TableIo, bytes: usize) -> bool {
        match &mut self.reserved {
            Some(reserved) => reserved.try_resize(bytes),
            None => {
                self.reserved = io.memory().try_reserve(bytes);
                self.reserved.is_some()
            }
        }
    }

    /// Whether a buffer of so many bytes, those on the disk included, is worth a file.
    fn is_worth_a_file(&self, bytes: usize) -> bool {
        self.spilling.is_none() || bytes >= (self.bytes_max / FILE_SHARE).min(FILE_BYTES_MAX)
    }
}

impl TableWrite {
    /// Flushes or spills the largest buffers until all are within the limits. What is being flushed may take as much again as what waits, so
    /// that the next rows need not wait for it.
    pub(super) async fn make_room(&mut self) -> Result<()> {
        for writer in self.buckets.values_mut() {
            writer.poll_flush().await?;
        }
        loop {
            match self.relief() {
                Relief::Enough => return Ok(()),
                Relief::Flush(place) => self.flush_one(&place).await?,
                Relief::Spill => self.spill_small().await?,
                Relief::AwaitFlush => self.take_largest_flush().await?,
            }
        }
    }

    fn relief(&mut self) -> Relief {
        let (waiting, flushing) = (self.waiting_bytes(), self.flushing_bytes());
        // Indexes of buckets stay: the buffers give way to them.
        let held = waiting.saturating_add(flushing).saturating_add(self.partitioner.bytes());
        let io = self.table.io();
        let fits = waiting <= self.room.waiting_bytes_max(io);
        let reserved = self.room.reserves(io, held);
        if fits && (reserved || held <= UNASKED_BYTES) {
            return Relief::Enough;
        }
        let sizes = self.buckets.iter().map(|(place, writer)| (writer.buffered_bytes(), writer.total_bytes(), place));
        match sizes.max() {
            Some((bytes, total, place)) if bytes > 0 => {
                if self.room.is_worth_a_file(total) {
                    Relief::Flush(place.clone())
                } else {
                    Relief::Spill
                }
            }
            _ if flushing > 0 => Relief::AwaitFlush,
            _ => Relief::Enough,
        }
    }

    async fn flush_one(&mut self, place: &(Vec<u8>, i32)) -> Result<()> {
        let bytes = self.buckets.get(place).map_or(0, BucketWriter::buffered_bytes);
        while self.flushing_bytes() > 0 && self.flushing_bytes().saturating_add(bytes) > self.room.bytes_max {
            self.take_largest_flush().await?;
        }
        match self.buckets.get_mut(place) {
            Some(writer) => writer.begin_flush().await,
            None => Ok(()),
        }
    }

    async fn take_largest_flush(&mut self) -> Result<()> {
        match self.buckets.values_mut().max_by_key(|writer| writer.flushing_bytes()) {
            Some(writer) => writer.take_flush().await,
            None => Ok(()),
        }
    }

    /// Takes the largest buffers that are not worth a file to the local disk, until half of what waits is free. Where the disk has no room
    /// they are flushed, as they are without one.
    async fn spill_small(&mut self) -> Result<()> {
        let places = self.to_spill();
        let writers = places.iter().filter_map(|place| self.buckets.get(place));
        let batches = writers.map(|writer| writer.buffer().in_memory().to_vec()).collect();
        let spilled = match &self.room.spilling {
            Some(spilling) => self.table.io().cpu().run(spilling.clone().spill(self.table.io().clone(), batches)).await,
            None => Ok(None),
        };
        match spilled {
            Ok(Some((spilling, spilled))) => {
                self.room.spilling = Some(spilling);
                for (place, batch) in places.iter().zip(spilled) {
                    if let Some(writer) = self.buckets.get_mut(place) {
                        writer.buffer_mut().forget_spilled(batch);
                    }
                }
                return Ok(());
            }
            Err(error) if error.kind() != ErrorKind::Storage => return Err(error),
            Ok(None) | Err(_) => {}
        }
        for place in &places {
            self.flush_one(place).await?;
        }
        Ok(())
    }

    /// Which buffers are to be spilled, the largest first.
    fn to_spill(&self) -> Vec<(Vec<u8>, i32)> {
        let small = self.buckets.iter().filter(|(_, writer)| !self.room.is_worth_a_file(writer.total_bytes()));
        let mut small: Vec<_> = small.map(|(place, writer)| (writer.buffered_bytes(), place)).collect();
        small.sort_by(|a, b| b.cmp(a));
        let mut to_free = self.waiting_bytes() / 2;
        let mut places = Vec::new();
        for (bytes, place) in small.into_iter().filter(|(bytes, _)| *bytes > 0) {
            places.push(place.clone());
            if bytes >= to_free {
                break;
            }
            to_free -= bytes;
        }
        places
    }
}

impl Spilling {
    /// Writes buffers to one file of the local disk, each as one batch; `None` when there may be no room for them.
    async fn spill(
        mut self,
        io: TableIo,
        buffers: Vec<Vec<KeyValueBatch>>,
    ) -> Result<Option<(Self, Vec<SpilledBatch>)>> {
        let disk = match self.disk.take() {
            Some(disk) => disk,
            None => io.local_disk()?.limited(self.disk_bytes_max),
        };
        if disk.free_bytes() < buffers.iter().flatten().map(|batch| batch.rows_bytes() as u64).sum() {
            return Ok(None);
        }
        let mut writer = SpillWriter::new(&disk, self.compression)?;
        for batches in buffers {
            writer.write(&joined(&batches)?)?;
        }
        self.disk = Some(disk);
        Ok(Some((self, writer.finish())))
    }
}
