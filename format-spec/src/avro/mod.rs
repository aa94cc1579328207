//! A bounded codec for the Avro object container files that hold Paimon's metadata.
//!
//! Goes in: the bytes of a file and a plan that says which columns are wanted, or records to write under one of Paimon's fixed
//! schemas. Comes out: structs, decoded by name with the writer's schema that the file carries and without a tree of values in
//! between; or bytes whose header is Java's. Columns that the file lacks keep their default, columns that nobody asked for are
//! skipped. Every length is checked against what is left before anything is allocated. Answers to `AvroFileFormat`.

mod compression;
mod container;
mod decoder;
mod encoder;
mod plan;
mod schema;

pub use compression::Compression;
pub(crate) use container::{Writer, read_records};
pub(crate) use decoder::Decoder;
pub(crate) use encoder::Encoder;
pub(crate) use plan::{Fields, Plan};
pub(crate) use schema::Type;

use std::fmt;

use crate::error::Error;

/// Where in which file something is read, for errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The file.
    pub(crate) path: &'a str,
    /// Offset in the file, bytes; that of the block's payload for what is within a compressed block.
    pub(crate) offset: usize,
}

impl Place<'_> {
    /// The error that the bytes here are wrong.
    #[cold]
    pub(crate) fn corrupt(&self, why: impl fmt::Display) -> Error {
        Error::corrupt(self.path, self.offset, why)
    }
}
