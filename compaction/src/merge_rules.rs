//! How the compactions of a table merge records, and find out what that changes.
//!
//! Goes in: a table's options, its merge, and its rewriter. Comes out: [`MergeRules`], which every rewriting of a compaction goes by.

use std::sync::Arc;

use alluvium_format::{CoreOptions, Error, Result, TableSchema};
use alluvium_merge_tree::MergeOptions;

use crate::rewriter::Tracker;
use crate::strategy::{Retractions, RewriterKind};

/// How compactions merge.
#[derive(Debug)]
pub(crate) struct MergeRules {
    /// What becomes of the records of a key.
    pub(crate) merge: MergeOptions,
    /// How passes find out what their records change, in tables that ask for it.
    tracker: Option<Arc<Tracker>>,
    /// How files that stay as they are find the rows that they replace.
    deletion_tracker: Arc<Tracker>,
}

impl MergeRules {
    /// Those of a table that merges by `merge`.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub(crate) fn new(
        schema: &TableSchema,
        options: &CoreOptions,
        merge: MergeOptions,
        rewriter: &RewriterKind,
    ) -> Result<Self> {
        Ok(Self {
            tracker: Tracker::new(schema, options, &merge, rewriter)?.map(Arc::new),
            deletion_tracker: Arc::new(Tracker::of_deletions(schema, &merge)?),
            merge,
        })
    }

    /// How a pass finds out what its records change; `rewrite` is `None` for a file that stays as it is.
    ///
    /// # Errors
    /// `Internal` when the table's compactions only merge.
    pub(crate) fn tracker(&self, rewrite: Option<Retractions>) -> Result<Arc<Tracker>> {
        let only_merges = || Error::internal("a compaction that only merges was to find out what changes");
        let tracker = self.tracker.as_ref().ok_or_else(only_merges)?;
        let marks_only = rewrite.is_none() && !tracker.writes_changelog();
        Ok(Arc::clone(if marks_only { &self.deletion_tracker } else { tracker }))
    }
}
