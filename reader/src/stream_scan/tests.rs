//! A simulated table is a line of text: `3A 4C+ 5O` are the snapshots 3 (APPEND), 4 (COMPACT with changelog), 5 (OVERWRITE). The time of
//! a snapshot is its id, and so is its watermark; the time of every look is 100.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use alluvium_format::{CommitKind, Snapshot};

use super::{ExpiredSnapshots, ScanRules, ScanStep, Sighting, SnapshotIdentity, StreamScan, Wanted};
use crate::follow_up_scanner::{ChangeSource, FollowRules, FollowUp, OverwriteReading};
use crate::starting_scanner::{SnapshotRange, StartFacts, StartupMode};
use crate::stream_position::{Phase, SplitOffset, StreamPosition, Unfinished};

const DELTA: ScanRules = rules(ChangeSource::AddedFiles);
const CHANGELOG: ScanRules = rules(ChangeSource::ChangelogFiles);
const MONITOR: ScanRules = rules(ChangeSource::AllDeltas);

const fn rules(source: ChangeSource) -> ScanRules {
    ScanRules {
        follow: FollowRules { source, overwrite: OverwriteReading::AsOthers },
        last_snapshot: None,
        bounded_watermark: None,
        snapshot_delay_millis: 0,
        expired: ExpiredSnapshots::Fail,
    }
}

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
        watermark: Some(id),
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
            Wanted::Full(id) => scan.next(&Sighting::Full(find(id))),
            Wanted::Before(id) => scan.next(&Sighting::Before(find(id))),
            Wanted::Snapshot { id, with_before } => match find(id) {
                Some(snapshot) => {
                    let before = find(id - 1).filter(|_| with_before).map(SnapshotIdentity::of);
                    scan.next(&Sighting::Found { snapshot, before, now_millis: 100 })
                }
                None => scan.next(&Sighting::Missing(range(table))),
            },
            Wanted::Nothing => Ok(ScanStep::End),
        };
        let read = scan.next_snapshot().unwrap_or(0) - 1;
        let (word, goes_on) = match step {
            Ok(ScanStep::ReadFull) => (format!("full{read}"), true),
            Ok(ScanStep::ReadChanges(FollowUp::AddedFiles)) => (format!("added{read}"), true),
            Ok(ScanStep::ReadChanges(FollowUp::ChangelogFiles)) => (format!("changelog{read}"), true),
            Ok(ScanStep::ReadChanges(FollowUp::Overwrite)) => (format!("overwrite{read}"), true),
            Ok(ScanStep::ReadChanges(FollowUp::Skip)) => ("read-nothing".to_owned(), false),
            Ok(ScanStep::Expired(first, last)) => (format!("expired{first}-{last}"), true),
            Ok(ScanStep::Skip | ScanStep::Started) => continue,
            Ok(ScanStep::Wait) => ("wait".to_owned(), false),
            Ok(ScanStep::End) => ("end".to_owned(), false),
            Err(error) => (format!("{:?}", error.kind()), false),
        };
        said.push(word);
        if !goes_on {
            return said.join(" ");
        }
    }
}

#[test]
fn reads_each_snapshot_once_in_order() {
    use StartupMode as Mode;
    let overwrite = |overwrite| ScanRules { follow: FollowRules { overwrite, ..DELTA.follow }, ..DELTA };
    let cases = [
        ("1A 2C 3A", Mode::Earliest, DELTA, None, "added1 added3 wait"),
        ("1A 2C+ 3A 4C+", Mode::Earliest, CHANGELOG, None, "changelog2 changelog4 wait"),
        ("1A+ 2O 3A+", Mode::Earliest, CHANGELOG, None, "changelog1 changelog3 wait"),
        ("1A 2O 3A", Mode::Earliest, DELTA, None, "added1 added3 wait"),
        ("1A 2C 3O 4Z", Mode::Earliest, MONITOR, None, "overwrite1 overwrite2 overwrite3 wait"),
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
        let mut scan = StreamScan::new(mode, ScanRules { last_snapshot: last, ..rules });
        assert_eq!(run(&mut scan, &table(snapshots, "")), wanted, "{mode:?} of {snapshots:?}");
    }
}

#[test]
fn goes_on_where_it_waited() {
    let mut scan = StreamScan::new(StartupMode::Latest, DELTA);
    assert_eq!(run(&mut scan, &table("", "")), "wait");
    assert_eq!(scan.next_snapshot(), Some(1));
    assert_eq!(run(&mut scan, &table("1A", "")), "added1 wait");
    assert_eq!(run(&mut scan, &table("1A 2C 3A", "")), "added3 wait");
    assert_eq!(scan.next_snapshot(), Some(4));
}

#[test]
fn snapshots_that_expire_behind_it_do_no_harm_and_before_it_are_an_error() {
    let mut scan = StreamScan::new(StartupMode::Earliest, DELTA);
    assert_eq!(run(&mut scan, &table("1A 2A", "")), "added1 added2 wait");
    assert_eq!(run(&mut scan, &table("3A", "")), "added3 wait");
    assert_eq!(run(&mut scan, &table("6A 7A", "")), "NotFound");
}

#[test]
fn a_rollback_under_the_reader_is_an_error() {
    for (later, why) in [("1A 2A", "shorter"), ("1A 2A 3A 4A", "rewritten")] {
        let mut scan = StreamScan::new(StartupMode::Earliest, DELTA);
        assert_eq!(run(&mut scan, &table("1A 2A 3A", "")), "added1 added2 added3 wait");
        assert_eq!(run(&mut scan, &table(later, "'")), "Conflict", "{why}");
    }
}

#[test]
fn snapshots_that_expired_are_passed_over_and_reported_where_that_is_wanted() {
    let rules = ScanRules { expired: ExpiredSnapshots::Skip, ..DELTA };
    let mut scan = StreamScan::new(StartupMode::Earliest, rules);
    assert_eq!(run(&mut scan, &table("1A 2A", "")), "added1 added2 wait");
    assert_eq!(run(&mut scan, &table("6A 7A", "")), "expired3-5 added6 added7 wait");
    let mut late = StreamScan::new(StartupMode::Position(2), rules);
    assert_eq!(run(&mut late, &table("6A", "")), "expired2-5 added6 wait");
    // What was rolled back has not expired.
    assert_eq!(run(&mut scan, &table("1A 2A", "")), "Conflict");
}

#[test]
fn a_watermark_bounds_it() {
    for (mode, bound, wanted) in [
        (StartupMode::Earliest, 2, "added1 added2 end"),
        (StartupMode::Earliest, 9, "added1 added2 added3 wait"),
        (StartupMode::Earliest, 0, "end"),
        (StartupMode::LatestFull, 2, "full3 end"),
        (StartupMode::LatestFull, 3, "full3 wait"),
        (StartupMode::Latest, 2, "end"),
        (StartupMode::Latest, 3, "wait"),
    ] {
        let mut scan = StreamScan::new(mode, ScanRules { bounded_watermark: Some(bound), ..DELTA });
        assert_eq!(run(&mut scan, &table("1A 2A 3A", "")), wanted, "{mode:?} up to {bound}");
    }
}

#[test]
fn young_snapshots_wait_for_their_time() {
    let rules = ScanRules { snapshot_delay_millis: 50, ..DELTA };
    let mut scan = StreamScan::new(StartupMode::Earliest, rules);
    assert_eq!(run(&mut scan, &table("49A 50A 51A", "")), "added49 added50 wait");
}

#[test]
fn a_position_is_gone_on_from_if_its_snapshots_are_still_those() {
    let identity = |id, history: &str| SnapshotIdentity::of(&snapshot(id, CommitKind::Append, false, history));
    let at = |next| StreamPosition { before: Some(identity(next - 1, "")), ..StreamPosition::new(next) };
    let within = |id, phase| StreamPosition {
        unfinished: Some(Unfinished { snapshot: identity(id, ""), phase, offset: SplitOffset::default() }),
        ..StreamPosition::new(id)
    };
    for (position, now, history, wanted) in [
        (at(3), "1A 2A 3A", "", "added3 wait"),
        (at(4), "1A 2A 3A", "", "wait"),
        (at(3), "3A 4A", "", "added3 added4 wait"),
        (at(3), "1A 2A 3A", "'", "Conflict"),
        (at(4), "1A 2A", "", "Conflict"),
        (at(3), "5A", "", "NotFound"),
        (StreamPosition::new(5), "1A 2A", "", "Invalid"),
        (within(2, Phase::Changes), "1A 2A 3A", "", "added2 added3 wait"),
        (within(2, Phase::Changes), "1A 2A 3A", "'", "Conflict"),
        (within(2, Phase::Full), "1A 2A 3A", "", "full2 added3 wait"),
        (within(2, Phase::Full), "1A 2A 3A", "'", "Conflict"),
        (within(2, Phase::Full), "3A", "", "NotFound"),
    ] {
        let mut scan = StreamScan::restore(&position, DELTA);
        assert_eq!(run(&mut scan, &table(now, history)), wanted, "{position:?} in {now}{history}");
    }
}
