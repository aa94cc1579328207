//! Where the bytes of a data file are: at hand, as a file of this machine or a small one that was fetched as a whole; or in the store.
//!
//! Goes in: a location and the size that the manifest says. Comes out: the file, and ranges of its bytes. Invariant: a file of another
//! size than the manifest says is an error that names it.

use std::ops::Range;
use std::sync::Arc;

use alluvium_format::{Error, ErrorKind, Result};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt};

use super::file_chunks::FileChunks;
use crate::file_location::FileLocation;
use crate::store_error::convert;

/// A file of at most so many bytes is fetched as a whole: one request costs more than what may not be needed.
const WHOLE_FILE_BYTES_MAX: u64 = 1 << 20;

/// A file, by its path in the store.
#[derive(Clone, Debug)]
pub(in crate::data_file) struct StoredFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// Where in the stored file it begins, when it is a range of it.
    offset: Option<u64>,
    /// What the manifest says.
    bytes: u64,
}

impl StoredFile {
    /// Opens a file of which the manifest says that it has so many bytes; with the file itself when it is at hand.
    ///
    /// # Errors
    /// `NotFound`, `Storage`; `Corrupt` for a file of another size; `Invalid` when it is no place for a file.
    pub(super) async fn open(location: &FileLocation, bytes: u64) -> Result<(Self, Option<FileChunks>)> {
        let io = location.io();
        let offset = location.range().map(|range| range.start);
        let file = Self { store: Arc::clone(io.store()), path: location.store_path()?, offset, bytes };
        if let Some(range) = location.range() {
            file.check_size(range.end.saturating_sub(range.start))?;
            return file.of_range().await;
        }
        if !io.has_folders() && bytes > WHOLE_FILE_BYTES_MAX {
            return Ok((file, None));
        }
        let opened = io.open(location.path()).await?;
        file.check_size(opened.meta.size)?;
        let chunks = match opened.payload {
            GetResultPayload::File(file, _) => FileChunks::local(file, bytes),
            GetResultPayload::Stream(_) => {
                let whole = opened.bytes().await.map_err(|error| convert(error, "reading", file.path.as_ref()))?;
                file.check_size(whole.len() as u64)?;
                FileChunks::whole(whole)
            }
        };
        Ok((file, Some(chunks)))
    }

    /// A file that is a range of another one.
    async fn of_range(self) -> Result<(Self, Option<FileChunks>)> {
        if self.bytes > WHOLE_FILE_BYTES_MAX {
            return Ok((self, None));
        }
        let whole = 0..self.bytes;
        let fetched = self.ranges(std::slice::from_ref(&whole)).await?;
        let whole = FileChunks::whole(fetched.into_iter().next().unwrap_or_default());
        Ok((self, Some(whole)))
    }

    /// The path of the file, as the store names it.
    pub(in crate::data_file) fn path(&self) -> &str {
        self.path.as_ref()
    }

    /// Its size, as the manifest says.
    pub(in crate::data_file) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn check_size(&self, found: u64) -> Result<()> {
        if found == self.bytes {
            return Ok(());
        }
        let message = format!("{} has {found} bytes, where its manifest says {}", self.path, self.bytes);
        Err(Error::new(ErrorKind::Corrupt, message))
    }

    /// Ranges of its bytes.
    ///
    /// # Errors
    /// `NotFound`, `Storage`; `Corrupt` when the file is shorter.
    pub(in crate::data_file) async fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let offset = self.offset.unwrap_or_default();
        let stored = |range: &Range<u64>| range.start.saturating_add(offset)..range.end.saturating_add(offset);
        let stored: Vec<Range<u64>> = ranges.iter().map(stored).collect();
        let fetched = self.store.get_ranges(&self.path, &stored).await;
        let fetched = fetched.map_err(|error| convert(error, "reading", self.path.as_ref()))?;
        for (range, bytes) in ranges.iter().zip(&fetched) {
            if bytes.len() as u64 != range.end - range.start {
                return Err(self.check_size(range.start + bytes.len() as u64).err().unwrap_or_else(|| {
                    Error::new(ErrorKind::Storage, format!("reading {}: the store gave other ranges", self.path))
                }));
            }
        }
        Ok(fetched)
    }

    /// The last bytes of the file; says so when the file is shorter than it should be.
    ///
    /// # Errors
    /// As [`StoredFile::ranges`].
    pub(in crate::data_file) async fn end(&self, length: u64) -> Result<Bytes> {
        let range = self.bytes.saturating_sub(length)..self.bytes;
        match self.ranges(std::slice::from_ref(&range)).await {
            Ok(fetched) => Ok(fetched.into_iter().next().unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            // Stores have no common word for a range behind the end.
            Err(error) => {
                if let (Ok(found), None) = (self.store.head(&self.path).await, self.offset) {
                    self.check_size(found.size)?;
                }
                Err(error)
            }
        }
    }
}
