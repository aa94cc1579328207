//! A sorted run of keys with their places, in one file of the local disk.
//!
//! Goes in: keys in ascending order. Comes out: the place of a key, by reading one page; or all of them in order. Invariants: a key is there
//! once; records are of one size, so that a page is found by its number.

use alluvium_format::{Error, Result};

use super::{KeyHash, KeyPlace};
use crate::local_disk::{LocalDisk, LocalFile, LocalFileWriter};

/// A hash, the number of a partition, a bucket.
const RECORD_BYTES: usize = 16 + 4 + 2;
/// As many as fit into a page of the machine, 4096 bytes.
const PAGE_RECORDS: usize = 4096 / RECORD_BYTES;
/// Pages that are written, or read in order, at a time: about 128 KiB.
const CHUNK_PAGES: usize = 32;

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    file: LocalFile,
    len: u64,
    /// The first key of each page.
    firsts: Vec<KeyHash>,
    newest_millis: i64,
}

impl Run {
    /// How many keys there are.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// When its newest keys went to the disk.
    pub(super) fn newest_millis(&self) -> i64 {
        self.newest_millis
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.firsts.len() * size_of::<KeyHash>()
    }

    /// To find keys, in ascending order.
    pub(super) fn pages(&self) -> Pages<'_> {
        Pages { run: self, number: None, page: Vec::new() }
    }

    /// A run of the keys of both; what the newer one says counts.
    pub(super) fn merge(disk: &LocalDisk, older: &Self, newer: &Self) -> Result<Self> {
        let newest_millis = older.newest_millis.max(newer.newest_millis);
        let (mut older, mut newer) = (older.records(), newer.records());
        let mut writer = RunWriter::new(disk)?;
        let (mut old, mut new) = (older.next()?, newer.next()?);
        loop {
            match (old, new) {
                (None, None) => return writer.finish(newest_millis),
                (Some((key, place)), other) if other.is_none_or(|(next, _)| key < next) => {
                    writer.push(key, place)?;
                    old = older.next()?;
                }
                (other, Some((key, place))) => {
                    writer.push(key, place)?;
                    if other.is_some_and(|(same, _)| same == key) {
                        old = older.next()?;
                    }
                    new = newer.next()?;
                }
                // The first arm takes what has no other.
                (Some(_), None) => return Err(Error::internal("a run of keys has no order")),
            }
        }
    }

    fn records(&self) -> Records<'_> {
        Records { run: self, next_page: 0, chunk: Vec::new().into_iter() }
    }

    /// The records of pages, of which the last may be short.
    fn read(&self, page: usize, pages: usize) -> Result<Vec<(KeyHash, KeyPlace)>> {
        let offset = (page * PAGE_RECORDS * RECORD_BYTES) as u64;
        let left = usize::try_from(self.file.bytes().saturating_sub(offset)).unwrap_or(usize::MAX);
        let bytes = self.file.read(offset, left.min(pages * PAGE_RECORDS * RECORD_BYTES))?;
        Ok(bytes.as_chunks::<RECORD_BYTES>().0.iter().map(decode).collect())
    }
}

/// Pages of a run that is searched in ascending order.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    run: &'a Run,
    number: Option<usize>,
    page: Vec<(KeyHash, KeyPlace)>,
}

impl Pages<'_> {
    /// The place of a key.
    pub(super) fn find(&mut self, key: KeyHash) -> Result<Option<KeyPlace>> {
        let Some(number) = self.run.firsts.partition_point(|first| *first <= key).checked_sub(1) else {
            return Ok(None);
        };
        if self.number != Some(number) {
            self.page = self.run.read(number, 1)?;
            self.number = Some(number);
        }
        let found = self.page.binary_search_by_key(&key, |(key, _)| *key).ok();
        Ok(found.and_then(|at| self.page.get(at)).map(|(_, place)| *place))
    }
}

/// The records of a run in order.
struct Records<'a> {
    run: &'a Run,
    next_page: usize,
    chunk: std::vec::IntoIter<(KeyHash, KeyPlace)>,
}

impl Records<'_> {
    fn next(&mut self) -> Result<Option<(KeyHash, KeyPlace)>> {
        if self.chunk.len() == 0 && self.next_page < self.run.firsts.len() {
            self.chunk = self.run.read(self.next_page, CHUNK_PAGES)?.into_iter();
            self.next_page += CHUNK_PAGES;
        }
        Ok(self.chunk.next())
    }
}

/// A run that is being written.
#[derive(Debug)]
pub(super) struct RunWriter {
    file: LocalFileWriter,
    buffer: Vec<u8>,
    len: u64,
    firsts: Vec<KeyHash>,
}

impl RunWriter {
    /// A run without keys.
    pub(super) fn new(disk: &LocalDisk) -> Result<Self> {
        Ok(Self { file: disk.create()?, buffer: Vec::new(), len: 0, firsts: Vec::new() })
    }

    /// Appends a key, which is above all before it.
    pub(super) fn push(&mut self, key: KeyHash, place: KeyPlace) -> Result<()> {
        if self.len.is_multiple_of(PAGE_RECORDS as u64) {
            self.firsts.push(key);
        }
        self.len += 1;
        self.buffer.extend_from_slice(&key.to_be_bytes());
        self.buffer.extend_from_slice(&place.partition.to_be_bytes());
        self.buffer.extend_from_slice(&place.bucket.to_be_bytes());
        if self.buffer.len() >= CHUNK_PAGES * PAGE_RECORDS * RECORD_BYTES {
            self.file.append(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// The run, whose newest keys are of this time.
    pub(super) fn finish(mut self, newest_millis: i64) -> Result<Run> {
        self.file.append(&self.buffer)?;
        Ok(Run { file: self.file.finish(), len: self.len, firsts: self.firsts, newest_millis })
    }
}

fn decode(record: &[u8; RECORD_BYTES]) -> (KeyHash, KeyPlace) {
    let (key, rest) = record.split_at(16);
    let (partition, bucket) = rest.split_at(4);
    let number = |bytes: &[u8]| bytes.iter().fold(0u128, |number, byte| (number << 8) | u128::from(*byte));
    // Of as many bytes as they have.
    let place = KeyPlace { partition: number(partition) as u32, bucket: number(bucket) as u16 };
    (number(key), place)
}
