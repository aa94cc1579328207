//! Which files to compact, and how: pure decisions over the runs of one bucket.
//!
//! Goes in: the sorted runs with their levels and sizes. Comes out: a [`CompactUnit`] (which files, to which level), and from that a
//! [`CompactPlan`] (what to rewrite, what to upgrade). Invariants: a unit takes runs from the newest on without a gap, so what stays
//! behind is older than all of it; it never outputs to level 0. Answers to `org.apache.paimon.mergetree.compact.CompactStrategy`.

pub mod full;
pub mod plan;
pub mod result;
pub mod unit;
pub mod universal;

pub use full::{Rewriting, full_compaction};
pub use plan::{CompactPlan, CompactRules, CompactStep};
pub use result::{CompactResult, FoldedResults};
pub use unit::{CompactUnit, UnitTask, drops_deletes};
pub use universal::UniversalCompaction;
// What the strategies decide over, for those that see them through this crate only.
pub use alluvium_merge_tree::{LevelSortedRun, Levels, SortedRun};

#[cfg(test)]
mod tests;
