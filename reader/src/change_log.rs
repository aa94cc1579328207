//! Changes as rows: what the system tables `$audit_log` and `$binlog` show of a table.
//!
//! Goes in: rows of a table with their kinds. Comes out: rows whose first column is the kind. In `$audit_log` the columns of the table follow,
//! in `$binlog` each of them as a list: of one value, or, where `-U` and what came of it stand next to each other in a file of changes, of the
//! two, as one row of the later kind. For example, `+I a`, `-U a`, `+U b` are `+I [a]`, `+U [a, b]`. Invariants: reads of rows show records
//! as they are stored, deletes included; a condition on the columns of the table goes down to its files, one on the kind is decided
//! behind it. Answers to `AuditLogTable`, `BinlogTable` and `PackChangelogReader`.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{DataField, DataType, Error, Predicate, Result, RowKind, TableSchema, TypeRoot};
use arrow_array::{ArrayRef, Int8Array, ListArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType as ArrowType, Schema, SchemaRef};

use crate::change_batch::SplitBatch;
use crate::filter::{check_filter, filter_batch};

/// The column of kinds.
pub(crate) const ROW_KIND: &str = "rowkind";
/// Its id, which no column of a table has.
const ROW_KIND_ID: i32 = i32::MAX - 4;
/// The option that adds a column of sequence numbers.
const SEQUENCE_NUMBERS: &str = "table-read.sequence-number.enabled";

/// How changes are shown as rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeLog {
    /// `$audit_log`: the kind, then the columns of the table.
    AuditLog,
    /// `$binlog`: the kind, then each column of the table as a list of what it was, if that is known, and what it is.
    Binlog,
}

impl ChangeLog {
    /// The columns that it shows of a table.
    ///
    /// # Errors
    /// `Invalid` when the table has a column of the name of the kinds; `Unsupported` with `table-read.sequence-number.enabled`.
    pub fn schema(self, table: &TableSchema) -> Result<TableSchema> {
        if table.field(ROW_KIND).is_some() {
            return Err(Error::invalid(format!(
                "the table has a column {ROW_KIND}, which is the name of the kind in its log: rename it"
            )));
        }
        if table.options.get(SEQUENCE_NUMBERS).is_some_and(|value| !value.eq_ignore_ascii_case("false")) {
            return Err(Error::unsupported(format!("the option {SEQUENCE_NUMBERS} = true")));
        }
        let kind = DataField {
            id: ROW_KIND_ID,
            name: ROW_KIND.to_owned(),
            data_type: DataType::parse("STRING")?,
            description: None,
            default_value: None,
        };
        let columns = table.fields.iter().map(|field| match self {
            Self::AuditLog => field.clone(),
            Self::Binlog => {
                let element = DataType::nullable(field.data_type.root.clone());
                DataField { data_type: DataType::nullable(TypeRoot::Array(Box::new(element))), ..field.clone() }
            }
        });
        let fields = std::iter::once(kind).chain(columns).collect();
        Ok(TableSchema { fields, primary_keys: Vec::new(), ..table.clone() })
    }
}

/// What a read makes of the rows of its table.
#[derive(Clone, Debug)]
pub(crate) struct ChangeLogRead {
    form: ChangeLog,
    /// The columns that are made: those of the output, then what only the condition is about.
    made: SchemaRef,
    output: SchemaRef,
    /// What a row must pass behind the condition of the table's read.
    condition: Predicate,
}

/// What the read of the table is asked for.
#[derive(Clone, Debug)]
pub(crate) struct AskedOfTable {
    pub(crate) columns: Vec<String>,
    pub(crate) predicate: Predicate,
}

impl ChangeLogRead {
    /// A read of `columns` (`None`: all) of the log of a table, and of rows for which `predicate` is true.
    ///
    /// # Errors
    /// As [`ChangeLog::schema`]; `Invalid` for columns that are not there and conditions that do not fit.
    pub(crate) fn new(
        form: ChangeLog,
        table: &TableSchema,
        columns: Option<&[String]>,
        predicate: &Predicate,
    ) -> Result<(Self, AskedOfTable)> {
        let schema = form.schema(table)?;
        check_filter(predicate, &to_arrow_schema(&schema.fields)?)?;
        let (behind, of_table): (Vec<&Predicate>, Vec<&Predicate>) = predicate
            .conjuncts()
            .into_iter()
            .partition(|part| form == ChangeLog::Binlog || part.columns().contains(&ROW_KIND));
        let condition = Predicate::and(behind.into_iter().cloned());
        let output = match columns {
            None => schema.fields.clone(),
            Some(columns) => schema.fields_of(columns)?,
        };
        let mut made = output.clone();
        for name in condition.columns() {
            if !made.iter().any(|field| field.name == name) {
                made.extend(schema.field(name).cloned());
            }
        }
        let of_rows = made.iter().filter(|field| field.name != ROW_KIND).map(|field| field.name.clone()).collect();
        let asked = AskedOfTable { columns: of_rows, predicate: Predicate::and(of_table.into_iter().cloned()) };
        Ok((Self { form, made: to_arrow_schema(&made)?, output: to_arrow_schema(&output)?, condition }, asked))
    }

    /// The columns of the output.
    pub(crate) fn output(&self) -> &SchemaRef {
        &self.output
    }

    /// Whether each row of the table is one of the output.
    pub(crate) fn keeps_rows(&self) -> bool {
        self.form == ChangeLog::AuditLog && self.condition == Predicate::True
    }

    /// Whether an update is one row.
    pub(crate) fn has_pairs(&self) -> bool {
        self.form == ChangeLog::Binlog
    }

    /// The rows of the log; without kinds all of the table are `+I`. `ends` are the places behind each row of the log: it is made of the rows
    /// of the table from the end before it.
    ///
    /// # Errors
    /// `Internal` when rows are not those that were asked for.
    pub(crate) fn rows(&self, batch: &SplitBatch, ends: &[usize]) -> Result<SplitBatch> {
        let SplitBatch { kinds, rows } = batch;
        let offsets = OffsetBuffer::from_lengths(lengths(ends));
        let mut of_table = rows.columns().iter();
        let columns = self.made.fields().iter().map(|field| {
            if field.name() == ROW_KIND {
                return kind_column(kinds.as_ref(), ends);
            }
            let column = of_table.next().ok_or_else(|| Error::internal("a row of a log lacks a column"))?;
            match (self.form, field.data_type()) {
                (ChangeLog::Binlog, ArrowType::List(element)) => {
                    let lists = ListArray::try_new(Arc::clone(element), offsets.clone(), Arc::clone(column), None);
                    Ok(Arc::new(lists.map_err(not_made)?) as ArrayRef)
                }
                _ => Ok(Arc::clone(column)),
            }
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let made = batch_of(&self.made, columns, ends.len())?;
        let passing = if self.condition == Predicate::True { made } else { filter_batch(&self.condition, &made)? };
        let (_, mut columns, rows) = passing.into_parts();
        columns.truncate(self.output.fields().len());
        Ok(SplitBatch { kinds: None, rows: batch_of(&self.output, columns, rows)? })
    }

    /// The rows of the log where every row of the table is one.
    ///
    /// # Errors
    /// As [`ChangeLogRead::rows`].
    pub(crate) fn row_by_row(&self, batch: &SplitBatch) -> Result<SplitBatch> {
        let ends: Vec<usize> = (1..=batch.rows.num_rows()).collect();
        self.rows(batch, &ends)
    }
}

/// The places behind each row of a log where `-U` and the row behind it are one. A `-U` that stands last waits for that row: it
/// has no end.
pub(crate) fn in_pairs(kinds: Option<&Int8Array>, rows: usize) -> Vec<usize> {
    let Some(kinds) = kinds else { return (1..=rows).collect() };
    let mut ends = Vec::with_capacity(rows);
    let mut waits = false;
    for (at, kind) in kinds.values().iter().enumerate() {
        waits = !waits && *kind == RowKind::UpdateBefore.to_byte();
        if !waits {
            ends.push(at + 1);
        }
    }
    ends
}

fn lengths(ends: &[usize]) -> impl Iterator<Item = usize> + Clone {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, end)| end - start)
}

/// The kind of the last row that each is made of.
fn kind_column(kinds: Option<&Int8Array>, ends: &[usize]) -> Result<ArrayRef> {
    let texts = ends.iter().map(|end| {
        let byte = kinds.and_then(|kinds| kinds.values().get(end.checked_sub(1)?).copied());
        byte.map_or(Ok(RowKind::Insert), RowKind::from_byte).map(|kind| Some(kind.short_string()))
    });
    Ok(Arc::new(texts.collect::<Result<StringArray>>()?))
}

fn batch_of(schema: &Arc<Schema>, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(not_made)
}

fn not_made(error: ArrowError) -> Error {
    Error::internal("rows of a log could not be made of those of its table").with_source(error)
}

#[cfg(test)]
mod tests {
    use alluvium_format::RowKind;
    use arrow_array::Int8Array;

    use super::in_pairs;

    fn check(kinds: &[RowKind], ends: &[usize]) {
        let bytes = Int8Array::from_iter_values(kinds.iter().map(|kind| kind.to_byte()));
        assert_eq!(in_pairs(Some(&bytes), kinds.len()), ends, "{kinds:?}");
    }

    #[test]
    fn an_update_is_one_row_with_what_it_follows() {
        use RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};
        check(&[], &[]);
        check(&[Insert, UpdateBefore, UpdateAfter, Delete], &[1, 3, 4]);
        check(&[UpdateBefore, UpdateBefore, UpdateAfter], &[2, 3]);
        check(&[Insert, UpdateBefore], &[1]);
        check(&[UpdateBefore, UpdateBefore, UpdateBefore], &[2]);
    }
}
