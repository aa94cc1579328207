//! A subtask of a source at work.
//!
//! Goes in: what its reader has. Comes out: the same, as long as there is room further down, and behind its end a last watermark.

use std::task::{Context, Poll};

use alluvium_format::Result;

use crate::element::{Element, MAX_WATERMARK};
use crate::source::SourceReader;
use crate::task::{Progress, Surroundings};

/// So many elements are read before others on the thread have their turn.
const TURN: usize = 16;

/// A subtask of a source.
pub(crate) struct SourceTask {
    reader: Box<dyn SourceReader>,
}

impl SourceTask {
    pub(crate) fn new(reader: Box<dyn SourceReader>) -> Self {
        Self { reader }
    }

    /// Reads as long as it can, but no longer than its turn.
    pub(crate) fn work(&mut self, context: &mut Context<'_>, around: &mut dyn Surroundings) -> Result<Progress> {
        for _ in 0..TURN {
            if !around.has_room() {
                return Ok(Progress::Waiting);
            }
            match self.reader.poll_next(context)? {
                Poll::Pending => return Ok(Progress::Waiting),
                Poll::Ready(Some(element)) => around.send(Some(0), element)?,
                Poll::Ready(None) => {
                    around.send(Some(0), Element::Watermark(MAX_WATERMARK))?;
                    return Ok(Progress::Done);
                }
            }
        }
        Ok(Progress::Busy)
    }
}
