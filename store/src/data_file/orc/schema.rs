//! The columns of an ORC file: a tree of types in pre-order, whose root is a struct.
//!
//! Goes in: the columns of a table, or the types of a footer. Comes out: a tree in which a column's number is its position and the
//! parts of a type come behind it, so that going down always ends. Ids of fields are attributes. Answers to `OrcTypeUtil` and
//! `OrcProto.Type`.

use alluvium_format::{DataField, DataType, Error, Result, TypeRoot};

use super::Decoded;
use super::protobuf::{Fields, Message};

/// The attribute that holds the id of a field, an element, a key or a value.
const FIELD_ID: &str = "paimon.id";
/// Ids of the parts of containers lie around this one.
const CONTAINER_ID: i32 = i32::MAX / 4;
/// How many nested containers a column has ids for.
const CONTAINER_IDS_OF_COLUMN: i32 = 1 << 10;

/// The columns of a file, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OrcSchema(Vec<OrcType>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OrcType {
    pub(super) kind: TypeKind,
    /// The numbers of its parts.
    pub(super) parts: Vec<usize>,
    /// The names of the parts of a struct.
    names: Vec<String>,
    /// Characters of a `char` or `varchar`; precision of a decimal.
    length: u64,
    pub(super) scale: u64,
    field_id: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TypeKind {
    Boolean,
    Byte,
    Short,
    Int,
    Long,
    Float,
    Double,
    String,
    Binary,
    Timestamp,
    List,
    Map,
    Struct,
    Union,
    Decimal,
    Date,
    Varchar,
    Char,
    TimestampInstant,
    Unknown,
}

/// By their numbers in files.
const KINDS: [TypeKind; 19] = [
    TypeKind::Boolean,
    TypeKind::Byte,
    TypeKind::Short,
    TypeKind::Int,
    TypeKind::Long,
    TypeKind::Float,
    TypeKind::Double,
    TypeKind::String,
    TypeKind::Binary,
    TypeKind::Timestamp,
    TypeKind::List,
    TypeKind::Map,
    TypeKind::Struct,
    TypeKind::Union,
    TypeKind::Decimal,
    TypeKind::Date,
    TypeKind::Varchar,
    TypeKind::Char,
    TypeKind::TimestampInstant,
];

impl OrcSchema {
    /// The schema of files with the columns `fields`.
    ///
    /// # Errors
    /// `Unsupported` for VARIANT, BLOB and VECTOR.
    pub(super) fn of(fields: &[DataField]) -> Result<Self> {
        let mut schema = Self(Vec::new());
        schema.add_struct(fields, None)?;
        Ok(schema)
    }

    pub(super) fn decode(types: Vec<Fields<'_>>) -> Decoded<Self> {
        let types = types.into_iter().map(OrcType::decode).collect::<Decoded<Vec<_>>>()?;
        for (number, column) in types.iter().enumerate() {
            if !column.parts.iter().all(|part| *part > number && *part < types.len()) {
                return Err(format!("column {number} has parts that are not behind it").into());
            }
            if column.kind == TypeKind::Struct && column.parts.len() != column.names.len() {
                return Err(format!("column {number} has other names than parts").into());
            }
        }
        match types.first() {
            Some(root) if root.kind == TypeKind::Struct => Ok(Self(types)),
            _ => Err("its root is no struct".into()),
        }
    }

    /// As fields `field` of a message.
    pub(super) fn encode(&self, message: &mut Message, field: u64) {
        self.0.iter().for_each(|column| message.message(field, &column.encode()));
    }

    /// A column by its number.
    pub(super) fn column(&self, number: usize) -> Option<&OrcType> {
        self.0.get(number)
    }

    /// The number of a struct's part of this name.
    pub(super) fn part(&self, number: usize, name: &str) -> Option<usize> {
        let column = self.column(number)?;
        let at = column.names.iter().position(|found| found == name)?;
        column.parts.get(at).copied()
    }

    fn add_struct(&mut self, fields: &[DataField], id: Option<i32>) -> Result<usize> {
        let names = fields.iter().map(|field| field.name.clone()).collect();
        let number = self.add(OrcType { names, ..OrcType::new(TypeKind::Struct, id) });
        for field in fields {
            let place = Place { id: field.id, column_id: field.id, depth: 0 };
            let part = self.add_type(&field.data_type, place)?;
            self.add_part(number, part);
        }
        Ok(number)
    }

    fn add_type(&mut self, data_type: &DataType, place: Place) -> Result<usize> {
        let plain = |kind| OrcType::new(kind, Some(place.id));
        let column = match &data_type.root {
            TypeRoot::Row(fields) => return self.add_struct(fields, Some(place.id)),
            TypeRoot::Array(element) => {
                return self.add_container(plain(TypeKind::List), &[(element, place.value())]);
            }
            TypeRoot::Map { key, value } => {
                return self.add_container(plain(TypeKind::Map), &[(key, place.key()), (value, place.value())]);
            }
            TypeRoot::Multiset(element) => {
                let count = DataType::not_null(TypeRoot::Int);
                return self.add_container(plain(TypeKind::Map), &[(element, place.key()), (&count, place.value())]);
            }
            TypeRoot::Boolean => plain(TypeKind::Boolean),
            TypeRoot::TinyInt => plain(TypeKind::Byte),
            TypeRoot::SmallInt => plain(TypeKind::Short),
            TypeRoot::Int | TypeRoot::Time(_) => plain(TypeKind::Int),
            TypeRoot::BigInt => plain(TypeKind::Long),
            TypeRoot::Float => plain(TypeKind::Float),
            TypeRoot::Double => plain(TypeKind::Double),
            TypeRoot::Date => plain(TypeKind::Date),
            TypeRoot::Char(length) => OrcType { length: u64::from(*length), ..plain(TypeKind::Char) },
            TypeRoot::VarChar(TypeRoot::STRING_LENGTH) => plain(TypeKind::String),
            TypeRoot::VarChar(length) => OrcType { length: u64::from(*length), ..plain(TypeKind::Varchar) },
            TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => plain(TypeKind::Binary),
            TypeRoot::Decimal { precision, scale } => {
                OrcType { length: u64::from(*precision), scale: u64::from(*scale), ..plain(TypeKind::Decimal) }
            }
            TypeRoot::Timestamp(_) => plain(TypeKind::Timestamp),
            TypeRoot::TimestampLtz(_) => plain(TypeKind::TimestampInstant),
            root @ (TypeRoot::Variant | TypeRoot::Blob | TypeRoot::Vector { .. }) => {
                return Err(Error::unsupported(root));
            }
        };
        Ok(self.add(column))
    }

    fn add_container(&mut self, column: OrcType, parts: &[(&DataType, Place)]) -> Result<usize> {
        let number = self.add(column);
        for (data_type, place) in parts {
            let part = self.add_type(data_type, *place)?;
            self.add_part(number, part);
        }
        Ok(number)
    }

    fn add(&mut self, column: OrcType) -> usize {
        self.0.push(column);
        self.0.len() - 1
    }

    fn add_part(&mut self, number: usize, part: usize) {
        if let Some(column) = self.0.get_mut(number) {
            column.parts.push(part);
        }
    }
}

/// Where in the schema a type is.
#[derive(Clone, Copy)]
struct Place {
    id: i32,
    /// Of the nearest field around it.
    column_id: i32,
    /// How many containers there are between that field and here.
    depth: i32,
}

impl Place {
    /// The place of a list's elements, or a map's values.
    fn value(self) -> Self {
        let (depth, offset) = self.below();
        Self { id: CONTAINER_ID.wrapping_add(offset), depth, ..self }
    }

    /// The place of a map's keys.
    fn key(self) -> Self {
        let (depth, offset) = self.below();
        Self { id: CONTAINER_ID.wrapping_sub(offset), depth, ..self }
    }

    fn below(self) -> (i32, i32) {
        let depth = self.depth + 1;
        (depth, CONTAINER_IDS_OF_COLUMN.wrapping_mul(self.column_id).wrapping_add(depth))
    }
}

impl OrcType {
    fn new(kind: TypeKind, field_id: Option<i32>) -> Self {
        Self { kind, parts: Vec::new(), names: Vec::new(), length: 0, scale: 0, field_id }
    }

    fn decode(mut fields: Fields<'_>) -> Decoded<Self> {
        let (mut column, mut parts) = (Self::new(TypeKind::Boolean, None), Vec::new());
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => {
                    let number = usize::try_from(value.number()?).ok();
                    let kind = number.and_then(|number| KINDS.get(number).copied());
                    column.kind = kind.unwrap_or(TypeKind::Unknown);
                }
                2 => value.append_numbers(&mut parts)?,
                3 => column.names.push(value.text()?),
                4 | 5 => column.length = value.number()?,
                6 => column.scale = value.number()?,
                _ => {}
            }
        }
        column.parts = parts.into_iter().map(|part| usize::try_from(part).unwrap_or(usize::MAX)).collect();
        Ok(column)
    }

    fn encode(&self) -> Message {
        let mut message = Message::default();
        message.number(1, KINDS.iter().position(|kind| *kind == self.kind).unwrap_or(KINDS.len()) as u64);
        message.numbers(2, self.parts.iter().map(|part| *part as u64));
        self.names.iter().for_each(|name| message.bytes(3, name.as_bytes()));
        match self.kind {
            TypeKind::Char | TypeKind::Varchar => message.number(4, self.length),
            TypeKind::Decimal => {
                message.number(5, self.length);
                message.number(6, self.scale);
            }
            _ => {}
        }
        if let Some(id) = self.field_id {
            let mut attribute = Message::default();
            attribute.bytes(1, FIELD_ID.as_bytes());
            attribute.bytes(2, id.to_string().as_bytes());
            message.message(7, &attribute);
        }
        message
    }
}
