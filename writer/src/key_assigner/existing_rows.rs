//! What becomes of rows whose key is in another partition already.
//!
//! Goes in: rows with their keys and partitions, and where each of the keys is. Comes out: where each row goes, some of them twice or not at
//! all, and where the keys are then. Worked example: the key 1 is in partition a, and a row of it comes for b. With `deduplicate` there is a
//! `-D` in a, with the row's own values, and then the row in b; with `partial-update` and `aggregation` the row goes to a; with `first-row`
//! it is dropped. Where deletions are ignored the old row stays, and the key is in both. Pure. Answers to `org.apache.paimon.crosspartition.GlobalIndexAssigner.processInput` and `ExistingProcessor`.

use std::collections::HashMap;

use alluvium_format::options::MergeEngine;
use alluvium_format::{Result, RowKind};
use alluvium_store::{KeyHash, KeyPlace};

use super::bucket_counts::BucketCounts;

/// What becomes of such a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExistingRows {
    /// The old row is deleted: `DeleteExistingProcessor`.
    Deleted,
    /// It would be deleted, which is ignored.
    Left,
    /// It goes where the old one is: `UseOldExistingProcessor`.
    Merged,
    /// It is dropped: `SkipNewExistingProcessor`.
    Kept,
}

impl ExistingRows {
    /// What a merge engine does.
    pub(super) fn of(engine: MergeEngine, deletes: Deletes) -> Self {
        match engine {
            MergeEngine::Deduplicate if deletes == Deletes::Ignored => Self::Left,
            MergeEngine::Deduplicate => Self::Deleted,
            MergeEngine::PartialUpdate | MergeEngine::Aggregation => Self::Merged,
            MergeEngine::FirstRow => Self::Kept,
        }
    }
}

/// Whether deletions count: `ignore-delete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletes {
    Counted,
    Ignored,
}

/// A row that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IncomingRow {
    pub(super) key: KeyHash,
    pub(super) partition: u32,
    pub(super) kind: i8,
}

/// Where a row goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlacedRow {
    /// Which of those that came.
    pub(super) row: u32,
    pub(super) kind: i8,
    pub(super) place: KeyPlace,
}

/// Where the rows go. `keys` has the place of each key that is known, and then those of all keys.
pub(super) fn place_rows(
    rows: &[IncomingRow],
    keys: &mut HashMap<KeyHash, KeyPlace>,
    counts: &mut BucketCounts,
    existing: ExistingRows,
) -> Result<Vec<PlacedRow>> {
    let mut placed = Vec::with_capacity(rows.len());
    for (row, incoming) in (0u32..).zip(rows) {
        let IncomingRow { key, partition, kind } = *incoming;
        let known = keys.get(&key).copied();
        if let Some(place) = known.filter(|place| place.partition == partition) {
            placed.push(PlacedRow { row, kind, place });
            continue;
        }
        match (known, existing) {
            (None, _) => {}
            (Some(_), ExistingRows::Kept) => continue,
            (Some(place), ExistingRows::Merged) => {
                placed.push(PlacedRow { row, kind: as_added(kind), place });
                continue;
            }
            (Some(place), ExistingRows::Deleted | ExistingRows::Left) => {
                if existing == ExistingRows::Deleted {
                    placed.push(PlacedRow { row, kind: RowKind::Delete.to_byte(), place });
                }
                counts.remove(place.partition, place.bucket);
            }
        }
        let place = KeyPlace { partition, bucket: counts.assign(partition)? };
        keys.insert(key, place);
        placed.push(PlacedRow { row, kind, place });
    }
    Ok(placed)
}

/// A row that goes to another partition than its own is no update of one that was there; what it takes back, it takes back.
fn as_added(kind: i8) -> i8 {
    if kind == RowKind::UpdateAfter.to_byte() { RowKind::Insert.to_byte() } else { kind }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

    use super::*;

    /// `key@partition` for each row; out come `row partition/bucket`, with a minus before a `-D`.
    fn placed((engine, deletes): (MergeEngine, Deletes), batches: &[&str]) -> String {
        let (mut keys, mut counts) = (HashMap::new(), BucketCounts::new(2));
        let mut out = Vec::new();
        for batch in batches {
            let rows: Vec<IncomingRow> = (batch.split(' '))
                .map(|word| {
                    let (key, partition) = word.split_once('@').unwrap();
                    IncomingRow { key: key.parse().unwrap(), partition: partition.parse().unwrap(), kind: 0 }
                })
                .collect();
            let placed = place_rows(&rows, &mut keys, &mut counts, ExistingRows::of(engine, deletes)).unwrap();
            let words = placed.iter().map(|PlacedRow { row, kind, place }| {
                let sign = if *kind == RowKind::Delete.to_byte() { "-" } else { "" };
                format!("{sign}{row} {}/{}", place.partition, place.bucket)
            });
            out.push(words.collect::<Vec<_>>().join(", "));
        }
        out.join("; ")
    }

    #[test]
    fn rows_go_where_their_engine_says() {
        let batches = ["1@0 2@0 3@0 1@0", "1@1 3@0 1@1", "1@0 4@0"];
        let counted = |engine| (engine, Deletes::Counted);
        for (engine, expected) in [
            (
                counted(MergeEngine::Deduplicate),
                "0 0/0, 1 0/0, 2 0/1, 3 0/0; -0 0/0, 0 1/0, 1 0/1, 2 1/0; -0 1/0, 0 0/0, 1 0/1",
            ),
            (
                (MergeEngine::Deduplicate, Deletes::Ignored),
                "0 0/0, 1 0/0, 2 0/1, 3 0/0; 0 1/0, 1 0/1, 2 1/0; 0 0/0, 1 0/1",
            ),
            (counted(MergeEngine::PartialUpdate), "0 0/0, 1 0/0, 2 0/1, 3 0/0; 0 0/0, 1 0/1, 2 0/0; 0 0/0, 1 0/1"),
            (counted(MergeEngine::Aggregation), "0 0/0, 1 0/0, 2 0/1, 3 0/0; 0 0/0, 1 0/1, 2 0/0; 0 0/0, 1 0/1"),
            (counted(MergeEngine::FirstRow), "0 0/0, 1 0/0, 2 0/1, 3 0/0; 1 0/1; 0 0/0, 1 0/1"),
        ] {
            assert_eq!(placed(engine, &batches), expected, "{engine:?}");
        }
    }

    #[test]
    fn a_row_that_is_moved_keeps_what_it_takes_back() {
        let place = KeyPlace { partition: 0, bucket: 0 };
        for (kind, moved) in [
            (RowKind::Insert, RowKind::Insert),
            (RowKind::UpdateBefore, RowKind::UpdateBefore),
            (RowKind::UpdateAfter, RowKind::Insert),
            (RowKind::Delete, RowKind::Delete),
        ] {
            let (mut keys, mut counts) = (HashMap::from([(7, place)]), BucketCounts::new(2));
            let row = IncomingRow { key: 7, partition: 1, kind: kind.to_byte() };
            let placed = place_rows(&[row], &mut keys, &mut counts, ExistingRows::Merged).unwrap();
            assert_eq!(placed, [PlacedRow { row: 0, kind: moved.to_byte(), place }], "{kind:?}");
        }
    }
}
