//! The LSM tree as pure values: sorted runs, levels, sections, the merge.
//!
//! Goes in: file metadata and batches of records that others read. Comes out: which files make a run, a level, a section; and
//! the merged batches. No files, no async, no clock: every decision can be tested from a line of text.

pub mod changelog;
pub mod comparator;
mod gallop;
pub mod interval_partition;
pub mod key_groups;
pub mod key_value;
pub mod levels;
mod loser_tree;
pub mod merge_function;
pub mod merge_options;
pub mod normalized_key;
pub mod record_level_expire;
pub mod sort_buffer;
pub mod sort_merge;
pub mod sorted_run;

pub use interval_partition::interval_partition;
pub use key_groups::KeyGroups;
pub use key_value::{KeyValueBatch, drop_deletes};
pub use levels::Levels;
pub use merge_function::{
    Aggregation, Deduplicate, Deletes, FieldAggregator, FirstRow, FoldOp, FoldStep, Folds, GroupMerge, MergeFunction,
    MergedKeys, PartialUpdate, SingleRecords,
};
pub use merge_options::{MergeOptions, SequenceOrder};
pub use normalized_key::{EncodedKeys, KeyEncoder, ordered_bytes};
pub use record_level_expire::RecordLevelExpire;
pub use sort_buffer::{sort_buffer, sort_records};
pub use sort_merge::{MergeStep, SortMerge};
pub use sorted_run::{LevelSortedRun, Section, SortedRun};
