//! The snapshot that a change makes of the one before.
//!
//! Goes in: the latest snapshot, the change, and the names of what was written for it. Comes out: the snapshot to publish. Pure.

use alluvium_format::snapshot::SNAPSHOT_VERSION;
use alluvium_format::{FileKind, ManifestEntry, Snapshot};

use crate::commit::changes::Change;

/// A manifest list that was written: its name and bytes.
pub(crate) type WrittenList = (String, i64);

/// What an attempt wrote, and found out, for its snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Prepared {
    pub(crate) base: WrittenList,
    pub(crate) delta: WrittenList,
    pub(crate) changelog: Option<WrittenList>,
    pub(crate) index_manifest: Option<String>,
    /// Statistics of the latest snapshot that are still right.
    pub(crate) statistics: Option<String>,
    /// The latest schema.
    pub(crate) schema_id: i64,
    /// Rows of the snapshot before.
    pub(crate) rows_before: i64,
    /// Milliseconds since 1970. As in Java it is the clock's, though it may stand before that of the snapshot before.
    pub(crate) now_millis: i64,
}

/// The id of the snapshot after `latest`.
pub(crate) fn next_id(latest: Option<&Snapshot>) -> i64 {
    latest.map_or(1, |latest| latest.id.saturating_add(1))
}

/// The snapshot that follows `latest`.
pub(crate) fn snapshot(latest: Option<&Snapshot>, user: &str, change: &Change, prepared: Prepared) -> Snapshot {
    let delta_rows = rows(&change.entries);
    let (base, delta) = (prepared.base, prepared.delta);
    let changelog_rows = prepared.changelog.is_some().then(|| rows(&change.changelog));
    let (changelog, changelog_bytes) = prepared.changelog.unzip();
    Snapshot {
        version: SNAPSHOT_VERSION,
        id: next_id(latest),
        schema_id: prepared.schema_id,
        base_manifest_list: base.0,
        base_manifest_list_size: Some(base.1),
        delta_manifest_list: delta.0,
        delta_manifest_list_size: Some(delta.1),
        changelog_manifest_list: changelog,
        changelog_manifest_list_size: changelog_bytes,
        index_manifest: prepared.index_manifest,
        commit_user: user.to_owned(),
        commit_identifier: change.identifier,
        commit_kind: change.kind,
        time_millis: prepared.now_millis,
        total_record_count: Some(prepared.rows_before.saturating_add(delta_rows)),
        delta_record_count: Some(delta_rows),
        changelog_record_count: changelog_rows,
        watermark: latest.and_then(|latest| latest.watermark).max(change.watermark),
        statistics: prepared.statistics,
        properties: (!change.properties.is_empty()).then(|| change.properties.clone()),
        next_row_id: Some(latest.and_then(|latest| latest.next_row_id).unwrap_or(0)),
    }
}

/// Rows added less rows deleted, unmerged.
fn rows(entries: &[ManifestEntry]) -> i64 {
    entries.iter().fold(0, |sum: i64, entry| match entry.kind {
        FileKind::Add => sum.saturating_add(entry.file.row_count),
        FileKind::Delete => sum.saturating_sub(entry.file.row_count),
    })
}
