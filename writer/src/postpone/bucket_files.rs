//! What the writer of a bucket did, as one compaction: rows that had waited are not new when they get their bucket.
//!
//! Goes in: the message of a bucket. Comes out: one with a COMPACT part only, and the files that were written on the way and are of no use: those
//! that were compacted at once. Pure. Answers to `org.apache.paimon.postpone.BucketFiles`.

use std::collections::HashSet;

use alluvium_format::{CommitMessage, CompactIncrement, DataFileMeta, DataIncrement};

/// The message as one compaction, and the files on the way.
pub(super) fn as_compaction(message: CommitMessage) -> (CommitMessage, Vec<DataFileMeta>) {
    let CommitMessage { data, compact, .. } = message;
    let names = |files: &[DataFileMeta]| files.iter().map(|file| file.file_name.clone()).collect::<HashSet<_>>();
    let (new, before, after) = (names(&data.new_files), names(&compact.compact_before), names(&compact.compact_after));
    let (on_the_way, kept): (Vec<_>, Vec<_>) =
        data.new_files.into_iter().partition(|file| before.contains(&file.file_name));
    // One that moved to another level is there under its name.
    let on_the_way = on_the_way.into_iter().filter(|file| !after.contains(&file.file_name)).collect();
    let compact_before = compact.compact_before.into_iter().filter(|file| !new.contains(&file.file_name)).collect();
    let compact = CompactIncrement {
        compact_before,
        compact_after: kept.into_iter().chain(compact.compact_after).collect(),
        changelog_files: data.changelog_files.into_iter().chain(compact.changelog_files).collect(),
        ..compact
    };
    (CommitMessage { data: DataIncrement::default(), compact, ..message }, on_the_way)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, missing_docs)]

    use alluvium_format::{BinaryRow, SimpleStats};

    use super::*;

    fn file(name: &str) -> DataFileMeta {
        let (name, level) = name.split_once('@').unwrap_or((name, "0"));
        DataFileMeta {
            file_name: name.to_owned(),
            file_size: 1,
            row_count: 1,
            min_key: BinaryRow::empty(),
            max_key: BinaryRow::empty(),
            key_stats: SimpleStats::empty(),
            value_stats: SimpleStats::empty(),
            min_sequence_number: 0,
            max_sequence_number: 0,
            schema_id: 0,
            level: level.parse().unwrap(),
            extra_files: Vec::new(),
            creation_time_millis: None,
            delete_row_count: None,
            embedded_index: None,
            file_source: None,
            value_stats_cols: None,
            external_path: None,
            first_row_id: None,
            write_cols: None,
        }
    }

    fn files(names: &str) -> Vec<DataFileMeta> {
        names.split_whitespace().map(file).collect()
    }

    fn names(files: &[DataFileMeta]) -> String {
        let name = |file: &DataFileMeta| match file.level {
            0 => file.file_name.clone(),
            level => format!("{}@{level}", file.file_name),
        };
        files.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn new_files_become_files_of_the_compaction() {
        // New files, those compacted, those made of them; what goes, what comes, what is of no use.
        for (new, before, after, gone, come, on_the_way) in [
            ("a b", "", "", "", "a b", ""),
            ("a b", "a b", "c@5", "", "c@5", "a b"),
            ("a b", "x@5 a", "c@5", "x@5", "b c@5", "a"),
            ("a", "a", "a@5", "", "a@5", ""),
            ("", "x y", "z", "x y", "z", ""),
        ] {
            let message = CommitMessage {
                partition: BinaryRow::empty(),
                bucket: 0,
                total_buckets: 1,
                data: DataIncrement { new_files: files(new), changelog_files: files("i"), ..DataIncrement::default() },
                compact: CompactIncrement {
                    compact_before: files(before),
                    compact_after: files(after),
                    changelog_files: files("j"),
                    ..CompactIncrement::default()
                },
            };
            let (message, useless) = as_compaction(message);
            assert!(message.data.is_empty());
            let compact = &message.compact;
            assert_eq!(names(&compact.compact_before), gone, "{new} {before} {after}");
            assert_eq!(names(&compact.compact_after), come, "{new} {before} {after}");
            assert_eq!(names(&compact.changelog_files), "i j");
            assert_eq!(names(&useless), on_the_way, "{new} {before} {after}");
        }
    }
}
