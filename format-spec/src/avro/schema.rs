//! The writer's schema of a container file: the types by which its records are decoded or skipped.
//!
//! Goes in: the JSON of the header's `avro.schema`. Comes out: a [`Type`]. Named types are resolved; recursive ones and those
//! that would unfold into too much ([`LEAVES_MAX`], [`DEPTH_MAX`]) are refused, so that walking a type always ends soon.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

/// The most primitive types that a schema may unfold into; Paimon's manifests have about 40, a data file three a column.
const LEAVES_MAX: usize = 100_000;

/// How deep types may nest; Paimon's go 6 deep.
const DEPTH_MAX: usize = 48;

/// A type of the writer's schema.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are Avro's types")]
pub enum Type {
    Null,
    Boolean,
    /// `int` and `long`, which are encoded alike.
    Integer,
    /// A `long` of so many ticks a second since 1970.
    Timestamp {
        per_second: i64,
    },
    Float,
    Double,
    Bytes,
    /// `bytes` that are a big-endian number, of which so many digits are behind the point.
    Decimal {
        scale: u64,
    },
    String,
    Fixed(usize),
    Enum,
    Array(Box<Type>),
    Map(Box<Type>),
    /// A union of null and one other type.
    Nullable {
        /// The number of the branch that is null.
        null_branch: i64,
        value: Box<Type>,
    },
    Union(Vec<Type>),
    Record(Arc<Record>),
}

/// The fields of a record, in the order they are encoded.
#[derive(Debug, PartialEq)]
pub struct Record {
    /// Name and type of each.
    pub fields: Vec<(String, Type)>,
    extent: Extent,
}

/// How much a type unfolds into.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Extent {
    leaves: usize,
    depth: usize,
}

impl Type {
    /// The type that the JSON of a header says; else why it says none.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(json).map_err(|error| format!("the schema is no JSON: {error}"))?;
        let schema = Parser { named: HashMap::new() }.parse(&value)?;
        schema.extent()?;
        Ok(schema)
    }

    /// The record that this is, or that a nullable or a list of it holds.
    pub(super) fn record(&self) -> Option<&Record> {
        match self {
            Self::Record(record) => Some(record),
            Self::Nullable { value, .. } => value.record(),
            Self::Array(item) => item.record(),
            _ => None,
        }
    }

    /// Whether there are values that take no byte.
    fn may_be_empty(&self) -> bool {
        match self {
            Self::Null | Self::Fixed(0) => true,
            Self::Record(record) => record.fields.iter().all(|(_, field)| field.may_be_empty()),
            _ => false,
        }
    }

    fn extent(&self) -> Result<Extent, String> {
        let extent = match self {
            Self::Array(inner) | Self::Map(inner) | Self::Nullable { value: inner, .. } => {
                Extent::around([inner.as_ref()])?
            }
            Self::Union(branches) => Extent::around(branches)?,
            Self::Record(record) => record.extent,
            _ => Extent { leaves: 1, depth: 1 },
        };
        Ok(extent)
    }
}

impl Extent {
    fn around<'a>(types: impl IntoIterator<Item = &'a Type>) -> Result<Self, String> {
        let mut extent = Self { leaves: 1, depth: 1 };
        for inner in types {
            let inner = inner.extent()?;
            extent.leaves = extent.leaves.saturating_add(inner.leaves);
            extent.depth = extent.depth.max(inner.depth + 1);
        }
        if extent.leaves > LEAVES_MAX || extent.depth > DEPTH_MAX {
            return Err(format!("the schema has more than {LEAVES_MAX} types or nests deeper than {DEPTH_MAX}"));
        }
        Ok(extent)
    }
}

struct Parser {
    /// By name without namespace.
    named: HashMap<String, Type>,
}

impl Parser {
    fn parse(&mut self, value: &Value) -> Result<Type, String> {
        match value {
            Value::String(name) => self.by_name(name),
            Value::Array(branches) => self.union(branches),
            Value::Object(object) => self.object(object),
            other => Err(format!("{other} is no type")),
        }
    }

    fn by_name(&self, name: &str) -> Result<Type, String> {
        Ok(match name {
            "null" => Type::Null,
            "boolean" => Type::Boolean,
            "int" | "long" => Type::Integer,
            "float" => Type::Float,
            "double" => Type::Double,
            "bytes" => Type::Bytes,
            "string" => Type::String,
            named => {
                let found = self.named.get(simple_name(named)).cloned();
                found.ok_or_else(|| format!("the schema uses type {named:?} before it says what it is"))?
            }
        })
    }

    fn union(&mut self, branches: &[Value]) -> Result<Type, String> {
        let mut types = branches.iter().map(|branch| self.parse(branch)).collect::<Result<Vec<_>, _>>()?;
        if let [first, second] = types.as_slice() {
            let null_branch = match (first, second) {
                (Type::Null, value) if *value != Type::Null => Some(0),
                (value, Type::Null) if *value != Type::Null => Some(1),
                _ => None,
            };
            if let Some(null_branch) = null_branch {
                let value = Box::new(types.swap_remove(1 - null_branch));
                return Ok(Type::Nullable { null_branch: i64::from(null_branch == 1), value });
            }
        }
        Ok(Type::Union(types))
    }

    fn object(&mut self, object: &Map<String, Value>) -> Result<Type, String> {
        let member = |key: &str| object.get(key).ok_or_else(|| format!("a type of the schema has no {key:?}"));
        let parsed = match member("type")? {
            Value::String(name) => match name.as_str() {
                "array" => self.array(member("items")?)?,
                "long" => timestamp(object).unwrap_or(Type::Integer),
                "bytes" => decimal(object).unwrap_or(Type::Bytes),
                "map" => Type::Map(Box::new(self.parse(member("values")?)?)),
                "record" => self.record(member("fields")?)?,
                "enum" => Type::Enum,
                "fixed" => {
                    let size = member("size")?.as_u64().and_then(|size| usize::try_from(size).ok());
                    Type::Fixed(size.ok_or("a fixed type of the schema has no size")?)
                }
                other => return self.by_name(other),
            },
            nested => return self.parse(nested),
        };
        if let Some(Value::String(name)) = object.get("name") {
            self.named.insert(simple_name(name).to_owned(), parsed.clone());
        }
        Ok(parsed)
    }

    /// A list is as long as it says, so that items without a byte would be a lot for a little.
    fn array(&mut self, items: &Value) -> Result<Type, String> {
        match self.parse(items)? {
            item if item.may_be_empty() => Err("the schema has lists of items that take no byte".to_owned()),
            item => Ok(Type::Array(Box::new(item))),
        }
    }

    fn record(&mut self, fields: &Value) -> Result<Type, String> {
        let fields = fields.as_array().ok_or("the fields of a record are no list")?;
        let parse_field = |field: &Value| -> Result<(String, Type), String> {
            let name = field.get("name").and_then(Value::as_str).ok_or("a field of the schema has no name")?;
            let value = field.get("type").ok_or_else(|| format!("field {name:?} of the schema has no type"))?;
            Ok((name.to_owned(), self.parse(value)?))
        };
        let fields = fields.iter().map(parse_field).collect::<Result<Vec<_>, _>>()?;
        let extent = Extent::around(fields.iter().map(|(_, field)| field))?;
        Ok(Type::Record(Arc::new(Record { fields, extent })))
    }
}

/// The type of a `long` that is annotated as a timestamp, of a zone or not.
fn timestamp(annotated: &Map<String, Value>) -> Option<Type> {
    let per_second = match annotated.get("logicalType")?.as_str()?.trim_start_matches("local-") {
        "timestamp-millis" => 1000,
        "timestamp-micros" => 1_000_000,
        "timestamp-nanos" => 1_000_000_000,
        _ => return None,
    };
    Some(Type::Timestamp { per_second })
}

/// The type of `bytes` that are annotated as a decimal.
fn decimal(annotated: &Map<String, Value>) -> Option<Type> {
    let is_decimal = annotated.get("logicalType")?.as_str()? == "decimal";
    is_decimal.then(|| Type::Decimal { scale: annotated.get("scale").and_then(Value::as_u64).unwrap_or(0) })
}

fn simple_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::Type;

    #[test]
    fn a_schema_that_unfolds_too_far_is_refused() {
        let mut fields = String::from(r#"{"name":"f","type":{"type":"record","name":"r0","fields":[]}}"#);
        for level in 1..40 {
            let inner = level - 1;
            fields += &format!(
                r#",{{"name":"f","type":{{"type":"record","name":"r{level}","fields":[{{"name":"a","type":"r{inner}"}},{{"name":"b","type":"r{inner}"}}]}}}}"#
            );
        }
        let json = format!(r#"{{"type":"record","name":"top","fields":[{fields}]}}"#);
        assert!(Type::parse(json.as_bytes()).unwrap_err().contains("more than 100000"));
        let recursive = br#"{"type":"record","name":"n","fields":[{"name":"next","type":["null","n"]}]}"#;
        assert!(Type::parse(recursive).unwrap_err().contains("before"));
    }

    #[test]
    fn null_may_be_either_branch() {
        let nullable = |null_branch| Type::Nullable { null_branch, value: Box::new(Type::Integer) };
        assert_eq!(Type::parse(br#"["null","long"]"#), Ok(nullable(0)));
        assert_eq!(Type::parse(br#"[{"type":"long"},"null"]"#), Ok(nullable(1)));
    }

    #[test]
    fn annotations_say_units_and_scales() {
        let of = |base: &str, rest: &str| Type::parse(format!(r#"{{"type":"{base}",{rest}}}"#).as_bytes()).unwrap();
        let timestamp = |per_second| Type::Timestamp { per_second };
        assert_eq!(of("long", r#""logicalType":"timestamp-millis""#), timestamp(1000));
        assert_eq!(of("long", r#""logicalType":"local-timestamp-micros""#), timestamp(1_000_000));
        assert_eq!(of("long", r#""logicalType":"of-nobody""#), Type::Integer);
        assert_eq!(of("int", r#""logicalType":"date""#), Type::Integer);
        assert_eq!(of("bytes", r#""logicalType":"decimal","precision":9,"scale":3"#), Type::Decimal { scale: 3 });
        assert_eq!(of("bytes", r#""logicalType":"decimal","precision":9"#), Type::Decimal { scale: 0 });
    }

    #[test]
    fn lists_of_nothing_are_refused() {
        for items in [r#""null""#, r#"{"type":"record","name":"r","fields":[]}"#] {
            let error = Type::parse(format!(r#"{{"type":"array","items":{items}}}"#).as_bytes()).unwrap_err();
            assert!(error.contains("no byte"), "{error}");
        }
    }
}
