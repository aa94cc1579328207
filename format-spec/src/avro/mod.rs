//! A bounded codec for Avro object container files: those that hold Paimon's metadata, and data files.
//!
//! Goes in: the bytes of a file and a plan that says which columns are wanted, or records to write under a schema. Comes out: structs,
//! decoded by name with the writer's schema that the file carries and without a tree of values in between; or bytes whose header is
//! Java's. Columns that the file lacks keep their default, columns that nobody asked for are skipped. Every length is checked against
//! what is left before anything is allocated. Data files are read and written block by block: their columns are none of this module's
//! business, but for the schema that they show. Answers to `AvroFileFormat`.

mod compression;
mod container;
mod data_file_schema;
mod decoder;
mod encoder;
mod header;
mod plan;
mod schema;
mod writer;

pub use compression::Compression;
pub(crate) use container::read_records;
pub use data_file_schema::data_file_schema;
pub use decoder::Decoder;
pub use encoder::Encoder;
pub use header::{BlockHead, Header};
pub(crate) use plan::{Fields, Plan};
pub use schema::{Record, Type};
pub use writer::Writer;

use std::fmt;

use crate::error::Error;

/// Where in which file something is read, for errors.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The file.
    pub path: &'a str,
    /// Offset in the file, bytes; that of the block's payload for what is within a compressed block.
    pub offset: usize,
}

impl Place<'_> {
    /// The error that the bytes here are wrong.
    #[cold]
    pub fn corrupt(&self, why: impl fmt::Display) -> Error {
        Error::corrupt(self.path, self.offset, why)
    }
}
