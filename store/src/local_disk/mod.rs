//! Files of this process on a local disk: spilled runs and lookup files.
//!
//! Goes in: a folder and a limit. Comes out: files that are gone when their handle is dropped, and whose folder is taken away by the next
//! process when this one dies. Invariants: no more bytes than the limit; nobody else can read them. All of it blocks: call it where CPU-bound
//! work runs. Answers to `org.apache.paimon.disk.IOManager`.

mod file;
mod folder;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use alluvium_format::{Error, ErrorKind, Result};

pub use file::{LocalFile, LocalFileWriter};
use folder::Folder;

/// So many files are kept open between reads; further ones are opened for each. Processes may commonly open 1024.
const OPEN_FILES_MAX: usize = 256;

/// A folder of this process below a temporary one. Clones share it; the last one that goes takes it away.
#[derive(Clone, Debug)]
pub struct LocalDisk {
    inner: Arc<Inner>,
    /// Of one purpose, within that of all.
    part: Option<Arc<Allowance>>,
}

#[derive(Debug)]
struct Inner {
    folder: Folder,
    whole: Allowance,
    open_files: AtomicUsize,
    next_file: AtomicU64,
}

/// How many bytes there may be, and how many there are.
#[derive(Debug)]
struct Allowance {
    bytes_max: u64,
    used_bytes: AtomicU64,
}

impl LocalDisk {
    /// A folder of its own below `root`, which is made if it is not there; those of processes that died are taken away.
    ///
    /// # Errors
    /// `Storage` with the path.
    pub fn open(root: &Path, bytes_max: u64) -> Result<Self> {
        let inner = Inner {
            folder: Folder::create(root)?,
            whole: Allowance::new(bytes_max),
            open_files: AtomicUsize::new(0),
            next_file: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner), part: None })
    }

    /// The same folder, of which one purpose may use no more than so many bytes.
    #[must_use]
    pub fn limited(&self, bytes_max: u64) -> Self {
        Self { inner: Arc::clone(&self.inner), part: Some(Arc::new(Allowance::new(bytes_max))) }
    }

    /// A new file of this content.
    ///
    /// # Errors
    /// `Storage` with the path, also when the limit would be passed; nothing is left then.
    pub fn write(&self, content: &[u8]) -> Result<LocalFile> {
        let mut file = self.create()?;
        file.append(content)?;
        Ok(file.finish())
    }

    /// A new file that is written piece by piece.
    ///
    /// # Errors
    /// `Storage` with the path.
    pub fn create(&self) -> Result<LocalFileWriter> {
        let number = self.inner.next_file.fetch_add(1, Ordering::Relaxed);
        LocalFileWriter::create(self.clone(), self.inner.folder.file(number))
    }

    /// Bytes that its files have: all, or those of the one purpose.
    pub fn used_bytes(&self) -> u64 {
        self.part.as_ref().map_or(&self.inner.whole, |part| part).used()
    }

    /// Bytes that may be written yet.
    pub fn free_bytes(&self) -> u64 {
        let part = self.part.as_ref().map_or(u64::MAX, |part| part.free());
        self.inner.whole.free().min(part)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.inner.folder.path()
    }

    /// Counts bytes that are to be written.
    fn take_bytes(&self, bytes: u64) -> Result<()> {
        self.inner.whole.take(bytes).map_err(|why| self.no_room(bytes, &why))?;
        let Some(part) = &self.part else { return Ok(()) };
        part.take(bytes).map_err(|why| {
            self.inner.whole.give(bytes);
            self.no_room(bytes, &why)
        })
    }

    fn no_room(&self, bytes: u64, why: &str) -> Error {
        let folder = self.folder().display();
        let what = format!("{bytes} bytes more in {folder} would pass {why}");
        Error::new(ErrorKind::Storage, format!("{what}; allow more, or work on fewer buckets at once"))
    }

    fn give_bytes(&self, bytes: u64) {
        self.inner.whole.give(bytes);
        if let Some(part) = &self.part {
            part.give(bytes);
        }
    }

    /// Whether one more file may be kept open.
    fn take_open_file(&self) -> bool {
        let more = |open: usize| (open < OPEN_FILES_MAX).then_some(open + 1);
        self.inner.open_files.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn give_open_file(&self) {
        self.inner.open_files.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Allowance {
    fn new(bytes_max: u64) -> Self {
        Self { bytes_max, used_bytes: AtomicU64::new(0) }
    }

    fn used(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    fn free(&self) -> u64 {
        self.bytes_max.saturating_sub(self.used())
    }

    /// Says why not.
    fn take(&self, bytes: u64) -> Result<(), String> {
        let more = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        let taken = self.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.map(drop).map_err(|used| format!("the limit of {}: {used} are in use", self.bytes_max))
    }

    fn give(&self, bytes: u64) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The disk of a process, opened when it is first needed. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct LazyLocalDisk {
    /// Of one that is not open yet.
    bytes_max: u64,
    disk: Arc<Mutex<Option<LocalDisk>>>,
}

impl Default for LazyLocalDisk {
    /// Without a limit.
    fn default() -> Self {
        Self::limited(u64::MAX)
    }
}

impl LazyLocalDisk {
    /// One that is open.
    pub(crate) fn of(disk: LocalDisk) -> Self {
        Self { bytes_max: disk.inner.whole.bytes_max, disk: Arc::new(Mutex::new(Some(disk))) }
    }

    /// One below the machine's temporary folder, for no more than so many bytes.
    pub(crate) fn limited(bytes_max: u64) -> Self {
        Self { bytes_max, disk: Arc::default() }
    }

    /// The disk.
    pub(crate) fn get(&self) -> Result<LocalDisk> {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        match &*disk {
            Some(open) => Ok(open.clone()),
            None => Ok(disk.insert(LocalDisk::open(&std::env::temp_dir(), self.bytes_max)?).clone()),
        }
    }
}

/// The error of an operation of the machine on a path.
fn failed(doing: &str, path: &Path, error: io::Error) -> Error {
    let path = path.display();
    let what = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("{doing} {path} failed as the disk is full: make room, or set TMPDIR to a folder that has some")
        }
        _ => format!("{doing} {path} failed"),
    };
    Error::new(ErrorKind::Storage, what).with_source(error)
}

#[cfg(test)]
mod tests;
