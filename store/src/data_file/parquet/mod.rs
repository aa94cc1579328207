//! Data files in Parquet: writing them, and reading those that anybody wrote.
//!
//! Goes in: columns in their in-memory form. Comes out: the bytes of a file; and from files, such columns again.

mod compression;
mod encoding;
mod file_writer;
pub(super) mod int96;
mod layout;
pub(super) mod read;
mod schema;

pub(super) use file_writer::ParquetWriter;
pub(super) use layout::ParquetLayout;
