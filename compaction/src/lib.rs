//! Compaction: which runs to merge, and the merging.
//!
//! [`strategy`] decides over values; [`dedicated`] compacts tables that others write.

pub mod dedicated;
pub mod strategy;

pub use dedicated::{CompactReport, CompactRequest, compact_table};
