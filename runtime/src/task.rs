//! A subtask at work: an operator, what waits for it, and its watermark.
//!
//! Goes in: elements with their origin. Comes out: what the operator emits, and leave to send as much again. The operator is given nothing
//! while something further down has no room, or while it is not ready; then what came waits here. An end is passed on when all is done.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use alluvium_format::Result;

use crate::element::Element;
use crate::operator::{Collector, Operator};
use crate::watermarks::{Advance, WatermarkMinimum};

/// So many elements are worked on before others on the thread have their turn.
const TURN: usize = 64;

/// Where an element came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The edge, counted over all inputs of the operator.
    pub(crate) edge: usize,
    /// The sending subtask.
    pub(crate) sender: usize,
}

/// What is on the other side of a task.
pub(crate) trait Surroundings {
    /// Whether all that hears from the task has room.
    fn has_room(&mut self) -> bool;
    /// Sends to an output, or to all.
    fn send(&mut self, output: Option<usize>, element: Element) -> Result<()>;
    /// So many bytes of an origin are dealt with: as many may follow.
    fn dealt_with(&mut self, origin: Origin, bytes: usize);
}

/// One input edge of a task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InputEdge {
    /// The operator's input that it leads to.
    pub(crate) input: usize,
    /// The place of its first sender among the channels of all edges.
    pub(crate) first_channel: usize,
    /// The number of its first sender.
    pub(crate) first_sender: usize,
}

/// How it stands with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It waits for elements, for room, or for its operator: each wakes it.
    Waiting,
    /// It has more to do at once.
    Busy,
    /// It has ended.
    Done,
}

struct Waiting {
    origin: Origin,
    element: Element,
    bytes: usize,
}

/// A subtask at work.
pub(crate) struct Task {
    operator: Box<dyn Operator>,
    edges: Vec<InputEdge>,
    inbox: VecDeque<Waiting>,
    watermarks: WatermarkMinimum,
    collector: Collector,
    ended: bool,
}

impl Task {
    /// With so many channels over all edges.
    pub(crate) fn new(operator: Box<dyn Operator>, edges: Vec<InputEdge>, channels: usize) -> Self {
        let watermarks = WatermarkMinimum::new(channels);
        Self { operator, edges, inbox: VecDeque::new(), watermarks, collector: Collector::default(), ended: false }
    }

    /// Takes what came, to be worked on in its turn.
    pub(crate) fn accept(&mut self, origin: Origin, element: Element, bytes: usize) {
        self.inbox.push_back(Waiting { origin, element, bytes });
    }

    /// Works as long as it can, but no longer than its turn. `closed`: no more is accepted.
    pub(crate) fn work(
        &mut self,
        context: &mut Context<'_>,
        around: &mut dyn Surroundings,
        closed: bool,
    ) -> Result<Progress> {
        let mut settled = self.poll_under_way(context, around)?;
        for _ in 0..TURN {
            if !around.has_room() || self.operator.poll_ready(context)?.is_pending() {
                return Ok(Progress::Waiting);
            }
            let Some(waiting) = self.inbox.pop_front() else {
                return self.finish(context, around, closed && settled);
            };
            self.give(waiting.origin, waiting.element)?;
            self.send(around)?;
            around.dealt_with(waiting.origin, waiting.bytes);
            settled = self.poll_under_way(context, around)?;
        }
        Ok(Progress::Busy)
    }

    /// Whether nothing is under way any more.
    fn poll_under_way(&mut self, context: &mut Context<'_>, around: &mut dyn Surroundings) -> Result<bool> {
        let poll = self.operator.poll_under_way(context, &mut self.collector)?;
        self.send(around)?;
        Ok(poll == Poll::Ready(()))
    }

    fn finish(&mut self, context: &mut Context<'_>, around: &mut dyn Surroundings, finished: bool) -> Result<Progress> {
        if !finished {
            return Ok(Progress::Waiting);
        }
        if !self.ended {
            self.ended = true;
            self.operator.on_end(&mut self.collector)?;
            self.send(around)?;
        }
        let done = self.poll_under_way(context, around)?;
        Ok(if done { Progress::Done } else { Progress::Waiting })
    }

    fn give(&mut self, origin: Origin, element: Element) -> Result<()> {
        let Some(edge) = self.edges.get(origin.edge).copied() else {
            return Err(alluvium_format::Error::internal("an element came over an edge that is not there"));
        };
        let channel = edge.first_channel + origin.sender - edge.first_sender;
        let advance = match element {
            Element::Changes(changes) => {
                self.watermarks.active(channel);
                return self.operator.on_changes(edge.input, changes, &mut self.collector);
            }
            Element::Watermark(watermark) => self.watermarks.advance(channel, watermark),
            Element::Idle => self.watermarks.idle(channel),
        };
        match advance {
            Some(Advance::To(watermark)) => self.operator.on_watermark(watermark, &mut self.collector),
            Some(Advance::Idle) => self.operator.on_idle(&mut self.collector),
            None => Ok(()),
        }
    }

    fn send(&mut self, around: &mut dyn Surroundings) -> Result<()> {
        for (output, element) in self.collector.take() {
            around.send(output, element)?;
        }
        Ok(())
    }
}
