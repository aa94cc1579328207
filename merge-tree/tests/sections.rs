//! Sections and runs by text, as in Java's `IntervalPartitionTest`, and at random.

use alluvium_format::{BinaryRow, DataFileMeta, ErrorKind};
use alluvium_merge_tree::{Section, interval_partition};
use proptest::prelude::*;

use crate::files::{file, files, key_types};

/// Sections divided by `;`, runs by `|`, both in the order they come in, files by their bounds.
fn shown(sections: &[Section]) -> String {
    let run = |files: &[DataFileMeta]| files.iter().map(|file| file.file_name.as_str()).collect::<Vec<_>>().join(" ");
    let section = |section: &Section| section.runs.iter().map(|each| run(each.files())).collect::<Vec<_>>().join(" | ");
    sections.iter().map(section).collect::<Vec<_>>().join("; ")
}

#[test]
fn files_are_laid_on_as_few_runs_as_can_be() {
    for (given, wanted) in [
        ("", ""),
        ("[1,1]", "[1,1]"),
        // As in Java's tests: the same bounds, one after the other, one in the other, a chain.
        ("[1,5] [1,5]", "[1,5] | [1,5]"),
        ("[1,2] [3,4]", "[1,2]; [3,4]"),
        ("[3,4] [1,2] [5,6]", "[1,2]; [3,4]; [5,6]"),
        ("[1,5] [3,8]", "[1,5] | [3,8]"),
        ("[1,5] [5,8]", "[1,5] | [5,8]"),
        ("[1,5] [3,8] [9,9]", "[1,5] | [3,8]; [9,9]"),
        ("[1,10] [2,3] [4,5] [6,7]", "[1,10] | [2,3] [4,5] [6,7]"),
        ("[1,4] [2,6] [5,8] [7,9]", "[1,4] [5,8] | [2,6] [7,9]"),
        // The run that ends first is taken, not just any that has ended.
        ("[1,3] [2,5] [1,9] [6,7]", "[1,3] [6,7] | [1,9] | [2,5]"),
        ("[1,2] [1,4] [3,5] [5,6]", "[1,2] [3,5] | [1,4] [5,6]"),
        // A file that ends before another begins later does not end the section.
        ("[1,10] [2,3] [11,12]", "[1,10] | [2,3]; [11,12]"),
        ("[1,100] [-5,-2] [-2,0]", "[-5,-2] | [-2,0]; [1,100]"),
    ] {
        assert_eq!(shown(&interval_partition(files(given), &key_types()).unwrap()), wanted, "{given}");
    }
}

/// The bounds of a file of these tests, from its name.
fn bounds(file: &DataFileMeta) -> (i32, i32) {
    let (min, max) = file.file_name.trim_matches(['[', ']']).split_once(',').unwrap();
    (min.parse().unwrap(), max.parse().unwrap())
}

proptest! {
    #[test]
    fn sections_share_no_key_and_have_no_run_too_many(
        keys in prop::collection::vec((-40..40_i32, prop_oneof![0..3_i32, 0..30_i32]), 0..40),
    ) {
        let given: Vec<DataFileMeta> = keys.iter().map(|(min, length)| file(*min, min + length)).collect();
        let sections = interval_partition(given.clone(), &key_types()).unwrap();
        let names = |files: Vec<&DataFileMeta>| {
            let mut names: Vec<String> = files.iter().map(|file| file.file_name.clone()).collect();
            names.sort();
            names
        };
        prop_assert_eq!(names(sections.iter().flat_map(Section::files).collect()), names(given.iter().collect()));
        let mut last = i32::MIN;
        for section in &sections {
            let all: Vec<(i32, i32)> = section.files().map(bounds).collect();
            let first = all.iter().map(|file| file.0).min().unwrap();
            prop_assert!(first > last, "{} begins within the section before", first);
            last = all.iter().map(|file| file.1).max().unwrap();
            for run in &section.runs {
                let run: Vec<(i32, i32)> = run.files().iter().map(bounds).collect();
                prop_assert!(run.windows(2).all(|pair| pair[0].1 < pair[1].0), "{run:?}");
            }
            // At some key as many files meet as there are runs; and no key between the first and the last is free.
            let meeting = |key: i32| all.iter().filter(|file| file.0 <= key && key <= file.1).count();
            prop_assert_eq!((first..=last).map(meeting).max(), Some(section.runs.len()));
            let mut ends = all.clone();
            ends.sort_unstable();
            let mut reach = first;
            for file in ends {
                prop_assert!(file.0 <= reach, "a section falls apart at {}", file.0);
                reach = reach.max(file.1);
            }
        }
    }
}

#[test]
fn a_key_that_is_none_is_corrupt_and_names_its_file() {
    let mut bad = file(1, 2);
    bad.max_key = BinaryRow::empty();
    let error = interval_partition(vec![file(0, 0), bad], &key_types()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("[1,2]"), "{error}");
}
