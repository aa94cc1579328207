//! The Avro schema of a data file.
//!
//! Goes in: columns. Comes out: the text that Paimon's Java writer makes of them, character for character, or a refusal of what Avro
//! files cannot hold. A null is the first branch of a union. A TIMESTAMP is annotated as one of a zone and the other way round: the
//! values are the same. Maps whose keys are no texts are lists of entries. Answers to `AvroSchemaConverter`.

use std::collections::HashMap;
use std::fmt::Write;

use crate::data_type::{DataField, DataType, TypeRoot};
use crate::error::{Error, Result};

/// The name of the records, and the namespace of all names.
const RECORD: &str = "record";
const NAMESPACE: &str = "org.apache.paimon.avro.generated";
/// The highest precision of a TIMESTAMP, and of a TIME.
const TIMESTAMP_PRECISION_MAX: u8 = 6;
const TIME_PRECISION_MAX: u8 = 3;

/// The schema of files with the columns `fields`.
///
/// # Errors
/// `Unsupported` for a type or a name that Avro files do not hold.
pub fn data_file_schema(fields: &[DataField]) -> Result<String> {
    let mut schema = Schema::default();
    let fields = schema.fields(RECORD, fields)?;
    Ok(format!(r#"{{"type":"record","name":"{RECORD}","namespace":"{NAMESPACE}","fields":[{fields}]}}"#))
}

/// The records of a schema so far: what the one of each name says.
#[derive(Default)]
struct Schema {
    records: HashMap<String, String>,
}

impl Schema {
    /// The members of the record called `record`.
    fn fields(&mut self, record: &str, fields: &[DataField]) -> Result<String> {
        let mut out = String::new();
        for field in fields {
            check_name(&field.name)?;
            let data_type = self.value(&field.data_type, &format!("{record}_{}", field.name));
            let data_type = data_type.map_err(|error| error.context(format!("column {}", field.name)))?;
            self.field(&mut out, (&field.name, &data_type), field.data_type.nullable);
        }
        Ok(out)
    }

    fn field(&self, out: &mut String, (name, data_type): (&str, &str), has_default: bool) {
        let comma = if out.is_empty() { "" } else { "," };
        let default = if has_default { r#","default":null"# } else { "" };
        // Writing to a text never fails.
        let _ = write!(out, r#"{comma}{{"name":"{name}","type":{data_type}{default}}}"#);
    }

    /// The type of a value, where records are called `name`.
    fn value(&mut self, data_type: &DataType, name: &str) -> Result<String> {
        let plain = self.not_null(data_type, name)?;
        Ok(if data_type.nullable { format!(r#"["null",{plain}]"#) } else { plain })
    }

    fn not_null(&mut self, data_type: &DataType, name: &str) -> Result<String> {
        Ok(match &data_type.root {
            TypeRoot::Array(element) => format!(r#"{{"type":"array","items":{}}}"#, self.value(element, name)?),
            TypeRoot::Map { key, value } => self.map(key, value, name)?,
            TypeRoot::Multiset(element) if is_text(element) => {
                self.map(element, &DataType::nullable(TypeRoot::Int), name)?
            }
            TypeRoot::Row(fields) => {
                let fields = self.fields(name, fields)?;
                self.record(name, fields)?
            }
            root => atom(root)?,
        })
    }

    fn map(&mut self, key: &DataType, value: &DataType, name: &str) -> Result<String> {
        if is_text(key) {
            return Ok(format!(r#"{{"type":"map","values":{}}}"#, self.value(value, name)?));
        }
        let key = self.value(key, &format!("{name}_key"))?;
        let of_value = self.value(value, &format!("{name}_value"))?;
        let mut fields = String::new();
        self.field(&mut fields, ("key", &key), false);
        self.field(&mut fields, ("value", &of_value), value.nullable);
        Ok(format!(r#"{{"type":"array","items":{},"logicalType":"map"}}"#, self.record(name, fields)?))
    }

    /// A record by its name alone when there was one that is the same.
    fn record(&mut self, name: &str, fields: String) -> Result<String> {
        match self.records.get(name) {
            Some(known) if *known == fields => Ok(format!(r#""{name}""#)),
            Some(_) => Err(Error::unsupported(format!("Avro files with two records of the name {name}"))),
            None => {
                let record = format!(r#"{{"type":"record","name":"{name}","fields":[{fields}]}}"#);
                self.records.insert(name.to_owned(), fields);
                Ok(record)
            }
        }
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type.root, TypeRoot::Char(_) | TypeRoot::VarChar(_))
}

fn atom(root: &TypeRoot) -> Result<String> {
    Ok(match root {
        TypeRoot::Boolean => r#""boolean""#.to_owned(),
        TypeRoot::TinyInt | TypeRoot::SmallInt | TypeRoot::Int => r#""int""#.to_owned(),
        TypeRoot::BigInt => r#""long""#.to_owned(),
        TypeRoot::Float => r#""float""#.to_owned(),
        TypeRoot::Double => r#""double""#.to_owned(),
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => r#""string""#.to_owned(),
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => r#""bytes""#.to_owned(),
        TypeRoot::Decimal { precision, scale } => {
            format!(r#"{{"type":"bytes","logicalType":"decimal","precision":{precision},"scale":{scale}}}"#)
        }
        TypeRoot::Date => annotated("int", "date"),
        TypeRoot::Time(0..=TIME_PRECISION_MAX) => annotated("int", "time-millis"),
        TypeRoot::Timestamp(0..=3) => annotated("long", "timestamp-millis"),
        TypeRoot::Timestamp(4..=TIMESTAMP_PRECISION_MAX) => annotated("long", "timestamp-micros"),
        TypeRoot::TimestampLtz(0..=3) => annotated("long", "local-timestamp-millis"),
        TypeRoot::TimestampLtz(4..=TIMESTAMP_PRECISION_MAX) => annotated("long", "local-timestamp-micros"),
        root => return Err(Error::unsupported(format!("the type {root} in Avro files"))),
    })
}

fn annotated(base: &str, logical: &str) -> String {
    format!(r#"{{"type":"{base}","logicalType":"{logical}"}}"#)
}

/// Names are of letters, digits and `_`, and do not begin with a digit.
fn check_name(name: &str) -> Result<()> {
    let is_letter = |character: char| character == '_' || (character.is_alphabetic() && character.len_utf16() == 1);
    let mut characters = name.chars();
    let begins = characters.next().is_some_and(is_letter);
    if begins && characters.all(|character| is_letter(character) || character.is_numeric()) {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "Avro files with a column of the name {name:?}: only letters, digits and _ are allowed"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INT: TypeRoot = TypeRoot::Int;

    fn row(fields: &[(&str, TypeRoot)]) -> TypeRoot {
        TypeRoot::Row(columns(fields))
    }

    fn columns(columns: &[(&str, TypeRoot)]) -> Vec<DataField> {
        let field = |(name, root): &(&str, TypeRoot)| DataField::new(0, *name, DataType::nullable(root.clone()));
        columns.iter().map(field).collect()
    }

    fn schema(of: &[(&str, TypeRoot)]) -> Result<String> {
        data_file_schema(&columns(of))
    }

    #[test]
    fn names_are_those_of_avro() {
        for name in ["a", "_KEY_a", "größe", "a1"] {
            schema(&[(name, INT)]).unwrap();
        }
        for name in ["", "1a", "a-b", "a b", "a.b", "a\"", "😀"] {
            let refused = schema(&[(name, INT)]).unwrap_err().to_string();
            assert!(refused.contains(&format!("{name:?}")), "{refused}");
        }
        let nested = schema(&[("r", row(&[("a b", INT)]))]).unwrap_err().to_string();
        assert!(nested.starts_with("column r: unsupported"), "{nested}");
    }

    #[test]
    fn a_name_stands_for_one_record() {
        let within = || ("a", row(&[("b", row(&[("x", INT)]))]));
        let same = schema(&[within(), ("a_b", row(&[("x", INT)]))]).unwrap();
        assert!(same.ends_with(r#"{"name":"a_b","type":["null","record_a_b"],"default":null}]}"#), "{same}");
        crate::avro::Type::parse(same.as_bytes()).unwrap();
        let other = schema(&[within(), ("a_b", row(&[("y", INT)]))]).unwrap_err().to_string();
        assert!(other.contains("record_a_b"), "{other}");
    }

    #[test]
    fn containers_keep_the_name_that_is_around_them() {
        let list = TypeRoot::Array(Box::new(DataType::nullable(row(&[("x", INT)]))));
        let value = Box::new(DataType::not_null(list));
        let map = TypeRoot::Map { key: Box::new(DataType::nullable(INT)), value };
        let text = schema(&[("m", map)]).unwrap();
        let item =
            r#"{"type":"record","name":"record_m_value","fields":[{"name":"x","type":["null","int"],"default":null}]}"#;
        let value = format!(r#"{{"name":"value","type":{{"type":"array","items":["null",{item}]}}}}"#);
        let entry = format!(
            r#"{{"type":"record","name":"record_m","fields":[{{"name":"key","type":["null","int"]}},{value}]}}"#
        );
        assert!(
            text.contains(&format!(r#"["null",{{"type":"array","items":{entry},"logicalType":"map"}}]"#)),
            "{text}"
        );
    }
}
