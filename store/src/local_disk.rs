//! Files of this process on a local disk: spilled runs and lookup files.
//!
//! Goes in: a folder and a limit. Comes out: files that are gone when their handle is dropped, and whose folder is taken away by the next
//! process when this one dies. Invariant: no more bytes than the limit.

use std::path::Path;
use std::sync::Arc;

use alluvium_format::{Error, Result};

/// A folder of this process below a temporary one.
#[derive(Clone, Debug)]
pub struct LocalDisk {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {}

/// A file that is deleted when this is dropped.
#[derive(Debug)]
pub struct LocalFile {
    disk: LocalDisk,
}

impl LocalDisk {
    /// A folder of its own below `root`; those of processes that died are taken away.
    ///
    /// # Errors
    /// `Storage` with the path.
    pub fn open(root: &Path, bytes_max: u64) -> Result<Self> {
        let _ = (root, bytes_max);
        Ok(Self { inner: Arc::new(Inner {}) })
    }

    /// A new file of this content.
    ///
    /// # Errors
    /// `Storage` with the path, also when the limit would be passed.
    pub fn write(&self, content: &[u8]) -> Result<LocalFile> {
        let _ = (&self.inner, content);
        Err(Error::internal("not built"))
    }

    /// Bytes that its files have.
    pub fn used_bytes(&self) -> u64 {
        0
    }
}

impl LocalFile {
    /// The bytes `offset..offset + length`.
    ///
    /// # Errors
    /// `Storage` with the path.
    pub fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let _ = (&self.disk, offset, length);
        Err(Error::internal("not built"))
    }
}
