//! Tables whose rows wait for their buckets: the writer puts them aside, a compaction gives them buckets later.
//!
//! Answers to `org.apache.paimon.postpone` and the postpone package of Paimon's Flink connector.

mod bucket_files;
pub(crate) mod compaction;
pub(crate) mod waiting_rows;

pub use compaction::{compact_postponed, outlook_postponed};
