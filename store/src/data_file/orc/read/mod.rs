//! Reads an ORC file, stripe after stripe.
//!
//! Goes in: the file and the columns that are wanted. Comes out: which stripes there are and may match a predicate, then batches of
//! the columns in their in-memory form. Answers to `org.apache.paimon.format.orc.OrcReaderFactory`.

mod byte_runs;
mod byte_stream;
mod column;
mod decimals;
mod integers;
mod nested;
mod numbers;
mod plan;
mod source;
mod stripe;
mod stripes;
mod tail;
mod texts;
mod timestamps;
mod validity;
mod writer_zone;

#[cfg(test)]
pub(in crate::data_file::orc) use byte_stream::{ByteStream, Chunks};
#[cfg(test)]
pub(in crate::data_file::orc) use integers::Integers;
pub(in crate::data_file) use source::{OrcBatches, OrcFile};
pub(in crate::data_file::orc) use timestamps::BASE_SECONDS;
pub(in crate::data_file) use timestamps::Instants;
