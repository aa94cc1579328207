//! Rows of a key meet at one subtask, in the order of their sender, whatever the parallelism is.

use std::collections::{BTreeMap, HashMap};

use alluvium_format::Result;
use alluvium_reader::ChangeBatch;
use alluvium_runtime::{Collector, Element, JobOptions, Operator, StreamEnvironment};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::rows::{Came, Keep, Row, Scripted, Seen, all_rows, batch, rows, schema};

/// For each row its key, and how many rows of the key there were.
#[derive(Default)]
struct Count {
    counts: HashMap<i64, i64>,
}

impl Operator for Count {
    fn on_changes(&mut self, _: usize, changes: ChangeBatch, out: &mut Collector) -> Result<()> {
        let counted = rows(&changes).into_iter().map(|(key, _)| {
            let count = self.counts.entry(key).or_insert(0);
            *count += 1;
            (key, *count)
        });
        out.changes(batch(&counted.collect::<Vec<Row>>()));
        Ok(())
    }
}

/// Runs sources with these batches through a count by key.
fn counted(sources: &[Vec<Vec<Row>>], parallelism: usize, edge_bytes: usize) -> Vec<(usize, Came)> {
    let environment = StreamEnvironment::new();
    let mut all = None;
    for (number, batches) in sources.iter().enumerate() {
        let batches = batches.clone();
        let source = environment.source(&format!("source {number}"), schema(), move |subtask| {
            let mine = batches.iter().skip(subtask.index).step_by(subtask.parallelism);
            let elements: Vec<Element> = mine.map(|rows| Element::Changes(batch(rows))).collect();
            Ok(Scripted(elements.into_iter()))
        });
        let source = source.unwrap();
        all = Some(match all {
            None => source,
            Some(others) => source.union(&others).unwrap(),
        });
    }
    let seen = Seen::default();
    let kept = seen.clone();
    let counts = all.unwrap().key_by(&["k"]).unwrap().process("count", schema(), |_| Ok(Count::default())).unwrap();
    let keep = move |subtask: &alluvium_runtime::Subtask| Ok(Keep { subtask: subtask.index, seen: kept.clone() });
    counts.main().process("keep", schema(), keep).unwrap();
    let options = JobOptions { parallelism, edge_bytes };
    Runtime::new().unwrap().block_on(environment.execute("counts", &options).unwrap().wait()).unwrap();
    let seen = seen.lock().unwrap();
    seen.clone()
}

fn check(sources: &[Vec<Vec<Row>>], parallelism: usize, edge_bytes: usize) {
    let seen = counted(sources, parallelism, edge_bytes);
    let mut expected: BTreeMap<i64, i64> = BTreeMap::new();
    for (key, _) in sources.iter().flatten().flatten() {
        *expected.entry(*key).or_insert(0) += 1;
    }
    let mut subtasks: BTreeMap<i64, usize> = BTreeMap::new();
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    for (subtask, came) in &seen {
        let Came::Rows(rows) = came else { continue };
        for (key, count) in rows {
            assert_eq!(subtasks.entry(*key).or_insert(*subtask), subtask, "key {key} is at one subtask");
            let before = counts.insert(*key, *count).unwrap_or(0);
            assert_eq!(*count, before + 1, "key {key} is counted one by one");
        }
    }
    assert_eq!(counts, expected);
    for subtask in 0..parallelism {
        let of: Vec<&Came> = seen.iter().filter(|(of, _)| *of == subtask).map(|(_, came)| came).collect();
        assert!(matches!(of.as_slice(), [.., Came::Watermark(i64::MAX), Came::End]), "{subtask}: {of:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counts_are_those_of_all_rows(
        sources in prop::collection::vec(
            prop::collection::vec(prop::collection::vec((0i64..50, any::<i64>()), 0..40), 0..12),
            1..4,
        ),
        parallelism in 1usize..5,
        edge_bytes in prop::sample::select(vec![1, 1000, 1 << 20]),
    ) {
        check(&sources, parallelism, edge_bytes);
    }
}

#[test]
fn what_one_subtask_sends_keeps_its_order() {
    let environment = StreamEnvironment::new();
    let elements: Vec<Vec<Row>> = (0..200).map(|first| (0..10).map(|row| (row, first * 10 + row)).collect()).collect();
    let source = environment.source("numbers", schema(), move |subtask| {
        let elements: Vec<Element> = elements.iter().map(|rows| Element::Changes(batch(rows))).collect();
        Ok(Scripted(if subtask.index == 0 { elements.into_iter() } else { Vec::new().into_iter() }))
    });
    let seen = Seen::default();
    let kept = seen.clone();
    let keyed = source.unwrap().key_by(&["k"]).unwrap();
    keyed.process("keep", schema(), move |s| Ok(Keep { subtask: s.index, seen: kept.clone() })).unwrap();
    let options = JobOptions { parallelism: 3, edge_bytes: 500 };
    Runtime::new().unwrap().block_on(environment.execute("order", &options).unwrap().wait()).unwrap();
    let mut by_key: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (key, value) in all_rows(&seen) {
        by_key.entry(key).or_default().push(value);
    }
    assert_eq!(by_key.len(), 10);
    for values in by_key.values() {
        assert_eq!(values.len(), 200);
        assert!(values.is_sorted(), "{values:?}");
    }
}
