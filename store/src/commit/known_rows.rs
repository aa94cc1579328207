//! Whether others brought rows that whoever commits does not know of.
//!
//! Goes in: the snapshot up to which the rows are known, and the partitions in which it matters. Comes out: nothing, or the conflict. Snapshots
//! of this user are known to it. Rows that wait for their buckets are of no account until a compaction gives them some; any other
//! compaction brings none. Answers to `commit.strict-mode.last-safe-snapshot` (`StrictModeChecker`).

use alluvium_format::{CommitKind, Error, ErrorKind, Predicate, Result, Snapshot};

use crate::commit::FileStoreCommit;
use crate::commit::overwrite::Replaced;
use crate::scan;

impl FileStoreCommit {
    /// Checks that nobody else brought rows to these partitions, all when it is `None`, after the snapshot `known`.
    pub(super) async fn check_known_until(
        &self,
        known: i64,
        partitions: Option<&Replaced>,
        latest: Option<&Snapshot>,
    ) -> Result<()> {
        let latest_id = latest.map_or(0, |latest| latest.id);
        if latest_id < known {
            return Err(self.unknown_rows(&format!("snapshot {known} is gone: the table was rolled back")));
        }
        for id in (known + 1..=latest_id).rev() {
            let snapshot = match latest.filter(|latest| latest.id == id) {
                Some(latest) => Some(latest.clone()),
                None => self.table.snapshots().find(id).await?,
            };
            match snapshot {
                None => {
                    let why = format!("snapshot {id} has expired, so that it cannot be told what it brought");
                    return Err(self.unknown_rows(&why));
                }
                Some(other) if other.commit_user == *self.user => {}
                Some(other) if self.brings_rows(&other, partitions).await? => {
                    let why = format!("snapshot {id} of user {} changed rows since", other.commit_user);
                    return Err(self.unknown_rows(&why));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Whether a snapshot changed rows that have buckets in these partitions.
    async fn brings_rows(&self, snapshot: &Snapshot, partitions: Option<&Replaced>) -> Result<bool> {
        let entries = scan::delta_entries(&self.table, snapshot, &Predicate::True).await?;
        // Of those of a compaction only rows that waited are new to the buckets.
        let from_buckets = snapshot.commit_kind != CommitKind::Compact;
        Ok(entries.iter().any(|entry| {
            (entry.bucket >= 0) == from_buckets && partitions.is_none_or(|partitions| partitions.has(&entry.partition))
        }))
    }

    fn unknown_rows(&self, why: &str) -> Error {
        let message = format!(
            "the commit to {} goes by what the table held before: {why}; nothing was committed: start again from the latest snapshot, \
             and let one job write the table",
            self.table.name()
        );
        Error::new(ErrorKind::Conflict, message)
    }
}
