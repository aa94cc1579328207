//! The LSM trees of a table as values: what [`picture`] draws and reports hold.
//!
//! Goes in: the live files of a snapshot and its index files. Comes out: a [`BucketTree`] for each bucket, with its runs newest first,
//! the rows that deletion vectors take away, its amplification, and what the automatic rules would compact next. Pure.

pub(crate) mod picture;

use std::collections::{BTreeMap, HashMap};

use alluvium::format::text_value::to_text;
use alluvium::format::{DataFileMeta, IndexManifestEntry, ManifestEntry, path};
use alluvium::strategy::{
    CompactStrategy, CompactUnit, LevelSortedRun, Levels, PickState, PickTime, UniversalCompaction,
};
use alluvium::{BinaryRow, CoreOptions, DataType, LookedUp, Result, Table, TableSchema};
use serde_json::{Value, json};

/// The tree of one bucket.
#[derive(Clone, Debug)]
pub(crate) struct BucketTree {
    /// The folder of the partition, `dt=1/`, or nothing.
    pub(crate) partition: String,
    pub(crate) bucket: i32,
    /// The newest first.
    pub(crate) runs: Vec<Run>,
    pub(crate) reads: Reads,
    pub(crate) next: NextCompaction,
}

/// What a batch read does with the runs of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// It merges all of them.
    MergeAll,
    /// It reads those above level 0 one after the other: each key was looked up, and is there once.
    AboveLevel0,
    /// It reads all files one after the other: the table has no key.
    InTurn,
    /// It leaves them out: their rows wait for their buckets.
    Waiting,
}

/// A sorted run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Run {
    pub(crate) level: i32,
    pub(crate) files: usize,
    pub(crate) bytes: i64,
    pub(crate) rows: i64,
    /// Rows of kind -U or -D, which hide older ones until they meet them.
    pub(crate) deletes: i64,
    /// Rows that deletion vectors take away.
    pub(crate) deleted: i64,
    /// The lowest and the highest sequence number.
    pub(crate) sequences: (i64, i64),
    pub(crate) min_key: String,
    pub(crate) max_key: String,
}

/// What the automatic rules would do now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NextCompaction {
    /// The table has no key, and no tree.
    NoTree,
    /// Nothing, and why.
    Nothing(String),
    /// The newest runs are merged.
    Merge { runs: usize, bytes: i64, output_level: i32, why: String },
}

impl BucketTree {
    /// Bytes of all runs.
    pub(crate) fn bytes(&self) -> i64 {
        self.runs.iter().map(|run| run.bytes).sum()
    }

    /// Files of all runs.
    pub(crate) fn files(&self) -> usize {
        self.runs.iter().map(|run| run.files).sum()
    }

    /// Rows of all runs, unmerged.
    pub(crate) fn rows(&self) -> i64 {
        self.runs.iter().map(|run| run.rows).sum()
    }

    /// Runs that a batch read merges at most.
    pub(crate) fn read_amplification(&self) -> usize {
        match self.reads {
            Reads::MergeAll => self.runs.len(),
            Reads::AboveLevel0 => usize::from(self.runs.iter().any(|run| run.level > 0)),
            Reads::InTurn => 1,
            Reads::Waiting => 0,
        }
    }

    /// The bytes of all runs over those of the oldest, which has nearly every key; 1 is the least.
    pub(crate) fn space_amplification(&self) -> f64 {
        amplification(self.bytes(), self.oldest_bytes())
    }

    fn oldest_bytes(&self) -> i64 {
        self.runs.last().map_or(0, |run| run.bytes)
    }

    /// As one member of a JSON report.
    pub(crate) fn to_json(&self) -> Value {
        let run = |run: &Run| {
            json!({
                "level": run.level, "files": run.files, "bytes": run.bytes, "rows": run.rows, "deletes": run.deletes,
                "deleted": run.deleted, "minSequence": run.sequences.0, "maxSequence": run.sequences.1,
                "minKey": run.min_key, "maxKey": run.max_key,
            })
        };
        let next = match &self.next {
            NextCompaction::NoTree => Value::Null,
            NextCompaction::Nothing(why) => json!({ "runs": 0, "why": why }),
            NextCompaction::Merge { runs, bytes, output_level, why } => {
                json!({ "runs": runs, "bytes": bytes, "outputLevel": output_level, "why": why })
            }
        };
        json!({
            "partition": self.partition, "bucket": self.bucket, "files": self.files(), "bytes": self.bytes(),
            "rows": self.rows(), "readAmplification": self.read_amplification(), "spaceAmplification": self.space_amplification(),
            "runs": self.runs.iter().map(run).collect::<Vec<_>>(), "nextCompaction": next,
        })
    }
}

/// The space amplification of several trees together.
pub(crate) fn space_amplification(trees: &[BucketTree]) -> f64 {
    amplification(trees.iter().map(BucketTree::bytes).sum(), trees.iter().map(BucketTree::oldest_bytes).sum())
}

fn amplification(all: i64, oldest: i64) -> f64 {
    if oldest <= 0 { 1.0 } else { all as f64 / oldest as f64 }
}

/// The trees of a snapshot's files, by partition and bucket; `index` are its index files.
///
/// # Errors
/// `Corrupt` when runs overlap or a partition is none of the table; `Invalid` when an option of the table is wrong.
pub(crate) fn trees_of(
    table: &Table,
    entries: Vec<ManifestEntry>,
    index: &[IndexManifestEntry],
    looked_up: LookedUp,
) -> Result<Vec<BucketTree>> {
    let deleted = deleted_rows(index);
    let mut buckets: BTreeMap<(String, i32), Vec<DataFileMeta>> = BTreeMap::new();
    let mut known: Option<(BinaryRow, String)> = None;
    for entry in entries {
        let path = match &known {
            Some((partition, path)) if *partition == entry.partition => path.clone(),
            _ => {
                let path = table.partition_path(&entry.partition)?;
                known = Some((entry.partition.clone(), path.clone()));
                path
            }
        };
        buckets.entry((path, entry.bucket)).or_default().push(entry.file);
    }
    buckets
        .into_iter()
        .map(|((partition, bucket), files)| {
            let reads = match bucket {
                path::POSTPONE_BUCKET => Reads::Waiting,
                _ => reads_of(table.schema(), &files, looked_up),
            };
            let (runs, next) = match reads {
                Reads::InTurn | Reads::Waiting => (vec![heap_of(&files, &deleted)], NextCompaction::NoTree),
                Reads::MergeAll | Reads::AboveLevel0 => tree_of(table.schema(), table.options(), files, &deleted)?,
            };
            Ok(BucketTree { partition, bucket, runs, reads, next })
        })
        .collect()
}

/// Files from before keys were looked up are merged.
fn reads_of(schema: &TableSchema, files: &[DataFileMeta], looked_up: LookedUp) -> Reads {
    let waits_for_no_lookup = |file: &DataFileMeta| file.level == 0 && !looked_up.covers(file);
    match looked_up {
        _ if schema.primary_keys.is_empty() => Reads::InTurn,
        LookedUp::Never => Reads::MergeAll,
        _ if looked_up.leaves_versions(files) || files.iter().any(waits_for_no_lookup) => Reads::MergeAll,
        _ => Reads::AboveLevel0,
    }
}

/// How many rows of each data file deletion vectors take away.
type Deleted = HashMap<String, i64>;

fn deleted_rows(index: &[IndexManifestEntry]) -> Deleted {
    let ranges = index.iter().flat_map(|entry| entry.index_file.dv_ranges.iter().flatten());
    ranges.map(|range| (range.data_file_name.clone(), range.cardinality.unwrap_or(0))).collect()
}

fn tree_of(
    schema: &TableSchema,
    options: &CoreOptions,
    files: Vec<DataFileMeta>,
    deleted: &Deleted,
) -> Result<(Vec<Run>, NextCompaction)> {
    let types = schema.key_types();
    let levels = Levels::restore(files, &types, options.num_levels()?)?;
    let runs = levels.level_sorted_runs();
    let next = next_compaction(options, &runs, levels.number_of_levels())?;
    Ok((runs.iter().map(|run| run_of(run.level, run.run.files(), &types, deleted)).collect(), next))
}

/// Files that are no tree, as one run without keys.
fn heap_of(files: &[DataFileMeta], deleted: &Deleted) -> Run {
    Run { min_key: String::new(), max_key: String::new(), ..run_of(0, files, &[], deleted) }
}

fn run_of(level: i32, files: &[DataFileMeta], key_types: &[DataType], deleted: &Deleted) -> Run {
    let sum = |of: fn(&DataFileMeta) -> i64| files.iter().map(of).sum();
    Run {
        level,
        files: files.len(),
        bytes: sum(|file| file.file_size),
        rows: sum(|file| file.row_count),
        deletes: sum(|file| file.delete_row_count.unwrap_or(0)),
        deleted: files.iter().filter_map(|file| deleted.get(&file.file_name)).sum(),
        sequences: (
            files.iter().map(|file| file.min_sequence_number).min().unwrap_or(0),
            files.iter().map(|file| file.max_sequence_number).max().unwrap_or(0),
        ),
        min_key: files.first().map_or(String::new(), |file| key_text(&file.min_key, key_types)),
        max_key: files.last().map_or(String::new(), |file| key_text(&file.max_key, key_types)),
    }
}

/// `2013-01-31T10:00:00 UA 15`; a question mark where the key is of an older schema's types.
fn key_text(key: &BinaryRow, types: &[DataType]) -> String {
    let Ok(values) = key.decode(types) else { return "?".to_owned() };
    let text = values.iter().zip(types).map(|(value, data_type)| match value {
        None => "null".to_owned(),
        Some(value) => to_text(value, data_type).unwrap_or_else(|| "?".to_owned()),
    });
    text.collect::<Vec<_>>().join(" ")
}

fn next_compaction(options: &CoreOptions, runs: &[LevelSortedRun], num_levels: usize) -> Result<NextCompaction> {
    let strategy = CompactStrategy::new(options)?;
    let rules = strategy.universal;
    let trigger = rules.run_count_trigger;
    // As in a writer that has just looked: what is due by the clock only is not shown.
    let just_looked = || PickState { last_full_millis: Some(0), ..PickState::default() };
    let by_rules = rules.pick(runs, num_levels, PickTime::default(), &mut just_looked());
    let picked = strategy.pick(runs, num_levels, PickTime::default(), &mut just_looked());
    Ok(match picked.filter(CompactUnit::is_worthwhile) {
        None if runs.len() < trigger => {
            NextCompaction::Nothing(format!("{} of the {trigger} runs that start one", runs.len()))
        }
        None => NextCompaction::Nothing("each run is large enough beside the newer ones".to_owned()),
        Some(unit) => {
            let bytes = unit.files.iter().map(|file| file.file_size).sum();
            let taken = runs.iter().filter(|run| run.run.files().iter().any(|file| unit.files.contains(file))).count();
            let why = match by_rules {
                Some(_) => why(&rules, runs, num_levels),
                None => "level 0 never waits in this table".to_owned(),
            };
            NextCompaction::Merge { runs: taken, bytes, output_level: unit.output_level, why }
        }
    })
}

/// Which rule fires first.
fn why(rules: &UniversalCompaction, runs: &[LevelSortedRun], num_levels: usize) -> String {
    let max_level = i32::try_from(num_levels.saturating_sub(1)).unwrap_or(i32::MAX);
    if rules.early_full.is_due(runs, max_level, 0, Some(0)) {
        return "by size, a full one is due before its time".to_owned();
    }
    let bytes: Vec<i64> = runs.iter().map(|run| run.run.total_bytes()).collect();
    let (oldest, newer) = bytes.split_last().map_or((0, 0), |(oldest, newer)| (*oldest, newer.iter().sum::<i64>()));
    let percent = i128::from(newer) * 100 / i128::from(oldest.max(1));
    if percent > i128::from(rules.max_size_amplification_percent) {
        return format!("newer runs are {percent} % of the oldest, above {} %", rules.max_size_amplification_percent);
    }
    format!("{} runs, {} start one", runs.len(), rules.run_count_trigger)
}

#[cfg(test)]
mod tests {
    use alluvium::format::DataFileMeta;
    use alluvium::{BeforeVectors, LookedUp, SchemaDefinition, TableSchema};

    use super::{Reads, reads_of};

    fn schema(key: &str) -> TableSchema {
        let schema = format!(r#"{{"fields": [{{"name": "k", "type": "INT NOT NULL"}}], "primaryKeys": [{key}]}}"#);
        SchemaDefinition::from_json(schema.as_bytes()).unwrap().into_schema(0).unwrap()
    }

    #[test]
    fn reads_merge_what_was_not_looked_up() {
        let file = |(level, schema_id)| DataFileMeta { level, schema_id, ..DataFileMeta::blank() };
        let vectors = LookedUp::Since { schema: 1, before: BeforeVectors::Merged };
        for (files, looked_up, expected) in [
            (&[(0, 1), (5, 1)][..], LookedUp::Never, Reads::MergeAll),
            (&[(0, 1), (5, 1)], LookedUp::Always, Reads::AboveLevel0),
            (&[(0, 1), (4, 1), (5, 1)], vectors, Reads::AboveLevel0),
            (&[(0, 1), (4, 1), (5, 0)], vectors, Reads::AboveLevel0),
            (&[(4, 0), (5, 0)], vectors, Reads::MergeAll),
            (&[(0, 0), (5, 1)], vectors, Reads::MergeAll),
        ] {
            let files: Vec<DataFileMeta> = files.iter().copied().map(file).collect();
            assert_eq!(reads_of(&schema("\"k\""), &files, looked_up), expected);
            assert_eq!(reads_of(&schema(""), &files, LookedUp::Never), Reads::InTurn);
        }
    }
}
