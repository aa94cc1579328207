//! The columns of a Parquet file as columns of the schema it was written with.
//!
//! Goes in: fields of the file's own schema, found in the file by name at every level, whoever wrote it: lists of two or three
//! levels, integers of other widths, timestamps of any unit, texts without annotation. Comes out: which leaves to decode, and from
//! what is decoded, arrays in the in-memory form of the fields; a field the file lacks is null.

use std::sync::Arc;

use alluvium_format::arrow::{to_arrow_schema, to_arrow_type};
use alluvium_format::{DataField, DataType, Error, ErrorKind, Result, TypeRoot};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, RecordBatch, StructArray, new_null_array};
use arrow_schema::{DataType as ArrowType, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::schema::types::{SchemaDescriptor, Type};

use super::leaf;
use crate::data_file::reader::refused;

/// Columns of one file.
#[derive(Debug)]
pub(super) struct FileColumns {
    fields: Vec<DataField>,
    schema: SchemaRef,
    mask: ProjectionMask,
}

impl FileColumns {
    /// The columns that hold `fields` in a file.
    ///
    /// # Errors
    /// `Unsupported` for VARIANT, BLOB and VECTOR.
    pub(super) fn new(fields: Vec<DataField>, parquet: &SchemaDescriptor) -> Result<Self> {
        let mut leaves = Leaves::default();
        for node in parquet.root_schema().get_fields() {
            let field = fields.iter().find(|field| field.name == node.name());
            leaves.choose(node, field.map(|field| &field.data_type));
        }
        let mask = ProjectionMask::leaves(parquet, leaves.chosen);
        Ok(Self { schema: to_arrow_schema(&fields)?, fields, mask })
    }

    /// The leaves to decode.
    pub(super) fn mask(&self) -> &ProjectionMask {
        &self.mask
    }

    /// The columns of a decoded batch, one for each field.
    ///
    /// # Errors
    /// `Corrupt` when a column of the file is of a type that its schema does not have.
    pub(super) fn shape(&self, decoded: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let columns = self.fields.iter().zip(self.schema.fields()).map(|(field, arrow)| {
            let column = decoded.column_by_name(&field.name);
            shape_or_null(column, &field.data_type, arrow.data_type(), decoded.num_rows())
                .map_err(|error| error.context(format!("column {}", field.name)))
        });
        columns.collect()
    }
}

/// Numbers the leaves of a Parquet schema and remembers those that are wanted.
#[derive(Debug, Default)]
struct Leaves {
    next: usize,
    chosen: Vec<usize>,
}

impl Leaves {
    /// Goes through the leaves of `node`, which holds values of the type `wanted`, or is not wanted.
    fn choose(&mut self, node: &Type, wanted: Option<&DataType>) {
        if node.is_primitive() {
            self.chosen.extend(wanted.map(|_| self.next));
            self.next += 1;
            return;
        }
        let children = node.get_fields();
        match wanted.map(|wanted| &wanted.root) {
            Some(TypeRoot::Row(fields)) => {
                for child in children {
                    let field = fields.iter().find(|field| field.name == child.name());
                    self.choose(child, field.map(|field| &field.data_type));
                }
            }
            Some(TypeRoot::Array(element)) => self.choose_element(node, element),
            Some(TypeRoot::Map { key, value }) => self.choose_entries(node, key, value),
            Some(TypeRoot::Multiset(element)) => {
                self.choose_entries(node, element, &DataType::not_null(TypeRoot::Int));
            }
            _ => children.iter().for_each(|child| self.choose(child, wanted)),
        }
    }

    /// As the `parquet` crate tells an element from the group around it.
    fn choose_element(&mut self, list: &Type, element: &DataType) {
        match list.get_fields() {
            [repeated] if repeated.is_group() => {
                let is_element = repeated.name() == "array" || repeated.name() == format!("{}_tuple", list.name());
                match repeated.get_fields() {
                    [item] if !is_element => self.choose(item, Some(element)),
                    _ => self.choose(repeated, Some(element)),
                }
            }
            children => children.iter().for_each(|child| self.choose(child, Some(element))),
        }
    }

    fn choose_entries(&mut self, map: &Type, key: &DataType, value: &DataType) {
        match map.get_fields() {
            [entries] if entries.is_group() => {
                let types = [key, value].into_iter().map(Some).chain(std::iter::repeat(None));
                entries.get_fields().iter().zip(types).for_each(|(child, wanted)| self.choose(child, wanted));
            }
            children => children.iter().for_each(|child| self.choose(child, Some(value))),
        }
    }
}

fn shape_or_null(column: Option<&ArrayRef>, wanted: &DataType, arrow: &ArrowType, rows: usize) -> Result<ArrayRef> {
    match column {
        Some(column) => shape(column, wanted, arrow),
        None => Ok(new_null_array(arrow, rows)),
    }
}

/// An array as a column of `wanted`, whose Arrow type is `arrow`. Nothing is copied where only names differ.
fn shape(array: &ArrayRef, wanted: &DataType, arrow: &ArrowType) -> Result<ArrayRef> {
    if array.data_type() == arrow {
        return Ok(Arc::clone(array));
    }
    match (&wanted.root, arrow) {
        (TypeRoot::Array(element), ArrowType::List(field)) => {
            let list = array.as_list_opt::<i32>().ok_or_else(|| mismatch(array, wanted))?;
            let values = shape(list.values(), element, field.data_type())?;
            let list = ListArray::try_new(Arc::clone(field), list.offsets().clone(), values, list.nulls().cloned());
            Ok(Arc::new(list.map_err(refused)?))
        }
        (TypeRoot::Map { key, value }, ArrowType::Map(..)) => shape_map(array, wanted, [key, value], arrow),
        (TypeRoot::Multiset(element), ArrowType::Map(..)) => {
            shape_map(array, wanted, [element, &DataType::not_null(TypeRoot::Int)], arrow)
        }
        (TypeRoot::Row(fields), ArrowType::Struct(arrow_fields)) => {
            let parts = array.as_struct_opt().ok_or_else(|| mismatch(array, wanted))?;
            let columns = fields.iter().zip(arrow_fields).map(|(field, arrow)| {
                let column = parts.column_by_name(&field.name);
                shape_or_null(column, &field.data_type, arrow.data_type(), parts.len())
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let row =
                StructArray::try_new_with_length(arrow_fields.clone(), columns, parts.nulls().cloned(), parts.len());
            Ok(Arc::new(row.map_err(refused)?))
        }
        _ => leaf::to_memory(array, wanted)?.ok_or_else(|| mismatch(array, wanted)),
    }
}

fn shape_map(array: &ArrayRef, wanted: &DataType, types: [&DataType; 2], arrow: &ArrowType) -> Result<ArrayRef> {
    let (Some(map), ArrowType::Map(entries_field, sorted)) = (array.as_map_opt(), arrow) else {
        return Err(mismatch(array, wanted));
    };
    let ArrowType::Struct(fields) = entries_field.data_type() else {
        return Err(mismatch(array, wanted));
    };
    let columns = map.entries().columns().iter().zip(types).map(|(column, data_type)| {
        let arrow = to_arrow_type(data_type)?;
        shape(column, data_type, &arrow)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let entries = StructArray::try_new(fields.clone(), columns, None).map_err(refused)?;
    let map =
        MapArray::try_new(Arc::clone(entries_field), map.offsets().clone(), entries, map.nulls().cloned(), *sorted);
    Ok(Arc::new(map.map_err(refused)?))
}

fn mismatch(array: &ArrayRef, wanted: &DataType) -> Error {
    let message = format!("it is {} in the file, where its schema says {wanted}", array.data_type());
    Error::new(ErrorKind::Corrupt, message)
}
