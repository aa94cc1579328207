//! Compactions that make changelog and deletion vectors, over random flushes: they change nothing that is read, every change fits what
//! was, replaying the changelog is the table, and where deletion vectors delete each key is in one place.

use std::collections::BTreeMap;

use alluvium_compaction::Picking;
use alluvium_format::RowKind;
use proptest::prelude::*;

use crate::keyed_bucket::{KeyedBucket, Values, Write};

/// What becomes of writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Deduplicate,
    /// By column b.
    DeduplicateBySequence,
    PartialUpdate,
    /// The sum of a, the last b that is not null.
    Aggregation,
    FirstRow,
}

/// Who makes changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Producer {
    None,
    ForceLookup,
    Lookup,
    LookupDeduplicated,
    Full,
    FullDeduplicated,
}

/// Whether deletion vectors delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vectors {
    Off,
    Bits32,
    Bits64,
    /// From the middle of the rounds on.
    SwitchedOn,
}

impl Engine {
    fn options(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Deduplicate => &[],
            Self::DeduplicateBySequence => &[("sequence.field", "b")],
            Self::PartialUpdate => &[("merge-engine", "partial-update")],
            Self::Aggregation => &[("merge-engine", "aggregation"), ("fields.a.aggregate-function", "sum")],
            Self::FirstRow => &[("merge-engine", "first-row")],
        }
    }

    /// A write that this engine takes, of any write.
    fn admit(self, model: &Model, (key, kind, values): Write) -> Write {
        let is_there = model.rows.contains_key(&key);
        match self {
            Self::Deduplicate => (key, kind, values),
            // Retracting what is not there would leave a row below nothing.
            Self::Aggregation if kind == RowKind::Delete && is_there => (key, kind, (values.0, None)),
            _ => (key, RowKind::Insert, values),
        }
    }
}

impl Producer {
    fn options(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::None => &[],
            Self::ForceLookup => &[("force-lookup", "true")],
            Self::Lookup => &[("changelog-producer", "lookup")],
            Self::LookupDeduplicated => {
                &[("changelog-producer", "lookup"), ("changelog-producer.row-deduplicate", "true")]
            }
            Self::Full => &[("changelog-producer", "full-compaction")],
            Self::FullDeduplicated => {
                &[("changelog-producer", "full-compaction"), ("changelog-producer.row-deduplicate", "true")]
            }
        }
    }

    /// Whether replaying the changes gives the table after such a compaction.
    fn is_complete_after(self, picking: Picking) -> bool {
        match self {
            Self::None | Self::ForceLookup => false,
            Self::Lookup | Self::LookupDeduplicated => true,
            Self::Full | Self::FullDeduplicated => picking == Picking::Full,
        }
    }
}

impl Vectors {
    fn options(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Off | Self::SwitchedOn => &[],
            Self::Bits32 => &[("deletion-vectors.enabled", "true")],
            Self::Bits64 => &[("deletion-vectors.enabled", "true"), ("deletion-vectors.bitmap64", "true")],
        }
    }
}

/// The rows, write by write.
#[derive(Debug, Default)]
struct Model {
    rows: BTreeMap<i32, Values>,
}

impl Model {
    fn write(&mut self, engine: Engine, (key, kind, (a, b)): Write) {
        let was = self.rows.get(&key).copied();
        let now = match (engine, was) {
            (Engine::Deduplicate, _) if kind == RowKind::Delete => None,
            (Engine::Deduplicate, _) | (_, None) => Some((a, b)),
            (Engine::DeduplicateBySequence, Some(was)) => Some(if b >= was.1 { (a, b) } else { was }),
            (Engine::PartialUpdate, Some(was)) => Some((a.or(was.0), b.or(was.1))),
            (Engine::Aggregation, Some(was)) => {
                let sign = if kind == RowKind::Delete { -1 } else { 1 };
                let sum = a.map_or(was.0, |a| Some(was.0.map_or(sign * a, |sum| sum + sign * a)));
                Some((sum, b.or(was.1)))
            }
            (Engine::FirstRow, Some(was)) => Some(was),
        };
        match now {
            Some(row) => drop(self.rows.insert(key, row)),
            None => drop(self.rows.remove(&key)),
        }
    }
}

/// A flush of these writes, then perhaps a compaction, then perhaps another writer.
type Round = (Vec<Write>, Option<Picking>, bool);

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let kind = prop::sample::select(vec![RowKind::Insert, RowKind::Insert, RowKind::UpdateAfter, RowKind::Delete]);
    let value = prop::option::weighted(0.8, 0..4_i32);
    let write = (0..30_i32, kind, (value.clone(), value));
    let picking =
        prop::sample::select(vec![None, Some(Picking::Universal), Some(Picking::Universal), Some(Picking::Full)]);
    let round = (prop::collection::vec(write, 1..12), picking, prop::bool::weighted(0.2));
    prop::collection::vec(round, 1..14)
}

async fn run(engine: Engine, producer: Producer, vectors: Vectors, rounds: Vec<Round>) {
    // Small files are those below 70 bytes, so that many are upgraded.
    let mut options = vec![("num-sorted-run.compaction-trigger", "3"), ("target-file-size", "100 b")];
    options.extend([engine.options(), producer.options(), vectors.options()].concat());
    let mut bucket = KeyedBucket::new(&options).await;
    let mut skips_level0 = matches!(vectors, Vectors::Bits32 | Vectors::Bits64) || engine == Engine::FirstRow;
    let mut model = Model::default();
    let middle = rounds.len() / 2;
    for (round, (writes, picking, restarts)) in rounds.into_iter().enumerate() {
        if vectors == Vectors::SwitchedOn && round == middle {
            bucket.switch_vectors_on().await;
            skips_level0 = true;
            assert_eq!(bucket.read().await, model.rows, "switched on");
        }
        let writes: Vec<Write> = writes
            .into_iter()
            .map(|write| {
                let write = engine.admit(&model, write);
                model.write(engine, write);
                write
            })
            .collect();
        bucket.flush(&writes).await;
        if !skips_level0 {
            assert_eq!(bucket.read().await, model.rows, "before the compaction");
        }
        let Some(picking) = picking else { continue };
        bucket.compact(picking).await.unwrap();
        let is_done = !bucket.compaction.is_not_completed();
        assert!(is_done, "level 0 is left");
        if is_done || !skips_level0 {
            assert_eq!(bucket.read().await, model.rows, "after the compaction");
        }
        if producer.is_complete_after(picking) {
            assert_eq!(bucket.replayed, model.rows, "the changes add up to another table");
        }
        if vectors != Vectors::Off && skips_level0 {
            bucket.assert_each_key_once().await;
        }
        if restarts {
            bucket.restart();
        }
    }
}

/// All that go together.
fn tables() -> Vec<(Engine, Producer, Vectors)> {
    use Engine::{Aggregation, Deduplicate, DeduplicateBySequence, FirstRow, PartialUpdate};
    use Producer::{ForceLookup, Full, FullDeduplicated, Lookup, LookupDeduplicated, None};
    let mut tables = vec![(FirstRow, None, Vectors::Off), (FirstRow, Lookup, Vectors::Off)];
    for engine in [Deduplicate, DeduplicateBySequence, PartialUpdate, Aggregation] {
        for producer in [ForceLookup, Lookup, LookupDeduplicated, Full, FullDeduplicated] {
            tables.push((engine, producer, Vectors::Off));
        }
        for producer in [None, Lookup, LookupDeduplicated] {
            tables.push((engine, producer, Vectors::Bits32));
            tables.push((engine, producer, Vectors::SwitchedOn));
        }
        tables.push((engine, None, Vectors::Bits64));
    }
    tables
}

#[test]
fn compactions_change_nothing_that_is_read_and_tell_what_changed() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(12) };
    for (engine, producer, vectors) in tables() {
        let mut runner = proptest::test_runner::TestRunner::new(config.clone());
        let outcome = runner.run(&rounds(), |rounds| {
            runtime.block_on(run(engine, producer, vectors, rounds));
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{engine:?}, {producer:?}, {vectors:?}: {error}");
        }
    }
}
