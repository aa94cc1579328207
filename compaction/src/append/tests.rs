//! What is picked, in text tables: files by their sizes, where the target is 100 and smaller files than 70 are small.

use alluvium_format::DataFileMeta;

use super::coordinator::{PackedFile, pack};
use super::queue::AppendQueue;
use super::rules::AppendRules;
use crate::settings::Picking;
use crate::strategy::Rewriting;

const RULES: AppendRules = AppendRules {
    target_file_bytes: 100,
    small_file_bytes: 70,
    files_min: 3,
    open_file_bytes: 4,
    deleted_ratio_max: 0.2,
    rewriting: Rewriting::WhereNeeded,
};

/// The files, of ten rows each, in the order of their rows; `d<n>` behind a size: so many of them are deleted, `@<index file>` by which.
fn files(text: &str) -> Vec<PackedFile> {
    let file = |(at, word): (usize, &str)| {
        let (word, index) = word.split_once('@').unwrap_or((word, "i"));
        let (size, deleted) = word.split_once('d').unwrap_or((word, ""));
        let file = DataFileMeta {
            file_name: format!("{size}#{at}"),
            file_size: size.parse().unwrap(),
            row_count: 10,
            min_sequence_number: at as i64,
            ..DataFileMeta::blank()
        };
        PackedFile { file, deleted: deleted.parse().ok().map(|rows| (rows, index.to_owned())) }
    };
    text.split_whitespace().enumerate().map(file).collect()
}

fn sizes<'a>(files: impl IntoIterator<Item = &'a DataFileMeta>) -> String {
    files.into_iter().map(|file| file.file_size.to_string()).collect::<Vec<_>>().join(" ")
}

/// What is picked and what then waits.
fn picked(text: &str, rules: &AppendRules, picking: Picking) -> String {
    let packed = files(text);
    let mut queue = AppendQueue::new(packed.iter().rev().map(|file| file.file.clone()).collect());
    let has_deleted = |file: &DataFileMeta| packed.iter().any(|other| other.file == *file && other.deleted.is_some());
    let picked = match picking {
        Picking::Universal => queue.pick(rules),
        Picking::Full => queue.pick_all(rules, has_deleted),
    };
    format!("{} | {}", picked.map_or("none".to_owned(), |files| sizes(&files)), sizes(queue.files()))
}

#[test]
fn neighbours_are_picked_before_they_are_large() {
    for (files, expected) in [
        ("", "none | "),
        ("1 1", "none | 1 1"),
        ("1 1 1 1", "1 1 1 | 1"),
        ("5 99 60 3", "5 99 60 | 3"),
        // 150 60: these are two files of the target size, the first goes.
        ("150 60 1 1", "60 1 1 | "),
        ("150 60 150 1", "none | 150 1"),
        // What would make as many files is left.
        ("199 100", "none | 100"),
        ("99 99 99", "none | 99 99"),
    ] {
        assert_eq!(picked(files, &RULES, Picking::Universal), expected, "{files}");
    }
    let pairs = AppendRules { files_min: 2, ..RULES };
    for (files, expected) in
        [("99 60", "none | 99 60"), ("99 60 1", "99 60 1 | "), ("20 60", "20 60 | "), ("5", "none | 5")]
    {
        assert_eq!(picked(files, &pairs, Picking::Universal), expected, "{files}");
    }
    let single = AppendRules { files_min: 1, ..RULES };
    assert_eq!(picked("5", &single, Picking::Universal), "none | 5", "a file by itself becomes nothing else");
}

#[test]
fn all_are_picked_from_the_first_that_is_small() {
    let all_files = AppendRules { rewriting: Rewriting::AllFiles, ..RULES };
    for (files, rules, expected) in [
        ("", RULES, "none | "),
        ("1 1", RULES, "none | 1 1"),
        ("1 1 1", RULES, "1 1 1 | "),
        ("100 100 1 1 1", RULES, "1 1 1 | "),
        ("1 100 1", RULES, "1 100 1 | "),
        ("1 100 100 1", RULES, "none | 1 100 100 1"),
        ("60 99 60", RULES, "none | 60 99 60"),
        ("100 100", RULES, "none | 100 100"),
        // Deleted rows are a reason by themselves.
        ("100 100d1 100", RULES, "100 100 | "),
        ("1d1", RULES, "1 | "),
        ("100 100", all_files, "100 100 | "),
    ] {
        assert_eq!(picked(files, &rules, Picking::Full), expected, "{files}");
    }
}

#[test]
fn what_a_compaction_left_small_waits_again_in_its_place() {
    let mut queue = AppendQueue::new(files("1 1 1 5 6").into_iter().map(|file| file.file).collect());
    let before = queue.pick(&RULES).unwrap();
    let after = |size: i64| DataFileMeta { file_size: size, ..before[0].clone() };
    queue.add_compacted(&[after(100), after(3)], &RULES);
    assert_eq!(sizes(queue.files()), "3 5 6");
    queue.add_compacted(&[after(3), after(100)], &RULES);
    queue.add_compacted(&[], &RULES);
    assert_eq!(sizes(queue.files()), "3 5 6");
}

#[test]
fn tasks_are_packed_by_size() {
    let all_files = AppendRules { rewriting: Rewriting::AllFiles, ..RULES };
    let (rules, full) = (Picking::Universal, Picking::Full);
    for (text, of, picking, expected) in [
        ("", RULES, rules, ""),
        ("1 1", RULES, rules, ""),
        ("1 1", RULES, full, "1 1"),
        ("1", RULES, full, ""),
        ("1", all_files, full, "1"),
        ("100", all_files, full, "100"),
        ("9 1 5 70 100", RULES, rules, "1 5 9"),
        // Each counts four more than it has; the last one is too few by itself.
        ("60 2 60 60 60 1", RULES, rules, "1 2 60 60 60"),
        ("60 60 60 60 60 60 60", RULES, rules, "60 60 60 60, 60 60 60"),
        // Deleted rows: too many in a large file, any in a small one; together when one index file has them.
        ("100d2 100d3", RULES, rules, "100"),
        ("100d2 100d3", RULES, full, "100 100"),
        ("5d1@a 6d1@b 1 1", RULES, rules, "5 6"),
        ("5d1@a 6d1@b 1 1 1", RULES, rules, "5 6, 1 1 1"),
        ("60d1@a 60d1@a 60d1@a 60d1@b 1d1@b", RULES, rules, "60 1 60 60 60"),
        ("60d1@a 60d1@a 60d1@a 60d1@a 60d1@a 50d1@b", RULES, rules, "50 60 60 60 60 60"),
        ("100d3@a 100d3@b 100d3@c", RULES, rules, "100 100, 100"),
    ] {
        let tasks: Vec<String> = pack(files(text), &of, picking).iter().map(sizes).collect();
        assert_eq!(tasks.join(", "), expected, "{text}");
    }
}
