//! The memory of this process for rows: whoever works with many of them asks first, and works with less where there is none.
//!
//! Goes in: how many bytes there are. Comes out: reservations of them, given back when they are dropped. Two kinds of holders share them:
//! - **those that can do with less** (write buffers, reads, caches) ask with [`MemoryBudget::try_reserve`] and never wait: a buffer goes to
//!   the local disk instead, a read spills the runs that it merges. They may hold their memory for ever.
//! - **those that come to an end by themselves** (compactions, flushes) ask once, before they begin, with [`MemoryBudget::reserve`], and wait.
//!
//! Invariants: no more is reserved than there is; the first kind leaves [`KEPT_SHARE`] of all to the second, which never asks for more
//! than that at a time and holds nothing while it waits: so the first in the queue is served as soon as those before it are done, and
//! nothing waits for ever. Answers to `org.apache.paimon.memory.MemoryPoolFactory`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alluvium_format::{Error, ErrorKind, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a process has unless it is told: the buffers of a writer (`write-buffer-size`, 256 MiB) twice, as it flushes one half while it
/// fills the other, and as much for merges.
pub const DEFAULT_BYTES: usize = 1 << 30;
/// The least that there can be: less would not hold a batch of each kind of work.
pub const BYTES_MIN: usize = 16 << 20;
/// One part in so many is kept for those that wait.
pub const KEPT_SHARE: usize = 4;
/// Memory is counted in pieces of so many bytes.
const UNIT_BYTES: usize = 1 << 10;
/// A quarter of a tebibyte: more pieces cannot be counted where a machine word has 32 bits.
const UNITS_MAX: u32 = 1 << 28;

/// The memory of this process for rows. Clones share it.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    units_max: u32,
    free: Arc<Semaphore>,
    /// What those hold that do not wait.
    elastic_units: AtomicUsize,
    waiting: AtomicUsize,
    /// The least that was ever free.
    free_units_min: AtomicUsize,
}

/// Whether a holder can do with less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Elastic,
    Finite,
}

/// Memory that is taken. Dropping it gives it back.
#[derive(Debug)]
pub struct MemoryReservation {
    budget: MemoryBudget,
    permit: OwnedSemaphorePermit,
    holder: Holder,
}

impl MemoryBudget {
    /// A budget of so many bytes, [`BYTES_MIN`] at least.
    pub fn new(bytes_max: usize) -> Self {
        let units = units_of(bytes_max.max(BYTES_MIN));
        let free = Arc::new(Semaphore::new(units as usize));
        let inner = Inner {
            units_max: units,
            free,
            elastic_units: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            free_units_min: AtomicUsize::new(units as usize),
        };
        Self { inner: Arc::new(inner) }
    }

    /// How many bytes there are in all.
    pub fn bytes_max(&self) -> usize {
        self.inner.units_max as usize * UNIT_BYTES
    }

    /// The most that one can wait for at a time.
    pub fn kept_bytes(&self) -> usize {
        self.bytes_max() / KEPT_SHARE
    }

    /// Bytes that are reserved.
    pub fn used_bytes(&self) -> usize {
        self.bytes_max().saturating_sub(self.inner.free.available_permits() * UNIT_BYTES)
    }

    /// The most that was ever reserved at a time.
    pub fn peak_bytes(&self) -> usize {
        self.bytes_max() - self.inner.free_units_min.load(Ordering::Relaxed) * UNIT_BYTES
    }

    /// Whether somebody waits: holders that can do with less should give back what they can.
    pub fn is_short(&self) -> bool {
        self.inner.waiting.load(Ordering::Relaxed) > 0
    }

    /// Takes memory if there is some; `None` where others need it. For those that can do with less.
    pub fn try_reserve(&self, bytes: usize) -> Option<MemoryReservation> {
        let units = units_of(bytes);
        let elastic = &self.inner.elastic_units;
        let elastic_max = self.inner.units_max as usize - self.kept_units() as usize;
        let more = |held: usize| held.checked_add(units as usize).filter(|sum| *sum <= elastic_max);
        elastic.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        match Arc::clone(&self.inner.free).try_acquire_many_owned(units) {
            Ok(permit) => Some(self.reservation(permit, Holder::Elastic)),
            Err(_) => {
                elastic.fetch_sub(units as usize, Ordering::Relaxed);
                None
            }
        }
    }

    /// Waits for memory: as much as is asked for, [`MemoryBudget::kept_bytes`] at most. First come, first served. For work that holds none
    /// yet, and comes to its end without asking for more.
    ///
    /// # Errors
    /// None in practice.
    pub async fn reserve(&self, bytes: usize) -> Result<MemoryReservation> {
        let units = units_of(bytes).min(self.kept_units());
        if let Ok(permit) = Arc::clone(&self.inner.free).try_acquire_many_owned(units) {
            return Ok(self.reservation(permit, Holder::Finite));
        }
        let _waits = Waiting::new(&self.inner.waiting);
        let permit = Arc::clone(&self.inner.free).acquire_many_owned(units).await;
        let permit = permit.map_err(|_| Error::new(ErrorKind::Closed, "the memory budget is closed"))?;
        Ok(self.reservation(permit, Holder::Finite))
    }

    fn kept_units(&self) -> u32 {
        self.inner.units_max / KEPT_SHARE as u32
    }

    fn reservation(&self, permit: OwnedSemaphorePermit, holder: Holder) -> MemoryReservation {
        self.inner.free_units_min.fetch_min(self.inner.free.available_permits(), Ordering::Relaxed);
        MemoryReservation { budget: self.clone(), permit, holder }
    }
}

impl Default for MemoryBudget {
    fn default() -> Self {
        Self::new(DEFAULT_BYTES)
    }
}

impl MemoryReservation {
    /// How much it is.
    pub fn bytes(&self) -> usize {
        self.permit.num_permits() * UNIT_BYTES
    }

    /// Makes it `bytes` in all, if there is so much; less is always given back. For those that can do with less.
    pub fn try_resize(&mut self, bytes: usize) -> bool {
        let (wanted, held) = (units_of(bytes) as usize, self.permit.num_permits());
        match wanted.checked_sub(held) {
            Some(0) => true,
            Some(more) => match self.budget.try_reserve(more * UNIT_BYTES) {
                Some(taken) => {
                    self.absorb(taken);
                    true
                }
                None => false,
            },
            None => {
                drop(self.split(bytes));
                true
            }
        }
    }

    /// What is more than `bytes`, as a reservation of its own.
    #[must_use]
    pub fn split(&mut self, bytes: usize) -> Option<Self> {
        let rest = self.permit.num_permits().checked_sub(units_of(bytes) as usize)?;
        let permit = self.permit.split(rest)?;
        Some(Self { budget: self.budget.clone(), permit, holder: self.holder })
    }

    /// Takes over another reservation of the same kind and budget.
    fn absorb(&mut self, mut other: Self) {
        if let Some(permit) = other.permit.split(other.permit.num_permits()) {
            self.permit.merge(permit);
        }
    }
}

impl Drop for MemoryReservation {
    fn drop(&mut self) {
        if self.holder == Holder::Elastic {
            self.budget.inner.elastic_units.fetch_sub(self.permit.num_permits(), Ordering::Relaxed);
        }
    }
}

/// One that waits, until this is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Rounded up; no more than can be counted.
fn units_of(bytes: usize) -> u32 {
    let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
    units.min(UNITS_MAX)
}

#[cfg(test)]
mod tests;
