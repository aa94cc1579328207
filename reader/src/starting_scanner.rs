//! Where a stream starts: a start-up mode and what the table holds become a first plan and a next snapshot.
//!
//! Goes in: a [`StartupMode`] and [`StartFacts`]. Comes out: a [`Start`]. Pure. A stream that starts with a full read must not
//! read what the changelog will bring again: a table whose compaction makes the changelog (`lookup`, `full-compaction`) is
//! read without the levels that are not compacted yet. Answers to `AbstractDataTableScan.createStartingScanner`.

use alluvium_format::{Error, ErrorKind, Result};

/// Where a stream starts: Paimon's `scan.mode`s and `stream-scan-mode`s, and two of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartupMode {
    /// `latest`: changes after the latest snapshot; from snapshot 1 when there is none.
    Latest,
    /// Ours: changes from the earliest snapshot or long-lived changelog that is left.
    Earliest,
    /// `latest-full`: the rows of the latest snapshot, then the changes after it.
    LatestFull,
    /// `compacted-full`: the rows of the latest compacted snapshot, then the changes after it.
    CompactedFull,
    /// `from-file-creation-time`: of the latest snapshot the rows of files created at this time or later, then the changes in such files;
    /// milliseconds since 1970.
    FromFileCreationTime(i64),
    /// `from-creation-timestamp`: as `from-timestamp` where a snapshot before and one of that time or later are left, as
    /// `from-file-creation-time` otherwise.
    FromCreationTimestamp(i64),
    /// `compact-bucket-table`: changes after the latest COMPACT snapshot, or from the earliest that is left.
    CompactBucketTable,
    /// `from-snapshot`: changes from this snapshot, or from the earliest that is left.
    FromSnapshot(i64),
    /// `from-snapshot-full`: the rows of this snapshot, or of the earliest that is left, then the changes after it.
    FromSnapshotFull(i64),
    /// `from-timestamp`: changes of snapshots committed at this time or later, milliseconds since 1970.
    FromTimestamp(i64),
    /// Ours: exactly from this snapshot, the saved position of an earlier stream; an error when it has expired.
    Position(i64),
}

/// Which snapshots there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotRange {
    /// The first snapshot that has not expired.
    pub earliest: Option<i64>,
    /// The last snapshot.
    pub latest: Option<i64>,
    /// The first long-lived changelog, where changelogs outlive snapshots.
    pub earliest_changelog: Option<i64>,
}

impl SnapshotRange {
    /// The first snapshot whose changes can still be read.
    pub fn earliest_readable(&self) -> Option<i64> {
        match (self.earliest_changelog, self.earliest) {
            (Some(changelog), Some(snapshot)) => Some(changelog.min(snapshot)),
            (changelog, snapshot) => changelog.or(snapshot),
        }
    }
}

/// What the table holds, as far as a start needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartFacts {
    /// Which snapshots there are.
    pub range: SnapshotRange,
    /// The latest snapshot that counts as compacted; looked for in the modes `compacted-full` and `compact-bucket-table` only.
    pub compacted: Option<i64>,
    /// The last snapshot before the time asked for; looked for in the modes `from-timestamp` and `from-creation-timestamp` only.
    pub before_timestamp: Option<i64>,
}

/// How a stream starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With all rows of a snapshot, which has to come first when there is none; changes follow from the next one.
    Full(i64),
    /// With the rows of those files of a snapshot that were created at a time or later, milliseconds since 1970.
    FilesSince(i64, i64),
    /// With the changes of this snapshot.
    Changes(i64),
    /// Not yet: the table has no snapshot whose rows could be read.
    Wait,
}

/// Decides where a stream starts.
///
/// # Errors
/// `Invalid` when the start lies beyond the table's snapshots.
pub fn start(mode: StartupMode, facts: &StartFacts) -> Result<Start> {
    let range = &facts.range;
    let first = range.earliest_readable();
    Ok(match mode {
        StartupMode::Latest => Start::Changes(range.latest.map_or(1, |latest| latest + 1)),
        StartupMode::Earliest => Start::Changes(first.unwrap_or(1)),
        StartupMode::LatestFull => range.latest.map_or(Start::Wait, Start::Full),
        StartupMode::CompactedFull => facts.compacted.or(range.latest).map_or(Start::Wait, Start::Full),
        StartupMode::CompactBucketTable => match (facts.compacted, range.earliest) {
            (Some(compacted), _) => Start::Changes(compacted + 1),
            (None, earliest) => earliest.map_or(Start::Wait, Start::Changes),
        },
        StartupMode::FromSnapshot(id) => match first {
            Some(first) => Start::Changes(id.max(first)),
            None if id <= 1 => Start::Changes(1),
            None => Start::Wait,
        },
        StartupMode::FromSnapshotFull(id) => match range.earliest {
            Some(earliest) if range.latest >= Some(id) => Start::Full(id.max(earliest)),
            Some(_) => return Err(beyond(id, range)),
            None => Start::Wait,
        },
        StartupMode::FromTimestamp(_) => match first {
            Some(first) => Start::Changes(facts.before_timestamp.map_or(first, |before| first.max(before + 1))),
            None => Start::Wait,
        },
        StartupMode::FromFileCreationTime(millis) => files_since(range, millis),
        StartupMode::FromCreationTimestamp(millis) => match (facts.before_timestamp, range.latest) {
            (Some(before), Some(latest)) if before < latest => Start::Changes(before + 1),
            _ => files_since(range, millis),
        },
        StartupMode::Position(next) => {
            check_not_beyond(next, range)?;
            Start::Changes(next)
        }
    })
}

fn files_since(range: &SnapshotRange, millis: i64) -> Start {
    range.latest.map_or(Start::Wait, |latest| Start::FilesSince(latest, millis))
}

/// Whether the changes of snapshot `next` are there, have been, or can be the next that come.
///
/// # Errors
/// `Invalid` when the table's snapshots end before the one that precedes it.
pub(crate) fn check_not_beyond(next: i64, range: &SnapshotRange) -> Result<()> {
    if next > range.latest.unwrap_or(0) + 1 {
        return Err(beyond(next, range));
    }
    Ok(())
}

/// Why a stream whose next snapshot has expired does not go on; `first` is the first that is left.
pub(crate) fn expired(next: i64, first: i64) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!(
            "snapshot {next} has expired, the earliest left is {first}: start again from there or with a full read; \
             a consumer id, or a longer snapshot.time-retained or changelog.time-retained, keeps what a reader still needs"
        ),
    )
}

fn beyond(next: i64, range: &SnapshotRange) -> Error {
    let have = match (range.earliest_readable(), range.latest) {
        (Some(first), Some(latest)) => format!("the table has snapshots {first} to {latest}"),
        _ => "the table has no snapshot".to_owned(),
    };
    Error::invalid(format!(
        "snapshot {next} is beyond the next one, {have}: it was rolled back or replaced since the position was taken; \
         start again with a full read"
    ))
}

#[cfg(test)]
mod tests {
    use super::{SnapshotRange, Start, StartFacts, StartupMode, start};

    fn facts(earliest: i64, latest: i64) -> StartFacts {
        let range = SnapshotRange { earliest: Some(earliest), latest: Some(latest), earliest_changelog: None };
        StartFacts { range, ..StartFacts::default() }
    }

    #[test]
    fn starts_as_paimon_does() {
        use Start::{Changes, FilesSince, Full, Wait};
        use StartupMode as Mode;
        let some = facts(3, 7);
        let none = StartFacts::default();
        let cases = [
            (Mode::Latest, some, Changes(8)),
            (Mode::Latest, none, Changes(1)),
            (Mode::Earliest, some, Changes(3)),
            (Mode::Earliest, none, Changes(1)),
            (Mode::LatestFull, some, Full(7)),
            (Mode::LatestFull, none, Wait),
            (Mode::CompactedFull, StartFacts { compacted: Some(5), ..some }, Full(5)),
            (Mode::CompactedFull, some, Full(7)),
            (Mode::CompactedFull, none, Wait),
            (Mode::FromSnapshot(5), some, Changes(5)),
            (Mode::FromSnapshot(1), some, Changes(3)),
            (Mode::FromSnapshot(0), none, Changes(1)),
            (Mode::FromSnapshotFull(5), some, Full(5)),
            (Mode::FromSnapshotFull(1), some, Full(3)),
            (Mode::FromTimestamp(9), StartFacts { before_timestamp: Some(5), ..some }, Changes(6)),
            (Mode::FromTimestamp(9), some, Changes(3)),
            (Mode::FromTimestamp(9), none, Wait),
            (Mode::FromSnapshot(5), none, Wait),
            (Mode::FromFileCreationTime(9), some, FilesSince(7, 9)),
            (Mode::FromFileCreationTime(9), none, Wait),
            (Mode::FromCreationTimestamp(9), StartFacts { before_timestamp: Some(5), ..some }, Changes(6)),
            (Mode::FromCreationTimestamp(9), StartFacts { before_timestamp: Some(7), ..some }, FilesSince(7, 9)),
            (Mode::FromCreationTimestamp(9), some, FilesSince(7, 9)),
            (Mode::CompactBucketTable, StartFacts { compacted: Some(5), ..some }, Changes(6)),
            (Mode::CompactBucketTable, some, Changes(3)),
            (Mode::CompactBucketTable, none, Wait),
            (Mode::Position(8), some, Changes(8)),
            (Mode::Position(3), some, Changes(3)),
        ];
        for (mode, facts, wanted) in cases {
            assert_eq!(start(mode, &facts).unwrap(), wanted, "{mode:?} of {facts:?}");
        }
    }

    #[test]
    fn long_lived_changelogs_are_where_it_can_start() {
        let mut facts = facts(10, 12);
        facts.range.earliest_changelog = Some(4);
        assert_eq!(start(StartupMode::Earliest, &facts).unwrap(), Start::Changes(4));
        assert_eq!(start(StartupMode::FromSnapshot(6), &facts).unwrap(), Start::Changes(6));
        assert_eq!(start(StartupMode::Position(4), &facts).unwrap(), Start::Changes(4));
    }

    #[test]
    fn a_saved_position_is_never_moved() {
        assert_eq!(start(StartupMode::Position(2), &facts(3, 7)).unwrap(), Start::Changes(2));
        let beyond = start(StartupMode::Position(9), &facts(3, 7)).unwrap_err();
        assert!(beyond.to_string().contains("beyond"), "{beyond}");
    }
}
