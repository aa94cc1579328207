//! The bytes of a data file, as decoders ask for them: from a file of this machine, or from ranges that were fetched.
//!
//! Invariant: what is asked for outside of the file, or outside of what was fetched, is an error and never an allocation.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alluvium_format::{Error, ErrorKind};
use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::guard::DecoderError;

/// A file, or the parts of it that are needed.
#[derive(Clone, Debug)]
pub(in crate::data_file) enum FileChunks {
    /// A file of this machine, read where and when it is needed; `failed` when the machine could not.
    Local { file: Arc<File>, bytes: u64, failed: Arc<AtomicBool> },
    /// Ranges by ascending offset that do not overlap.
    Fetched { ranges: Arc<[FetchedRange]>, bytes: u64 },
}

/// Bytes of a file from `offset` on.
#[derive(Clone, Debug)]
pub(in crate::data_file) struct FetchedRange {
    pub(in crate::data_file) offset: u64,
    pub(in crate::data_file) bytes: Bytes,
}

impl FileChunks {
    /// A file of this machine.
    pub(in crate::data_file) fn local(file: File, bytes: u64) -> Self {
        Self::Local { file: Arc::new(file), bytes, failed: Arc::default() }
    }

    /// Whether all bytes there are were fetched.
    pub(in crate::data_file) fn are_in_memory(&self) -> bool {
        matches!(self, Self::Fetched { .. })
    }

    /// An error of a decoder of the file at `path`: bytes are wrong, unless the machine failed to read them.
    pub(in crate::data_file) fn failure(&self, path: &str, error: impl Into<DecoderError>) -> Error {
        let (kind, what) = match self {
            Self::Local { failed, .. } if failed.load(Ordering::Relaxed) => (ErrorKind::Storage, "reading"),
            _ => (ErrorKind::Corrupt, "decoding"),
        };
        Error::new(kind, format!("{what} {path} failed")).with_source(error)
    }

    /// A whole file.
    pub(in crate::data_file) fn whole(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        Self::Fetched { ranges: Arc::from([FetchedRange { offset: 0, bytes }]), bytes: length }
    }

    /// Fetched bytes from `start` to the end of their range.
    fn fetched(ranges: &[FetchedRange], start: u64) -> Result<Bytes> {
        let next = ranges.partition_point(|range| range.offset <= start);
        let range = next.checked_sub(1).and_then(|at| ranges.get(at));
        let tail = range.and_then(|range| {
            let skip = usize::try_from(start - range.offset).ok()?;
            (skip <= range.bytes.len()).then(|| range.bytes.slice(skip..))
        });
        tail.ok_or_else(|| outside(start, 0))
    }
}

/// Remembers that the machine failed: the decoder keeps no more of an error than its words.
fn watched<T>(read: Result<T>, failed: &AtomicBool) -> Result<T> {
    if matches!(&read, Err(ParquetError::External(_))) {
        failed.store(true, Ordering::Relaxed);
    }
    read
}

fn outside(start: u64, length: usize) -> ParquetError {
    ParquetError::EOF(format!("{length} bytes at {start} are outside of the file's column chunks"))
}

impl Length for FileChunks {
    fn len(&self) -> u64 {
        match self {
            Self::Local { bytes, .. } | Self::Fetched { bytes, .. } => *bytes,
        }
    }
}

impl ChunkReader for FileChunks {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        match self {
            Self::Local { bytes, .. } if start > *bytes => Err(outside(start, 0)),
            Self::Local { file, failed, .. } => Ok(Box::new(watched(file.get_read(start), failed)?)),
            Self::Fetched { ranges, .. } => Ok(Box::new(Self::fetched(ranges, start)?.reader())),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self {
            Self::Local { file, bytes, failed } => {
                let fits = start.checked_add(length as u64).is_some_and(|end| end <= *bytes);
                if fits { watched(file.get_bytes(start, length), failed) } else { Err(outside(start, length)) }
            }
            Self::Fetched { ranges, .. } => {
                let tail = Self::fetched(ranges, start)?;
                if length <= tail.len() { Ok(tail.slice(..length)) } else { Err(outside(start, length)) }
            }
        }
    }
}
