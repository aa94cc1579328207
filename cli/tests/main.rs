//! The tests of the binary, run as a user runs it: one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod alter;
mod append;
mod arguments;
mod bad_input;
mod buckets;
mod compaction;
mod external_paths;
mod file_indexes;
mod ingest;
mod quickstart;
mod reading;
mod shell;
mod tables;
mod transcript;
