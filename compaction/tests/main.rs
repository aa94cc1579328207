//! The tests of compaction over files: one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bucket_compactions;
mod curves;
mod expired_records;
mod keyed_bucket;
mod tracked_compactions;
mod tracked_faults;
