//! The lookup files of a process, and blocks of them in memory, within the limits of their tables.
//!
//! Goes in: which data file is to be looked up in, and the time. Comes out: its [`LookupFile`], made once however many ask. Invariants: once
//! a call is over, memory and disk of a table are within its limits, and the memory of all tables is reserved from the budget of the
//! process; what is dropped here lives on only as long as a lookup is in it. Answers to `LookupFile.createCache` and
//! `org.apache.paimon.io.cache.CacheManager`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alluvium_format::{DataField, Result};
use object_store::path::Path;
use tokio::sync::OnceCell;

use super::block::{Block, KeptColumns};
use super::limits::LookupLimits;
use super::lookup_file::LookupFile;
use super::lru::Lru;
use crate::memory_budget::MemoryReservation;
use crate::table_io::TableIo;

/// What a process keeps of data files to look up in. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct LookupCache {
    state: Arc<Mutex<State>>,
}

/// How much a [`LookupCache`] holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookupUsage {
    /// Data files.
    pub files: usize,
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Bytes on the local disk.
    pub disk_bytes: u64,
}

/// A data file of a table, and what of it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FileKey {
    name: Arc<str>,
    kept: KeptColumns,
}

/// Where the one lookup file of a data file comes to be.
#[derive(Debug)]
pub(super) struct Slot {
    id: u64,
    key: FileKey,
    fields: Arc<[DataField]>,
    pub(super) file: OnceCell<Arc<LookupFile>>,
}

#[derive(Debug, Default)]
struct State {
    tables: HashMap<Path, TableFiles>,
    /// Counts uses.
    now: u64,
    next_id: u64,
}

/// What is kept of one table.
#[derive(Debug, Default)]
struct TableFiles {
    memory_limit: u64,
    disk_limit: u64,
    retention_millis: u64,
    building: HashMap<FileKey, Arc<Slot>>,
    files: Lru<FileKey, HeldFile>,
    blocks: Lru<(u64, usize), HeldBlock>,
    memory_bytes: u64,
    disk_bytes: u64,
}

#[derive(Debug)]
struct HeldFile {
    slot: Arc<Slot>,
    blocks: usize,
    memory_bytes: u64,
    disk_bytes: u64,
    used_millis: i64,
    _memory: MemoryReservation,
}

#[derive(Debug)]
struct HeldBlock {
    block: Arc<Block>,
    memory_bytes: u64,
    _memory: MemoryReservation,
}

/// What is asked of a cache: a data file of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// The table's folder, and what its process has.
    pub(super) io: &'a TableIo,
    pub(super) file_name: &'a str,
    pub(super) kept: KeptColumns,
    /// The columns that must be there.
    pub(super) fields: &'a Arc<[DataField]>,
    pub(super) limits: &'a LookupLimits,
}

impl LookupCache {
    /// How much it holds.
    pub fn usage(&self) -> LookupUsage {
        let state = self.lock();
        state.tables.values().fold(LookupUsage::default(), |sum, table| LookupUsage {
            files: sum.files + table.files.len(),
            memory_bytes: sum.memory_bytes + table.memory_bytes,
            disk_bytes: sum.disk_bytes + table.disk_bytes,
        })
    }

    /// Drops everything on the local disk, as others need the room; gives back how many bytes that was.
    pub fn free_disk(&self) -> u64 {
        let mut state = self.lock();
        let mut freed = 0;
        for table in state.tables.values_mut() {
            freed += table.disk_bytes;
            table.shrink_disk(0);
        }
        freed
    }

    /// Drops what is kept of a data file of the table below `table`: it was compacted away.
    pub(super) fn forget(&self, table: &Path, file_name: &str) {
        let mut state = self.lock();
        let Some(files) = state.tables.get_mut(table) else { return };
        for kept in [KeptColumns::Keys, KeptColumns::All] {
            let key = FileKey { name: file_name.into(), kept };
            files.building.remove(&key);
            files.drop_file(&key);
        }
        if files.is_empty() {
            state.tables.remove(table);
        }
    }

    /// The slot of a data file: one with its file, or one that is being filled, or is to be.
    pub(super) fn slot(&self, asked: Asked<'_>) -> Arc<Slot> {
        let now_millis = asked.io.clock().now_millis();
        let mut state = self.lock();
        state.expire(now_millis);
        let (now, id) = state.tick();
        let table = state.tables.entry(asked.io.base().clone()).or_default();
        table.memory_limit = asked.limits.memory_bytes;
        table.disk_limit = asked.limits.disk_bytes;
        table.retention_millis = asked.limits.retention_millis;
        let name: Arc<str> = asked.file_name.into();
        let key = FileKey { name: Arc::clone(&name), kept: asked.kept };
        for key in [&FileKey { name, kept: KeptColumns::All }, &key] {
            let Some(held) = table.files.peek(key).filter(|held| asked.is_served_by(&held.slot)) else { continue };
            let slot = Arc::clone(&held.slot);
            if let Some(held) = table.files.touch(key, now) {
                held.used_millis = now_millis;
            }
            return slot;
        }
        if let Some(slot) = table.building.get(&key).filter(|slot| asked.is_served_by(slot)) {
            return Arc::clone(slot);
        }
        // One of other columns is of an older schema.
        table.drop_file(&key);
        let fields = Arc::clone(asked.fields);
        let slot = Arc::new(Slot { id, key: key.clone(), fields, file: OnceCell::new() });
        table.building.insert(key, Arc::clone(&slot));
        slot
    }

    /// Keeps the file of a slot, if it is not kept already, was not forgotten meanwhile and there is memory.
    pub(super) fn keep(&self, io: &TableIo, slot: &Arc<Slot>) {
        let Some(file) = slot.file.get() else { return };
        let mut state = self.lock();
        let (now, _) = state.tick();
        if !state.tables.get_mut(io.base()).is_some_and(|table| table.finish(slot)) {
            return;
        }
        let memory_bytes = file.memory_bytes();
        let Some(memory) = state.reserve(io, memory_bytes) else { return };
        let Some(table) = state.tables.get_mut(io.base()) else { return };
        let held = HeldFile {
            slot: Arc::clone(slot),
            blocks: file.num_blocks(),
            memory_bytes,
            disk_bytes: file.disk_bytes(),
            used_millis: io.clock().now_millis(),
            _memory: memory,
        };
        table.memory_bytes += held.memory_bytes;
        table.disk_bytes += held.disk_bytes;
        table.files.insert(slot.key.clone(), held, now);
        table.shrink();
    }

    /// Gives a slot up whose file could not be made.
    pub(super) fn abandon(&self, io: &TableIo, slot: &Arc<Slot>) {
        if let Some(table) = self.lock().tables.get_mut(io.base()) {
            table.finish(slot);
        }
    }

    /// A block of a file, from memory or from the local disk. It blocks.
    ///
    /// # Errors
    /// Those of reading the local disk.
    pub(super) fn block(&self, io: &TableIo, slot: &Slot, file: &LookupFile, number: usize) -> Result<Arc<Block>> {
        if let Some(block) = self.held_block(io.base(), slot, number) {
            return Ok(block);
        }
        let block = Arc::new(file.read_block(number)?);
        let memory_bytes = block.memory_bytes as u64;
        let mut state = self.lock();
        if let Some(memory) = state.reserve(io, memory_bytes)
            && let Some((table, now)) = state.table_of(io.base(), slot)
        {
            let held = HeldBlock { block: Arc::clone(&block), memory_bytes, _memory: memory };
            table.memory_bytes += memory_bytes;
            if let Some(before) = table.blocks.insert((slot.id, number), held, now) {
                table.memory_bytes -= before.memory_bytes;
            }
            table.shrink();
        }
        Ok(block)
    }

    fn held_block(&self, table: &Path, slot: &Slot, number: usize) -> Option<Arc<Block>> {
        let mut state = self.lock();
        let (table, now) = state.table_of(table, slot)?;
        let held = table.blocks.touch(&(slot.id, number), now)?;
        Some(Arc::clone(&held.block))
    }

    /// A thread that panicked leaves at worst a wrong count behind.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked<'_> {
    fn is_served_by(&self, slot: &Slot) -> bool {
        match self.kept {
            KeptColumns::All => slot.key.kept == KeptColumns::All && slot.fields == *self.fields,
            KeptColumns::Keys => self.fields.iter().all(|field| slot.fields.contains(field)),
        }
    }
}

impl State {
    /// The next time, and a number that nobody has.
    fn tick(&mut self) -> (u64, u64) {
        self.now += 1;
        self.next_id += 1;
        (self.now, self.next_id)
    }

    /// The table of a file that is kept, and the time for one of its blocks: the file itself counts as used later, so that it outlives
    /// them.
    fn table_of(&mut self, table: &Path, slot: &Slot) -> Option<(&mut TableFiles, u64)> {
        let ((now, _), (later, _)) = (self.tick(), self.tick());
        let table = self.tables.get_mut(table)?;
        table.files.touch(&slot.key, later).filter(|held| held.slot.id == slot.id)?;
        Some((table, now))
    }

    /// Drops files that nobody asked for too long.
    fn expire(&mut self, now_millis: i64) {
        for table in self.tables.values_mut() {
            table.expire(now_millis);
        }
        self.tables.retain(|_, table| !table.is_empty());
    }

    /// Memory of the process for something new; what was used longest ago makes room for it, in any table, but for no more than that.
    fn reserve(&mut self, io: &TableIo, bytes: u64) -> Option<MemoryReservation> {
        let size = usize::try_from(bytes).ok()?;
        let mut dropped = 0;
        loop {
            let is_short = io.memory().is_short();
            if let Some(memory) = io.memory().try_reserve(size).filter(|_| !is_short) {
                return Some(memory);
            }
            let oldest = self.tables.values_mut().min_by_key(|table| table.oldest().unwrap_or(u64::MAX))?;
            if dropped >= bytes {
                return None;
            }
            dropped += oldest.drop_oldest()?;
        }
    }
}

impl TableFiles {
    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.building.is_empty()
    }

    fn expire(&mut self, now_millis: i64) {
        let retention = i64::try_from(self.retention_millis).unwrap_or(i64::MAX);
        let is_old = |held: &HeldFile| held.used_millis.saturating_add(retention) <= now_millis;
        while let Some(key) = self.files.oldest_where(|_| true).cloned()
            && self.files.peek(&key).is_some_and(is_old)
        {
            self.drop_file(&key);
        }
    }

    /// When what was not used for the longest time was used.
    fn oldest(&self) -> Option<u64> {
        let (file, block) = (self.files.oldest(), self.blocks.oldest());
        file.into_iter().chain(block).min()
    }

    /// Drops what was not used for the longest time, a block or a file, and gives back how much memory that was; `None` when nothing
    /// is left.
    fn drop_oldest(&mut self) -> Option<u64> {
        let (oldest, before) = (self.oldest()?, self.memory_bytes);
        if self.blocks.oldest() == Some(oldest) {
            if let Some((_, held)) = self.blocks.pop_oldest() {
                self.memory_bytes -= held.memory_bytes;
            }
        } else if let Some(key) = self.files.oldest_where(|_| true).cloned() {
            self.drop_file(&key);
        }
        Some(before - self.memory_bytes)
    }

    /// Ends the making of a file; false when it was forgotten, or ended before.
    fn finish(&mut self, slot: &Arc<Slot>) -> bool {
        let is_building = self.building.get(&slot.key).is_some_and(|building| Arc::ptr_eq(building, slot));
        if is_building {
            self.building.remove(&slot.key);
        }
        is_building
    }

    /// Holds the table to its limits.
    fn shrink(&mut self) {
        self.shrink_disk(self.disk_limit);
        while self.memory_bytes > self.memory_limit && self.drop_oldest().is_some() {}
    }

    fn shrink_disk(&mut self, bytes: u64) {
        while self.disk_bytes > bytes {
            let Some(key) = self.files.oldest_where(|held| held.disk_bytes > 0).cloned() else { return };
            self.drop_file(&key);
        }
    }

    fn drop_file(&mut self, key: &FileKey) {
        let Some(held) = self.files.remove(key) else { return };
        self.memory_bytes -= held.memory_bytes;
        self.disk_bytes -= held.disk_bytes;
        for number in 0..held.blocks {
            if let Some(block) = self.blocks.remove(&(held.slot.id, number)) {
                self.memory_bytes -= block.memory_bytes;
            }
        }
    }
}
