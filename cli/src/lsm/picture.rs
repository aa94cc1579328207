//! The picture of LSM trees in a terminal: a line a run, with a bar of its size.
//!
//! Goes in: trees and how wide it may be. Comes out: text. Bounded: so many runs a bucket, and keys are shortened.

use std::fmt::Write;

use super::{BucketTree, NextCompaction, Reads, Run};
use crate::quantity::{bytes, count, counted};

/// Lines of a bucket; more runs are summed up in one more.
const RUNS_MAX: usize = 12;
/// Cells of the longest bar.
const BAR_CELLS: usize = 24;
/// Eighths of a cell.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/// The least room for keys that says anything.
const KEYS_MIN: usize = 20;

/// Draws trees, each under a line with its name.
pub(crate) fn draw(trees: &[BucketTree], width: usize) -> String {
    let largest = trees.iter().flat_map(|tree| &tree.runs).map(|run| run.bytes).max().unwrap_or(0);
    let mut text = String::new();
    for tree in trees {
        draw_tree(&mut text, tree, largest, width);
    }
    text
}

fn draw_tree(text: &mut String, tree: &BucketTree, largest: i64, width: usize) {
    let _ = writeln!(
        text,
        "{}bucket {}: {}, {}, {}, {}; {}, space amplification {:.2}",
        tree.partition,
        tree.bucket,
        counted(tree.runs.len(), "run"),
        counted(tree.files(), "file"),
        bytes(tree.bytes()),
        counted(tree.rows(), "row"),
        reads(tree),
        tree.space_amplification(),
    );
    let (newest, more, oldest) = shown_runs(&tree.runs);
    for run in newest {
        draw_run(text, run, largest, width);
    }
    if !more.is_empty() {
        let sum: i64 = more.iter().map(|run| run.bytes).sum();
        let _ = writeln!(text, "  …  {}, {}", counted(more.len(), "more run"), bytes(sum));
    }
    for run in oldest {
        draw_run(text, run, largest, width);
    }
    match &tree.next {
        NextCompaction::NoTree => {}
        NextCompaction::Nothing(why) => {
            let _ = writeln!(text, "  next compaction: none ({why})");
        }
        NextCompaction::Merge { runs, bytes: size, output_level, why } => {
            let size = bytes(*size);
            let _ =
                writeln!(text, "  next compaction: the {runs} newest runs, {size}, to level {output_level} ({why})");
        }
    }
}

fn reads(tree: &BucketTree) -> String {
    match tree.reads {
        Reads::MergeAll => format!("reads merge {}", tree.runs.len()),
        Reads::AboveLevel0 if tree.runs.iter().any(|run| run.level == 0) => {
            "reads merge none and leave level 0 out until it is compacted".to_owned()
        }
        Reads::Waiting => "reads leave it out until compact gives its rows their buckets".to_owned(),
        Reads::AboveLevel0 | Reads::InTurn => "reads merge none".to_owned(),
    }
}

/// The newest runs, those that are summed up, and the oldest.
fn shown_runs(runs: &[Run]) -> (&[Run], &[Run], &[Run]) {
    if runs.len() <= RUNS_MAX {
        return (runs, &[], &[]);
    }
    let (newest, rest) = runs.split_at(RUNS_MAX - 1);
    let (more, oldest) = rest.split_at(rest.len() - 1);
    (newest, more, oldest)
}

fn draw_run(text: &mut String, run: &Run, largest: i64, width: usize) {
    let deletes = (run.deletes > 0).then(|| counted(run.deletes, "delete"));
    let deleted = (run.deleted > 0).then(|| format!("{} deleted", count(run.deleted)));
    let deletes = deletes.into_iter().chain(deleted).collect::<Vec<_>>().join(", ");
    let mut line = format!(
        "  L{:<2} {} {:>10} {:>10} {:>15} {:>14}",
        run.level,
        bar(run.bytes, largest),
        bytes(run.bytes),
        counted(run.files, "file"),
        format!("{} row{}", count(run.rows), if run.rows == 1 { "" } else { "s" }),
        deletes,
    );
    let room = width.saturating_sub(line.chars().count() + 2);
    if room >= KEYS_MIN && !run.min_key.is_empty() {
        let each = (room - 3) / 2;
        let _ = write!(line, "  {} … {}", shortened(&run.min_key, each), shortened(&run.max_key, each));
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

/// A bar of `BAR_CELLS` cells for the largest; never nothing for something.
fn bar(size: i64, largest: i64) -> String {
    let eighths_max = BAR_CELLS as i128 * 8;
    let eighths = if largest <= 0 { 0 } else { i128::from(size.max(0)) * eighths_max / i128::from(largest) };
    let eighths = usize::try_from(eighths.clamp(i128::from(size > 0), eighths_max)).unwrap_or(0);
    let mut cells: String = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        cells.push(EIGHTHS[eighths % 8]);
    }
    format!("{cells:<BAR_CELLS$}")
}

/// At most `room` characters, the last of which says that there were more. Control characters would break the picture.
fn shortened(key: &str, room: usize) -> String {
    let clean = key.chars().map(|c| if c.is_control() { '·' } else { c });
    if key.chars().count() <= room {
        return clean.collect();
    }
    clean.take(room.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::{BAR_CELLS, bar, draw, shortened};
    use crate::lsm::{BucketTree, NextCompaction, Reads, Run};

    fn run(level: i32, bytes: i64) -> Run {
        let (min_key, max_key) = ("1".to_owned(), "9".to_owned());
        Run { level, files: 1, bytes, rows: 1000, deletes: 0, deleted: 0, sequences: (0, 0), min_key, max_key }
    }

    #[test]
    fn a_tree_is_drawn() {
        let next = NextCompaction::Nothing("2 of the 5 runs that start one".to_owned());
        let runs = vec![Run { deletes: 3, ..run(0, 512) }, run(5, 2048)];
        let tree = BucketTree { partition: "dt=1/".to_owned(), bucket: 0, runs, reads: Reads::MergeAll, next };
        let wanted = "\
dt=1/bucket 0: 2 runs, 2 files, 2.5 KiB, 2,000 rows; reads merge 2, space amplification 1.25
  L0  ██████                        512 B     1 file      1,000 rows      3 deletes  1 … 9
  L5  ████████████████████████    2.0 KiB     1 file      1,000 rows                 1 … 9
  next compaction: none (2 of the 5 runs that start one)
";
        assert_eq!(draw(&[tree], 120), wanted);
    }

    #[test]
    fn rows_that_vectors_take_away_and_a_level_0_that_waits_are_shown() {
        let next = NextCompaction::Nothing(String::new());
        let runs = vec![run(0, 10), Run { deletes: 1, deleted: 1200, ..run(5, 20) }];
        let tree = BucketTree { partition: String::new(), bucket: 0, runs, reads: Reads::AboveLevel0, next };
        let text = draw(&[tree], 100);
        assert!(text.contains("reads merge none and leave level 0 out until it is compacted"), "{text}");
        assert!(text.contains("1 delete, 1,200 deleted"), "{text}");
    }

    #[test]
    fn many_runs_are_summed_up() {
        let runs: Vec<Run> = (0..100).map(|_| run(0, 10)).chain([run(5, 1000)]).collect();
        let next = NextCompaction::Nothing(String::new());
        let tree = BucketTree { partition: String::new(), bucket: 3, runs, reads: Reads::MergeAll, next };
        let text = draw(&[tree], 80);
        assert!(text.lines().count() < 20, "{text}");
        assert!(text.contains("…  89 more runs"), "{text}");
    }

    #[test]
    fn bars_and_keys_keep_to_their_room() {
        for (size, largest) in [(0, 0), (0, 9), (1, i64::MAX), (i64::MAX, i64::MAX), (-1, 5), (9, 5)] {
            assert_eq!(bar(size, largest).chars().count(), BAR_CELLS, "{size} of {largest}");
        }
        assert_eq!(bar(1, i64::MAX).trim_end(), "▏");
        assert_eq!(shortened("abcdef", 4), "abc…");
        assert_eq!(shortened("a\nb", 4), "a·b");
    }
}
