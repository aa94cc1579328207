//! What a process keeps of a data file to find keys in: its blocks, in memory while they are few, else on the local disk, and an index
//! of them.
//!
//! Goes in: keys in ascending order. Comes out: the blocks and rows they are at. Invariants: rows are in the order of the data file,
//! none left out, so that a row is its position there; a key is in one block at most. Answers to `org.apache.paimon.mergetree.LookupFile`
//! and `SortLookupStoreReader`.

use std::sync::Arc;

use alluvium_format::{Error, Result};
use alluvium_merge_tree::EncodedKeys;

use super::block::{Block, BlockShape};
use super::bloom_filter::BloomFilter;
use crate::block_codec::{BlockFile, BlockPlace};

/// A data file in a form to find keys in.
#[derive(Debug)]
pub(super) struct LookupFile {
    pub(super) shape: BlockShape,
    /// Of each block.
    pub(super) first_keys: EncodedKeys,
    pub(super) content: Content,
}

/// Where the blocks are.
#[derive(Debug)]
pub(super) enum Content {
    /// In memory: there are few.
    Resident(Vec<Arc<Block>>),
    /// On the local disk.
    Spilled { file: BlockFile, blocks: Vec<SpilledBlock> },
}

/// A block on the local disk.
#[derive(Debug)]
pub(super) struct SpilledBlock {
    pub(super) place: BlockPlace,
    /// The position of its first record in the data file.
    pub(super) first_row: u64,
    pub(super) filter: Option<BloomFilter>,
}

/// Takes a key that was found: the row of the request, the block and the row there.
pub(super) type OnFound<'a> = dyn FnMut(u32, &Arc<Block>, usize) -> Result<()> + 'a;

impl LookupFile {
    /// Finds keys: calls `found` with each of the `wanted` rows of `keys`, which ascend, that is here, its block and its row there. `load`
    /// gives blocks that are not in memory. It blocks.
    ///
    /// # Errors
    /// Those of `load` and `found`.
    pub(super) fn find(
        &self,
        keys: &EncodedKeys,
        wanted: &[u32],
        load: &dyn Fn(usize) -> Result<Arc<Block>>,
        found: &mut OnFound<'_>,
    ) -> Result<()> {
        let mut near = 0;
        let mut open: Option<(usize, Arc<Block>)> = None;
        let mut row = 0;
        for &key in wanted {
            let Some(number) = self.block_of(near, keys, key as usize) else { continue };
            near = number;
            if !self.may_hold(number, keys, key as usize) {
                continue;
            }
            let block = match &open {
                Some((held, block)) if *held == number => Arc::clone(block),
                _ => {
                    let block = self.block(number, load)?;
                    open = Some((number, Arc::clone(&block)));
                    row = 0;
                    block
                }
            };
            row = block.keys.lower_bound(row..block.num_rows(), keys, key as usize);
            if row < block.num_rows() && block.keys.compare(row, keys, key as usize).is_eq() {
                found(key, &block, row)?;
            }
        }
        Ok(())
    }

    /// The one block from `near` on that can hold a key: the last that does not start above it.
    fn block_of(&self, near: usize, keys: &EncodedKeys, key: usize) -> Option<usize> {
        let count = self.first_keys.len();
        let at = self.first_keys.lower_bound(near..count, keys, key);
        let starts_with_it = at < count && self.first_keys.compare(at, keys, key).is_eq();
        if starts_with_it { Some(at) } else { at.checked_sub(1) }
    }

    fn may_hold(&self, number: usize, keys: &EncodedKeys, key: usize) -> bool {
        match &self.content {
            Content::Resident(_) => true,
            Content::Spilled { blocks, .. } => {
                let filter = blocks.get(number).and_then(|block| block.filter.as_ref());
                filter.is_none_or(|filter| filter.may_hold(keys.hash(key)))
            }
        }
    }

    fn block(&self, number: usize, load: &dyn Fn(usize) -> Result<Arc<Block>>) -> Result<Arc<Block>> {
        match &self.content {
            Content::Resident(blocks) => blocks.get(number).cloned().ok_or_else(|| no_block(number)),
            Content::Spilled { .. } => load(number),
        }
    }

    /// Reads a block from the local disk. It blocks.
    ///
    /// # Errors
    /// `Storage` and `Corrupt` when the disk fails.
    pub(super) fn read_block(&self, number: usize) -> Result<Block> {
        let Content::Spilled { file, blocks } = &self.content else { return Err(no_block(number)) };
        let block = blocks.get(number).ok_or_else(|| no_block(number))?;
        let columns = (file.read(&block.place)?, block.place.content_bytes());
        Block::of_columns(columns, &self.shape, block.first_row)
    }

    pub(super) fn num_blocks(&self) -> usize {
        self.first_keys.len()
    }

    /// Bytes of memory that it takes itself, blocks that are read back aside.
    pub(super) fn memory_bytes(&self) -> u64 {
        let content: usize = match &self.content {
            Content::Resident(blocks) => blocks.iter().map(|block| block.memory_bytes).sum(),
            Content::Spilled { blocks, .. } => blocks
                .iter()
                .map(|block| size_of_val(block) + block.filter.as_ref().map_or(0, BloomFilter::memory_bytes))
                .sum(),
        };
        (content + self.first_keys.memory_bytes()) as u64
    }

    /// Bytes on the local disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        match &self.content {
            Content::Resident(_) => 0,
            Content::Spilled { file, .. } => file.bytes(),
        }
    }
}

fn no_block(number: usize) -> Error {
    Error::internal(format!("there is no block {number} on the local disk"))
}
