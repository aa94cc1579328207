//! The tests of the write path and of compaction beside it: one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod append;
mod append_model;
mod commits;
mod compactors;
mod cross_partition;
mod dynamic_buckets;
mod engines;
mod faults;
mod fleet;
mod full_compactions;
mod golden;
mod lookups;
mod model;
mod overwrites;
mod postpone;
mod rescales;
mod rows;
mod sort_compactions;
mod spills;
mod world;
