//! Batches of two numbers, and where a job's rows end up.

use std::sync::{Arc, Mutex};

use alluvium_format::{Result, RowKind};
use alluvium_reader::ChangeBatch;
use alluvium_runtime::{Collector, Operator};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

pub(crate) type Row = (i64, i64);

/// Of the columns `k` and `v`.
pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(["k", "v"].map(|name| Field::new(name, DataType::Int64, false)).to_vec()))
}

pub(crate) fn batch(rows: &[Row]) -> ChangeBatch {
    let column = |value: fn(&Row) -> i64| Arc::new(Int64Array::from_iter_values(rows.iter().map(value))) as ArrayRef;
    let rows = RecordBatch::try_new(schema(), vec![column(|row| row.0), column(|row| row.1)]).unwrap();
    ChangeBatch::inserts(rows)
}

pub(crate) fn rows(changes: &ChangeBatch) -> Vec<Row> {
    assert!(changes.kinds.values().iter().all(|kind| *kind == RowKind::Insert.to_byte()));
    let column = |place: usize| changes.rows.column(place).as_primitive::<Int64Type>().values().to_vec();
    column(0).into_iter().zip(column(1)).collect()
}

/// What came to the subtasks of a sink: the subtask and the batch, or the watermark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Rows(Vec<Row>),
    Watermark(i64),
    Idle,
    End,
}

pub(crate) type Seen = Arc<Mutex<Vec<(usize, Came)>>>;

/// Keeps what comes.
pub(crate) struct Keep {
    pub(crate) subtask: usize,
    pub(crate) seen: Seen,
}

impl Keep {
    fn keep(&self, came: Came) -> Result<()> {
        self.seen.lock().unwrap().push((self.subtask, came));
        Ok(())
    }
}

impl Operator for Keep {
    fn on_changes(&mut self, _: usize, changes: ChangeBatch, _: &mut Collector) -> Result<()> {
        self.keep(Came::Rows(rows(&changes)))
    }

    fn on_watermark(&mut self, watermark: i64, _: &mut Collector) -> Result<()> {
        self.keep(Came::Watermark(watermark))
    }

    fn on_idle(&mut self, _: &mut Collector) -> Result<()> {
        self.keep(Came::Idle)
    }

    fn on_end(&mut self, _: &mut Collector) -> Result<()> {
        self.keep(Came::End)
    }
}

/// All rows that came, in the order that they came.
pub(crate) fn all_rows(seen: &Seen) -> Vec<Row> {
    let seen = seen.lock().unwrap();
    let rows = seen.iter().filter_map(|(_, came)| match came {
        Came::Rows(rows) => Some(rows.clone()),
        _ => None,
    });
    rows.flatten().collect()
}

/// Gives elements one by one.
pub(crate) struct Scripted(pub(crate) std::vec::IntoIter<alluvium_runtime::Element>);

impl alluvium_runtime::SourceReader for Scripted {
    fn poll_next(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<Option<alluvium_runtime::Element>>> {
        std::task::Poll::Ready(Ok(self.0.next()))
    }
}
