//! Reads an Avro file, block after block.
//!
//! Goes in: the file and the columns that are wanted. Comes out: batches of the columns in their in-memory form. Answers to
//! `org.apache.paimon.format.avro.AvroBulkFormat`.

mod arrays;
mod bytes_ahead;
mod column;
mod record;
mod source;
mod values;

pub(in crate::data_file) use source::{AvroBatches, AvroFile};
