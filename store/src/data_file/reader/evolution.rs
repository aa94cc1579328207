//! From the schema a file was written with to the one that is asked for.
//!
//! Goes in: the fields of both. Comes out: which fields of the file's schema to read, and from their arrays those that are asked for.
//! Fields are matched by id at every level; a partition column has the partition's value, whatever the file says, which may lack it;
//! one that the file's schema lacks is null; a ROW of which it has no field that is asked
//! for is null as a whole, and so is a list or map of such rows; another type is cast. Answers to
//! `org.apache.paimon.schema.SchemaEvolutionUtil` and `FormatReaderMapping`.

use std::sync::Arc;

use alluvium_format::arrow::{to_arrow_schema, to_arrow_type};
use alluvium_format::{DataField, DataType, Result, TypeRoot};
use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, ListArray, MapArray, RecordBatch, RecordBatchOptions, StructArray, UInt32Array, new_null_array,
};
use arrow_schema::{DataType as ArrowType, Fields, SchemaRef};
use arrow_select::take::take;

use super::cast::Cast;
use super::refused;

/// What becomes of the columns of a file.
#[derive(Debug)]
pub(super) struct Evolution {
    columns: Vec<Source>,
    schema: SchemaRef,
}

/// Where a field that is asked for comes from.
#[derive(Debug)]
enum Source {
    /// Nowhere: it is null.
    Absent(ArrowType),
    /// The partition's value, in an array of its own.
    Constant(ArrayRef),
    /// From a field that is read.
    Field { index: usize, conversion: Conversion },
}

/// What an array goes through.
#[derive(Debug)]
enum Conversion {
    Same,
    Cast(Cast),
    Row { fields: Fields, sources: Vec<Source> },
    List { arrow: ArrowType, element: Box<Conversion> },
    Map { arrow: ArrowType, key: Box<Conversion>, value: Box<Conversion> },
}

impl Evolution {
    /// From the fields that a file was `written` with to those `asked` for; and which of the former must be read, pruned. Those of
    /// the partition, by id, have their one value in an array.
    ///
    /// # Errors
    /// `Unsupported` for VARIANT, BLOB and VECTOR, and for a change of type that Paimon has no cast for.
    pub(super) fn plan(
        written: &[DataField],
        asked: &[DataField],
        partition: &[(i32, ArrayRef)],
    ) -> Result<(Self, Vec<DataField>)> {
        let value_of = |field: &DataField| partition.iter().find(|(id, _)| *id == field.id);
        let stored: Vec<DataField> = asked.iter().filter(|field| value_of(field).is_none()).cloned().collect();
        let read = prune_fields(written, &stored);
        let columns = asked.iter().map(|field| match value_of(field) {
            Some((_, value)) => Ok(Source::Constant(Arc::clone(value))),
            None => source(&read, field),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok((Self { columns, schema: to_arrow_schema(asked)? }, read))
    }

    /// The columns asked for, of `rows` rows, from those that were read.
    ///
    /// # Errors
    /// `Invalid` when a value cannot be cast; `Corrupt` for a null where the schema asked for has none.
    pub(super) fn apply(&self, read: &[ArrayRef], rows: usize) -> Result<RecordBatch> {
        let columns = self.columns.iter().zip(self.schema.fields()).map(|(source, field)| {
            source.array(read, rows).map_err(|error| error.context(format!("column {}", field.name())))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(refused)
    }
}

/// The fields of `written` that are asked for, with what of them is asked for, in the order they are asked for.
fn prune_fields(written: &[DataField], asked: &[DataField]) -> Vec<DataField> {
    let kept = asked.iter().filter_map(|asked| {
        let field = written.iter().find(|field| field.id == asked.id)?;
        let data_type = prune(&field.data_type, &asked.data_type)?;
        Some(DataField { data_type, ..field.clone() })
    });
    kept.collect()
}

/// What to read of a type; `None` when nothing of it is asked for.
fn prune(written: &DataType, asked: &DataType) -> Option<DataType> {
    let root = match (&written.root, &asked.root) {
        (TypeRoot::Row(written), TypeRoot::Row(asked)) => {
            let fields = prune_fields(written, asked);
            if fields.is_empty() {
                return None;
            }
            TypeRoot::Row(fields)
        }
        (TypeRoot::Array(written), TypeRoot::Array(asked)) => TypeRoot::Array(Box::new(prune(written, asked)?)),
        (
            TypeRoot::Map { key: written_key, value: written_value },
            TypeRoot::Map { key: asked_key, value: asked_value },
        ) => TypeRoot::Map {
            key: Box::new(prune(written_key, asked_key)?),
            value: Box::new(prune(written_value, asked_value)?),
        },
        (TypeRoot::Multiset(written), TypeRoot::Multiset(asked)) => {
            TypeRoot::Multiset(Box::new(prune(written, asked)?))
        }
        (root, _) => root.clone(),
    };
    Some(DataType { root, nullable: written.nullable })
}

fn sources(read: &[DataField], asked: &[DataField]) -> Result<Vec<Source>> {
    asked.iter().map(|asked| source(read, asked)).collect()
}

fn source(read: &[DataField], asked: &DataField) -> Result<Source> {
    Ok(match read.iter().position(|field| field.id == asked.id) {
        None => Source::Absent(to_arrow_type(&asked.data_type)?),
        Some(index) => Source::Field { index, conversion: conversion(&read[index].data_type, &asked.data_type)? },
    })
}

fn conversion(read: &DataType, asked: &DataType) -> Result<Conversion> {
    if read == asked {
        return Ok(Conversion::Same);
    }
    Ok(match (&read.root, &asked.root) {
        (TypeRoot::Row(read), TypeRoot::Row(fields)) => {
            let ArrowType::Struct(arrow) = to_arrow_type(asked)? else { return Ok(Conversion::Same) };
            Conversion::Row { fields: arrow, sources: sources(read, fields)? }
        }
        (TypeRoot::Array(read), TypeRoot::Array(element)) => {
            Conversion::List { arrow: to_arrow_type(asked)?, element: Box::new(conversion(read, element)?) }
        }
        (TypeRoot::Map { key: read_key, value: read_value }, TypeRoot::Map { key, value }) => Conversion::Map {
            arrow: to_arrow_type(asked)?,
            key: Box::new(conversion(read_key, key)?),
            value: Box::new(conversion(read_value, value)?),
        },
        (TypeRoot::Multiset(read), TypeRoot::Multiset(element)) => Conversion::Map {
            arrow: to_arrow_type(asked)?,
            key: Box::new(conversion(read, element)?),
            value: Box::new(Conversion::Same),
        },
        _ => Cast::plan(read, asked)?.map_or(Conversion::Same, Conversion::Cast),
    })
}

impl Source {
    fn array(&self, read: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        match self {
            Self::Absent(arrow) => Ok(new_null_array(arrow, rows)),
            Self::Constant(value) => take(value, &UInt32Array::from_value(0, rows), None).map_err(refused),
            Self::Field { index, conversion } => conversion.apply(&read[*index]),
        }
    }
}

impl Conversion {
    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let wrong = || alluvium_format::Error::internal("an array is not of the type that its conversion was made for");
        Ok(match self {
            Self::Same => Arc::clone(array),
            Self::Cast(cast) => cast.apply(array)?,
            Self::Row { fields, sources } => {
                let row = array.as_struct_opt().ok_or_else(wrong)?;
                let columns = sources.iter().map(|source| source.array(row.columns(), row.len()));
                let columns = columns.collect::<Result<Vec<_>>>()?;
                let row = StructArray::try_new_with_length(fields.clone(), columns, row.nulls().cloned(), row.len());
                Arc::new(row.map_err(refused)?)
            }
            Self::List { arrow, element } => {
                let (Some(list), ArrowType::List(field)) = (array.as_list_opt::<i32>(), arrow) else {
                    return Err(wrong());
                };
                let values = element.apply(list.values())?;
                let list = ListArray::try_new(Arc::clone(field), list.offsets().clone(), values, list.nulls().cloned());
                Arc::new(list.map_err(refused)?)
            }
            Self::Map { arrow, key, value } => {
                let (Some(map), ArrowType::Map(field, sorted)) = (array.as_map_opt(), arrow) else {
                    return Err(wrong());
                };
                let ArrowType::Struct(fields) = field.data_type() else { return Err(wrong()) };
                let columns = vec![key.apply(map.keys())?, value.apply(map.values())?];
                let entries = StructArray::try_new(fields.clone(), columns, None).map_err(refused)?;
                let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
                Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *sorted).map_err(refused)?)
            }
        })
    }
}
