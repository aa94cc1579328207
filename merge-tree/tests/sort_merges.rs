//! The merge of runs against the model, with all forms of keys and any cuts into batches.

use std::collections::VecDeque;

use alluvium_format::{Datum, ErrorKind};
use alluvium_merge_tree::{
    Deletes, FirstRow, GroupMerge, KeyGroups, KeyValueBatch, MergeFunction, MergeStep, SingleRecords, SortMerge,
};
use proptest::prelude::*;

use crate::records::{Record, Shape, cases, cut, long_record, numbered, record, shape, shown};

/// Drives a merge over batches of each run.
fn merge(shape: &Shape, runs: Vec<Vec<KeyValueBatch>>, target_rows: usize) -> Vec<KeyValueBatch> {
    let mut runs: Vec<VecDeque<KeyValueBatch>> = runs.into_iter().map(VecDeque::from).collect();
    let mut merge = SortMerge::with_target_rows(runs.len(), &shape.options(), shape.schema(), target_rows).unwrap();
    let mut output = Vec::new();
    loop {
        match merge.step().unwrap() {
            MergeStep::Need(run) => merge.feed(run, runs[run].pop_front()).unwrap(),
            MergeStep::Ready(batch) => output.push(batch),
            MergeStep::Groups(_) => panic!("records that are not merged"),
            MergeStep::Done => break,
        }
    }
    assert!(runs.iter().all(VecDeque::is_empty), "the merge ended before its runs");
    assert!(output.iter().all(|batch| batch.num_rows() > 0), "an empty batch of output");
    assert_eq!(merge.step().unwrap(), MergeStep::Done);
    output
}

fn merged_records(shape: &Shape, output: &[KeyValueBatch]) -> Vec<Record> {
    output.iter().flat_map(|batch| shape.records(batch)).collect()
}

/// Drives a merge that keeps all records, the files of run `n` being of level `n`.
fn group(shape: &Shape, runs: Vec<Vec<KeyValueBatch>>, target_rows: usize) -> Vec<KeyGroups> {
    let mut runs: Vec<VecDeque<KeyValueBatch>> = runs.into_iter().map(VecDeque::from).collect();
    let mut merge =
        SortMerge::grouped_with_target_rows(runs.len(), &shape.options(), shape.schema(), target_rows).unwrap();
    let mut output = Vec::new();
    loop {
        match merge.step().unwrap() {
            MergeStep::Need(run) => {
                let level = i32::try_from(run).unwrap();
                merge.feed_level(run, level, runs[run].pop_front()).unwrap();
            }
            MergeStep::Groups(groups) => output.push(groups),
            MergeStep::Ready(_) => panic!("records that are merged"),
            MergeStep::Done => break,
        }
    }
    assert!(output.iter().all(|groups| groups.num_keys() > 0), "an empty batch of output");
    output
}

/// The records with their levels, key by key.
fn listed(shape: &Shape, output: &[KeyGroups]) -> Vec<Vec<(String, i32)>> {
    let mut keys = Vec::new();
    for groups in output {
        let records = shown(&shape.records(groups.records()));
        let records: Vec<_> = records.into_iter().zip(groups.levels().iter().copied()).collect();
        keys.extend(groups.ranges().map(|range| records[range].to_vec()));
    }
    keys
}

/// A shape, the records of each run (each key once, in order), the cuts, and the size of output.
fn work() -> impl Strategy<Value = (Shape, Vec<Vec<Record>>, Vec<usize>, usize)> {
    shape().prop_flat_map(|shape| {
        let run = prop::collection::vec(record(&shape), 0..60);
        let runs = prop::collection::vec(run, 1..7).prop_map({
            let shape = shape.clone();
            move |runs| {
                let sizes: Vec<usize> = runs.iter().map(Vec::len).collect();
                let mut records = numbered(runs.into_iter().flatten().collect()).into_iter();
                let run = |size: usize| {
                    let run: Vec<Record> = records.by_ref().take(size).collect();
                    shape.sorted(run).into_iter().map(|mut group| group.remove(0)).collect::<Vec<_>>()
                };
                let mut runs: Vec<Vec<Record>> = sizes.into_iter().map(run).collect();
                // Neither the newest nor the oldest run comes first.
                runs.rotate_left(1);
                runs
            }
        });
        (Just(shape), runs, prop::collection::vec(0..20_usize, 1..5), 1..40_usize)
    })
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn a_merge_is_the_model((shape, runs, sizes, target_rows) in work()) {
        prop_assume!(sizes.iter().any(|size| *size > 0));
        let wanted = shape.merged(runs.iter().flatten().cloned());
        let batches = runs.iter().map(|run| cut(&shape, run, &sizes)).collect();
        let output = merge(&shape, batches, target_rows);
        prop_assert_eq!(shown(&merged_records(&shape, &output)), shown(&wanted), "{:?}", shape);
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_grouped_merge_is_all_records_by_key((shape, runs, sizes, target_rows) in work()) {
        prop_assume!(sizes.iter().any(|size| *size > 0));
        let level = |record: &Record| runs.iter().position(|run| run.iter().any(|other| other.sequence == record.sequence));
        let shown_with_level = |record: Record| {
            let level = level(&record).and_then(|level| i32::try_from(level).ok()).unwrap();
            (shown(&[record]).remove(0), level)
        };
        let wanted = shape.sorted(runs.iter().flatten().cloned()).into_iter();
        let wanted: Vec<Vec<_>> = wanted.map(|key| key.into_iter().map(shown_with_level).collect()).collect();
        let batches = runs.iter().map(|run| cut(&shape, run, &sizes)).collect();
        let output = group(&shape, batches, target_rows);
        prop_assert_eq!(listed(&shape, &output), wanted, "{:?}", shape);
        let merge = GroupMerge::new(&shape.options().function, &shape.schema()).unwrap();
        let merged = output.iter().flat_map(|groups| {
            let merged = merge.merge(groups, SingleRecords::Pass).unwrap();
            assert!(merged.keys.is_sorted_by(|a, b| a < b) && merged.keys.len() == merged.rows.num_rows());
            shape.records(&merged.rows)
        });
        let merged: Vec<Record> = merged.collect();
        prop_assert_eq!(shown(&merged), shown(&shape.merged(runs.iter().flatten().cloned())), "{:?}", shape);
    }

    /// Which of the levels above 0 counts, and that a key has no record left when all that count are ignored.
    #[test]
    fn a_merge_that_looks_up_is_the_model((shape, runs, sizes, target_rows) in work(), of_level_0 in 0..4_i32) {
        prop_assume!(sizes.iter().any(|size| *size > 0));
        let level = |run: usize| (i32::try_from(run).unwrap() - of_level_0 + 1).max(0);
        let level_of = |record: &Record| {
            level(runs.iter().position(|run| run.iter().any(|other| other.sequence == record.sequence)).unwrap())
        };
        let mut wanted = Vec::new();
        for mut key in shape.sorted(runs.iter().flatten().cloned()) {
            let lowest = key.iter().map(level_of).filter(|level| *level > 0).min();
            let alone = key.len() == 1;
            key.retain(|record| level_of(record) == 0 || Some(level_of(record)) == lowest);
            let ignored = |record: &Record| shape.deletes == Deletes::Ignored && matches!(record.kind, 1 | 3);
            wanted.extend(key.into_iter().rfind(|record| alone || !ignored(record)));
        }
        let mut options = shape.options();
        options.function = MergeFunction::Lookup(Box::new(options.function));
        let mut batches: Vec<_> = runs.iter().map(|run| VecDeque::from(cut(&shape, run, &sizes))).collect();
        let mut merge = SortMerge::with_target_rows(runs.len(), &options, shape.schema(), target_rows).unwrap();
        let mut output = Vec::new();
        loop {
            match merge.step().unwrap() {
                MergeStep::Need(run) => merge.feed_level(run, level(run), batches[run].pop_front()).unwrap(),
                MergeStep::Ready(batch) => output.push(batch),
                MergeStep::Groups(_) => panic!("records that are not merged"),
                MergeStep::Done => break,
            }
        }
        prop_assert_eq!(shown(&merged_records(&shape, &output)), shown(&wanted), "{:?}", shape);
    }

    #[test]
    fn a_merge_of_first_rows_is_the_model((shape, runs, sizes, target_rows) in work()) {
        prop_assume!(sizes.iter().any(|size| *size > 0));
        let retracts = |record: &Record| matches!(record.kind, 1 | 3);
        let keys = shape.sorted(runs.iter().flatten().cloned());
        let refused = shape.deletes == Deletes::Count && keys.iter().any(|key| key.len() > 1 && key.iter().any(retracts));
        let first = |key: Vec<Record>| match key.len() {
            1 => key.into_iter().next(),
            _ => key.into_iter().find(|record| !retracts(record)),
        };
        let wanted: Vec<Record> = keys.into_iter().filter_map(first).collect();
        let mut options = shape.options();
        options.function = MergeFunction::FirstRow(FirstRow { deletes: shape.deletes });
        let mut batches: Vec<_> = runs.iter().map(|run| VecDeque::from(cut(&shape, run, &sizes))).collect();
        let mut merge = SortMerge::with_target_rows(runs.len(), &options, shape.schema(), target_rows).unwrap();
        let mut output = Vec::new();
        let error = loop {
            match merge.step() {
                Ok(MergeStep::Need(run)) => merge.feed(run, batches[run].pop_front()).unwrap(),
                Ok(MergeStep::Ready(batch)) => output.push(batch),
                Ok(MergeStep::Groups(_)) => panic!("records that are not merged"),
                Ok(MergeStep::Done) => break None,
                Err(error) => break Some(error),
            }
        };
        prop_assert_eq!(error.as_ref().map(alluvium_format::Error::kind), refused.then_some(ErrorKind::Invalid));
        if let Some(error) = error {
            prop_assert!(error.to_string().contains("ignore-delete"), "{}", error);
        } else {
            prop_assert_eq!(shown(&merged_records(&shape, &output)), shown(&wanted), "{:?}", shape);
        }
    }
}

proptest! {
    #![proptest_config(cases(40))]

    /// Stretches of one run, some so long that they leave as slices, between keys that several runs have.
    #[test]
    fn stretches_are_merged_whole(
        stretches in prop::collection::vec((1..16_u8, prop_oneof![3 => 1..20_i64, 1 => 900..2500_i64]), 1..24),
        sizes in prop::collection::vec(1..3000_usize, 1..4),
        target_rows in 1..5000_usize,
    ) {
        let shape = Shape::of_key(&["BIGINT"]);
        let mut runs = vec![Vec::new(); 4];
        let mut key = -3000;
        for (which, length) in stretches {
            for _ in 0..length {
                key += 1;
                for (run, records) in runs.iter_mut().enumerate() {
                    // Mostly one run has the key: the lowest of the set bits, unless the key is one of a few.
                    let lowest = which.trailing_zeros() as usize == run;
                    if lowest || (key % 97 == 0 && which & (1 << run) != 0) {
                        records.push(long_record(key, key * 4 + 3 - run as i64));
                    }
                }
            }
        }
        let wanted = shape.merged(runs.iter().flatten().cloned());
        let batches = runs.iter().map(|run| cut(&shape, run, &sizes)).collect();
        let output = merge(&shape, batches, target_rows);
        prop_assert_eq!(shown(&merged_records(&shape, &output)), shown(&wanted));

        let wanted = shape.sorted(runs.iter().flatten().cloned()).into_iter();
        let level = |record: &Record| 3 - (record.sequence - 4 * long_key(record));
        let wanted: Vec<Vec<_>> = wanted
            .map(|key| key.into_iter().map(|record| (shown(std::slice::from_ref(&record)).remove(0), level(&record) as i32)).collect())
            .collect();
        let batches = runs.iter().map(|run| cut(&shape, run, &sizes)).collect();
        prop_assert_eq!(listed(&shape, &group(&shape, batches, target_rows)), wanted);
    }
}

fn long_key(record: &Record) -> i64 {
    match record.key[0] {
        Some(Datum::BigInt(key)) => key,
        _ => panic!("a key of another type"),
    }
}

#[test]
fn a_merge_of_no_runs_is_done_and_of_empty_runs_is_empty() {
    let shape = Shape::of_key(&["INT"]);
    let mut none = SortMerge::new(0, &shape.options(), shape.schema()).unwrap();
    assert_eq!(none.step().unwrap(), MergeStep::Done);
    assert!(merge(&shape, vec![Vec::new(), vec![shape.batch(&[])], Vec::new()], 8).is_empty());
}

/// However small its batches are, a long run does not pile up before anything comes out.
#[test]
fn a_run_that_is_alone_is_not_held_back() {
    let shape = Shape::of_key(&["BIGINT"]);
    let records: Vec<Record> = (0..4000).map(|key| long_record(key, key)).collect();
    for (runs, batch_rows, target_rows) in [(1, 50, 100), (1, 1, 64), (3, 50, 100), (3, 7, 1_000_000)] {
        let mut batches = cut(&shape, &records, &[batch_rows]).into_iter();
        let mut merge = SortMerge::with_target_rows(runs, &shape.options(), shape.schema(), target_rows).unwrap();
        let far = shape.batch(&[long_record(1_000_000, 0)]);
        let (mut fed, mut held_max, mut out) = (vec![0; runs], 0, 0);
        loop {
            match merge.step().unwrap() {
                MergeStep::Need(0) => {
                    let batch = batches.next();
                    fed[0] += batch.as_ref().map_or(0, KeyValueBatch::num_rows);
                    held_max = held_max.max(fed[0] - out);
                    merge.feed(0, batch).unwrap();
                }
                MergeStep::Need(run) => {
                    merge.feed(run, (fed[run] == 0).then(|| far.clone())).unwrap();
                    fed[run] = 1;
                }
                MergeStep::Ready(batch) => out += batch.num_rows(),
                MergeStep::Groups(_) => panic!("records that are not merged"),
                MergeStep::Done => break,
            }
        }
        assert_eq!(out, records.len() + usize::from(runs > 1));
        // By rows, or by the number of batches that wait, whatever comes first, and the batch that was just fed.
        let limit = (target_rows + 2 * batch_rows).min(4 * runs * batch_rows);
        assert!(held_max <= limit, "{held_max} rows were held of {runs} runs in batches of {batch_rows}");
    }
}

/// A long stretch is handed on, not copied.
#[test]
fn a_long_stretch_shares_its_columns() {
    let shape = Shape::of_key(&["BIGINT"]);
    let records: Vec<Record> = (0..5000).map(|key| long_record(key, key)).collect();
    let batch = shape.batch(&records);
    let output = merge(&shape, vec![vec![batch.clone()], vec![shape.batch(&[long_record(9000, 1)])]], 100_000);
    let buffer = |batch: &KeyValueBatch| batch.sequences.values().inner().data_ptr();
    assert_eq!(buffer(&output[0]), buffer(&batch));
    assert_eq!(output.iter().map(KeyValueBatch::num_rows).sum::<usize>(), 5001);
    let output = group(&shape, vec![vec![batch.clone()], vec![shape.batch(&[long_record(9000, 1)])]], 100_000);
    assert_eq!(buffer(output[0].records()), buffer(&batch));
    assert!(output[0].are_single() && output[0].num_keys() == 5000);
}

#[test]
fn groups_have_a_level_for_each_record_and_a_record_for_each_key() {
    let shape = Shape::of_key(&["BIGINT"]);
    let records = shape.batch(&[long_record(1, 1), long_record(1, 2), long_record(1, 3), long_record(2, 4)]);
    let groups = KeyGroups::try_new(records.clone(), vec![5, 3, 0, 0], vec![3, 4]).unwrap();
    assert_eq!((groups.num_keys(), groups.are_single(), groups.range(1)), (2, false, 3..4));
    assert_eq!(groups.ranges().collect::<Vec<_>>(), [0..3, 3..4]);
    assert_eq!((groups.high_level_record(0), groups.high_level_record(1)), (Some(1), None));
    assert!(groups.has_level_0(0) && groups.has_level_0(1));
    let alone = KeyGroups::of_single_records(records.clone(), 2).unwrap();
    assert_eq!((alone.are_single(), alone.has_level_0(0), alone.high_level_record(3)), (true, false, Some(3)));
    for (levels, ends) in
        [(vec![0; 3], vec![4]), (vec![0; 4], vec![3]), (vec![0; 4], vec![0, 4]), (vec![0; 4], vec![4, 4])]
    {
        assert_eq!(KeyGroups::try_new(records.clone(), levels, ends).unwrap_err().kind(), ErrorKind::Internal);
    }
}

#[test]
fn what_is_no_sorted_run_is_refused() {
    let shape = Shape::of_key(&["BIGINT"]);
    let batch = |keys: &[i64]| shape.batch(&keys.iter().map(|key| long_record(*key, 0)).collect::<Vec<_>>());
    for batches in [
        vec![batch(&[1, 3, 2])],
        vec![batch(&[1, 1])],
        vec![batch(&[1, 5]), batch(&[5])],
        vec![batch(&[1, 5]), batch(&[2])],
    ] {
        let mut merge = SortMerge::new(1, &shape.options(), shape.schema()).unwrap();
        let mut batches = VecDeque::from(batches);
        let error = loop {
            match merge.step().unwrap() {
                MergeStep::Need(run) => match merge.feed(run, batches.pop_front()) {
                    Ok(()) => {}
                    Err(error) => break error,
                },
                MergeStep::Ready(_) => {}
                MergeStep::Groups(_) => panic!("records that are not merged"),
                MergeStep::Done => panic!("the merge took keys out of order"),
            }
        };
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains("run 0"), "{error}");
    }
}

#[test]
fn a_run_is_fed_when_asked_for_and_with_the_columns_of_the_merge() {
    let shape = Shape::of_key(&["BIGINT"]);
    let mut merge = SortMerge::new(2, &shape.options(), shape.schema()).unwrap();
    assert_eq!(merge.step().unwrap(), MergeStep::Need(0));
    let other = Shape::of_key(&["INT"]);
    let error = merge.feed(0, Some(other.batch(&[]))).err();
    // An empty batch has nothing that could be wrong; the run is asked for again.
    assert!(error.is_none());
    let record = Record { key: vec![Some(Datum::Int(1))], ..long_record(1, 1) };
    assert_eq!(merge.feed(0, Some(other.batch(&[record]))).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(merge.step().unwrap(), MergeStep::Need(0));
    merge.feed(0, Some(shape.batch(&[long_record(1, 1)]))).unwrap();
    for run in [0, 2] {
        let error = merge.feed(run, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
    }
    assert_eq!(merge.step().unwrap(), MergeStep::Need(1));
    merge.feed(1, None).unwrap();
    assert_eq!(merge.feed(1, None).unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn a_merge_needs_its_columns() {
    let shape = Shape::of_key(&["BIGINT"]);
    let mut options = shape.options();
    options.sequence_columns = vec!["none".to_owned()];
    let error = SortMerge::new(1, &options, shape.schema()).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("sequence column none")), (ErrorKind::Invalid, true));
    options.key_columns = vec!["gone".to_owned()];
    let error = SortMerge::new(1, &options, shape.schema()).unwrap_err();
    assert!(error.to_string().contains("key column gone"), "{error}");
    options.key_columns.clear();
    assert_eq!(SortMerge::new(1, &options, shape.schema()).unwrap_err().kind(), ErrorKind::Invalid);
}
