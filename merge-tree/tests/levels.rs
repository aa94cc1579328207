//! The levels of a bucket: the order of level 0, what compactions take and put, and what is refused.

use alluvium_format::{DataFileMeta, ErrorKind};
use alluvium_merge_tree::{LevelSortedRun, Levels, SortedRun};
use proptest::prelude::*;

use crate::files::{file_at, key_types};

fn names<'a>(files: impl IntoIterator<Item = &'a DataFileMeta>) -> Vec<&'a str> {
    files.into_iter().map(|file| file.file_name.as_str()).collect()
}

fn restored(files: Vec<DataFileMeta>) -> Levels {
    Levels::restore(files, &key_types(), 6).unwrap()
}

#[test]
fn level_0_is_newest_first() {
    let named = |name: &str, sequences: (i64, i64), creation: Option<i64>| {
        let file = file_at(0, (1, 1), sequences);
        DataFileMeta { file_name: name.to_owned(), creation_time_millis: creation, ..file }
    };
    let files = vec![
        named("old", (0, 9), Some(1)),
        named("newest", (30, 39), Some(1)),
        // Java's order of ties: the lower first number, then the earlier time, then the name.
        named("tie-wide", (10, 29), Some(5)),
        named("tie-late", (20, 29), Some(9)),
        named("tie-early", (20, 29), Some(8)),
        named("tie-early-b", (20, 29), Some(8)),
    ];
    let wanted = ["newest", "tie-wide", "tie-early", "tie-early-b", "tie-late", "old"];
    assert_eq!(names(restored(files.clone()).level0()), wanted);
    let mut one_by_one = restored(Vec::new());
    for file in files {
        one_by_one.add_level0_file(file).unwrap();
    }
    assert_eq!(names(one_by_one.level0()), wanted);
}

#[test]
fn runs_go_from_level_0_upwards() {
    let levels = restored(vec![
        file_at(5, (50, 60), (0, 9)),
        file_at(2, (10, 19), (20, 29)),
        file_at(0, (1, 99), (40, 49)),
        file_at(5, (1, 9), (0, 9)),
        file_at(0, (2, 98), (50, 59)),
    ]);
    let shown = |run: &LevelSortedRun| format!("{}: {}", run.level, names(run.run.files()).join(" "));
    let runs: Vec<String> = levels.level_sorted_runs().iter().map(shown).collect();
    assert_eq!(runs, ["0: [2,98]", "0: [1,99]", "2: [10,19]", "5: [1,9] [50,60]"]);
    assert_eq!(names(&levels.all_files()), ["[2,98]", "[1,99]", "[10,19]", "[1,9]", "[50,60]"]);
    assert_eq!((levels.number_of_levels(), levels.max_level(), levels.number_of_sorted_runs()), (6, 5, 4));
    assert_eq!((levels.non_empty_highest_level(), levels.max_sequence_number()), (Some(5), Some(59)));
    assert_eq!(levels.run_of_level(2).map(|run| run.files().len()), Some(1));
    assert_eq!((levels.run_of_level(0), levels.run_of_level(6)), (None, None));
    assert!(levels.run_of_level(1).unwrap().is_empty());
}

#[test]
fn an_empty_bucket_has_no_highest_level() {
    let empty = restored(Vec::new());
    assert_eq!((empty.non_empty_highest_level(), empty.max_sequence_number()), (None, None));
    assert_eq!((empty.number_of_sorted_runs(), empty.max_level()), (0, 5));
    assert_eq!(restored(vec![file_at(0, (1, 1), (0, 0))]).non_empty_highest_level(), Some(0));
}

#[test]
fn there_are_as_many_levels_as_files_need() {
    let high = Levels::restore(vec![file_at(9, (1, 2), (0, 1))], &key_types(), 3).unwrap();
    assert_eq!((high.number_of_levels(), high.non_empty_highest_level()), (10, Some(9)));
    let error = Levels::restore(Vec::new(), &key_types(), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn an_update_takes_out_and_puts_in() {
    let (a, b, c) = (file_at(0, (1, 5), (10, 19)), file_at(0, (3, 8), (20, 29)), file_at(5, (0, 9), (0, 9)));
    let mut levels = restored(vec![a.clone(), b.clone(), c.clone()]);
    let after = vec![file_at(5, (4, 9), (0, 29)), file_at(5, (0, 3), (0, 29))];
    levels.update(&[c.clone(), a], after).unwrap();
    assert_eq!(names(&levels.all_files()), ["[3,8]", "[0,3]", "[4,9]"]);
    // A file that moves up keeps its name.
    let moved = DataFileMeta { level: 4, ..b.clone() };
    levels.update(&[b], vec![moved]).unwrap();
    assert_eq!(levels.level_sorted_runs().iter().map(|run| run.level).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(levels.number_of_sorted_runs(), 2);
}

#[test]
fn an_update_that_does_not_fit_changes_nothing() {
    let file = file_at(1, (1, 5), (0, 9));
    let mut levels = restored(vec![file.clone()]);
    let cases = [
        (vec![file_at(1, (2, 3), (0, 9))], Vec::new(), ErrorKind::Internal),
        // On another level than the file says.
        (vec![DataFileMeta { level: 2, ..file.clone() }], Vec::new(), ErrorKind::Internal),
        (Vec::new(), vec![file_at(6, (1, 5), (0, 9))], ErrorKind::Internal),
        (Vec::new(), vec![file_at(-1, (1, 5), (0, 9))], ErrorKind::Corrupt),
        (Vec::new(), vec![file_at(1, (5, 6), (0, 9))], ErrorKind::Corrupt),
        (vec![file.clone(), file.clone()], Vec::new(), ErrorKind::Internal),
    ];
    for (before, after, kind) in cases {
        let error = levels.update(&before, after).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(levels.all_files(), std::slice::from_ref(&file));
    }
    assert_eq!(levels.add_level0_file(file).unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn files_of_one_level_that_overlap_are_corrupt() {
    let files = vec![file_at(3, (5, 9), (0, 1)), file_at(3, (1, 5), (0, 1))];
    let error = Levels::restore(files.clone(), &key_types(), 6).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("[1,5]") && error.to_string().contains("level 3"), "{error}");
    assert_eq!(SortedRun::from_unsorted(files, &key_types()).unwrap_err().kind(), ErrorKind::Corrupt);
    let apart = SortedRun::from_unsorted(vec![file_at(3, (6, 9), (0, 1)), file_at(3, (1, 5), (0, 1))], &key_types());
    assert_eq!(names(apart.unwrap().files()), ["[1,5]", "[6,9]"]);
}

proptest! {
    /// Whatever order files come in, the levels are the same; and all of them are there.
    #[test]
    fn the_order_of_files_does_not_matter(
        level0 in prop::collection::vec((0..5_i32, 0..9_i64, 0..9_i64), 0..12),
        upper in prop::collection::vec(0..30_i32, 0..10),
        turn in 0..22_usize,
    ) {
        let mut files: Vec<DataFileMeta> = level0
            .iter()
            .zip(0..)
            .map(|((key, sequence, length), at): (_, i32)| {
                let file = file_at(0, (*key, key + at), (*sequence, sequence + length));
                DataFileMeta { file_name: format!("l0-{at}"), ..file }
            })
            .collect();
        files.extend(upper.iter().zip(0..).map(|(key, at)| file_at(1 + at % 2, (at * 100, at * 100 + key), (0, 0))));
        let levels = restored(files.clone());
        prop_assert_eq!(levels.all_files().len(), files.len());
        if !files.is_empty() {
            let turn = turn % files.len();
            files.rotate_left(turn);
        }
        prop_assert_eq!(restored(files).all_files(), levels.all_files());
    }
}
