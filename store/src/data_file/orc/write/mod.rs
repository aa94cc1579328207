//! Writes ORC files, stripe after stripe.
//!
//! Goes in: columns in their in-memory form. Comes out: the bytes of a file that Java reads the same. Answers to
//! `org.apache.orc.impl.WriterImpl` and `RowDataVectorizer`.

mod byte_runs;
mod column;
mod decimals;
mod file_writer;
mod integers;
mod layout;
mod nested;
mod numbers;
mod presence;
mod stream;
mod stripe;
mod tally;
mod texts;
mod timestamps;

pub(in crate::data_file) use file_writer::OrcWriter;
pub(in crate::data_file) use layout::OrcLayout;
