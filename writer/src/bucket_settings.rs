//! What the writers of all buckets of a table share.

use alluvium_compaction::{CompactorSettings, UnawareCompaction};
use alluvium_format::options::ChangelogProducer;
use alluvium_format::{BucketMode, Result};
use alluvium_merge_tree::MergeOptions;
use alluvium_store::TableStore;

use crate::postpone::waiting_rows::table_of_waiting_files;

/// What the writers of all buckets share.
#[derive(Debug)]
pub(crate) struct BucketSettings {
    pub(crate) compact: CompactorSettings,
    pub(crate) compaction: Compaction,
    pub(crate) total_buckets: i32,
    pub(crate) raw_changes: RawChanges,
    pub(crate) earlier_files: EarlierFiles,
    /// The table as it is for files whose rows wait for their buckets; `None` where rows have buckets.
    pub(crate) postponed: Option<TableStore>,
}

/// Whether a writer goes on from the files that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EarlierFiles {
    /// Its sequence numbers do, and its compactions.
    Restored,
    /// Rows have no order, as in tables without buckets.
    Ignored,
}

/// Whether buckets are compacted by their writer: `write-only`. In tables without buckets a writer has none for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compaction {
    /// Here.
    ByWriter,
    /// Elsewhere, or later.
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
    /// Those of a table for the writer of this user.
    pub(crate) fn of(table: &TableStore, user: &str) -> Result<Self> {
        let options = table.options();
        let postponed = options.bucket_mode(table.schema())? == BucketMode::Postpone;
        let is_input = options.changelog_producer()? == ChangelogProducer::Input;
        let is_unaware = options.bucket_mode(table.schema())? == BucketMode::Unaware;
        let by_others = is_unaware || postponed || options.write_only()?;
        let goes_on = !is_unaware && !postponed;
        Ok(Self {
            compact: CompactorSettings::of(table)?,
            compaction: if by_others { Compaction::ByOthers } else { Compaction::ByWriter },
            earlier_files: if goes_on { EarlierFiles::Restored } else { EarlierFiles::Ignored },
            total_buckets: options.bucket()?,
            // Rows that wait become changes when they get their buckets.
            raw_changes: if is_input && !postponed { RawChanges::Written } else { RawChanges::Dropped },
            postponed: if postponed { Some(table_of_waiting_files(table, user)?) } else { None },
        })
    }

    /// The table.
    pub(crate) fn table(&self) -> &TableStore {
        self.compact.table()
    }

    /// What compacts a table without buckets beside its writer; `None` where buckets are compacted, or others do it.
    pub(crate) fn unaware_compaction(&self) -> Result<Option<UnawareCompaction>> {
        match &self.compact {
            CompactorSettings::Append(settings)
                if self.earlier_files == EarlierFiles::Ignored && !self.table().options().write_only()? =>
            {
                Ok(Some(UnawareCompaction::new(settings)))
            }
            _ => Ok(None),
        }
    }

    /// How records of a key merge; `None` where there are no keys, and rows stay as they came.
    pub(crate) fn merge(&self) -> Option<&MergeOptions> {
        match &self.compact {
            CompactorSettings::MergeTree(settings) => Some(settings.merge()),
            CompactorSettings::Append(_) => None,
        }
    }

    /// Whether records of level 0 are looked up when they are compacted, here.
    pub(crate) fn looks_up(&self) -> bool {
        self.compaction == Compaction::ByWriter && self.compact.needs_lookup()
    }
}
