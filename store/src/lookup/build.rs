//! Makes a [`LookupFile`] of a data file: reads all of it, once.
//!
//! Goes in: a data file. Comes out: its blocks in memory when they are small together, else on the local disk, cut to the size of a page.
//! Invariants: keys ascend strictly, or the data file is refused as corrupt; memory holds no more than a batch and the blocks that are still
//! few. When it fails, nothing is left on the disk. Answers to `LookupLevels.createSstFileFromDataFile`.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{DataField, DataFileMeta, Error, ErrorKind, Predicate, Result};
use alluvium_merge_tree::{EncodedKeys, KeyEncoder};

use super::block::{Block, BlockShape, KeptColumns};
use super::bloom_filter::{BloomFilter, BloomShape};
use super::limits::LookupLimits;
use super::lookup_file::{Content, LookupFile, SpilledBlock};
use crate::block_codec::BlockWriter;
use crate::data_file::{DataFileBatch, DataFileRead, DataFileReader, PartitionBucket, SystemColumns};
use crate::local_disk::LocalDisk;
use crate::table_store::TableStore;

/// More rows than this in a block make finding one in it slow, however narrow they are.
const BLOCK_ROWS_MAX: usize = 4096;

/// Why a lookup file was not made.
#[derive(Debug)]
pub(super) enum BuildFailure {
    /// The local disk did not take it.
    LocalDisk(Error),
    /// Anything else.
    Other(Error),
}

impl From<Error> for BuildFailure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<BuildFailure> for Error {
    fn from(failure: BuildFailure) -> Self {
        match failure {
            BuildFailure::LocalDisk(error) | BuildFailure::Other(error) => error,
        }
    }
}

/// Makes the lookup file of a data file. CPU-bound, and it blocks.
///
/// # Errors
/// `NotFound`, `Corrupt` and `Storage` with the path.
pub(super) async fn build(
    table: &TableStore,
    (bucket, file): (&PartitionBucket, &DataFileMeta),
    (fields, kept): (&Arc<[DataField]>, KeptColumns),
    limits: &LookupLimits,
) -> Result<LookupFile, BuildFailure> {
    let system = match kept {
        KeptColumns::Keys => SystemColumns::None,
        KeptColumns::All => SystemColumns::All,
    };
    let read =
        DataFileRead { fields: Arc::clone(fields), system, predicate: Predicate::True, deletions: Arc::default() };
    let schema = to_arrow_schema(fields)?;
    let encoder = KeyEncoder::of_key(&schema, &table.schema().trimmed_primary_keys())?;
    let mut build = Build {
        first_keys: encoder.no_keys()?,
        last_key: encoder.no_keys()?,
        shape: BlockShape::new(schema, kept, encoder),
        limits,
        rows: 0,
        content: Building::Resident { blocks: Vec::new(), bytes: 0 },
    };
    let mut reader = DataFileReader::open(table, bucket, file, &read).await?;
    while let Some(batch) = reader.next().await? {
        if batch.values.num_rows() > 0 {
            build.add(batch, table, file)?;
        }
    }
    Ok(build.finish())
}

/// A lookup file that is being made.
struct Build<'a> {
    shape: BlockShape,
    limits: &'a LookupLimits,
    first_keys: EncodedKeys,
    /// The last one so far, or none.
    last_key: EncodedKeys,
    rows: u64,
    content: Building,
}

enum Building {
    Resident { blocks: Vec<Arc<Block>>, bytes: usize },
    Spilling { writer: Box<BlockWriter>, blocks: Vec<SpilledBlock> },
}

impl Build<'_> {
    fn add(&mut self, batch: DataFileBatch, table: &TableStore, file: &DataFileMeta) -> Result<(), BuildFailure> {
        let block = Block::of(batch, &self.shape.encoder, self.rows)?;
        self.rows += block.num_rows() as u64;
        self.check_ascending(&block, file)?;
        if let Building::Resident { blocks, bytes } = &mut self.content {
            *bytes += block.memory_bytes;
            if *bytes as u64 <= self.limits.resident_bytes {
                self.first_keys.push(&block.keys, 0)?;
                blocks.push(Arc::new(block));
                return Ok(());
            }
            let blocks = std::mem::take(blocks);
            let disk = table.io().local_disk().map_err(BuildFailure::LocalDisk)?;
            self.start_spilling(&disk, &blocks)?;
        }
        self.spill(&block)
    }

    /// Keys ascend from block to block, and within one.
    fn check_ascending(&mut self, block: &Block, file: &DataFileMeta) -> Result<()> {
        let follows = self.last_key.is_empty() || self.last_key.compare(0, &block.keys, 0).is_lt();
        if !follows || !block.keys.ascend() {
            let name = &file.file_name;
            let what =
                format!("the keys of data file {name} do not ascend: it is damaged or was not written as sorted");
            return Err(Error::new(ErrorKind::Corrupt, what));
        }
        self.last_key = self.shape.encoder.no_keys()?;
        self.last_key.push(&block.keys, block.num_rows() - 1)
    }

    /// The blocks are no longer few: they go to the disk, cut anew.
    fn start_spilling(&mut self, disk: &LocalDisk, blocks: &[Arc<Block>]) -> Result<(), BuildFailure> {
        let file = disk.create().map_err(BuildFailure::LocalDisk)?;
        let writer = BlockWriter::new(file, self.limits.compression)?;
        self.content = Building::Spilling { writer: Box::new(writer), blocks: Vec::new() };
        self.first_keys = self.shape.encoder.no_keys()?;
        blocks.iter().try_for_each(|block| self.spill(block))
    }

    /// Writes a block to the disk, cut to pages.
    fn spill(&mut self, block: &Block) -> Result<(), BuildFailure> {
        let Building::Spilling { writer, blocks } = &mut self.content else {
            return Err(Error::internal("a lookup file is spilled to no file").into());
        };
        let rows = block.num_rows();
        let page_rows = rows_of_pages(block.column_bytes()?, rows, self.limits.page_bytes);
        for start in (0..rows).step_by(page_rows) {
            let length = page_rows.min(rows - start);
            let columns = block.columns(&self.shape, start, length)?;
            let place = writer.write(&columns).map_err(BuildFailure::LocalDisk)?;
            let filter = self.limits.bloom_filter.map(|shape: BloomShape| {
                BloomFilter::of(shape, (start..start + length).map(|row| block.keys.hash(row)))
            });
            self.first_keys.push(&block.keys, start)?;
            blocks.push(SpilledBlock { place, first_row: block.first_row + start as u64, filter });
        }
        Ok(())
    }

    fn finish(self) -> LookupFile {
        let content = match self.content {
            Building::Resident { blocks, .. } => Content::Resident(blocks),
            Building::Spilling { writer, blocks } => {
                Content::Spilled { file: writer.finish(Arc::clone(self.shape.columns())), blocks }
            }
        };
        LookupFile { shape: self.shape, first_keys: self.first_keys, content }
    }
}

/// Rows of a page of so many bytes, where `rows` rows take `bytes`.
fn rows_of_pages(bytes: usize, rows: usize, page_bytes: u64) -> usize {
    let pages = (bytes as u64).div_ceil(page_bytes.max(1)).max(1);
    let rows_of_page = (rows as u64).div_ceil(pages);
    usize::try_from(rows_of_page).unwrap_or(BLOCK_ROWS_MAX).clamp(1, BLOCK_ROWS_MAX)
}
