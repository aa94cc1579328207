//! Which columns of a file hold the fields that are wanted, and as what they are decoded.
//!
//! Goes in: fields of the file's own schema, found in the file by name at every level, whoever wrote it. Comes out: a plan of what to
//! decode; a field the file lacks is null. Invariant: no deeper than the wanted types are.

use alluvium_format::arrow::to_arrow_type;
use alluvium_format::{DataField, DataType, Error, ErrorKind, Result, ResultExt, TypeRoot};
use arrow_schema::DataType as ArrowType;

use crate::data_file::orc::schema::{OrcSchema, OrcType, TypeKind};

/// How one column is decoded.
#[derive(Debug)]
pub(super) struct ColumnPlan {
    /// Its number in the file.
    pub(super) number: usize,
    pub(super) kind: TypeKind,
    pub(super) data_type: DataType,
    pub(super) arrow: ArrowType,
    pub(super) parts: Vec<PartPlan>,
}

/// A part of a column, or a column of the file.
#[derive(Debug)]
pub(super) enum PartPlan {
    /// The file does not have it.
    Absent(ArrowType),
    Column(ColumnPlan),
}

/// The plan for the columns `fields`.
///
/// # Errors
/// `Unsupported` for VARIANT, BLOB and VECTOR; `Corrupt` for a column of a type that its schema does not have.
pub(super) fn plan(fields: &[DataField], schema: &OrcSchema) -> Result<Vec<PartPlan>> {
    parts_of_struct(fields, schema, 0)
}

fn parts_of_struct(fields: &[DataField], schema: &OrcSchema, number: usize) -> Result<Vec<PartPlan>> {
    let parts = fields.iter().map(|field| match schema.part(number, &field.name) {
        Some(part) => column(&field.data_type, schema, part).context(|| format!("column {}", field.name)),
        None => Ok(PartPlan::Absent(to_arrow_type(&field.data_type)?)),
    });
    parts.collect()
}

fn column(data_type: &DataType, schema: &OrcSchema, number: usize) -> Result<PartPlan> {
    let found = schema.column(number).ok_or_else(|| Error::internal("a part that the schema was checked for"))?;
    let arrow = to_arrow_type(data_type)?;
    let parts = match (&data_type.root, found.kind, &found.parts[..]) {
        (TypeRoot::Row(fields), TypeKind::Struct, _) => parts_of_struct(fields, schema, number)?,
        (TypeRoot::Array(element), TypeKind::List, [part]) => vec![column(element, schema, *part)?],
        (TypeRoot::Map { key, value }, TypeKind::Map, [key_part, value_part]) => {
            // Keys are never null in memory.
            vec![column(&key.with_nullable(false), schema, *key_part)?, column(value, schema, *value_part)?]
        }
        (TypeRoot::Multiset(element), TypeKind::Map, [key_part, value_part]) => {
            let count = DataType::not_null(TypeRoot::Int);
            vec![column(&element.with_nullable(false), schema, *key_part)?, column(&count, schema, *value_part)?]
        }
        (root, kind, []) if holds(kind, root) => Vec::new(),
        _ => return Err(mismatch(found, data_type)),
    };
    Ok(PartPlan::Column(ColumnPlan { number, kind: found.kind, data_type: data_type.clone(), arrow, parts }))
}

/// Whether a column of this kind may hold values of this type.
fn holds(kind: TypeKind, root: &TypeRoot) -> bool {
    match root {
        TypeRoot::Boolean => kind == TypeKind::Boolean,
        TypeRoot::TinyInt | TypeRoot::SmallInt | TypeRoot::Int | TypeRoot::BigInt | TypeRoot::Time(_) => {
            matches!(kind, TypeKind::Byte | TypeKind::Short | TypeKind::Int | TypeKind::Long)
        }
        TypeRoot::Float | TypeRoot::Double => matches!(kind, TypeKind::Float | TypeKind::Double),
        TypeRoot::Decimal { .. } => kind == TypeKind::Decimal,
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => {
            matches!(kind, TypeKind::String | TypeKind::Varchar | TypeKind::Char)
        }
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => kind == TypeKind::Binary,
        TypeRoot::Date => kind == TypeKind::Date,
        TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_) => {
            matches!(kind, TypeKind::Timestamp | TypeKind::TimestampInstant)
        }
        _ => false,
    }
}

fn mismatch(found: &OrcType, wanted: &DataType) -> Error {
    let message = format!("it is {:?} in the file, where its schema says {wanted}", found.kind);
    Error::new(ErrorKind::Corrupt, message)
}

impl PartPlan {
    /// Appends the numbers of all columns that are decoded.
    pub(super) fn append_numbers(&self, numbers: &mut Vec<usize>) {
        if let Self::Column(column) = self {
            numbers.push(column.number);
            column.parts.iter().for_each(|part| part.append_numbers(numbers));
        }
    }
}
