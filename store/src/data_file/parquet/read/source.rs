//! Where the rows of a Parquet file come from: a file that is at hand, or a request a row group.
//!
//! Goes in: a file. Comes out: its footer, then the rows of row groups. Invariants: only the column chunks that are asked for are
//! fetched; of a file one row group is decoded, and a small one may be on its way.

use std::collections::VecDeque;
use std::ops::Range;

use alluvium_format::{DataField, Error, Predicate, Result, ResultExt};
use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::ChunkReader;
use tokio::task::JoinSet;

use super::columns::FileColumns;
use super::footer::{self, FIRST_FETCH_BYTES, Footer};
use super::row_groups;
use crate::data_file::reader::{BATCH_ROWS, DecodedRows, DecoderError, FetchedRange, FileChunks, StoredFile, guarded};

/// A row group of more bytes than this is fetched when the one before it is done, so that a merge of many files of large row groups
/// holds one of each.
const READ_AHEAD_BYTES_MAX: u64 = 16 << 20;

/// A file whose footer was read.
#[derive(Debug)]
pub(in crate::data_file) struct ParquetFile {
    file: StoredFile,
    /// All of it that there is need of; `None` when row groups are fetched.
    chunks: Option<FileChunks>,
    metadata: ArrowReaderMetadata,
    columns: FileColumns,
}

impl ParquetFile {
    /// Reads what a file says of itself; `chunks` is the file where it is at hand, `fields` are those of its schema that are wanted.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` with the path; `Unsupported` for an encrypted file.
    pub(in crate::data_file) async fn open(
        file: StoredFile,
        chunks: Option<FileChunks>,
        fields: Vec<DataField>,
    ) -> Result<Self> {
        let metadata = match &chunks {
            Some(chunks) => local_footer(&file, chunks)?,
            None => fetch_footer(&file).await?,
        };
        let columns = FileColumns::new(fields, metadata.parquet_schema())?;
        Ok(Self { file, chunks, metadata, columns })
    }

    /// The positions of the rows of each row group.
    pub(in crate::data_file) fn stretches(&self) -> Vec<Range<u64>> {
        let mut end = 0_u64;
        let groups = self.metadata.metadata().row_groups().iter().map(|group| {
            let start = end;
            end = end.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0));
            start..end
        });
        groups.collect()
    }

    /// The row groups for which `predicate` may be true. `written` are the columns of the file's schema, `asked` those asked for.
    pub(in crate::data_file) fn matching(
        &self,
        predicate: &Predicate,
        written: &[DataField],
        asked: &[DataField],
    ) -> Vec<usize> {
        row_groups::select(self.metadata.metadata(), predicate, written, asked)
    }

    /// The rows of some row groups.
    ///
    /// # Errors
    /// `Corrupt` with the path.
    pub(in crate::data_file) fn read(self, groups: Vec<usize>) -> Result<ParquetBatches> {
        let Self { file, chunks, metadata, columns } = self;
        let mask = columns.mask().clone();
        let mut row_groups =
            RowGroups { file, metadata, mask, groups: groups.into(), current: None, fetching: JoinSet::new() };
        match chunks {
            Some(chunks) => {
                let groups = std::mem::take(&mut row_groups.groups);
                row_groups.current = Some(row_groups.decoder(chunks, groups.into())?);
            }
            None => row_groups.fetch_next(),
        }
        Ok(ParquetBatches { row_groups, columns })
    }
}

/// The rows of a file, as they are decoded.
#[derive(Debug)]
pub(in crate::data_file) struct ParquetBatches {
    row_groups: RowGroups,
    columns: FileColumns,
}

impl ParquetBatches {
    /// The next rows; `None` behind the last.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` with the path.
    pub(in crate::data_file) async fn next(&mut self) -> Result<Option<DecodedRows>> {
        let Some(decoded) = self.row_groups.next().await? else { return Ok(None) };
        let columns = self.columns.shape(&decoded).context(|| format!("reading {}", self.row_groups.file.path()))?;
        Ok(Some(DecodedRows { columns, rows: decoded.num_rows() }))
    }
}

fn local_footer(file: &StoredFile, chunks: &FileChunks) -> Result<ArrowReaderMetadata> {
    let mut length = FIRST_FETCH_BYTES.min(file.bytes());
    loop {
        let start = file.bytes() - length;
        let end = chunks.get_bytes(start, usize::try_from(length).unwrap_or(usize::MAX));
        let end = end.map_err(|error| chunks.failure(file.path(), error))?;
        match footer::read(file.path(), file.bytes(), &end)? {
            Footer::Whole(metadata) => return Ok(metadata),
            Footer::Needs(needed) => length = needed,
        }
    }
}

async fn fetch_footer(file: &StoredFile) -> Result<ArrowReaderMetadata> {
    let mut length = FIRST_FETCH_BYTES.min(file.bytes());
    loop {
        let end = file.end(length).await?;
        match footer::read(file.path(), file.bytes(), &end)? {
            Footer::Whole(metadata) => return Ok(metadata),
            Footer::Needs(needed) => length = needed,
        }
    }
}

/// Row groups of a file, one after the other.
#[derive(Debug)]
struct RowGroups {
    file: StoredFile,
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
    /// The next rows; `None` behind the last.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(decoder) = &mut self.current {
                let Decoder { batches, chunks } = decoder;
                match guarded(|| batches.next().transpose().map_err(DecoderError::from)) {
                    Ok(Some(batch)) => return Ok(Some(batch)),
                    Ok(None) => self.current = None,
                    Err(error) => {
                        let error = chunks.failure(self.file.path(), error);
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
            Ok((group, FileChunks::Fetched { ranges: fetched.collect(), bytes: file.bytes() }))
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
        let batches = batches.map_err(|error| chunks.failure(self.file.path(), error))?;
        Ok(Decoder { batches, chunks })
    }
}

fn total_bytes(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end - range.start).sum()
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("chunks", &self.chunks).finish_non_exhaustive()
    }
}
