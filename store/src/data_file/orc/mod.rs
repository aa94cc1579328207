//! Data files in ORC: writing them, and reading those that anybody wrote.
//!
//! Goes in: columns in their in-memory form. Comes out: the bytes of a file; and from files, such columns again. The format is that of
//! the specification of ORC 1 (file version 0.12), which is what `org.apache.orc` 1.9 of Paimon's Java library writes and reads.

mod compression;
mod footer;
mod packed;
mod postscript;
mod protobuf;
pub(super) mod read;
mod schema;
mod sign;
mod statistics;
mod stripe_footer;
mod write;

use super::reader::DecoderError;

pub(super) use write::{OrcLayout, OrcWriter};

/// What decoding ends in; the words of the error say what is wrong with the bytes.
type Decoded<T> = Result<T, DecoderError>;
