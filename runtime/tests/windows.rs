//! Windows over shuffled events equal those of a model, whatever the parallelism is; late rows are told apart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alluvium_format::Result;
use alluvium_reader::ChangeBatch;
use alluvium_runtime::{
    Aggregate, Collector, DataStream, Element, JobOptions, Operator, StreamEnvironment, WatermarkStrategy,
    WindowAssigner,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMillisecondType};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::rows::{Keep, Row, Scripted, Seen, all_rows, batch, schema};

/// Key, start and end of a window: count, sum, least, greatest, average; the value of an event is its time.
type Windows = BTreeMap<(i64, i64, i64), (i64, i64, i64, i64, f64)>;

#[derive(Default, Clone)]
struct Results(Arc<Mutex<Windows>>);

/// Keeps the rows of windows, each of which comes once.
struct KeepWindows(Results);

impl Operator for KeepWindows {
    fn on_changes(&mut self, _: usize, changes: ChangeBatch, _: &mut Collector) -> Result<()> {
        let rows = &changes.rows;
        let long = |name: &str| rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().clone();
        let moment = |name: &str| rows.column_by_name(name).unwrap().as_primitive::<TimestampMillisecondType>().clone();
        let average = rows.column_by_name("average").unwrap().as_primitive::<Float64Type>();
        for row in 0..rows.num_rows() {
            let window = (long("k").value(row), moment("window_start").value(row), moment("window_end").value(row));
            let [count, sum, least, greatest] = ["count", "sum", "least", "greatest"].map(|name| long(name).value(row));
            let kept = (count, sum, least, greatest, average.value(row));
            assert!(self.0.0.lock().unwrap().insert(window, kept).is_none(), "{window:?} came twice");
        }
        Ok(())
    }
}

struct Outcome {
    windows: Windows,
    late: Vec<Row>,
}

fn run(batches: Vec<Vec<Row>>, assigner: WindowAssigner, out_of_order: u64, parallelism: usize) -> Outcome {
    let environment = StreamEnvironment::new();
    let source = environment.source("events", schema(), move |subtask| {
        let mine = batches.iter().skip(subtask.index).step_by(subtask.parallelism);
        let elements: Vec<Element> = mine.map(|rows| Element::Changes(batch(rows))).collect();
        Ok(Scripted(elements.into_iter()))
    });
    let strategy = WatermarkStrategy::bounded_out_of_orderness(Duration::from_millis(out_of_order));
    let timed: DataStream = source.unwrap().assign_timestamps_and_watermarks("times", "v", strategy).unwrap();
    let aggregates = [
        Aggregate::count_all("count"),
        Aggregate::sum("v", "sum"),
        Aggregate::min("v", "least"),
        Aggregate::max("v", "greatest"),
        Aggregate::average("v", "average"),
    ];
    let windowed = timed.key_by(&["k"]).unwrap().window("windows", "v", assigner, &aggregates).unwrap();
    let (results, late) = (Results::default(), Seen::default());
    let (kept, seen) = (results.clone(), late.clone());
    let main = windowed.main();
    main.process("keep", main.schema().clone(), move |_| Ok(KeepWindows(kept.clone()))).unwrap();
    let keep = move |s: &alluvium_runtime::Subtask| Ok(Keep { subtask: s.index, seen: seen.clone() });
    windowed.late().process("late", schema(), keep).unwrap();
    let options = JobOptions { parallelism, ..JobOptions::default() };
    Runtime::new().unwrap().block_on(environment.execute("windows", &options).unwrap().wait()).unwrap();
    let windows = results.0.lock().unwrap().clone();
    Outcome { windows, late: all_rows(&late) }
}

/// Of windows of a size, one each slide.
fn model(rows: &[Row], size: i64, slide: i64) -> Windows {
    let mut values: BTreeMap<(i64, i64, i64), Vec<i64>> = BTreeMap::new();
    for (key, time) in rows {
        for start in (time - size + 1..=*time).filter(|start| start.rem_euclid(slide) == 0) {
            values.entry((*key, start, start + size)).or_default().push(*time);
        }
    }
    let of = |values: Vec<i64>| {
        let (count, sum) = (i64::try_from(values.len()).unwrap(), values.iter().sum::<i64>());
        (count, sum, *values.iter().min().unwrap(), *values.iter().max().unwrap(), sum as f64 / count as f64)
    };
    values.into_iter().map(|(window, values)| (window, of(values))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn shuffled_events_give_the_windows_of_a_model(
        batches in prop::collection::vec(prop::collection::vec((0i64..8, -200i64..200), 0..20), 0..15),
        (size, slide) in prop::sample::select(vec![(50u64, 50u64), (60, 20), (50, 30), (10, 25), (1, 1)]),
        parallelism in 1usize..4,
    ) {
        let assigner = WindowAssigner::sliding(Duration::from_millis(size), Duration::from_millis(slide)).unwrap();
        let all: Vec<Row> = batches.iter().flatten().copied().collect();
        // No event is further out of order than all times lie apart.
        let outcome = run(batches, assigner, 400, parallelism);
        prop_assert_eq!(outcome.late, vec![]);
        prop_assert_eq!(outcome.windows, model(&all, size as i64, slide as i64));
    }
}

#[test]
fn rows_behind_the_watermark_are_late() {
    let batches = vec![vec![(1, 5)], vec![(1, 25)], vec![(1, 7), (1, 15), (1, 21)]];
    let outcome = run(batches, WindowAssigner::tumbling(Duration::from_millis(10)).unwrap(), 5, 1);
    // The watermark is at 19 when they come: the windows up to 20 are complete.
    assert_eq!(outcome.late, [(1, 7), (1, 15)]);
    assert_eq!(outcome.windows, model(&[(1, 5), (1, 25), (1, 21)], 10, 10));
}

#[test]
fn what_cannot_be_aggregated_is_refused_by_name() {
    let environment = StreamEnvironment::new();
    let source = environment.source("none", schema(), |_| Ok(Scripted(Vec::new().into_iter()))).unwrap();
    let keyed = source.key_by(&["k"]).unwrap();
    let day = WindowAssigner::tumbling(Duration::from_secs(86_400)).unwrap();
    let refused =
        |time: &str, aggregate: Aggregate| keyed.window("w", time, day, &[aggregate]).unwrap_err().to_string();
    assert!(refused("v", Aggregate::sum("x", "s")).contains("a column x"));
    assert!(refused("when", Aggregate::count_all("n")).contains("no column when"));
    assert!(refused("v", Aggregate::count_all("k")).contains("two columns k"));
}
