//! Watermarks from the times of events.
//!
//! Goes in: events, how far out of order they may be. Comes out: the same events, and behind each batch the watermark that they allow. What
//! comes with watermarks of its own loses them, but for the last one.

use std::time::Duration;

use alluvium_format::Result;
use alluvium_reader::ChangeBatch;

use crate::element::MAX_WATERMARK;
use crate::event_time::EventTime;
use crate::operator::{Collector, Operator};

/// How watermarks follow from the times of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatermarkStrategy {
    out_of_orderness_millis: i64,
}

impl WatermarkStrategy {
    /// Events of a sender come in the order of their times.
    #[must_use]
    pub fn monotonous_timestamps() -> Self {
        Self::bounded_out_of_orderness(Duration::ZERO)
    }

    /// An event is at most so much earlier than one that came before it.
    #[must_use]
    pub fn bounded_out_of_orderness(most: Duration) -> Self {
        Self { out_of_orderness_millis: i64::try_from(most.as_millis()).unwrap_or(i64::MAX) }
    }

    /// The watermark behind an event of this time, which is the latest: others of the same time may follow.
    fn behind(self, latest: i64) -> i64 {
        latest.saturating_sub(self.out_of_orderness_millis).saturating_sub(1)
    }
}

/// Gives events their watermarks.
pub(crate) struct TimestampsAndWatermarks {
    time: EventTime,
    strategy: WatermarkStrategy,
    told: i64,
    times: Vec<i64>,
}

impl TimestampsAndWatermarks {
    pub(crate) fn new(time: EventTime, strategy: WatermarkStrategy) -> Self {
        Self { time, strategy, told: i64::MIN, times: Vec::new() }
    }
}

impl Operator for TimestampsAndWatermarks {
    fn on_changes(&mut self, _: usize, changes: ChangeBatch, out: &mut Collector) -> Result<()> {
        self.time.times(&changes.rows, &mut self.times)?;
        let latest = self.times.iter().copied().max();
        out.changes(changes);
        if let Some(watermark) = latest.map(|latest| self.strategy.behind(latest)).filter(|next| *next > self.told) {
            self.told = watermark;
            out.watermark(watermark);
        }
        Ok(())
    }

    fn on_watermark(&mut self, watermark: i64, out: &mut Collector) -> Result<()> {
        if watermark == MAX_WATERMARK {
            out.watermark(watermark);
        }
        Ok(())
    }
}
