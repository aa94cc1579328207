//! The tests of the merge tree: one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod files;
mod key_order;
mod levels;
mod records;
mod sections;
mod sort_buffers;
mod sort_merges;
