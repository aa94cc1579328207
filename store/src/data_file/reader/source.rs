//! Where the bytes of a data file come from: a file of this machine, one request for a small file, or a request a row group.
//!
//! Goes in: a path and the size that the manifest says. Comes out: the footer, then decoders of row groups. Invariants: only the
//! column chunks that are asked for are fetched; of a file one row group is decoded, and a small one may be on its way; a
//! file of another size than the manifest says is an error that names it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use alluvium_format::{Error, ErrorKind, Result};
use arrow_array::RecordBatch;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::ChunkReader;
use tokio::task::JoinSet;

use super::file_chunks::{FetchedRange, FileChunks};
use super::footer::{self, FIRST_FETCH_BYTES, Footer};
use super::guard::{DecoderError, guarded};
use crate::store_error::convert;
use crate::table_io::TableIo;

/// Rows of a batch: limits of cache, not of speed, which is the same from 8 Ki to 64 Ki.
const BATCH_ROWS: usize = 8192;

/// A file of at most so many bytes is fetched as a whole: one request costs more than what may not be needed.
const WHOLE_FILE_BYTES_MAX: u64 = 1 << 20;

/// A row group of more bytes than this is fetched when the one before it is done, so that a merge of many files of large row groups
/// holds one of each.
const READ_AHEAD_BYTES_MAX: u64 = 16 << 20;

/// A file, by its path in the store.
#[derive(Clone, Debug)]
struct FilePath {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// What the manifest says.
    bytes: u64,
}

/// A file whose footer was read.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: FilePath,
    /// All of it that there is need of; `None` when row groups are fetched.
    chunks: Option<FileChunks>,
    metadata: ArrowReaderMetadata,
}

impl OpenFile {
    /// Opens the file at `relative`.
    pub(super) async fn open(io: &TableIo, relative: &str, bytes: u64) -> Result<Self> {
        let file = FilePath { store: Arc::clone(io.store()), path: io.path(relative)?, bytes };
        if io.has_folders() || bytes <= WHOLE_FILE_BYTES_MAX {
            let opened = io.open(relative).await?;
            file.check_size(opened.meta.size)?;
            let chunks = match opened.payload {
                GetResultPayload::File(file, _) => FileChunks::local(file, bytes),
                GetResultPayload::Stream(_) => {
                    let whole = opened.bytes().await.map_err(|error| convert(error, "reading", file.path.as_ref()))?;
                    file.check_size(whole.len() as u64)?;
                    FileChunks::whole(whole)
                }
            };
            let metadata = local_footer(&file, &chunks)?;
            return Ok(Self { file, chunks: Some(chunks), metadata });
        }
        let metadata = fetch_footer(&file).await?;
        Ok(Self { file, chunks: None, metadata })
    }

    pub(super) fn metadata(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    /// The decoders of some row groups.
    pub(super) fn row_groups(self, groups: Vec<usize>, mask: ProjectionMask) -> Result<RowGroups> {
        let Self { file, chunks, metadata } = self;
        let mut row_groups =
            RowGroups { file, metadata, mask, groups: groups.into(), current: None, fetching: JoinSet::new() };
        match chunks {
            Some(chunks) => {
                let groups = std::mem::take(&mut row_groups.groups);
                row_groups.current = Some(row_groups.decoder(chunks, groups.into())?);
            }
            None => row_groups.fetch_next(),
        }
        Ok(row_groups)
    }
}

impl FilePath {
    fn check_size(&self, found: u64) -> Result<()> {
        if found == self.bytes {
            return Ok(());
        }
        let message = format!("{} has {found} bytes, where its manifest says {}", self.path, self.bytes);
        Err(Error::new(ErrorKind::Corrupt, message))
    }

    async fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let fetched = self.store.get_ranges(&self.path, ranges).await;
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
    async fn end(&self, length: u64) -> Result<Bytes> {
        let range = self.bytes.saturating_sub(length)..self.bytes;
        match self.ranges(std::slice::from_ref(&range)).await {
            Ok(fetched) => Ok(fetched.into_iter().next().unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            // Stores have no common word for a range behind the end.
            Err(error) => {
                if let Ok(found) = self.store.head(&self.path).await {
                    self.check_size(found.size)?;
                }
                Err(error)
            }
        }
    }
}

fn local_footer(file: &FilePath, chunks: &FileChunks) -> Result<ArrowReaderMetadata> {
    let mut length = FIRST_FETCH_BYTES.min(file.bytes);
    loop {
        let start = file.bytes - length;
        let end = chunks.get_bytes(start, usize::try_from(length).unwrap_or(usize::MAX));
        let end = end.map_err(|error| decode_failed(file.path.as_ref(), chunks, error))?;
        match footer::read(file.path.as_ref(), file.bytes, &end)? {
            Footer::Whole(metadata) => return Ok(metadata),
            Footer::Needs(needed) => length = needed,
        }
    }
}

async fn fetch_footer(file: &FilePath) -> Result<ArrowReaderMetadata> {
    let mut length = FIRST_FETCH_BYTES.min(file.bytes);
    loop {
        let end = file.end(length).await?;
        match footer::read(file.path.as_ref(), file.bytes, &end)? {
            Footer::Whole(metadata) => return Ok(metadata),
            Footer::Needs(needed) => length = needed,
        }
    }
}

/// Row groups of a file, one after the other.
#[derive(Debug)]
pub(super) struct RowGroups {
    file: FilePath,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    /// Those to fetch.
    groups: VecDeque<usize>,
    current: Option<Decoder>,
    /// The next row group, on its way; stopped when this is dropped.
    fetching: JoinSet<Result<(usize, FileChunks)>>,
}

/// What is being decoded, and the bytes it is decoded from.
struct Decoder {
    batches: ParquetRecordBatchReader,
    chunks: FileChunks,
}

impl RowGroups {
    /// The path of the file, as the store names it.
    pub(super) fn path(&self) -> &str {
        self.file.path.as_ref()
    }

    /// The next rows; `None` behind the last.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(decoder) = &mut self.current {
                let Decoder { batches, chunks } = decoder;
                match guarded(|| batches.next().transpose().map_err(DecoderError::from)) {
                    Ok(Some(batch)) => return Ok(Some(batch)),
                    Ok(None) => self.current = None,
                    Err(error) => {
                        let error = decode_failed(self.file.path.as_ref(), chunks, error);
                        self.current = None;
                        return Err(error);
                    }
                }
            }
            if self.fetching.is_empty() {
                self.fetch_next();
            }
            let Some(fetched) = self.fetching.join_next().await else { return Ok(None) };
            let (group, chunks) = fetched
                .map_err(|error| Error::internal("the task that fetches a row group died").with_source(error))??;
            let next = self.groups.front().map_or(0, |next| total_bytes(&self.ranges_of(*next)));
            if next <= READ_AHEAD_BYTES_MAX {
                self.fetch_next();
            }
            self.current = Some(self.decoder(chunks, vec![group])?);
        }
    }

    /// Sets out to fetch the next row group.
    fn fetch_next(&mut self) {
        let Some(group) = self.groups.pop_front() else { return };
        let ranges = self.ranges_of(group);
        let file = self.file.clone();
        self.fetching.spawn(async move {
            let fetched = file.ranges(&ranges).await?;
            let fetched = ranges.iter().zip(fetched).map(|(range, bytes)| FetchedRange { offset: range.start, bytes });
            Ok((group, FileChunks::Fetched { ranges: fetched.collect(), bytes: file.bytes }))
        });
    }

    /// Where the column chunks of a row group that are asked for lie, in the order of the file.
    fn ranges_of(&self, group: usize) -> Vec<Range<u64>> {
        let chunks = self.metadata.metadata().row_group(group).columns().iter().enumerate();
        let wanted = chunks.filter(|(leaf, _)| self.mask.leaf_included(*leaf)).map(|(_, chunk)| chunk.byte_range());
        let mut ranges: Vec<Range<u64>> = wanted.map(|(start, length)| start..start + length).collect();
        ranges.sort_by_key(|range| range.start);
        ranges
    }

    fn decoder(&self, chunks: FileChunks, groups: Vec<usize>) -> Result<Decoder> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks.clone(), self.metadata.clone())
            .with_row_groups(groups)
            .with_projection(self.mask.clone())
            .with_batch_size(BATCH_ROWS);
        let batches = guarded(|| builder.build().map_err(DecoderError::from));
        let batches = batches.map_err(|error| decode_failed(self.path(), &chunks, error))?;
        Ok(Decoder { batches, chunks })
    }
}

fn total_bytes(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end - range.start).sum()
}

/// An error of the decoder: bytes of the file are wrong, unless the machine failed to read them.
fn decode_failed(path: &str, chunks: &FileChunks, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let (kind, what) = match chunks.has_failed() {
        true => (ErrorKind::Storage, "reading"),
        false => (ErrorKind::Corrupt, "decoding"),
    };
    Error::new(kind, format!("{what} {path} failed")).with_source(error)
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("chunks", &self.chunks).finish_non_exhaustive()
    }
}
