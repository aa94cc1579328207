//! Picks and plans as lines of text, and the law that a compaction changes nothing that is read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;

use alluvium_format::{BinaryRow, DataFileMeta, DataType, Datum, RowKind, TypeRoot};
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
        let picked = rules(trigger).pick(&runs(before), levels);
        assert_eq!(shown(picked), expected, "trigger {trigger}, {levels} levels, {before:?}");
    }
}

#[test]
fn full_compaction_takes_all_unless_all_is_at_the_top() {
    let table = [
        ("", Rewriting::WhereNeeded, "nothing"),
        ("L5: 10", Rewriting::WhereNeeded, "nothing"),
        ("L5: 10", Rewriting::AllFiles, "1 runs -> L5"),
        ("L4: 10", Rewriting::WhereNeeded, "1 runs -> L5"),
        ("L0: 1; L5: 10", Rewriting::WhereNeeded, "2 runs -> L5"),
    ];
    for (before, rewriting, expected) in table {
        assert_eq!(shown(full_compaction(&runs(before), 6, rewriting)), expected, "{before:?}");
    }
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
    let table = [(5, Some(5), true), (5, Some(3), true), (4, Some(5), false), (0, Some(0), false), (5, None, true)];
    for (output, highest, expected) in table {
        assert_eq!(drops_deletes(output, highest), expected, "output {output}, highest {highest:?}");
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

fn plan_shown(text: &str, output_level: i32, rewriting: Rewriting) -> String {
    let rules = CompactRules { small_file_bytes: 70, max_level: 5, drop_delete: false, rewriting };
    let unit = CompactUnit { output_level, files: files(text), task: UnitTask::Merge };
    let plan = CompactPlan::of(unit, &key_types(), &rules).unwrap();
    let steps: Vec<String> = plan
        .steps
        .iter()
        .map(|step| match step {
            CompactStep::Rewrite(sections) => format!("rewrite({})", sections_shown(sections)),
            CompactStep::Upgrade(file) => format!("upgrade({})", file.file_name),
        })
        .collect();
    steps.join(", ")
}

#[test]
fn plans_rewrite_overlaps_and_small_files_and_upgrade_the_rest() {
    let table = [
        ("a@0[1-5]80", 5, "upgrade(a)"),
        ("a@0[1-5]10", 5, "upgrade(a)"),
        ("a@0[1-5]80d", 4, "upgrade(a)"),
        ("a@0[1-5]80d", 5, "rewrite(a)"),
        ("a@5[1-5]80", 5, ""),
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
        assert_eq!(plan_shown(before, output_level, Rewriting::WhereNeeded), expected, "{before:?}");
    }
    assert_eq!(plan_shown("a@5[1-5]80 b@0[6-7]80", 5, Rewriting::AllFiles), "rewrite(a), rewrite(b)");
}

#[test]
fn small_is_below_seventy_percent_of_the_target() {
    assert_eq!(CompactRules::small_file_bytes_of(128 << 20), 93_952_409);
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
            drop_delete: drops_deletes(unit.output_level, self.levels.non_empty_highest_level()),
            rewriting: Rewriting::WhereNeeded,
        };
        let plan = CompactPlan::of(unit, &key_types(), &rules).unwrap();
        for step in plan.steps {
            let (before, after) = match step {
                CompactStep::Upgrade(file) => {
                    let mut moved = (*file).clone();
                    moved.level = plan.output_level;
                    (vec![*file], vec![moved])
                }
                CompactStep::Rewrite(sections) => self.rewrite(&sections, plan.output_level, plan.drop_delete),
            };
            self.levels.update(&before, after).unwrap();
        }
    }

    fn rewrite(
        &mut self,
        sections: &[Section],
        level: i32,
        drop_delete: bool,
    ) -> (Vec<DataFileMeta>, Vec<DataFileMeta>) {
        let before: Vec<DataFileMeta> = sections.iter().flat_map(Section::files).cloned().collect();
        let mut rows = merged(before.iter().map(|file| &self.rows[&file.file_name]));
        if drop_delete {
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
                full_compaction(&runs, levels, Rewriting::WhereNeeded)
            } else {
                rules.pick(&runs, levels)
            };
            if let Some(unit) = unit.filter(CompactUnit::is_worthwhile) {
                prop_assert!(unit.output_level > 0);
                bucket.compact(unit);
            }
            prop_assert_eq!(bucket.read(), model.clone());
        }
    }
}
