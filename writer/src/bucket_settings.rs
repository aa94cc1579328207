//! What the writers of all buckets of a table share.

use std::sync::Arc;

use alluvium_compaction::CompactSettings;
use alluvium_format::Result;
use alluvium_format::options::ChangelogProducer;
use alluvium_store::TableStore;

/// What the writers of all buckets share.
#[derive(Debug)]
pub(crate) struct BucketSettings {
    pub(crate) compact: Arc<CompactSettings>,
    pub(crate) compaction: Compaction,
    pub(crate) total_buckets: i32,
    pub(crate) raw_changes: RawChanges,
}

/// Whether buckets are compacted by their writer: `write-only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compaction {
    /// Here.
    ByWriter,
    /// Elsewhere.
    ByOthers,
}

/// What becomes of the rows as they came: `changelog-producer = input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RawChanges {
    /// They are merged, and gone.
    Dropped,
    /// Each is written to a changelog file, too.
    Written,
}

impl BucketSettings {
    /// Those of a table.
    pub(crate) fn of(table: &TableStore) -> Result<Self> {
        let options = table.options();
        let is_input = options.changelog_producer()? == ChangelogProducer::Input;
        Ok(Self {
            compact: CompactSettings::of(table)?,
            compaction: if options.write_only()? { Compaction::ByOthers } else { Compaction::ByWriter },
            total_buckets: options.bucket()?,
            raw_changes: if is_input { RawChanges::Written } else { RawChanges::Dropped },
        })
    }

    /// The table.
    pub(crate) fn table(&self) -> &TableStore {
        self.compact.table()
    }

    /// Whether records of level 0 are looked up when they are compacted, here.
    pub(crate) fn looks_up(&self) -> bool {
        self.compaction == Compaction::ByWriter && self.compact.needs_lookup()
    }
}
