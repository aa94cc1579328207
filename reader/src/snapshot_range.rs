//! What a table holds, as far as the start of a stream and a range of changes need to know it.
//!
//! Goes in: a table. Comes out: the [`SnapshotRange`], the [`StartFacts`] of a start-up mode, and snapshots whose changes are read,
//! which may live on as long-lived changelogs. Answers to `SnapshotManager`, `ChangelogManager` and `NextSnapshotFetcher`.

use alluvium_format::snapshot::BATCH_COMMIT_IDENTIFIER;
use alluvium_format::{ChangelogProducer, CommitKind, Result, Snapshot};
use alluvium_store::TableStore;

use crate::follow_up_scanner::ChangeSource;
use crate::starting_scanner::{SnapshotRange, StartFacts, StartupMode};

/// Which snapshots there are.
///
/// # Errors
/// `Storage`.
pub(crate) async fn snapshot_range(table: &TableStore) -> Result<SnapshotRange> {
    let snapshots = table.snapshots();
    // The latest is looked for last: a commit between the two must not make the range look empty.
    let earliest_changelog = snapshots.changelog_ids().await?.first().copied();
    let earliest = snapshots.earliest_id().await?;
    Ok(SnapshotRange { earliest, latest: snapshots.latest_id().await?, earliest_changelog })
}

/// Where the changes of a table are.
///
/// # Errors
/// `Invalid` when the option is wrong.
pub(crate) fn change_source(table: &TableStore) -> Result<ChangeSource> {
    Ok(match table.options().changelog_producer()? {
        ChangelogProducer::None => ChangeSource::AddedFiles,
        _ => ChangeSource::ChangelogFiles,
    })
}

/// The snapshot of an id, or the long-lived changelog that is left of it.
///
/// # Errors
/// `Corrupt` or `Storage`.
pub(crate) async fn find_change_snapshot(table: &TableStore, id: i64) -> Result<Option<Snapshot>> {
    match table.snapshots().find(id).await? {
        Some(snapshot) => Ok(Some(snapshot)),
        None => table.snapshots().find_changelog(id).await,
    }
}

/// What a start in `mode` needs to know.
///
/// # Errors
/// `Corrupt`, `Storage`; `Invalid` when an option is wrong.
pub(crate) async fn start_facts(table: &TableStore, mode: StartupMode) -> Result<StartFacts> {
    let range = snapshot_range(table).await?;
    let compacted = match mode {
        StartupMode::CompactedFull => latest_compacted(table, &range, counted_compactions(table)?).await?,
        StartupMode::CompactBucketTable => latest_compacted(table, &range, None).await?,
        _ => None,
    };
    let before_timestamp = match mode {
        StartupMode::FromTimestamp(millis) | StartupMode::FromCreationTimestamp(millis) => {
            last_before(table, &range, millis).await?
        }
        _ => None,
    };
    Ok(StartFacts { range, compacted, before_timestamp })
}

/// Where full compactions make the changelog, or are made every so many commits: how many. Only those count then.
///
/// # Errors
/// `Invalid` when an option is wrong.
pub(crate) fn counted_compactions(table: &TableStore) -> Result<Option<i64>> {
    let options = table.options();
    let every = options.full_compaction_delta_commits()?;
    let full_only = options.changelog_producer()? == ChangelogProducer::FullCompaction || every.is_some();
    Ok(full_only.then(|| i64::from(every.unwrap_or(1))))
}

/// The latest COMPACT snapshot, or the latest that counts as that of a full compaction where those come `every` so many commits.
///
/// # Errors
/// `Corrupt` or `Storage`.
pub(crate) async fn latest_compacted(
    table: &TableStore,
    range: &SnapshotRange,
    every: Option<i64>,
) -> Result<Option<i64>> {
    let (Some(earliest), Some(latest)) = (range.earliest, range.latest) else { return Ok(None) };
    for id in (earliest..=latest).rev() {
        let Some(snapshot) = table.snapshots().find(id).await? else { return Ok(None) };
        let identifier = snapshot.commit_identifier;
        // A job that commits once always compacts fully.
        let counts = every.is_none_or(|every| identifier == BATCH_COMMIT_IDENTIFIER || identifier % every == 0);
        if snapshot.commit_kind == CommitKind::Compact && counts {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// The last snapshot or long-lived changelog of a time before `millis`.
async fn last_before(table: &TableStore, range: &SnapshotRange, millis: i64) -> Result<Option<i64>> {
    let (Some(mut low), Some(mut high)) = (range.earliest_readable(), range.latest) else { return Ok(None) };
    let mut found = None;
    while low <= high {
        let middle = low + (high - low) / 2;
        let before = match find_change_snapshot(table, middle).await? {
            Some(snapshot) => snapshot.time_millis < millis,
            // It has expired meanwhile, so it is older than all that are left.
            None => true,
        };
        if before {
            found = Some(middle);
            low = middle + 1;
        } else {
            high = middle - 1;
        }
    }
    Ok(found)
}
