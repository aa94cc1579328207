//! The snapshots of a table: `snapshot/snapshot-<id>`, with the hints `LATEST` and `EARLIEST`; and long-lived changelogs.
//!
//! A hint is believed only when the files agree with it; else the folder is listed. Answers to
//! `org.apache.paimon.utils.SnapshotManager`, `HintFileUtils` and `ChangelogManager`.

use alluvium_format::{Changelog, Error, ErrorKind, Result, Snapshot, path};

use crate::announcements::SnapshotBell;
use crate::table_io::{PutOutcome, TableIo};

/// The snapshots of a table or a branch.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    io: TableIo,
}

impl SnapshotStore {
    /// The snapshots below a table's folder, or a branch's.
    pub fn new(io: TableIo) -> Self {
        Self { io }
    }

    /// The snapshot of an id; `None` when there is none.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn find(&self, id: i64) -> Result<Option<Snapshot>> {
        let path = path::snapshot(id);
        let Some(bytes) = self.io.get_if_present(&path).await? else { return Ok(None) };
        Snapshot::from_json(&bytes, &format!("{}/{path}", self.io.base())).map(Some)
    }

    /// Whether there is a snapshot of an id.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn exists(&self, id: i64) -> Result<bool> {
        self.io.exists(&path::snapshot(id)).await
    }

    /// The snapshot of an id.
    ///
    /// # Errors
    /// `NotFound` that names the snapshots there are; `Corrupt`; `Storage`.
    pub async fn get(&self, id: i64) -> Result<Snapshot> {
        if let Some(snapshot) = self.find(id).await? {
            return Ok(snapshot);
        }
        let there = match (self.earliest_id().await?, self.latest_id().await?) {
            (Some(earliest), Some(latest)) => format!("the table has snapshots {earliest} to {latest}"),
            _ => "the table has no snapshot".to_owned(),
        };
        Err(Error::new(ErrorKind::NotFound, format!("there is no snapshot {id}: {there}")))
    }

    /// The highest id; `None` in an empty table.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn latest_id(&self) -> Result<Option<i64>> {
        if let Some(hint) = self.hint(path::LATEST).await
            && hint > 0
            && !self.io.exists(&path::snapshot(hint + 1)).await?
            && self.io.exists(&path::snapshot(hint)).await?
        {
            return Ok(Some(hint));
        }
        Ok(self.ids().await?.last().copied())
    }

    /// The lowest id; `None` in an empty table.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn earliest_id(&self) -> Result<Option<i64>> {
        if let Some(hint) = self.hint(path::EARLIEST).await
            && self.io.exists(&path::snapshot(hint)).await?
        {
            return Ok(Some(hint));
        }
        Ok(self.ids().await?.first().copied())
    }

    /// The snapshot of the highest id; `None` in an empty table.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn latest(&self) -> Result<Option<Snapshot>> {
        match self.latest_id().await? {
            Some(id) => self.get(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The ids there are, ascending.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn ids(&self) -> Result<Vec<i64>> {
        self.numbers(path::SNAPSHOT_FOLDER, path::SNAPSHOT_PREFIX).await
    }

    /// The last snapshot with a time at or before `millis`; `None` when all are later.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn at_or_before(&self, millis: i64) -> Result<Option<Snapshot>> {
        let (Some(mut low), Some(mut high)) = (self.earliest_id().await?, self.latest_id().await?) else {
            return Ok(None);
        };
        let mut found = None;
        while low <= high {
            let middle = low + (high - low) / 2;
            let snapshot = self.get(middle).await?;
            if snapshot.time_millis <= millis {
                low = middle + 1;
                found = Some(snapshot);
            } else {
                high = middle - 1;
            }
        }
        Ok(found)
    }

    /// The first snapshot with a watermark of `watermark` or later; `None` when there is none.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn first_of_watermark(&self, watermark: i64) -> Result<Option<Snapshot>> {
        let (Some(mut low), Some(mut high)) = (self.earliest_id().await?, self.latest_id().await?) else {
            return Ok(None);
        };
        let mut found = None;
        while low <= high {
            let middle = low + (high - low) / 2;
            // Commits carry the watermark on: those without one are before all that have one. What expired meanwhile is earlier than all.
            match self.find(middle).await? {
                Some(snapshot) if snapshot.watermark.is_some_and(|reached| reached >= watermark) => {
                    high = middle - 1;
                    found = Some(snapshot);
                }
                _ => low = middle + 1,
            }
        }
        Ok(found)
    }

    /// The newest snapshot of a commit user, looking down from the latest until snapshots end.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn latest_of_user(&self, user: &str) -> Result<Option<Snapshot>> {
        let mut next = self.latest_id().await?;
        while let Some(id) = next.filter(|id| *id > 0) {
            match self.find(id).await? {
                Some(snapshot) if snapshot.commit_user == user => return Ok(Some(snapshot)),
                Some(_) => next = Some(id - 1),
                None => next = None,
            }
        }
        Ok(None)
    }

    /// Publishes a snapshot under its id: the one place where a commit happens.
    ///
    /// # Errors
    /// `Storage` when it is certain that nothing was written.
    pub async fn publish(&self, snapshot: &Snapshot) -> Result<PutOutcome> {
        let outcome = self.io.put_if_absent(&path::snapshot(snapshot.id), snapshot.to_json()).await;
        // Whatever came of it: those who wait for it may look.
        self.announce();
        outcome
    }

    /// Wakes the streams of this process that wait for a snapshot of this table, or branch, so that they look now: for whoever learns of
    /// commits of others. It changes nothing but the time.
    pub fn announce(&self) {
        self.io.announcements().ring(self.io.base().as_ref());
    }

    /// Rings when there may be a new snapshot.
    ///
    /// # Errors
    /// `Invalid` when the path has segments that a store cannot have.
    pub fn bell(&self) -> Result<SnapshotBell> {
        Ok(SnapshotBell::of(&self.io, self.io.below(path::SNAPSHOT_FOLDER)?))
    }

    /// Writes the hint of the latest snapshot, at best effort: readers check it.
    pub async fn hint_latest(&self, id: i64) {
        let hint = format!("{}/{}", path::SNAPSHOT_FOLDER, path::LATEST);
        let _ = self.io.put(&hint, id.to_string()).await;
    }

    async fn hint(&self, name: &str) -> Option<i64> {
        let bytes = self.io.get(&format!("{}/{name}", path::SNAPSHOT_FOLDER)).await.ok()?;
        std::str::from_utf8(&bytes).ok()?.trim().parse().ok()
    }

    /// The long-lived changelog of an id; `None` when there is none.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn find_changelog(&self, id: i64) -> Result<Option<Changelog>> {
        let path = path::changelog(id);
        let Some(bytes) = self.io.get_if_present(&path).await? else { return Ok(None) };
        Changelog::from_json(&bytes, &format!("{}/{path}", self.io.base())).map(Some)
    }

    /// Ids of long-lived changelogs, ascending.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn changelog_ids(&self) -> Result<Vec<i64>> {
        self.numbers(path::CHANGELOG_FOLDER, path::CHANGELOG_PREFIX).await
    }

    async fn numbers(&self, folder: &str, prefix: &str) -> Result<Vec<i64>> {
        let names = self.io.list_files(folder).await?;
        let mut numbers: Vec<i64> = names.iter().filter_map(|name| path::number_after(name, prefix)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}
