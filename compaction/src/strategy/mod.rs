//! Which files to compact, and how: pure decisions over the runs of one bucket.
//!
//! Goes in: the sorted runs with their levels and sizes. Comes out: a [`CompactUnit`] (which files, to which level), and from that a
//! [`CompactPlan`] (what to rewrite, what to upgrade). Invariants: a unit takes runs from the newest on without a gap, so what stays
//! behind is older than all of it; it never outputs to level 0. Answers to `org.apache.paimon.mergetree.compact.CompactStrategy`.

pub mod early_full;
pub mod full;
pub mod off_peak;
pub mod pick;
pub mod plan;
pub mod result;
pub mod rewriter_kind;
pub mod unit;
pub mod universal;

pub use early_full::EarlyFullCompaction;
pub use full::{Rewriting, full_compaction};
pub use off_peak::OffPeakHours;
pub use pick::{CompactStrategy, Level0, PickState, PickTime};
pub use plan::{CompactPlan, CompactRules, CompactStep};
pub use result::{CompactResult, FoldedResults};
pub use rewriter_kind::{LookupRules, Pass, RewriterKind, UpgradeStrategy};
pub use unit::{CompactUnit, DeletionMode, Retractions, UnitTask};
pub use universal::UniversalCompaction;
// What the strategies decide over, for those that see them through this crate only.
pub use alluvium_merge_tree::{LevelSortedRun, Levels, SortedRun};

#[cfg(test)]
mod tests;
