//! The tests of the merge tree: one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod aggregates;
mod aggregations;
mod files;
mod key_order;
mod levels;
mod partial_update_model;
mod partial_updates;
mod records;
mod sections;
mod sort_buffers;
mod sort_merges;
