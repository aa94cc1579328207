//! A slow operator makes its senders wait: what is on the way is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use alluvium_format::Result;
use alluvium_reader::ChangeBatch;
use alluvium_runtime::{Collector, Element, JobOptions, Operator, SourceReader, StreamEnvironment, Subtask};
use tokio::runtime::Runtime;

use crate::rows::{batch, schema};

const ROWS: usize = 100;
const BATCHES: usize = 2_000;

/// Batches that were given but have not come to the end, and the most that there were.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Fast {
    left: usize,
    gauge: Arc<Gauge>,
}

impl SourceReader for Fast {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Result<Option<Element>>> {
        if self.left == 0 {
            return Poll::Ready(Ok(None));
        }
        self.left -= 1;
        let now = self.gauge.now.fetch_add(ROWS, Ordering::SeqCst) + ROWS;
        self.gauge.most.fetch_max(now, Ordering::SeqCst);
        let rows: Vec<_> = (0..100).map(|key| (key, 0)).collect();
        Poll::Ready(Ok(Some(Element::Changes(batch(&rows)))))
    }
}

/// Is ready every third time that it is asked.
struct Slow {
    asked: usize,
    gauge: Arc<Gauge>,
}

impl Operator for Slow {
    fn on_changes(&mut self, _: usize, changes: ChangeBatch, _: &mut Collector) -> Result<()> {
        self.gauge.now.fetch_sub(changes.rows.num_rows(), Ordering::SeqCst);
        Ok(())
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.asked += 1;
        if self.asked.is_multiple_of(3) {
            return Poll::Ready(Ok(()));
        }
        let waker: &Waker = context.waker();
        waker.wake_by_ref();
        Poll::Pending
    }
}

/// The most rows that were on the way through a middle operator to a slow one.
fn most_on_the_way(parallelism: usize, edge_bytes: usize) -> usize {
    let (environment, gauge) = (StreamEnvironment::new(), Arc::new(Gauge::default()));
    let given = gauge.clone();
    let open = move |_: &Subtask| Ok(Fast { left: BATCHES, gauge: given.clone() });
    let source = environment.source("fast", schema(), open).unwrap();
    let middle = source.key_by(&["k"]).unwrap().stream().map("middle", schema(), Ok).unwrap();
    let taken = gauge.clone();
    let open = move |_: &Subtask| Ok(Slow { asked: 0, gauge: taken.clone() });
    middle.rebalance().process("slow", schema(), open).unwrap();
    let options = JobOptions { parallelism, edge_bytes };
    Runtime::new().unwrap().block_on(environment.execute("slow", &options).unwrap().wait()).unwrap();
    assert_eq!(gauge.now.load(Ordering::SeqCst), 0);
    gauge.most.load(Ordering::SeqCst)
}

#[test]
fn what_is_on_the_way_is_bounded() {
    // A row weighs 17 bytes.
    let edge_bytes = 10 * ROWS * 17;
    for parallelism in 1..4 {
        let most = most_on_the_way(parallelism, edge_bytes);
        // Two edges, each from every sender to every receiver, and a batch more of each sender.
        let bound = 2 * parallelism * parallelism * 10 * ROWS + 2 * parallelism * ROWS * parallelism;
        assert!(most <= bound, "{most} rows on the way, {bound} expected at most");
        assert!(bound < parallelism * BATCHES * ROWS / 4);
    }
}
