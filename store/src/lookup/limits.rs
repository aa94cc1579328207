//! What a table allows its lookup files: how much memory and disk, for how long, and in what form.

use alluvium_format::options::LookupCompression;
use alluvium_format::{CoreOptions, Result};

use super::bloom_filter::BloomShape;

/// Data files whose records take no more memory than this are looked up in where they are decoded: making a file of them for few keys
/// would cost more than reading them once more.
const RESIDENT_BYTES_MAX: u64 = 4 << 20;
/// A file that stays in memory takes no larger part of it than this.
const RESIDENT_SHARE: u64 = 8;

/// The options `lookup.cache-*` of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LookupLimits {
    /// Of blocks in memory, indexes and filters.
    pub(super) memory_bytes: u64,
    /// Of files on the local disk.
    pub(super) disk_bytes: u64,
    /// For so long a file that nobody asks is kept.
    pub(super) retention_millis: u64,
    /// A data file that takes no more is kept in memory.
    pub(super) resident_bytes: u64,
    /// Of a block, uncompressed.
    pub(super) page_bytes: u64,
    pub(super) compression: LookupCompression,
    pub(super) bloom_filter: Option<BloomShape>,
}

impl LookupLimits {
    /// The limits that options set.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong.
    pub(super) fn of(options: &CoreOptions) -> Result<Self> {
        let memory_bytes = options.lookup_cache_max_memory_bytes()?;
        Ok(Self {
            memory_bytes,
            disk_bytes: options.lookup_cache_max_disk_bytes()?,
            retention_millis: options.lookup_cache_file_retention_millis()?,
            resident_bytes: RESIDENT_BYTES_MAX.min(memory_bytes / RESIDENT_SHARE),
            page_bytes: options.cache_page_bytes()?,
            compression: options.lookup_compression()?,
            bloom_filter: options.lookup_bloom_filter_fpp()?.map(BloomShape::of),
        })
    }
}
