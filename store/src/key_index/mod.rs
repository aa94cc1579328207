//! Where each key of a table is: a map from keys to a partition and bucket, in memory as far as there is some, else on the local disk.
//!
//! Goes in: keys with their places, in any order, and keys to be found. Comes out: the places. A key is known by a hash of 128 bits: among a
//! million million keys two are alike once in 10^14 tables. What does not fit into memory lies in runs sorted by hash; hashes are spread evenly,
//! so that a page of a run is found by the first hash of each, which are kept. Invariants: the newest place of a key counts; a run has more than
//! twice as many keys as the next newer one, so that there are few. With a time to live a run is dropped when all of its keys are older; some keys
//! are known for longer. All of it blocks: drive it in a [`crate::CpuPool`]. It lives as long as
//! its process, so that its form is nobody's format. Answers to `org.apache.paimon.lookup.rocksdb.RocksDBValueState`.

mod run;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use alluvium_format::Result;

use crate::local_disk::LocalDisk;
use crate::memory_budget::MemoryReservation;
use crate::table_io::TableIo;
use run::{Run, RunWriter};

/// The hash of a key.
pub type KeyHash = u128;

/// Where a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPlace {
    /// The number that its partition has for whoever asks.
    pub partition: u32,
    /// The bucket.
    pub bucket: u16,
}

/// A key in memory with its place in a table that is seven eighths full at most and may have just doubled.
const ENTRY_BYTES: usize = 64;
/// So many keys are kept in memory without asking, so that an index goes on, if slowly, where others use all.
const UNASKED_KEYS: usize = 1 << 14;
/// One part in so many of the memory of the process is the most that keys take before they go to the disk.
const MEMORY_SHARE: usize = 8;

/// How many keys an index holds, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyIndexLimits {
    /// So many are in memory at most.
    pub keys_max: usize,
    /// After so many milliseconds a key may be forgotten; `None`: never.
    pub ttl_millis: Option<u64>,
}

impl KeyIndexLimits {
    /// As many keys in memory as that of the process suggests, for so long.
    pub fn of(io: &TableIo, ttl_millis: Option<u64>) -> Self {
        Self { keys_max: (io.memory().bytes_max() / MEMORY_SHARE / ENTRY_BYTES).max(1), ttl_millis }
    }
}

/// The places of keys.
#[derive(Debug)]
pub struct KeyIndex {
    io: TableIo,
    disk: Option<LocalDisk>,
    recent: HashMap<KeyHash, KeyPlace, BuildHasherDefault<IsHash>>,
    limits: KeyIndexLimits,
    reserved: Option<MemoryReservation>,
    /// The oldest first.
    runs: Vec<Run>,
}

impl KeyIndex {
    /// An index without keys.
    pub fn new(io: &TableIo, limits: KeyIndexLimits) -> Self {
        let (disk, recent) = (None, HashMap::default());
        Self { io: io.clone(), disk, recent, limits, reserved: None, runs: Vec::new() }
    }

    /// The place of each of the keys.
    ///
    /// # Errors
    /// `Storage` when the local disk fails.
    pub fn find(&self, keys: &[KeyHash]) -> Result<Vec<Option<KeyPlace>>> {
        let mut found: Vec<Option<KeyPlace>> = keys.iter().map(|key| self.recent.get(key).copied()).collect();
        if self.runs.is_empty() {
            return Ok(found);
        }
        let missing = keys.iter().zip(&found).enumerate().filter(|(_, (_, place))| place.is_none());
        let mut missing: Vec<(KeyHash, usize)> = missing.map(|(at, (key, _))| (*key, at)).collect();
        // In order, so that each page is read once.
        missing.sort_unstable();
        for run in self.runs.iter().rev() {
            let mut pages = run.pages();
            let mut left = Vec::new();
            for (key, at) in missing {
                match (pages.find(key)?, found.get_mut(at)) {
                    (Some(place), Some(slot)) => *slot = Some(place),
                    _ => left.push((key, at)),
                }
            }
            missing = left;
        }
        Ok(found)
    }

    /// Notes where a key is.
    ///
    /// # Errors
    /// `Storage` when the local disk fails; the index is of no use then.
    pub fn put(&mut self, key: KeyHash, place: KeyPlace) -> Result<()> {
        self.recent.insert(key, place);
        if self.recent.len() >= self.limits.keys_max || !self.has_memory() { self.spill() } else { Ok(()) }
    }

    /// Keys that are in memory, and keys of runs, of which some may be older places of others.
    pub fn len(&self) -> (usize, u64) {
        (self.recent.len(), self.runs.iter().map(Run::len).sum())
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }

    /// Bytes of memory that stay, whatever goes to the disk.
    pub fn bytes(&self) -> usize {
        self.runs.iter().map(Run::bytes).sum()
    }

    fn has_memory(&mut self) -> bool {
        let keys = self.recent.len();
        let held = self.reserved.as_ref().map_or(0, MemoryReservation::bytes);
        if keys <= UNASKED_KEYS || keys * ENTRY_BYTES <= held {
            return true;
        }
        // By a quarter more each time.
        let wanted = (keys + keys / 4) * ENTRY_BYTES;
        match &mut self.reserved {
            Some(reserved) => reserved.try_resize(wanted),
            None => {
                self.reserved = self.io.memory().try_reserve(wanted);
                self.reserved.is_some()
            }
        }
    }

    /// Takes the keys that are in memory to the disk.
    fn spill(&mut self) -> Result<()> {
        let now_millis = self.io.clock().now_millis();
        if let Some(ttl_millis) = self.limits.ttl_millis {
            let oldest = now_millis.saturating_sub_unsigned(ttl_millis);
            self.runs.retain(|run| run.newest_millis() >= oldest);
        }
        let mut keys: Vec<(KeyHash, KeyPlace)> = self.recent.drain().collect();
        self.recent.shrink_to_fit();
        keys.sort_unstable_by_key(|(key, _)| *key);
        let disk = match &self.disk {
            Some(disk) => disk,
            None => self.disk.insert(self.io.local_disk()?),
        };
        let mut writer = RunWriter::new(disk)?;
        keys.into_iter().try_for_each(|(key, place)| writer.push(key, place))?;
        self.runs.push(writer.finish(now_millis)?);
        self.reserved = None;
        while let [.., older, newer] = &self.runs[..]
            && older.len() <= newer.len() * 2
        {
            let merged = Run::merge(disk, older, newer)?;
            self.runs.truncate(self.runs.len() - 2);
            self.runs.push(merged);
        }
        Ok(())
    }
}

/// The hash of a number that is a hash already.
#[derive(Clone, Copy, Debug, Default)]
struct IsHash(u64);

impl Hasher for IsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        // Its lower half.
        self.0 = hash as u64;
    }
}

#[cfg(test)]
mod tests;
