//! The write path: rows with row kinds become sorted runs and commits.
//!
//! Goes in: batches of rows. Comes out: snapshots. [`TableWrite`] splits batches by partition and bucket, each bucket has a buffer
//! and an LSM tree of its own, and a commit hands what they did to [`alluvium_store::FileStoreCommit`].

mod bucket_rows;
mod bucket_settings;
mod bucket_writer;
mod default_values;
mod flush;
mod hash_assigner;
mod key_assigner;
mod leftovers;
mod partitioner;
pub mod postpone;
pub mod rescale;
mod restore;
mod row_check;
mod row_source;
mod table_rows;
pub mod table_write;
mod unfinished;
mod value_limits;
mod write_buffer;

pub use table_write::{CommitExtras, CompactionWait, TableWrite, WriteMode, WriteOptions};
