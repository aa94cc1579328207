//! A simulated table is a line of text: `3A 4C+ 5O` are the snapshots 3 (APPEND), 4 (COMPACT with changelog), 5 (OVERWRITE).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use alluvium_format::{CommitKind, Snapshot};

use super::{ScanStep, Sighting, SnapshotIdentity, StreamScan, Wanted};
use crate::follow_up_scanner::{ChangeSource, FollowRules, FollowUp, OverwriteReading};
use crate::starting_scanner::{SnapshotRange, StartFacts, StartupMode};

const DELTA: FollowRules = FollowRules { source: ChangeSource::AddedFiles, overwrite: OverwriteReading::AsOthers };
const CHANGELOG: FollowRules =
    FollowRules { source: ChangeSource::ChangelogFiles, overwrite: OverwriteReading::AsOthers };

fn snapshot(id: i64, kind: CommitKind, changelog: bool, history: &str) -> Snapshot {
    Snapshot {
        version: 3,
        id,
        schema_id: 0,
        base_manifest_list: format!("base-{id}{history}"),
        base_manifest_list_size: None,
        delta_manifest_list: format!("delta-{id}{history}"),
        delta_manifest_list_size: None,
        changelog_manifest_list: changelog.then(|| format!("changelog-{id}")),
        changelog_manifest_list_size: None,
        index_manifest: None,
        commit_user: "u".to_owned(),
        commit_identifier: id,
        commit_kind: kind,
        time_millis: id,
        total_record_count: Some(0),
        delta_record_count: Some(0),
        changelog_record_count: None,
        watermark: None,
        statistics: None,
        properties: None,
        next_row_id: None,
    }
}

fn table(text: &str, history: &str) -> Vec<Snapshot> {
    let kind_of = |letter| match letter {
        'A' => CommitKind::Append,
        'C' => CommitKind::Compact,
        'O' => CommitKind::Overwrite,
        _ => CommitKind::Analyze,
    };
    text.split_whitespace()
        .map(|word| {
            let (digits, rest) = word.split_at(word.find(|c: char| !c.is_ascii_digit()).unwrap());
            snapshot(digits.parse().unwrap(), kind_of(rest.chars().next().unwrap()), rest.ends_with('+'), history)
        })
        .collect()
}

fn range(table: &[Snapshot]) -> SnapshotRange {
    SnapshotRange {
        earliest: table.first().map(|s| s.id),
        latest: table.last().map(|s| s.id),
        earliest_changelog: None,
    }
}

/// Steps until the scan waits, ends or fails.
fn run(scan: &mut StreamScan, table: &[Snapshot]) -> String {
    let mut said = Vec::new();
    loop {
        let find = |id| table.iter().find(|snapshot| snapshot.id == id);
        let step = match scan.wanted() {
            Wanted::Start(_) => {
                scan.next(&Sighting::Start(StartFacts { range: range(table), ..StartFacts::default() }))
            }
            Wanted::Snapshot { id, before } => match find(id) {
                Some(snapshot) => {
                    let before = before.and_then(|_| find(id - 1)).map(SnapshotIdentity::of);
                    scan.next(&Sighting::Found { snapshot, before })
                }
                None => scan.next(&Sighting::Missing(range(table))),
            },
            Wanted::Nothing => Ok(ScanStep::End),
        };
        let read = scan.position().unwrap_or(0) - 1;
        said.push(match step {
            Ok(ScanStep::ReadFull(id)) => format!("full{id}"),
            Ok(ScanStep::ReadChanges(FollowUp::AddedFiles)) => format!("added{read}"),
            Ok(ScanStep::ReadChanges(FollowUp::ChangelogFiles)) => format!("changelog{read}"),
            Ok(ScanStep::ReadChanges(FollowUp::Overwrite)) => format!("overwrite{read}"),
            Ok(ScanStep::ReadChanges(FollowUp::Skip)) => "read-nothing".to_owned(),
            Ok(ScanStep::Skip | ScanStep::Started) => continue,
            Ok(ScanStep::Wait) => "wait".to_owned(),
            Ok(ScanStep::End) => "end".to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        });
        if !said.last().unwrap().ends_with(|c: char| c.is_ascii_digit()) {
            return said.join(" ");
        }
    }
}

#[test]
fn reads_each_snapshot_once_in_order() {
    use StartupMode as Mode;
    let overwrite = |overwrite| FollowRules { overwrite, ..DELTA };
    let cases = [
        ("1A 2C 3A", Mode::Earliest, DELTA, None, "added1 added3 wait"),
        ("1A 2C+ 3A 4C+", Mode::Earliest, CHANGELOG, None, "changelog2 changelog4 wait"),
        ("1A+ 2O 3A+", Mode::Earliest, CHANGELOG, None, "changelog1 changelog3 wait"),
        ("1A 2O 3A", Mode::Earliest, DELTA, None, "added1 added3 wait"),
        ("1A 2O", Mode::Earliest, overwrite(OverwriteReading::Retract), None, "added1 overwrite2 wait"),
        ("1A 2O", Mode::Earliest, overwrite(OverwriteReading::Insert), None, "added1 added2 wait"),
        ("3A 4A", Mode::Latest, DELTA, None, "wait"),
        ("3A 4A", Mode::Latest, DELTA, Some(4), "end"),
        ("3A 4A 5A", Mode::LatestFull, DELTA, Some(5), "full5 end"),
        ("3A 4A 5A", Mode::FromSnapshotFull(3), DELTA, Some(4), "full3 added4 end"),
        ("3A 4A 5A", Mode::FromSnapshot(1), DELTA, Some(4), "added3 added4 end"),
        ("", Mode::LatestFull, DELTA, None, "wait"),
        ("", Mode::LatestFull, DELTA, Some(0), "end"),
        ("", Mode::Earliest, DELTA, Some(0), "end"),
        ("3A 4A", Mode::Position(2), DELTA, None, "NotFound"),
        ("3A 4A", Mode::Position(6), DELTA, None, "Invalid"),
    ];
    for (snapshots, mode, rules, last, wanted) in cases {
        let mut scan = StreamScan::new(mode, rules, last);
        assert_eq!(run(&mut scan, &table(snapshots, "")), wanted, "{mode:?} of {snapshots:?}");
    }
}

#[test]
fn goes_on_where_it_waited() {
    let mut scan = StreamScan::new(StartupMode::Latest, DELTA, None);
    assert_eq!(run(&mut scan, &table("", "")), "wait");
    assert_eq!(scan.position(), Some(1));
    assert_eq!(run(&mut scan, &table("1A", "")), "added1 wait");
    assert_eq!(run(&mut scan, &table("1A 2C 3A", "")), "added3 wait");
    assert_eq!(scan.position(), Some(4));
}

#[test]
fn snapshots_that_expire_behind_it_do_no_harm_and_before_it_are_an_error() {
    let mut scan = StreamScan::new(StartupMode::Earliest, DELTA, None);
    assert_eq!(run(&mut scan, &table("1A 2A", "")), "added1 added2 wait");
    assert_eq!(run(&mut scan, &table("3A", "")), "added3 wait");
    assert_eq!(run(&mut scan, &table("6A 7A", "")), "NotFound");
}

#[test]
fn a_rollback_under_the_reader_is_an_error() {
    for (later, why) in [("1A 2A", "shorter"), ("1A 2A 3A 4A", "rewritten")] {
        let mut scan = StreamScan::new(StartupMode::Earliest, DELTA, None);
        assert_eq!(run(&mut scan, &table("1A 2A 3A", "")), "added1 added2 added3 wait");
        assert_eq!(run(&mut scan, &table(later, "'")), "Conflict", "{why}");
    }
}
