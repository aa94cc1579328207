//! An input that is a Parquet file.
//!
//! Goes in: a file whose columns have the names of the table's. Comes out: batches of the table's rows. What converts without loss is
//! converted, column by column where the forms are the same, else value by value; a column whose type never can is refused
//! before the first row.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alluvium::arrow_array::cast::AsArray;
use alluvium::arrow_array::types::Int8Type;
use alluvium::arrow_array::{Array, ArrayRef, BooleanArray, Int8Array, RecordBatch};
use alluvium::arrow_schema::{DataType as ArrowType, Schema, SchemaRef};
use alluvium::format::TypeRoot;
use alluvium::format::arrow::{array_from_datums, to_arrow_schema, to_arrow_type};
use alluvium::{DataField, Error, ErrorKind, Result, RowKind, TableSchema};
use arrow_cast::display::array_value_to_string;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::UnknownMembers;
use super::cell::RowFailure;
use super::conversion::{Conversion, conversion};
use super::format::{InputFile, Origin};
use super::member_names::{MemberNames, Slot};
use super::rejects::{Place, Rejects, Unit};
use super::row_buffer::row_kind_of;

/// Rows decoded at once.
const DECODED_ROWS: usize = 8192;

/// Where a column of the table comes from.
enum Origins {
    /// The file has no such column: every row is null.
    Absent,
    /// It is there in the table's form.
    Same(usize),
    /// It is there in another.
    Converted(usize, Conversion),
}

/// An open Parquet file.
pub(super) struct ParquetInput {
    name: String,
    reader: ParquetRecordBatchReader,
    fields: Vec<DataField>,
    schema: SchemaRef,
    origins: Vec<Origins>,
    kind: Option<usize>,
    /// Decoded and not yet given out.
    decoded: Option<RecordBatch>,
    row: u64,
    row_total: u64,
    bytes: u64,
    read_total: Arc<AtomicU64>,
}

impl ParquetInput {
    /// Opens a file after its first `row` rows.
    ///
    /// # Errors
    /// `Invalid` when it is no Parquet file, has fewer rows, or a column that is none of the table's or does not convert.
    pub(super) fn open(
        input: &InputFile,
        table: &TableSchema,
        names: (&MemberNames, UnknownMembers),
        row: u64,
        read_total: Arc<AtomicU64>,
    ) -> Result<Self> {
        let failed = |what: &str| Error::invalid(format!("the input {} {what}", input.path));
        let file = File::open(&input.path).map_err(|error| failed("cannot be opened").with_source(error))?;
        // The types of Parquet itself, not those of whichever Arrow wrote the file.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
            .map_err(|error| failed("is no Parquet file").with_source(error))?;
        let row_total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        if row > row_total {
            return Err(failed(&format!(
                "has {row_total} rows, and an earlier run had read {row} of it: it is not the same input"
            )));
        }
        let source = Arc::clone(builder.schema());
        let (origins, kind, used) = origins(&source, table, names).map_err(|why| failed(&why))?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), used);
        let skipped = usize::try_from(row).map_err(|_| failed("has too many rows"))?;
        let reader = builder.with_projection(mask).with_batch_size(DECODED_ROWS).with_offset(skipped).build();
        let bytes = match input.origin {
            Origin::File { bytes } => bytes,
            Origin::Stream => 0,
        };
        Ok(Self {
            name: input.path.clone(),
            reader: reader.map_err(|error| failed("cannot be read").with_source(error))?,
            fields: table.fields.clone(),
            schema: to_arrow_schema(&table.fields)?,
            origins,
            kind,
            decoded: None,
            row,
            row_total,
            bytes,
            read_total,
        })
    }

    /// How many rows are behind.
    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// At most `max_rows` rows, and the error of the row after them when it cannot be read. `None` at the end.
    ///
    /// # Errors
    /// `Invalid` when the file is damaged; `Storage` when reading or the dead letter file fails.
    pub(super) fn next(
        &mut self,
        max_rows: usize,
        rejects: &mut Rejects,
    ) -> Result<Option<(RecordBatch, Int8Array, Option<Error>)>> {
        let Some(source) = self.next_source(max_rows)? else { return Ok(None) };
        let mut failures = BTreeMap::new();
        let columns = self.columns(&source, &mut failures)?;
        let kinds = self.kinds(&source, &mut failures);
        let mut keep = source.num_rows();
        let mut stopped = None;
        for (row, failure) in &failures {
            let place = Place { input: &self.name, unit: Unit::Row, number: self.row + *row as u64 + 1 };
            if rejects.stops() {
                keep = *row;
                stopped = rejects.put(place, failure, &[]).err();
                break;
            }
            rejects.put(place, failure, shown_row(&source, *row).as_bytes())?;
        }
        let mask =
            BooleanArray::from_iter((0..source.num_rows()).map(|row| Some(row < keep && !failures.contains_key(&row))));
        let rows = selected(&columns, &mask, &failures)?;
        let kinds = selected(&[Arc::new(kinds) as ArrayRef], &mask, &failures)?;
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), rows)
            .map_err(|error| Error::internal(format!("making a batch of what was read: {error}")))?;
        let kinds = kinds.first().and_then(|kinds| kinds.as_primitive_opt::<Int8Type>().cloned());
        self.advance(keep);
        Ok(Some((rows, kinds.ok_or_else(|| Error::internal("row kinds are bytes"))?, stopped)))
    }

    fn next_source(&mut self, max_rows: usize) -> Result<Option<RecordBatch>> {
        let batch = match self.decoded.take() {
            Some(batch) => batch,
            None => match self.reader.next() {
                None => return Ok(None),
                Some(batch) => batch.map_err(|error| {
                    Error::new(ErrorKind::Invalid, format!("reading {} after row {}", self.name, self.row))
                        .with_source(error)
                })?,
            },
        };
        let taken = batch.num_rows().min(max_rows.max(1));
        if taken < batch.num_rows() {
            self.decoded = Some(batch.slice(taken, batch.num_rows() - taken));
        }
        Ok(Some(batch.slice(0, taken)))
    }

    /// Counts rows as read, and their share of the file's bytes.
    fn advance(&mut self, rows: usize) {
        let share = |row: u64| u128::from(self.bytes) * u128::from(row) / u128::from(self.row_total.max(1));
        let (before, after) = (share(self.row), share(self.row + rows as u64));
        self.read_total.fetch_add(u64::try_from(after - before).unwrap_or(0), Ordering::Relaxed);
        self.row += rows as u64;
    }

    fn columns(&self, source: &RecordBatch, failures: &mut BTreeMap<usize, RowFailure>) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::with_capacity(self.fields.len());
        for (field, origin) in self.fields.iter().zip(&self.origins) {
            let nullable = field.data_type.with_nullable(true);
            let mut fail = |row: usize, why: String| {
                failures.entry(row).or_insert_with(|| RowFailure::of_column(&field.name, why));
            };
            let not_null = || format!("null, and the column is {}", field.data_type);
            columns.push(match origin {
                Origins::Absent => {
                    if !field.data_type.nullable {
                        (0..source.num_rows()).for_each(|row| fail(row, not_null()));
                    }
                    array_from_datums(&nullable, &vec![None; source.num_rows()])?
                }
                Origins::Same(index) => {
                    let array = Arc::clone(source.column(*index));
                    if !field.data_type.nullable && array.null_count() > 0 {
                        (0..array.len()).filter(|row| array.is_null(*row)).for_each(|row| fail(row, not_null()));
                    }
                    array
                }
                Origins::Converted(index, way) => {
                    let array = source.column(*index);
                    let mut values = Vec::with_capacity(array.len());
                    for row in 0..array.len() {
                        let value = way.value(array, row, &nullable).unwrap_or_else(|why| {
                            fail(row, why);
                            None
                        });
                        if value.is_none() && !field.data_type.nullable {
                            fail(row, not_null());
                        }
                        values.push(value);
                    }
                    array_from_datums(&nullable, &values)?
                }
            });
        }
        Ok(columns)
    }

    fn kinds(&self, source: &RecordBatch, failures: &mut BTreeMap<usize, RowFailure>) -> Int8Array {
        let insert = RowKind::Insert.to_byte();
        let Some(array) = self.kind.map(|index| source.column(index)) else {
            return Int8Array::from(vec![insert; source.num_rows()]);
        };
        let kind = |row: usize| match array.as_string_opt::<i32>() {
            _ if array.is_null(row) => Ok(insert),
            Some(texts) => row_kind_of(texts.value(row)),
            None => {
                let byte = array.as_primitive_opt::<Int8Type>().map_or(insert, |bytes| bytes.value(row));
                RowKind::from_byte(byte).map(RowKind::to_byte).map_err(|error| error.to_string())
            }
        };
        Int8Array::from_iter_values((0..array.len()).map(|row| {
            kind(row).unwrap_or_else(|why| {
                failures.entry(row).or_insert_with(|| RowFailure::of_row(why));
                insert
            })
        }))
    }
}

type Columns = (Vec<Origins>, Option<usize>, Vec<usize>);

/// Where each column comes from, where the row kind does, and which columns of the file are used. Indexes are among those used.
fn origins(
    source: &Schema,
    table: &TableSchema,
    (names, unknown): (&MemberNames, UnknownMembers),
) -> std::result::Result<Columns, String> {
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut kind, mut used) = (None, Vec::new());
    for (index, field) in source.fields().iter().enumerate() {
        let place = used.len();
        match names.slot(field.name()).map_err(|why| format!("does not fit: {why}"))? {
            Slot::Ignored => continue,
            Slot::RowKind if kind.is_none() => {
                if !matches!(field.data_type(), ArrowType::Utf8 | ArrowType::Int8) {
                    return Err(format!("has row kinds of {}, which are text or bytes", field.data_type()));
                }
                kind = Some(place);
            }
            Slot::Column(column) if !found.contains_key(&column) => {
                found.insert(column, place);
            }
            _ => return Err(format!("has the column {} twice", field.name())),
        }
        used.push(index);
    }
    let mut origins = Vec::with_capacity(table.fields.len());
    for (column, field) in table.fields.iter().enumerate() {
        let Some(place) = found.get(&column) else {
            origins.push(Origins::Absent);
            continue;
        };
        let index = used.get(*place).copied().unwrap_or_default();
        let data_type = source.field(index).data_type();
        origins.push(if is_same(data_type, field) {
            Origins::Same(*place)
        } else {
            let way = conversion(data_type, &field.data_type, unknown).ok_or_else(|| {
                format!(
                    "has the column {} as {data_type}, which does not become {} without loss",
                    field.name, field.data_type
                )
            })?;
            Origins::Converted(*place, way)
        });
    }
    Ok((origins, kind, used))
}

/// Whether every array of the type is one of the column.
fn is_same(source: &ArrowType, field: &DataField) -> bool {
    let unbounded = match &field.data_type.root {
        TypeRoot::VarChar(length) | TypeRoot::VarBinary(length) => *length == TypeRoot::STRING_LENGTH,
        TypeRoot::Char(_) | TypeRoot::Binary(_) => false,
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => matches!(precision, 3 | 6),
        _ => !field.data_type.is_nested(),
    };
    unbounded && to_arrow_type(&field.data_type).is_ok_and(|data_type| data_type == *source)
}

fn selected(
    columns: &[ArrayRef],
    mask: &BooleanArray,
    failures: &BTreeMap<usize, RowFailure>,
) -> Result<Vec<ArrayRef>> {
    if failures.is_empty() {
        return Ok(columns.to_vec());
    }
    let filter = |column: &ArrayRef| arrow_select::filter::filter(column, mask);
    columns
        .iter()
        .map(filter)
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| Error::internal(format!("leaving out rows: {error}")))
}

/// A row of the file for the dead letter file.
fn shown_row(source: &RecordBatch, row: usize) -> String {
    let schema = source.schema();
    let members = schema.fields().iter().zip(source.columns()).map(|(field, column)| {
        let shown = array_value_to_string(column, row).ok().filter(|_| column.is_valid(row));
        (field.name().clone(), shown.map_or(serde_json::Value::Null, serde_json::Value::String))
    });
    serde_json::Value::Object(members.collect()).to_string()
}
