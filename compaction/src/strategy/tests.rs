//! Picks and plans as lines of text, and the law that a compaction changes nothing that is read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, HashSet};

use alluvium_format::{BinaryRow, DataFileMeta, DataType, Datum, MergeEngine, RowKind, TypeRoot};
use alluvium_merge_tree::{LevelSortedRun, Levels, Section, SortedRun};
use proptest::prelude::*;

use super::*;

fn key_types() -> Vec<DataType> {
    vec![DataType::not_null(TypeRoot::Int)]
}

fn file(name: &str, level: i32, bytes: i64, keys: (i32, i32)) -> DataFileMeta {
    let key = |key: i32| BinaryRow::encode(&key_types(), &[Some(Datum::Int(key))]).unwrap();
    DataFileMeta {
        file_name: name.to_owned(),
        file_size: bytes,
        row_count: 1,
        min_key: key(keys.0),
        max_key: key(keys.1),
        level,
        creation_time_millis: Some(0),
        delete_row_count: Some(0),
        ..DataFileMeta::blank()
    }
}

/// `L0: 1 1 2; L3: 50` as runs of these sizes, newest first.
fn runs(text: &str) -> Vec<LevelSortedRun> {
    let mut runs = Vec::new();
    for part in text.split(';').filter(|part| !part.trim().is_empty()) {
        let (level, sizes) = part.split_once(':').unwrap();
        let level: i32 = level.trim().trim_start_matches('L').parse().unwrap();
        for size in sizes.split_whitespace() {
            let run = SortedRun::single(file("f", level, size.parse().unwrap(), (0, 9)));
            runs.push(LevelSortedRun { level, run });
        }
    }
    runs
}

fn shown(unit: Option<CompactUnit>) -> String {
    match unit {
        None => "nothing".to_owned(),
        Some(unit) => format!("{} runs -> L{}", unit.files.len(), unit.output_level),
    }
}

#[test]
fn universal_picks_as_java_does() {
    let rules = |trigger| UniversalCompaction { run_count_trigger: trigger, ..UniversalCompaction::default() };
    let table = [
        // Too few runs for any rule.
        (5, 6, "", "nothing"),
        (5, 6, "L0: 1", "nothing"),
        (5, 6, "L0: 1 1 1 1", "nothing"),
        // Size amplification: exactly 200 % is not enough, more is.
        (3, 6, "L0: 1 199; L5: 100", "nothing"),
        (3, 6, "L0: 1 200; L5: 100", "3 runs -> L5"),
        (5, 6, "L0: 1 1 1 1 1", "5 runs -> L5"),
        // Size ratio: level 0 is taken up to the run it is much smaller than.
        (4, 4, "L0: 1 1 2; L3: 50", "3 runs -> L2"),
        (5, 6, "L0: 1 1 1 1; L5: 100", "4 runs -> L4"),
        (5, 6, "L0: 1 1 1 1; L3: 10; L5: 100", "4 runs -> L2"),
        (5, 6, "L0: 1 1 1 1; L1: 3; L5: 100", "5 runs -> L4"),
        // 100 × 1.01 = 101: equal goes on, one more stops.
        (3, 6, "L0: 100 101; L5: 10000", "2 runs -> L4"),
        (3, 6, "L0: 100 102; L5: 10000", "nothing"),
        // The next run is on level 1: level 0 is no output, so level 1 is taken too.
        (3, 6, "L0: 1 1; L1: 10; L5: 1000", "3 runs -> L1"),
        (3, 6, "L0: 1 1; L1: 10", "3 runs -> L5"),
        (3, 3, "L0: 5 5 10; L1: 100", "4 runs -> L2"),
        // The walk ends inside level 0: the rest of it and the first run above are taken.
        (4, 6, "L0: 1 1 100; L2: 1000", "4 runs -> L5"),
        (4, 6, "L0: 1 1 100; L2: 1000; L5: 9999", "4 runs -> L2"),
        // File number: one run too many, each much greater than those before it.
        (3, 6, "L0: 1 10 100; L5: 9999", "4 runs -> L5"),
        (3, 6, "L0: 1 10; L4: 100; L5: 9999", "2 runs -> L3"),
        (2, 6, "L0: 1; L3: 10; L4: 100; L5: 9999", "3 runs -> L4"),
        // Within the trigger nothing fires when every run dwarfs the one before.
        (4, 6, "L0: 1 10; L4: 100; L5: 9999", "nothing"),
    ];
    for (trigger, levels, before, expected) in table {
        let picked = rules(trigger).pick(&runs(before), levels, PickTime::default(), &mut PickState::default());
        assert_eq!(shown(picked), expected, "trigger {trigger}, {levels} levels, {before:?}");
    }
}

/// The unit of each pick of one bucket after the other, `.` for nothing.
fn picks(strategy: &CompactStrategy, picks: &[(&str, i64)]) -> Vec<String> {
    let mut state = PickState::default();
    let pick = |(before, now_millis): &(&str, i64)| {
        let time = PickTime { now_millis: *now_millis, local_hour: 0 };
        shown(strategy.pick(&runs(before), 6, time, &mut state))
    };
    picks.iter().map(pick).collect()
}

#[test]
fn early_full_compactions_go_by_time_and_by_sizes() {
    let rules = |early_full| CompactStrategy {
        universal: UniversalCompaction { early_full, ..UniversalCompaction::default() },
        level0: Level0::MayStay,
    };
    let two = "L0: 1; L5: 100";
    let interval = rules(EarlyFullCompaction { interval_millis: Some(100), ..EarlyFullCompaction::default() });
    let all = "2 runs -> L5";
    // The first is due at once; a single run never; exactly the interval is not enough.
    assert_eq!(picks(&interval, &[("L0: 1", 5), (two, 6), (two, 106), (two, 107)]), ["nothing", all, "nothing", all]);
    // Taking all runs by another rule counts as well.
    let five = "L0: 1 1 1 1 1";
    let by_size = [(two, 0), (five, 90), (two, 150), (two, 191)];
    assert_eq!(picks(&interval, &by_size), [all, "5 runs -> L5", "nothing", all]);
    let total = rules(EarlyFullCompaction { total_size_threshold: Some(101), ..EarlyFullCompaction::default() });
    assert_eq!(picks(&total, &[(two, 0), ("L0: 1; L5: 99", 0), ("L5: 1", 0)]), ["nothing", all, "nothing"]);
    let incremental = EarlyFullCompaction { incremental_size_threshold: Some(10), ..EarlyFullCompaction::default() };
    let incremental = rules(incremental);
    let bytes = [("L0: 4; L4: 6; L5: 999", 0), ("L0: 5; L4: 6; L5: 999", 0)];
    assert_eq!(picks(&incremental, &bytes), ["nothing", "3 runs -> L5"]);
}

#[test]
fn off_peak_hours_widen_the_size_ratio() {
    let universal =
        UniversalCompaction { run_count_trigger: 3, off_peak: OffPeakHours::new(22, 4, 50), ..Default::default() };
    let pick = |local_hour| {
        let time = PickTime { now_millis: 0, local_hour };
        shown(universal.pick(&runs("L0: 100 151; L5: 9999"), 6, time, &mut PickState::default()))
    };
    let hours: Vec<i32> = (0..24).filter(|hour| pick(*hour) != "nothing").collect();
    assert_eq!(hours, [0, 1, 2, 3, 22, 23]);
    assert_eq!(pick(0), "2 runs -> L4");
    let day = OffPeakHours::new(2, 18, 20).unwrap();
    assert_eq!([1, 2, 17, 18].map(|hour| day.ratio_percent_at(hour)), [0, 20, 20, 0]);
    assert_eq!([OffPeakHours::new(-1, 4, 1), OffPeakHours::new(4, -1, 1), OffPeakHours::new(4, 4, 1)], [None; 3]);
    assert_eq!(PickTime::of(7, 23 * 3_600_000 - 86_400_000).local_hour, 23);
}

#[test]
fn level_0_is_forced_up_at_once_or_after_some_picks() {
    let strategy = |level0| CompactStrategy { universal: UniversalCompaction::default(), level0 };
    let before = "L0: 10 10; L4: 15; L5: 999";
    assert_eq!(picks(&strategy(Level0::MayStay), &[(before, 0)]), ["nothing"]);
    let radical = strategy(Level0::ForcedUp);
    let table = [
        (before, "3 runs -> L4"),
        ("L0: 10; L5: 999", "1 runs -> L4"),
        ("L0: 10; L1: 999", "2 runs -> L5"),
        ("L0: 10; L1: 999; L5: 9999", "2 runs -> L1"),
        ("L0: 10", "1 runs -> L5"),
        ("L4: 15; L5: 999", "nothing"),
        ("", "nothing"),
    ];
    for (before, expected) in table {
        assert_eq!(picks(&radical, &[(before, 0)]), [expected], "{before:?}");
    }
    let gentle = strategy(Level0::ForcedUpAfter(3));
    let some = [(before, 0); 7];
    let forced = "3 runs -> L4";
    assert_eq!(picks(&gentle, &some), ["nothing", "nothing", forced, "nothing", "nothing", forced, "nothing"]);
    // A pick by the rules does not count.
    let five = ("L0: 1 1 1 1 1", 0);
    assert_eq!(picks(&gentle, &[some[0], some[0], five, some[0]])[3], forced);
}

#[test]
fn full_compaction_takes_all_unless_all_is_at_the_top() {
    let table = [
        ("", false, "nothing"),
        ("L5: 10", false, "nothing"),
        ("L5: 10", true, "1 runs -> L5"),
        ("L4: 10", false, "1 runs -> L5"),
        ("L0: 1; L5: 10", false, "2 runs -> L5"),
    ];
    for (before, is_due, expected) in table {
        assert_eq!(shown(full_compaction(&runs(before), 6, |_| is_due)), expected, "{before:?}");
    }
    let run = SortedRun::from_unsorted(files("a@5[1-2]1 b@5[3-4]1 c@5[5-6]1"), &key_types()).unwrap();
    let top = [LevelSortedRun { level: 5, run }];
    let unit = full_compaction(&top, 6, |file| file.file_name != "b").unwrap();
    assert_eq!(unit.files.iter().map(|file| file.file_name.as_str()).collect::<String>(), "ac");
    assert_eq!(unit.task, UnitTask::RewriteEach);
}

#[test]
fn one_file_on_its_level_is_not_worthwhile() {
    let unit = |level, output_level| CompactUnit::merge(output_level, &runs(&format!("L{level}: 10")));
    assert!(unit(0, 5).is_worthwhile());
    assert!(!unit(5, 5).is_worthwhile());
    assert!(!CompactUnit::merge(5, &[]).is_worthwhile());
    assert!(CompactUnit::merge(5, &runs("L0: 1 1")).is_worthwhile());
}

#[test]
fn deletes_go_only_where_nothing_is_older() {
    use DeletionMode::{Records, Vectors};
    use Retractions::{Dropped, Kept};
    let table = [
        (5, Some(5), Records, Dropped),
        (5, Some(3), Records, Dropped),
        (4, Some(5), Records, Kept),
        (4, Some(5), Vectors, Dropped),
        (0, Some(0), Records, Kept),
        (0, Some(0), Vectors, Kept),
        (5, None, Records, Dropped),
    ];
    for (output, highest, mode, expected) in table {
        assert_eq!(Retractions::of(output, highest, mode), expected, "output {output}, highest {highest:?}, {mode:?}");
    }
}

/// `a@0[1-5]80` is file `a` on level 0 with keys 1 to 5 and 80 bytes; a trailing `d` says that it holds deletes.
fn files(text: &str) -> Vec<DataFileMeta> {
    text.split_whitespace()
        .map(|word| {
            let (name, rest) = word.split_once('@').unwrap();
            let (level, rest) = rest.split_once('[').unwrap();
            let (range, bytes) = rest.split_once(']').unwrap();
            let (min, max) = range.split_once('-').unwrap();
            let keys = (min.parse().unwrap(), max.parse().unwrap());
            let mut file = file(name, level.parse().unwrap(), bytes.trim_end_matches('d').parse().unwrap(), keys);
            file.delete_row_count = Some(i64::from(bytes.ends_with('d')));
            file
        })
        .collect()
}

fn sections_shown(sections: &[Section]) -> String {
    let names = |section: &Section| {
        let runs: Vec<String> = section
            .runs
            .iter()
            .map(|run| run.files().iter().map(|file| file.file_name.as_str()).collect::<Vec<_>>().join("+"))
            .collect();
        runs.join("|")
    };
    sections.iter().map(names).collect::<Vec<_>>().join(" ")
}

fn rules(rewriter: RewriterKind) -> CompactRules {
    let (retractions, rewriting) = (Retractions::Kept, Rewriting::WhereNeeded);
    let expired = HashSet::from(["old".to_owned()]);
    CompactRules { small_file_bytes: 70, max_level: 5, retractions, rewriting, rewriter, expired }
}

/// The steps of a plan; `*` where what records change is found out, `!` where records that retract are dropped.
fn plan_shown(text: &str, output_level: i32, rules: &CompactRules) -> String {
    let unit = CompactUnit { output_level, files: files(text), task: UnitTask::Merge };
    let mark = |pass: &Pass| if *pass == Pass::Tracked { "*" } else { "" };
    let plan = CompactPlan::of(unit, &key_types(), rules).unwrap();
    let steps: Vec<String> = plan
        .steps
        .iter()
        .map(|step| match step {
            CompactStep::Rewrite { sections, pass, retractions } => {
                let dropped = if *retractions == Retractions::Dropped { "!" } else { "" };
                format!("rewrite{}{dropped}({})", mark(pass), sections_shown(sections))
            }
            CompactStep::Upgrade { file, pass } => format!("upgrade{}({})", mark(pass), file.file_name),
        })
        .collect();
    steps.join(", ")
}

fn lookup_rules() -> LookupRules {
    LookupRules {
        writes_changelog: true,
        deletion_mode: DeletionMode::Records,
        engine: MergeEngine::Deduplicate,
        has_sequence_field: false,
        formats: vec!["parquet".to_owned(); 6],
    }
}

#[test]
fn files_that_move_up_are_read_or_rewritten_as_java_does() {
    let plain = lookup_rules();
    let vectors = LookupRules { writes_changelog: false, deletion_mode: DeletionMode::Vectors, ..lookup_rules() };
    let both = LookupRules { deletion_mode: DeletionMode::Vectors, ..lookup_rules() };
    let merging = LookupRules { engine: MergeEngine::PartialUpdate, ..lookup_rules() };
    let sequence = LookupRules { has_sequence_field: true, ..lookup_rules() };
    let forced = LookupRules { writes_changelog: false, ..lookup_rules() };
    let mut avro_below = lookup_rules();
    avro_below.formats[0] = "avro".to_owned();
    let table = [
        (&plain, "a@0[1-5]80", 5, "upgrade*(a)"),
        (&plain, "a@0[1-5]80", 4, "upgrade*(a)"),
        (&plain, "a@0[1-5]80d", 4, "upgrade*(a)"),
        // It goes to the top, where no record may retract: the rule of the plan.
        (&plain, "a@0[1-5]80d", 5, "rewrite*(a)"),
        (&plain, "a@3[1-5]80", 4, "upgrade(a)"),
        (&merging, "a@0[1-5]80", 4, "rewrite*(a)"),
        (&merging, "a@0[1-5]80", 5, "upgrade*(a)"),
        (&merging, "a@3[1-5]80", 4, "upgrade(a)"),
        (&sequence, "a@0[1-5]80", 4, "rewrite*(a)"),
        (&avro_below, "a@0[1-5]80", 4, "rewrite*(a)"),
        (&avro_below, "a@1[1-5]80", 4, "upgrade(a)"),
        // Without changelog there is something to find only in the levels above.
        (&vectors, "a@0[1-5]80", 4, "upgrade*(a)"),
        (&vectors, "a@0[1-5]80", 5, "upgrade(a)"),
        (&vectors, "a@0[1-5]80d", 4, "rewrite*!(a)"),
        (&both, "a@0[1-5]80", 5, "upgrade*(a)"),
        (&forced, "a@0[1-5]80", 4, "upgrade(a)"),
        // Sections are tracked when level 0 is in them.
        (&plain, "a@0[1-5]80 b@1[2-3]80", 4, "rewrite*(a|b)"),
        (&plain, "a@1[1-5]80 b@2[2-3]80", 4, "rewrite(a|b)"),
        (&forced, "a@0[1-5]80 b@1[2-3]80", 4, "rewrite*(a|b)"),
    ];
    for (lookup, before, output_level, expected) in table {
        let rules = rules(RewriterKind::Lookup(lookup.clone()));
        assert_eq!(plan_shown(before, output_level, &rules), expected, "{before:?} to {output_level}: {lookup:?}");
    }
    let full = rules(RewriterKind::FullChangelog);
    let table = [
        ("a@0[1-5]80", 5, "upgrade*(a)"),
        ("a@3[1-5]80", 5, "upgrade*(a)"),
        ("a@0[1-5]80", 4, "upgrade(a)"),
        ("a@0[1-5]80 b@1[2-3]80", 4, "rewrite(a|b)"),
        ("a@0[1-5]80 b@5[2-3]80", 5, "rewrite*(a|b)"),
        ("a@0[1-5]80d", 5, "rewrite*(a)"),
        ("a@5[1-5]80d", 5, "rewrite(a)"),
    ];
    for (before, output_level, expected) in table {
        assert_eq!(plan_shown(before, output_level, &full), expected, "{before:?} to {output_level}");
    }
}

#[test]
fn plans_rewrite_overlaps_and_small_files_and_upgrade_the_rest() {
    let table = [
        ("a@0[1-5]80", 5, "upgrade(a)"),
        ("a@0[1-5]10", 5, "upgrade(a)"),
        ("a@0[1-5]80d", 4, "upgrade(a)"),
        ("a@0[1-5]80d", 5, "rewrite(a)"),
        ("a@5[1-5]80", 5, ""),
        ("old@5[1-5]80", 5, "rewrite(old)"),
        ("old@0[1-5]80", 4, "rewrite(old)"),
        ("a@0[1-5]80 b@0[3-9]80", 5, "rewrite(a|b)"),
        // Small neighbours go together, and with the overlapping section before them.
        ("a@0[1-2]10 b@0[3-4]10", 5, "rewrite(a b)"),
        ("a@0[1-5]80 b@0[3-9]80 c@0[10-12]10", 5, "rewrite(a|b c)"),
        // A large file parts what is before from what is after; 70 bytes are large.
        ("a@0[1-2]10 b@0[3-4]70 c@0[5-6]69", 5, "upgrade(a), upgrade(b), upgrade(c)"),
        ("a@0[1-2]10 b@0[2-3]10 c@0[4-5]80 d@0[6-7]10 e@0[8-9]10", 5, "rewrite(a|b), upgrade(c), rewrite(d e)"),
        ("a@0[1-2]10 b@5[3-4]80 c@0[5-6]10", 5, "upgrade(a), upgrade(c)"),
    ];
    for (before, output_level, expected) in table {
        assert_eq!(plan_shown(before, output_level, &rules(RewriterKind::Plain)), expected, "{before:?}");
    }
    let all_files = CompactRules { rewriting: Rewriting::AllFiles, ..rules(RewriterKind::Plain) };
    assert_eq!(plan_shown("a@5[1-5]80 b@0[6-7]80", 5, &all_files), "rewrite(a), rewrite(b)");
}

#[test]
fn small_is_below_seventy_percent_of_the_target() {
    assert_eq!(CompactRules::small_file_bytes_of(128 << 20), 93_952_404);
    assert_eq!(CompactRules::small_file_bytes_of(10), 7);
}

#[test]
fn results_fold_and_forget_what_lived_between_two_commits() {
    let result =
        |before: &str, after: &str| CompactResult { before: files(before), after: files(after), changelog: Vec::new() };
    let names = |files: &[DataFileMeta]| {
        files.iter().map(|file| format!("{}@{}", file.file_name, file.level)).collect::<Vec<_>>().join(" ")
    };
    let mut folded = FoldedResults::default();
    assert!(folded.fold(result("a@0[1-1]1 b@0[1-1]1", "c@4[1-1]1")).is_empty());
    assert_eq!(names(&folded.fold(result("c@4[1-1]1 d@0[1-1]1", "e@5[1-1]1"))), "c@4");
    // An upgraded file was there before the first compaction: its bytes stay.
    assert!(folded.fold(result("u@0[1-1]1", "u@3[1-1]1")).is_empty());
    assert!(folded.fold(result("u@3[1-1]1", "v@5[2-2]1")).is_empty());
    // An intermediate file that is upgraded is the output itself.
    assert!(folded.fold(result("e@5[1-1]1", "e@6[1-1]1")).is_empty());
    let taken = folded.take();
    assert_eq!(names(&taken.before), "a@0 b@0 d@0 u@0");
    assert_eq!(names(&taken.after), "v@5 e@6");
    assert!(folded.is_empty());
}

/// The rows of a file: key to (sequence number, kind, value).
type Rows = BTreeMap<i32, (i64, RowKind, u8)>;

fn merged<'a>(files: impl Iterator<Item = &'a Rows>) -> Rows {
    let mut rows = Rows::new();
    for (key, row) in files.flatten() {
        let held = rows.entry(*key).or_insert(*row);
        if row.0 >= held.0 {
            *held = *row;
        }
    }
    rows
}

fn visible(rows: &Rows) -> BTreeMap<i32, u8> {
    rows.iter().filter(|(_, row)| row.1.is_add()).map(|(key, row)| (*key, row.2)).collect()
}

/// A bucket in memory: metadata as a writer would have it, and rows by file name.
struct Bucket {
    levels: Levels,
    rows: BTreeMap<String, Rows>,
    named: usize,
    sequence: i64,
}

impl Bucket {
    fn meta(&mut self, rows: Rows, level: i32) -> DataFileMeta {
        self.named += 1;
        let name = format!("f{}", self.named);
        let keys = (*rows.keys().next().unwrap(), *rows.keys().last().unwrap());
        let mut meta = file(&name, level, rows.len() as i64, keys);
        meta.min_sequence_number = rows.values().map(|row| row.0).min().unwrap();
        meta.max_sequence_number = rows.values().map(|row| row.0).max().unwrap();
        meta.delete_row_count = Some(rows.values().filter(|row| row.1.is_retract()).count() as i64);
        self.rows.insert(name, rows);
        meta
    }

    fn flush(&mut self, writes: &[(i32, bool, u8)]) {
        let mut rows = Rows::new();
        for (key, delete, value) in writes {
            let kind = if *delete { RowKind::Delete } else { RowKind::Insert };
            rows.insert(*key, (self.sequence, kind, *value));
            self.sequence += 1;
        }
        let meta = self.meta(rows, 0);
        self.levels.add_level0_file(meta).unwrap();
    }

    fn read(&self) -> BTreeMap<i32, u8> {
        let files = self.levels.all_files();
        visible(&merged(files.iter().map(|file| &self.rows[&file.file_name])))
    }

    fn compact(&mut self, unit: CompactUnit) {
        let rules = CompactRules {
            small_file_bytes: 4,
            max_level: self.levels.max_level() as i32,
            retractions: Retractions::of(
                unit.output_level,
                self.levels.non_empty_highest_level(),
                DeletionMode::Records,
            ),
            ..rules(RewriterKind::Plain)
        };
        let plan = CompactPlan::of(unit, &key_types(), &rules).unwrap();
        for step in plan.steps {
            let (before, after) = match step {
                CompactStep::Upgrade { file, .. } => {
                    let mut moved = (*file).clone();
                    moved.level = plan.output_level;
                    (vec![*file], vec![moved])
                }
                CompactStep::Rewrite { sections, retractions, .. } => {
                    self.rewrite(&sections, plan.output_level, retractions)
                }
            };
            self.levels.update(&before, after).unwrap();
        }
    }

    fn rewrite(
        &mut self,
        sections: &[Section],
        level: i32,
        retractions: Retractions,
    ) -> (Vec<DataFileMeta>, Vec<DataFileMeta>) {
        let before: Vec<DataFileMeta> = sections.iter().flat_map(Section::files).cloned().collect();
        let mut rows = merged(before.iter().map(|file| &self.rows[&file.file_name]));
        if retractions == Retractions::Dropped {
            rows.retain(|_, row| row.1.is_add());
        }
        let after = if rows.is_empty() { Vec::new() } else { vec![self.meta(rows, level)] };
        (before, after)
    }
}

proptest! {
    #[test]
    fn compactions_change_nothing_that_is_read(
        flushes in prop::collection::vec(
            (prop::collection::vec((0..40_i32, prop::bool::weighted(0.3), any::<u8>()), 1..12), 0..10_u8), 1..20),
        trigger in 2..5_usize,
    ) {
        let rules = UniversalCompaction { run_count_trigger: trigger, ..UniversalCompaction::default() };
        let levels = Levels::restore(Vec::new(), &key_types(), trigger + 1).unwrap();
        let mut bucket = Bucket { levels, rows: BTreeMap::new(), named: 0, sequence: 0 };
        let mut model = BTreeMap::new();
        for (writes, full) in &flushes {
            for (key, delete, value) in writes {
                if *delete { model.remove(key); } else { model.insert(*key, *value); }
            }
            bucket.flush(writes);
            let runs = bucket.levels.level_sorted_runs();
            let levels = bucket.levels.number_of_levels();
            let unit = if *full == 0 {
                full_compaction(&runs, levels, |_| false)
            } else {
                rules.pick(&runs, levels, PickTime::default(), &mut PickState::default())
            };
            if let Some(unit) = unit.filter(CompactUnit::is_worthwhile) {
                prop_assert!(unit.output_level > 0);
                bucket.compact(unit);
            }
            prop_assert_eq!(bucket.read(), model.clone());
        }
    }
}
