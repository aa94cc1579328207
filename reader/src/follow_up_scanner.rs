//! What a stream reads of a snapshot that comes after its start: nothing, new files, changelog files or an overwrite.
//!
//! Goes in: a snapshot and the table's [`FollowRules`]. Comes out: a [`FollowUp`]. Pure. A table whose producer is `none` has
//! its changes in the files that APPEND snapshots add; all others in changelog files. Answers to `DeltaFollowUpScanner`,
//! `ChangelogFollowUpScanner`, `AllDeltaFollowUpScanner` and the overwrite branch of `DataTableStreamScan`.

use alluvium_format::{CommitKind, Snapshot};

/// Where a table's changes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeSource {
    /// In the files that APPEND snapshots add (`changelog-producer` is `none`).
    AddedFiles,
    /// In changelog files.
    ChangelogFiles,
    /// In what every commit took away and brought (`stream-scan-mode` is `file-monitor`).
    AllDeltas,
}

/// What a stream makes of OVERWRITE snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverwriteReading {
    /// No more than of any other snapshot.
    AsOthers,
    /// What was taken away is retracted and what came is inserted (`streaming-read-overwrite`).
    Retract,
    /// What came is inserted (`streaming-read-append-overwrite` of append tables).
    Insert,
}

/// What a stream reads of each kind of snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowRules {
    /// Where the changes are.
    pub source: ChangeSource,
    /// What to make of overwrites.
    pub overwrite: OverwriteReading,
}

/// What a stream reads of one snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUp {
    /// Nothing: it holds no change.
    Skip,
    /// Every row of the files it adds.
    AddedFiles,
    /// Every row of its changelog files.
    ChangelogFiles,
    /// The rows of the files it deletes, retracted; then the rows of the files it adds.
    Overwrite,
}

/// Decides what to read of `snapshot`.
pub fn follow_up(snapshot: &Snapshot, rules: FollowRules) -> FollowUp {
    if snapshot.commit_kind == CommitKind::Overwrite {
        match rules.overwrite {
            OverwriteReading::Retract => return FollowUp::Overwrite,
            OverwriteReading::Insert => return FollowUp::AddedFiles,
            OverwriteReading::AsOthers => {}
        }
    }
    match rules.source {
        ChangeSource::AddedFiles if snapshot.commit_kind == CommitKind::Append => FollowUp::AddedFiles,
        ChangeSource::ChangelogFiles if snapshot.changelog_manifest_list.is_some() => FollowUp::ChangelogFiles,
        ChangeSource::AllDeltas if snapshot.commit_kind != CommitKind::Analyze => FollowUp::Overwrite,
        ChangeSource::AddedFiles | ChangeSource::ChangelogFiles | ChangeSource::AllDeltas => FollowUp::Skip,
    }
}
