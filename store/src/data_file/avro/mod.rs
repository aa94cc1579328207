//! Data files in Avro: writing them, and reading those that anybody wrote.
//!
//! Goes in: columns in their in-memory form. Comes out: the bytes of a file; and from files, such columns again. A file is a header and
//! blocks of rows, each about 64 kB before it is compressed. It says nothing of its values, so that no part of it is left out.

mod column_encoder;
mod file_writer;
mod layout;
pub(super) mod read;

pub(super) use file_writer::AvroWriter;
pub(super) use layout::AvroLayout;
