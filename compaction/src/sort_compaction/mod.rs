//! Sort compaction: the rows of a partition without buckets, in an order that lets conditions skip files.
//!
//! Goes in: all files of a partition. Comes out: files of the same rows, each with a range of the order of its own. [`order`] says how rows
//! are ordered and makes a key of each, [`curve`] those of the space-filling curves; `external_sort` sorts within its memory, of which
//! [`sort_memory`] plans the use; the rewrite reads, sorts and writes. Answers to `org.apache.paimon.flink.action.SortCompactAction` and
//! `TableSorter`.

pub mod curve;
mod external_sort;
pub mod order;
mod rewrite;
mod rows_done;
mod run_merge;
pub mod sort_memory;

pub(crate) use order::SortKeys;
pub use order::{OrderStrategy, SortOrder};
pub(crate) use rewrite::SortRewrite;
pub(crate) use rows_done::RowsDone;
