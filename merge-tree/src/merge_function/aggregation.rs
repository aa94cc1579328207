//! `merge-engine = aggregation`: each column has a function of its own.
//!
//! Key columns take the value of the record, sequence columns their last value, the others what `fields.<column>.aggregate-function`
//! names, or `fields.default-aggregate-function`, or else their last value that is not null. Records that retract take values back. The
//! row has the sequence number of the last record and is `+I`; but with `aggregation.remove-record-on-delete`, when the last record is a
//! `-D`, it is that record. A record behind such a `-D` goes on from its values: a sum over `+I 5, -D 7, +I 2` is 9.
//! Answers to `org.apache.paimon.mergetree.compact.aggregate.AggregateMergeFunction`.

use alluvium_format::options::CoreOptions;
use alluvium_format::{Error, Result, RowKind, TableSchema};
use arrow_array::{Array, ArrayRef, Int8Array, Int64Array, RecordBatch};
use arrow_schema::SchemaRef;

use super::aggregate::{FieldAggregator, FoldOp, Folds, LAST_NON_NULL_VALUE, LAST_VALUE, PRIMARY_KEY};
use super::candidates::{Candidates, KeyRecords};
use super::merged_keys::MergedKeys;
use crate::key_value::{KeyValueBatch, is_retract, kernel_error};

/// Each column has a function of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregation {
    columns: Vec<Column>,
    deletes: Removal,
}

/// A column and its function.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    nullable: bool,
    aggregator: FieldAggregator,
}

/// What a record of kind `-D` does: `aggregation.remove-record-on-delete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Removal {
    /// It takes its values back.
    Retract,
    /// It takes the place of the row.
    Replace,
}

impl Aggregation {
    /// The functions of a table.
    ///
    /// # Errors
    /// `Invalid` for options that cannot be, as [`super::FieldAggregator::new`].
    pub fn new(schema: &TableSchema, options: &CoreOptions) -> Result<Self> {
        let sequence_fields = options.sequence_fields();
        let columns = schema.fields.iter().map(|field| {
            let name = if sequence_fields.contains(&field.name) {
                LAST_VALUE
            } else if schema.primary_keys.contains(&field.name) {
                PRIMARY_KEY
            } else {
                let own = options.field_aggregate_function(&field.name);
                own.or_else(|| options.default_aggregate_function()).unwrap_or(LAST_NON_NULL_VALUE)
            };
            let aggregator = FieldAggregator::new(name, field, options)?;
            Ok(Column { name: field.name.clone(), nullable: field.data_type.nullable, aggregator })
        });
        let replaces = options.aggregation_remove_record_on_delete()?;
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
            deletes: if replaces { Removal::Replace } else { Removal::Retract },
        })
    }

    /// The functions for batches whose values have the schema `columns`.
    pub(super) fn bind(&self, columns: &SchemaRef) -> Result<BoundAggregation> {
        let bound = columns.fields().iter().map(|field| {
            let column = self.columns.iter().find(|column| column.name == *field.name());
            column.cloned().ok_or_else(|| {
                Error::invalid(format!(
                    "the column {} is none of the table's, so it has no aggregate function",
                    field.name()
                ))
            })
        });
        Ok(BoundAggregation { columns: bound.collect::<Result<_>>()?, deletes: self.deletes })
    }
}

/// The functions of the columns of a batch, in its order.
#[derive(Clone, Debug)]
pub(super) struct BoundAggregation {
    columns: Vec<Column>,
    deletes: Removal,
}

impl BoundAggregation {
    /// Merges `records` by the rows of each key; no key vanishes.
    pub(super) fn merge(&self, records: &KeyValueBatch, candidates: &Candidates) -> Result<MergedKeys> {
        let mut plan = Plan::with_capacity(candidates.num_keys(), records.num_rows());
        let mut keys = Vec::with_capacity(candidates.num_keys());
        for (key, of_key) in (0..).zip(candidates.keys()) {
            match of_key {
                KeyRecords::Pass(row) => plan.pass(records, row),
                KeyRecords::Merge(rows) => self.plan_key(records, rows, &mut plan)?,
            }
            keys.push(key);
        }
        let columns = self.columns.iter().zip(records.values.columns());
        let columns: Vec<ArrayRef> =
            columns.map(|(column, input)| column.aggregator.fold(input, &plan.folds)).collect::<Result<_>>()?;
        self.check_whole(&columns)?;
        let values = RecordBatch::try_new(records.values.schema(), columns).map_err(kernel_error)?;
        let rows = KeyValueBatch::try_new(Int64Array::from(plan.sequences), Int8Array::from(plan.kinds), values)?;
        Ok(MergedKeys { rows, keys })
    }
}

impl BoundAggregation {
    /// Plans the row of a key.
    fn plan_key(&self, records: &KeyValueBatch, rows: &[u32], plan: &mut Plan) -> Result<()> {
        let Some(last) = rows.last() else { return Err(Error::internal("a key has no record to merge")) };
        for row in rows {
            let kind = records.kinds.value(*row as usize);
            let op = if self.replaces(kind) {
                self.check_nulls(records, *row)?;
                FoldOp::Set
            } else if is_retract(kind) {
                FoldOp::Retract
            } else {
                FoldOp::Aggregate
            };
            plan.folds.push(*row, op);
        }
        let kind = if self.replaces(records.kinds.value(*last as usize)) { RowKind::Delete } else { RowKind::Insert };
        plan.end_row(records.sequences.value(*last as usize), kind as i8);
        Ok(())
    }

    /// A function may leave null, also in a column that has none.
    fn check_whole(&self, columns: &[ArrayRef]) -> Result<()> {
        let mut broken =
            self.columns.iter().zip(columns).filter(|(column, values)| !column.nullable && values.null_count() > 0);
        broken.next().map_or(Ok(()), |(column, _)| {
            Err(Error::invalid(format!(
                "aggregation leaves null in {}, which is NOT NULL: its value was taken back; make the column nullable",
                column.name
            )))
        })
    }

    fn replaces(&self, kind: i8) -> bool {
        self.deletes == Removal::Replace && kind == RowKind::Delete as i8
    }

    /// A record that takes the place of a row must be a whole one.
    fn check_nulls(&self, records: &KeyValueBatch, row: u32) -> Result<()> {
        let columns = self.columns.iter().zip(records.values.columns());
        for (column, values) in columns {
            if !column.nullable && values.is_null(row as usize) {
                return Err(Error::invalid(format!(
                    "a record of kind -D has null for {}, which is NOT NULL: with aggregation.remove-record-on-delete it \
                     takes the place of the row",
                    column.name
                )));
            }
        }
        Ok(())
    }
}

/// How the merged rows are made: the steps of every column's fold, and what is not a column.
struct Plan {
    folds: Folds,
    sequences: Vec<i64>,
    kinds: Vec<i8>,
}

impl Plan {
    fn with_capacity(keys: usize, records: usize) -> Self {
        let folds = Folds { steps: Vec::with_capacity(records), ends: Vec::with_capacity(keys) };
        Self { folds, sequences: Vec::with_capacity(keys), kinds: Vec::with_capacity(keys) }
    }

    /// A record alone is the row.
    fn pass(&mut self, records: &KeyValueBatch, row: u32) {
        self.folds.push(row, FoldOp::Set);
        self.end_row(records.sequences.value(row as usize), records.kinds.value(row as usize));
    }

    fn end_row(&mut self, sequence: i64, kind: i8) {
        self.folds.end();
        self.sequences.push(sequence);
        self.kinds.push(kind);
    }
}
