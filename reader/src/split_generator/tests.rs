//! Splits as lines of text.
#![allow(clippy::unwrap_used, missing_docs)]

use alluvium_format::{BinaryRow, DataFileMeta, DataType, Datum, TypeRoot};

use super::{FileFacts, Merging, SplitRules};
use crate::split::SplitReading;

fn key_types() -> Vec<DataType> {
    vec![DataType::not_null(TypeRoot::Int)]
}

/// `name level min..max deletes`, where deletes may be `?`; 10 bytes a file.
pub(crate) fn file(text: &str) -> DataFileMeta {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (min, max) = words[2].split_once("..").unwrap();
    let key = |key: &str| BinaryRow::encode(&key_types(), &[Some(Datum::Int(key.parse().unwrap()))]).unwrap();
    DataFileMeta {
        file_name: words[0].to_owned(),
        file_size: 10,
        row_count: 5,
        min_key: key(min),
        max_key: key(max),
        min_sequence_number: min.parse().unwrap(),
        max_sequence_number: max.parse().unwrap(),
        level: words[1].strip_prefix('L').unwrap().parse().unwrap(),
        delete_row_count: words[3].parse().ok(),
        ..DataFileMeta::blank()
    }
}

fn rules(target_bytes: i64, key_types: Option<Vec<DataType>>) -> SplitRules {
    SplitRules { target_bytes, open_file_bytes: 10, key_types, merging: Merging::Pick, merged: SplitReading::Merge }
}

/// Files whose values do not pass, and files that were looked up.
struct Known<'a> {
    dead: &'a [&'a str],
    looked_up: &'a [&'a str],
}

impl FileFacts for Known<'_> {
    fn may_match(&self, file: &DataFileMeta) -> bool {
        !self.dead.contains(&file.file_name.as_str())
    }

    fn is_looked_up(&self, file: &DataFileMeta) -> bool {
        self.looked_up.contains(&file.file_name.as_str())
    }
}

fn shown_as(rules: &SplitRules, files: &str, known: &Known<'_>) -> String {
    let files = files.split(',').map(file).collect();
    let splits = rules.split(files, known).unwrap();
    let split = |(files, reading): &(Vec<DataFileMeta>, SplitReading)| {
        let names: Vec<&str> = files.iter().map(|file| file.file_name.as_str()).collect();
        format!("{reading:?} {}", names.join(" "))
    };
    splits.iter().map(split).collect::<Vec<_>>().join(", ")
}

fn shown(rules: &SplitRules, files: &str, dead: &[&str]) -> String {
    shown_as(rules, files, &Known { dead, looked_up: &[] })
}

#[test]
fn cuts_a_keyed_bucket_by_sections() {
    let table = [
        // One level without deletes is read as it is, up to the target size.
        ("b L5 6..9 0,a L5 1..5 0,c L5 10..12 0", "Raw a b, Raw c"),
        // A file of level 0 that nothing overlaps is a row a key.
        ("a L0 1..5 0", "Raw a"),
        ("a L0 1..5 0,b L0 6..9 0", "Raw a b"),
        // Deletes, and files that do not say whether they have some, are merged.
        ("a L5 1..5 1", "Merge a"),
        ("a L5 1..5 ?", "Merge a"),
        ("a L5 1..5 0,b L5 6..9 2,c L5 10..12 0", "Raw a, Merge b, Raw c"),
        // Runs that overlap are merged together, however large.
        ("a L5 1..5 0,b L0 4..7 0,c L0 2..6 0,d L5 8..9 0", "Merge a c b, Raw d"),
        // Keys that touch overlap.
        ("a L5 1..5 0,b L0 5..7 0", "Merge a b"),
    ];
    for (files, wanted) in table {
        assert_eq!(shown(&rules(20, Some(key_types())), files, &[]), wanted, "{files}");
    }
}

#[test]
fn of_runs_that_overlap_all_files_stay_or_none() {
    let files = "a L5 1..5 0,b L0 4..7 0,c L5 8..9 0,d L5 10..12 0";
    let shown = |dead: &[&str]| shown(&rules(100, Some(key_types())), files, dead);
    assert_eq!(shown(&[]), "Merge a b, Raw c d");
    assert_eq!(shown(&["a"]), "Merge a b, Raw c d");
    assert_eq!(shown(&["b"]), "Merge a b, Raw c d");
    assert_eq!(shown(&["a", "b"]), "Raw c d");
    assert_eq!(shown(&["c"]), "Merge a b, Raw d");
    assert_eq!(shown(&["a", "b", "c", "d"]), "");
}

#[test]
fn rows_made_of_several_files_are_pruned_together_or_not_at_all() {
    let combining = SplitRules { merging: Merging::Combine, ..rules(100, Some(key_types())) };
    let files = "a L5 1..5 0,b L4 4..7 0,c L5 8..9 0";
    // No file has a value that passes, yet the merged row may.
    assert_eq!(shown(&combining, files, &["a", "b", "c"]), "Merge a b");
    let known = |dead| Known { dead, looked_up: &["a", "b", "c"] };
    assert_eq!(shown_as(&combining, files, &known(&["a"])), "Raw b c");
    assert_eq!(shown_as(&combining, files, &known(&["a", "b", "c"])), "");
}

#[test]
fn runs_whose_keys_were_looked_up_are_read_as_they_are() {
    let all = ["a", "b", "c"];
    for (files, looked_up, wanted) in [
        ("a L5 1..9 0,b L4 4..7 0,c L3 2..5 0", &all[..], "Raw a c b"),
        // The oldest was there before, and the others were looked up in it.
        ("a L5 1..9 0,b L4 4..7 0,c L3 2..5 0", &all[1..], "Raw a c b"),
        ("a L5 1..9 0,b L4 4..7 0,c L3 2..5 0", &all[2..], "Merge a b c"),
        // Level 0 is not looked up yet.
        ("a L5 1..9 0,b L0 4..7 0", &all[..], "Merge a b"),
        ("a L5 1..9 0,b L0 4..7 0", &all[..1], "Merge a b"),
        // Deletes hide others until they meet them.
        ("a L5 1..9 0,b L4 4..7 2", &all[..], "Merge a b"),
        ("a L5 1..9 ?,b L4 4..7 0", &all[..], "Merge a b"),
    ] {
        let rules = rules(100, Some(key_types()));
        let mut names: Vec<&str> = wanted.split(' ').collect();
        let shown = shown_as(&rules, files, &Known { dead: &[], looked_up });
        let mut found: Vec<&str> = shown.split(' ').collect();
        names.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, names, "{files}, looked up {looked_up:?}");
    }
}

#[test]
fn append_files_are_read_by_sequence_number() {
    assert_eq!(shown(&rules(20, None), "b L0 6..9 0,a L0 1..5 ?,c L0 7..8 0", &[]), "Raw a b, Raw c");
    assert_eq!(shown(&rules(20, None), "b L0 6..9 0,a L0 1..5 ?", &["a"]), "Raw b");
}

#[test]
fn a_target_below_every_file_still_makes_a_split_a_file() {
    assert_eq!(shown(&rules(1, Some(key_types())), "a L5 1..5 0,b L5 6..9 0", &[]), "Raw a, Raw b");
}
