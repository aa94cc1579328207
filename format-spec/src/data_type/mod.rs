#![doc = include_str!("../../data_type.md")]

pub mod casts;
pub mod json;
pub mod parse;

use std::fmt;

/// A column type with its nullability.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DataType {
    /// What values there are, null aside.
    pub root: TypeRoot,
    /// Whether null is a value.
    pub nullable: bool,
}

/// The types of Paimon, without nullability.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are the type names of the format page")]
pub enum TypeRoot {
    Boolean,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Float,
    Double,
    /// Up to 38 digits, `scale` of them after the point.
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// At most this many characters.
    Char(u32),
    /// At most this many characters; `STRING` is [`TypeRoot::STRING_LENGTH`].
    VarChar(u32),
    /// At most this many bytes.
    Binary(u32),
    /// At most this many bytes; `BYTES` is [`TypeRoot::STRING_LENGTH`].
    VarBinary(u32),
    Date,
    /// Digits after the second, 0 to 9; values are milliseconds of the day.
    Time(u8),
    /// Digits after the second, 0 to 9.
    Timestamp(u8),
    /// Digits after the second, 0 to 9.
    TimestampLtz(u8),
    Array(Box<DataType>),
    Map {
        key: Box<DataType>,
        value: Box<DataType>,
    },
    Multiset(Box<DataType>),
    Row(Vec<DataField>),
    Variant,
    Blob,
    Vector {
        element: Box<DataType>,
        length: u32,
    },
}

impl TypeRoot {
    /// The length of `STRING` and `BYTES`.
    pub const STRING_LENGTH: u32 = 2_147_483_647;
}

/// A column, or a field of a nested row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DataField {
    /// Unique in the table for ever; schema evolution goes by it.
    pub id: i32,
    /// The name in this schema version.
    pub name: String,
    /// The type in this schema version.
    pub data_type: DataType,
    /// A comment.
    pub description: Option<String>,
    /// The text of the default value.
    pub default_value: Option<String>,
}

impl DataType {
    /// A nullable type.
    pub fn nullable(root: TypeRoot) -> Self {
        Self { root, nullable: true }
    }

    /// A type without null.
    pub fn not_null(root: TypeRoot) -> Self {
        Self { root, nullable: false }
    }

    /// The same type with the given nullability.
    #[must_use]
    pub fn with_nullable(&self, nullable: bool) -> Self {
        Self { root: self.root.clone(), nullable }
    }
}

impl DataType {
    /// Whether it cannot be a key: lists, maps, rows, and what has no order.
    pub fn is_nested(&self) -> bool {
        matches!(
            self.root,
            TypeRoot::Array(_)
                | TypeRoot::Map { .. }
                | TypeRoot::Multiset(_)
                | TypeRoot::Row(_)
                | TypeRoot::Variant
                | TypeRoot::Blob
                | TypeRoot::Vector { .. }
        )
    }
}

impl DataField {
    /// A field without comment and default value.
    pub fn new(id: i32, name: impl Into<String>, data_type: DataType) -> Self {
        Self { id, name: name.into(), data_type, description: None, default_value: None }
    }
}

impl fmt::Display for TypeRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::TinyInt => f.write_str("TINYINT"),
            Self::SmallInt => f.write_str("SMALLINT"),
            Self::Int => f.write_str("INT"),
            Self::BigInt => f.write_str("BIGINT"),
            Self::Float => f.write_str("FLOAT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            Self::Char(n) => write!(f, "CHAR({n})"),
            Self::VarChar(Self::STRING_LENGTH) => f.write_str("STRING"),
            Self::VarChar(n) => write!(f, "VARCHAR({n})"),
            Self::Binary(n) => write!(f, "BINARY({n})"),
            Self::VarBinary(Self::STRING_LENGTH) => f.write_str("BYTES"),
            Self::VarBinary(n) => write!(f, "VARBINARY({n})"),
            Self::Date => f.write_str("DATE"),
            Self::Time(p) => write!(f, "TIME({p})"),
            Self::Timestamp(p) => write!(f, "TIMESTAMP({p})"),
            Self::TimestampLtz(p) => write!(f, "TIMESTAMP({p}) WITH LOCAL TIME ZONE"),
            Self::Array(element) => write!(f, "ARRAY<{element}>"),
            Self::Map { key, value } => write!(f, "MAP<{key}, {value}>"),
            Self::Multiset(element) => write!(f, "MULTISET<{element}>"),
            Self::Row(fields) => {
                f.write_str("ROW<")?;
                for (i, field) in fields.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    write!(f, "{comma}`{}` {}", field.name, field.data_type)?;
                }
                f.write_str(">")
            }
            Self::Variant => f.write_str("VARIANT"),
            Self::Blob => f.write_str("BLOB"),
            Self::Vector { element, length } => write!(f, "VECTOR<{element}, {length}>"),
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.nullable { "" } else { " NOT NULL" };
        write!(f, "{}{suffix}", self.root)
    }
}
