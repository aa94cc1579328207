//!
//! Goes in: file metadata and batches of records that others read. Comes out: which files make a run, a level, a section; and
//! the merged batches. No files, no async, no clock: every decision can be tested from a line of text.

pub mod key_value;
pub mod merge_function;
pub mod merge_options;
pub mod sorted_run;

pub use key_value::{KeyValueBatch, drop_deletes};
pub use merge_function::{Deduplicate, Deletes, MergeFunction};
pub use merge_options::{MergeOptions, SequenceOrder};
pub use sorted_run::{LevelSortedRun, Section, SortedRun};
