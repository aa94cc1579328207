//! Compaction: which runs to merge, and the merging.
//!
//! [`strategy`] decides over values, a rewriter performs what was decided. [`bucket_compaction`] compacts beside a writer,
//! [`dedicated`] compacts tables that others write. [`append`] does both for tables without a primary key,
//! whose rows [`sort_compaction`] puts in order.

pub mod append;
pub mod bucket_compaction;
pub mod bucket_compactor;
pub mod dedicated;
mod deletion_maintainer;
pub mod file_index_rewrite;
pub mod full_compactions;
mod merge_rules;
mod rewriter;
pub mod settings;
pub mod sort_compaction;
pub mod stop;
pub mod strategy;
pub mod unpublished;

pub use append::{AppendCompaction, AppendRules, AppendSettings, UnawareCompaction};
pub use bucket_compaction::BucketCompaction;
pub use bucket_compactor::{BucketCompactor, CompactorSettings};
pub use dedicated::fleet::{Fleet, FleetEvent, FleetRequest, FleetScope, FleetSummary, TableOutlook};
pub use dedicated::{BucketOutlook, CompactReport, CompactRequest, compact_table, outlook};
pub use file_index_rewrite::{FileIndexReport, rewrite_file_index};
pub use full_compactions::FullCompactions;
pub use settings::{CompactSettings, Picking};
pub use sort_compaction::curve::Curve;
pub use sort_compaction::{OrderStrategy, SortOrder};
pub use stop::{StopGuard, StopSignal};
pub use unpublished::{delete_unpublished, delete_unpublished_compaction};
