//! Aggregates of the rows of a key in windows.
//!
//! Goes in: rows that come into being, with times. Comes out: for each window that is complete, a row for each key: key, start and end of the
//! window, aggregates. Rows whose windows were all complete when they came are late, and go to a side output; the answer is the same in
//! whatever order the others come.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_format::{Error, Result, RowKind};
use alluvium_reader::ChangeBatch;
use arrow_array::{ArrayRef, RecordBatch, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::assigner::{TimeWindow, WindowAssigner};
use crate::aggregate::{Accumulator, Aggregate};
use crate::event_time::EventTime;
use crate::key_index::{BatchKeys, KeyEncoder, KeyIndex};
use crate::operator::{Collector, Operator};
use crate::selection::rows_at;

/// The output of rows that came too late.
pub(crate) const LATE: usize = 1;

/// What is aggregated, how.
#[derive(Clone, Debug)]
pub(crate) struct WindowPlan {
    pub(crate) source: SchemaRef,
    pub(crate) key: Vec<usize>,
    pub(crate) time: EventTime,
    pub(crate) assigner: WindowAssigner,
    pub(crate) aggregates: Vec<Aggregate>,
    /// What comes out.
    pub(crate) result: SchemaRef,
}

impl WindowPlan {
    /// # Errors
    /// `Invalid` where a column is not there or a name is there twice; `Unsupported` where a function is not there for a type.
    pub(crate) fn new(
        source: SchemaRef,
        key: Vec<usize>,
        time: &str,
        assigner: WindowAssigner,
        aggregates: &[Aggregate],
    ) -> Result<Self> {
        let mut fields: Vec<Field> = key.iter().map(|column| source.field(*column).clone()).collect();
        let moment = DataType::Timestamp(TimeUnit::Millisecond, None);
        fields.extend(["window_start", "window_end"].map(|name| Field::new(name, moment.clone(), false)));
        for aggregate in aggregates {
            fields.push(aggregate.field(&source)?);
        }
        for (place, field) in fields.iter().enumerate() {
            if fields.iter().take(place).any(|other| other.name() == field.name()) {
                return Err(Error::invalid(format!("a window has two columns {}: name one otherwise", field.name())));
            }
        }
        let time = EventTime::of(&source, time)?;
        let result = Arc::new(Schema::new(fields));
        Ok(Self { source, key, time, assigner, aggregates: aggregates.to_vec(), result })
    }
}

/// The keys of a window and what is kept of them.
struct Pane {
    keys: KeyIndex,
    accumulators: Vec<Box<dyn Accumulator>>,
}

/// Aggregates rows by key and window.
pub(crate) struct WindowAggregate {
    plan: WindowPlan,
    encoder: KeyEncoder,
    panes: BTreeMap<TimeWindow, Pane>,
    watermark: i64,
    times: Vec<i64>,
    numbers: Vec<u32>,
}

impl WindowAggregate {
    pub(crate) fn new(plan: WindowPlan) -> Result<Self> {
        let encoder = KeyEncoder::new(&plan.source, plan.key.clone())?;
        let (panes, watermark) = (BTreeMap::new(), i64::MIN);
        Ok(Self { plan, encoder, panes, watermark, times: Vec::new(), numbers: Vec::new() })
    }

    /// The rows of each window that is not complete, and those that are late.
    fn assign(&self) -> (BTreeMap<TimeWindow, Vec<u32>>, Vec<u32>) {
        let (mut rows_of, mut late): (BTreeMap<TimeWindow, Vec<u32>>, _) = (BTreeMap::new(), Vec::new());
        for (row, time) in (0u32..).zip(&self.times) {
            let (mut windows, mut open) = (0, 0);
            self.plan.assigner.each(*time, &mut |window| {
                windows += 1;
                if !window.is_complete(self.watermark) {
                    open += 1;
                    rows_of.entry(window).or_default().push(row);
                }
            });
            if windows > 0 && open == 0 {
                late.push(row);
            }
        }
        (rows_of, late)
    }

    fn add(&mut self, window: TimeWindow, batch: &RecordBatch, keys: &BatchKeys, rows: &[u32]) -> Result<()> {
        let Self { plan, panes, numbers, .. } = self;
        let pane = match panes.entry(window) {
            std::collections::btree_map::Entry::Occupied(pane) => pane.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let accumulators = plan.aggregates.iter().map(|aggregate| aggregate.accumulator(&plan.source));
                place.insert(Pane { keys: KeyIndex::default(), accumulators: accumulators.collect::<Result<_>>()? })
            }
        };
        pane.keys.numbers(keys, rows, numbers)?;
        for accumulator in &mut pane.accumulators {
            accumulator.grow(pane.keys.len());
            accumulator.add(batch, rows, numbers)?;
        }
        Ok(())
    }

    fn result(&self, window: TimeWindow, mut pane: Pane) -> Result<ChangeBatch> {
        let rows = pane.keys.len();
        let moment = |millis: i64| Arc::new(TimestampMillisecondArray::from_value(millis, rows)) as ArrayRef;
        let mut columns = self.encoder.columns(&pane.keys)?;
        columns.extend([moment(window.start), moment(window.end)]);
        for accumulator in &mut pane.accumulators {
            columns.push(accumulator.finish()?);
        }
        let rows = RecordBatch::try_new(self.plan.result.clone(), columns);
        Ok(ChangeBatch::inserts(rows.map_err(|error| Error::internal("the rows of a window").with_source(error))?))
    }
}

impl Operator for WindowAggregate {
    fn on_changes(&mut self, _: usize, changes: ChangeBatch, out: &mut Collector) -> Result<()> {
        if let Some(kind) = changes.kinds.values().iter().find(|kind| **kind != RowKind::Insert.to_byte()) {
            let kind = RowKind::from_byte(*kind)?;
            return Err(Error::unsupported(format!("windows of rows that change: one is {}", kind.short_string())));
        }
        self.plan.time.times(&changes.rows, &mut self.times)?;
        let keys = self.encoder.keys(&changes.rows)?;
        let (rows_of, late) = self.assign();
        for (window, rows) in rows_of {
            self.add(window, &changes.rows, &keys, &rows)?;
        }
        if !late.is_empty() {
            out.changes_to(LATE, rows_at(&changes, late)?);
        }
        Ok(())
    }

    fn on_watermark(&mut self, watermark: i64, out: &mut Collector) -> Result<()> {
        self.watermark = watermark;
        while let Some(pane) = self.panes.first_entry().filter(|pane| pane.key().is_complete(watermark)) {
            let (window, pane) = pane.remove_entry();
            out.changes(self.result(window, pane)?);
        }
        out.watermark(watermark);
        Ok(())
    }
}
