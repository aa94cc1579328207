//! Checks rows before any of them is taken: a batch fits the table whole, or is refused whole.
//!
//! Goes in: a batch with the table's columns by name, in any order, and the kinds of its rows. Comes out: the table's columns in
//! schema order with a kind for each row, without the rows that the table's options leave out. Nothing is cast; an absent column is
//! null, and a null is the column's default value. Answers to `TableWriteImpl.checkNullability`, `RowKindGenerator` and `RowKindFilter`.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::options::MergeEngine;
use alluvium_format::{DataField, Error, Result, RowKind, TableSchema};
use alluvium_store::TableStore;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Int8Array, RecordBatch, new_null_array};
use arrow_schema::{Field, SchemaRef};

use crate::default_values::DefaultValues;
use crate::table_rows::{TableRows, kernel_error};
use crate::value_limits::first_misfit;

/// Row numbers have 32 bits.
const BATCH_ROWS_MAX: usize = u32::MAX as usize;

/// What a batch is checked against.
#[derive(Debug)]
pub(crate) struct RowCheck {
    table: TableStore,
    arrow: SchemaRef,
    defaults: DefaultValues,
    /// `rowkind.field`: the column that says the kinds.
    rowkind_column: Option<usize>,
    left_out: LeftOut,
    retractions: Retractions,
}

/// Whether rows that retract may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retractions {
    /// The merge function says what becomes of them.
    Taken,
    /// `merge-engine = first-row` keeps what came first: there is nothing to take back.
    FirstRow,
    /// Without a primary key it cannot be said which row is taken back.
    NoKey,
}

impl Retractions {
    /// Why there is nothing that they could take back.
    fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Taken => None,
            Self::FirstRow => Some("has merge-engine = first-row, which keeps the first row of a key"),
            Self::NoKey => Some("has no primary key, so that rows are only added to it"),
        }
    }
}

/// Which rows the options leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeftOut {
    None,
    /// `ignore-update-before`: `-U`.
    UpdateBefore,
    /// `ignore-delete`: `-U` and `-D`.
    Retractions,
}

impl LeftOut {
    fn has(self, kind: i8) -> bool {
        match self {
            Self::None => false,
            Self::UpdateBefore => kind == RowKind::UpdateBefore.to_byte(),
            Self::Retractions => is_retraction(kind),
        }
    }
}

fn is_retraction(kind: i8) -> bool {
    kind == RowKind::UpdateBefore.to_byte() || kind == RowKind::Delete.to_byte()
}

impl RowCheck {
    /// The checks of a table.
    pub(crate) fn of(table: &TableStore) -> Result<Self> {
        let options = table.options();
        let left_out = match (options.ignore_delete()?, options.ignore_update_before()?) {
            (true, _) => LeftOut::Retractions,
            (false, true) => LeftOut::UpdateBefore,
            (false, false) => LeftOut::None,
        };
        Ok(Self {
            arrow: to_arrow_schema(&table.schema().fields)?,
            defaults: DefaultValues::of(&table.schema().fields)?,
            rowkind_column: options.rowkind_field().and_then(|name| table.schema().index_of(name)),
            left_out,
            retractions: match options.merge_engine()? {
                _ if table.schema().primary_keys.is_empty() => Retractions::NoKey,
                MergeEngine::FirstRow => Retractions::FirstRow,
                _ => Retractions::Taken,
            },
            table: table.clone(),
        })
    }

    /// The rows to write; `Invalid` that names the column and the row (counted from 0) that does not fit.
    pub(crate) fn check(&self, batch: &RecordBatch, kinds: Option<Int8Array>) -> Result<TableRows> {
        if batch.num_rows() > BATCH_ROWS_MAX {
            let rows = batch.num_rows();
            return Err(Error::invalid(format!("a batch of {rows} rows is too large: write {BATCH_ROWS_MAX} at most")));
        }
        let mut columns = vec![None; self.schema().fields.len()];
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            match self.schema().index_of(field.name()).and_then(|at| columns.get_mut(at)) {
                None => return Err(self.unknown_column(field.name())),
                Some(Some(_)) => return Err(Error::invalid(format!("column {} is in the batch twice", field.name()))),
                Some(place) => *place = Some(Arc::clone(column)),
            }
        }
        let fields = self.schema().fields.iter().zip(self.arrow.fields());
        let columns = fields.zip(columns).map(|((field, arrow), column)| match column {
            Some(column) => check_column(field, arrow, column),
            None if field.data_type.nullable => Ok(new_null_array(arrow.data_type(), batch.num_rows())),
            None => Err(Error::invalid(format!("column {} is {} and not in the batch", field.name, field.data_type))),
        });
        let columns = self.defaults.fill(columns.collect::<Result<_>>()?)?;
        let kinds = match self.rowkind_column.and_then(|at| Some((at, columns.get(at)?))) {
            Some((at, column)) => self.kinds_of_column(at, column)?,
            None => check_kinds(kinds, batch.num_rows())?,
        };
        self.check_retractions(&kinds)?;
        let values = RecordBatch::try_new(Arc::clone(&self.arrow), columns).map_err(kernel_error)?;
        self.leave_out(TableRows { values, kinds })
    }

    fn schema(&self) -> &TableSchema {
        self.table.schema()
    }

    fn unknown_column(&self, name: &str) -> Error {
        let known: Vec<&str> = self.schema().fields.iter().map(|field| field.name.as_str()).collect();
        let (table, known) = (self.table.name(), known.join(", "));
        Error::invalid(format!("column {name} of the batch is no column of {table}; its columns are {known}"))
    }

    fn kinds_of_column(&self, at: usize, column: &ArrayRef) -> Result<Int8Array> {
        let name = self.arrow.field(at).name();
        let texts = column.as_string_opt::<i32>();
        let texts = texts.ok_or_else(|| Error::internal(format!("the row kinds in column {name} are no texts")))?;
        let kinds = texts.iter().enumerate().map(|(row, text)| match text {
            Some("+I") => Ok(RowKind::Insert.to_byte()),
            Some("-U") => Ok(RowKind::UpdateBefore.to_byte()),
            Some("+U") => Ok(RowKind::UpdateAfter.to_byte()),
            Some("-D") => Ok(RowKind::Delete.to_byte()),
            other => Err(Error::invalid(format!(
                "column {name}, row {row}: {} is no row kind: the option rowkind.field wants +I, -U, +U or -D there",
                other.map_or("null".to_owned(), |text| format!("{text:?}"))
            ))),
        });
        kinds.collect::<Result<Vec<i8>>>().map(Int8Array::from)
    }

    fn check_retractions(&self, kinds: &Int8Array) -> Result<()> {
        let Some(why) = self.retractions.refusal() else { return Ok(()) };
        let is_refused = |kind: i8| is_retraction(kind) && !self.left_out.has(kind);
        let Some(row) = kinds.values().iter().position(|kind| is_refused(*kind)) else { return Ok(()) };
        let column = self.rowkind_column.map(|at| format!("column {}, ", self.arrow.field(at).name()));
        let (column, table) = (column.unwrap_or_default(), self.table.name());
        Err(Error::invalid(format!(
            "{column}row {row} is a -U or -D, and {table} {why}: leave such rows out, or set ignore-delete = true to have them dropped"
        )))
    }

    fn leave_out(&self, rows: TableRows) -> Result<TableRows> {
        if !rows.kinds.values().iter().any(|kind| self.left_out.has(*kind)) {
            return Ok(rows);
        }
        let keep = rows.kinds.values().iter().map(|kind| Some(!self.left_out.has(*kind)));
        rows.filter(&BooleanArray::from_iter(keep))
    }
}

fn check_column(field: &DataField, arrow: &Field, column: ArrayRef) -> Result<ArrayRef> {
    let name = &field.name;
    if column.data_type() != arrow.data_type() {
        let (wanted, given) = (arrow.data_type(), column.data_type());
        return Err(Error::invalid(format!("column {name} is {}: it takes {wanted}, not {given}", field.data_type)));
    }
    if !field.data_type.nullable
        && let Some(row) = (0..column.len()).find(|row| column.null_count() > 0 && column.is_null(*row))
    {
        return Err(Error::invalid(format!("column {name}, row {row}: null in a column that is {}", field.data_type)));
    }
    match first_misfit(&column, &field.data_type)? {
        None => Ok(column),
        Some((row, why)) => Err(Error::invalid(format!("column {name}, row {row}: {why}"))),
    }
}

fn check_kinds(kinds: Option<Int8Array>, rows: usize) -> Result<Int8Array> {
    let Some(kinds) = kinds else { return Ok(Int8Array::from(vec![RowKind::Insert.to_byte(); rows])) };
    if kinds.len() != rows {
        return Err(Error::invalid(format!("{} row kinds for a batch of {rows} rows", kinds.len())));
    }
    let wrong = kinds.iter().position(|kind| kind.is_none_or(|kind| !(0..=3).contains(&kind)));
    match wrong {
        None => Ok(kinds),
        Some(row) if kinds.is_null(row) => Err(Error::invalid(format!("row {row}: the row kind is null"))),
        Some(row) => {
            let wrong =
                format!("row {row}: {} is no row kind: it is 0 (+I), 1 (-U), 2 (+U) or 3 (-D)", kinds.value(row));
            Err(Error::invalid(wrong))
        }
    }
}
