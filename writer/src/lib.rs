//! The write path: rows with row kinds become sorted runs and commits.
//!
//! Goes in: batches of rows. Comes out: snapshots. [`TableWrite`] splits batches by partition and bucket, each bucket has a buffer
//! and an LSM tree of its own, and a commit hands what they did to [`alluvium_store::FileStoreCommit`].

pub mod table_write;

pub use table_write::{CommitExtras, CompactionWait, TableWrite, WriteOptions};
