//! What a subtask of a job does with what comes to it.
//!
//! Goes in: elements, one at a time, in the order that each sender sent them. Comes out: elements, collected. An operator belongs to one
//! thread and never blocks it: what takes time goes on elsewhere and wakes it.

use std::task::{Context, Poll};

use alluvium_format::Result;
use alluvium_reader::ChangeBatch;

use crate::element::Element;

/// Where a subtask is among its like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtask {
    /// The name of the operator, unique in its job.
    pub operator: String,
    /// Its number, from 0.
    pub index: usize,
    /// How many there are.
    pub parallelism: usize,
}

/// One subtask of an operator.
///
/// Any error ends the job with it; so does a panic.
pub trait Operator: 'static {
    /// Changes came in at an input.
    ///
    /// # Errors
    /// Whatever ends the job.
    fn on_changes(&mut self, input: usize, changes: ChangeBatch, out: &mut Collector) -> Result<()>;

    /// All inputs have come so far; it is passed on unless the operator does otherwise. What is emitted before the watermark belongs before it.
    ///
    /// # Errors
    /// Whatever ends the job.
    fn on_watermark(&mut self, watermark: i64, out: &mut Collector) -> Result<()> {
        out.watermark(watermark);
        Ok(())
    }

    /// All inputs are idle; it is passed on unless the operator does otherwise.
    ///
    /// # Errors
    /// Whatever ends the job.
    fn on_idle(&mut self, out: &mut Collector) -> Result<()> {
        out.idle();
        Ok(())
    }

    /// All inputs have ended: nothing comes any more.
    ///
    /// # Errors
    /// Whatever ends the job.
    fn on_end(&mut self, _out: &mut Collector) -> Result<()> {
        Ok(())
    }

    /// Whether it takes another element now. While it does not, its inputs wait, and in the end the sources do; the waker of `context` says
    /// when to ask again.
    ///
    /// # Errors
    /// Whatever ends the job.
    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Emits what work that goes on elsewhere has brought; ready once nothing is under way. The waker of `context` says when to ask again.
    ///
    /// # Errors
    /// Whatever ends the job.
    fn poll_under_way(&mut self, _context: &mut Context<'_>, _out: &mut Collector) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Takes what an operator emits, by output; the first output is the main one, the others are side outputs.
#[derive(Debug, Default)]
pub struct Collector {
    /// Of `None`: to all outputs.
    collected: Vec<(Option<usize>, Element)>,
}

impl Collector {
    /// Changes to the main output.
    pub fn changes(&mut self, changes: ChangeBatch) {
        self.changes_to(0, changes);
    }

    /// Changes to an output.
    pub fn changes_to(&mut self, output: usize, changes: ChangeBatch) {
        if changes.rows.num_rows() > 0 {
            self.collected.push((Some(output), Element::Changes(changes)));
        }
    }

    /// A watermark to all outputs.
    pub fn watermark(&mut self, watermark: i64) {
        self.collected.push((None, Element::Watermark(watermark)));
    }

    /// To all outputs: nothing may follow for a while.
    pub fn idle(&mut self) {
        self.collected.push((None, Element::Idle));
    }

    /// What was collected, in order.
    pub(crate) fn take(&mut self) -> std::vec::Drain<'_, (Option<usize>, Element)> {
        self.collected.drain(..)
    }
}
