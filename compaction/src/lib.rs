//! Compaction: which runs to merge, and the merging.

pub mod strategy;
