//! Types and fields as JSON, as schema files hold them.
//!
//! Answers to `DataTypeJsonParser`, `DataField.serializeJson`.

use serde_json::{Map, Value, json};

use super::{DataField, DataType, TypeRoot};
use crate::error::{Error, Result, ResultExt};

/// How deep types may nest; Paimon sets no limit, real tables stay below ten.
const DEPTH_MAX: usize = 100;

impl DataType {
    /// The type of a JSON value: a string, or an object for a nested type. Fields of nested rows have ids.
    ///
    /// # Errors
    /// `Invalid` that names the part that is no type.
    pub fn from_json(json: &Value) -> Result<Self> {
        from_json(json, Ids::Given, 0)
    }

    /// Like [`DataType::from_json`]; fields of nested rows may lack ids, which are then -1 until a schema assigns them.
    ///
    /// # Errors
    /// `Invalid` that names the part that is no type.
    pub fn from_json_without_ids(json: &Value) -> Result<Self> {
        from_json(json, Ids::Open, 0)
    }

    /// The JSON of the type.
    pub fn to_json(&self) -> Value {
        let not_null = if self.nullable { "" } else { " NOT NULL" };
        let word = |name: &str| format!("{name}{not_null}");
        match &self.root {
            TypeRoot::Array(element) => json!({ "type": word("ARRAY"), "element": element.to_json() }),
            TypeRoot::Multiset(element) => json!({ "type": word("MULTISET"), "element": element.to_json() }),
            TypeRoot::Map { key, value } => {
                json!({ "type": word("MAP"), "key": key.to_json(), "value": value.to_json() })
            }
            TypeRoot::Row(fields) => {
                json!({ "type": word("ROW"), "fields": fields.iter().map(DataField::to_json).collect::<Vec<_>>() })
            }
            TypeRoot::Vector { element, length } => {
                json!({ "type": word("VECTOR"), "element": element.to_json(), "length": length })
            }
            _ => Value::String(self.to_string()),
        }
    }
}

impl DataField {
    /// The field of a JSON object.
    ///
    /// # Errors
    /// `Invalid` that names the field and the member that is missing or wrong.
    pub fn from_json(json: &Value) -> Result<Self> {
        field_from_json(json, Ids::Given, 0)
    }

    /// The JSON of the field, members in Paimon's order.
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        out.insert("id".to_owned(), json!(self.id));
        out.insert("name".to_owned(), json!(self.name));
        out.insert("type".to_owned(), self.data_type.to_json());
        if let Some(description) = &self.description {
            out.insert("description".to_owned(), json!(description));
        }
        if let Some(default_value) = &self.default_value {
            out.insert("defaultValue".to_owned(), json!(default_value));
        }
        Value::Object(out)
    }
}

/// Whether fields must have ids.
#[derive(Clone, Copy)]
enum Ids {
    Given,
    Open,
}

impl Ids {
    fn of(self, json: &Value) -> Option<i32> {
        match self {
            Self::Given => json["id"].as_i64().and_then(|id| i32::try_from(id).ok()),
            Self::Open => Some(-1),
        }
    }
}

fn from_json(json: &Value, ids: Ids, depth: usize) -> Result<DataType> {
    if depth > DEPTH_MAX {
        return Err(Error::invalid(format!("a type nests deeper than {DEPTH_MAX}")));
    }
    if let Value::String(text) = json {
        return DataType::parse(text);
    }
    let Some(word) = json["type"].as_str() else {
        return Err(Error::invalid(format!("{json} is no type: it is a text, or an object with \"type\"")));
    };
    let upper = word.to_ascii_uppercase();
    let (name, nullable) = match upper.strip_suffix("NOT NULL") {
        Some(name) => (name.trim_end(), false),
        None => (upper.strip_suffix(" NULL").unwrap_or(&upper).trim_end(), true),
    };
    let part = |member: &str| -> Result<Box<DataType>> {
        let part = json.get(member).ok_or_else(|| Error::invalid(format!("{name} lacks \"{member}\"")))?;
        from_json(part, ids, depth + 1).map(Box::new)
    };
    let root = match name {
        "ARRAY" => TypeRoot::Array(part("element")?),
        "MULTISET" => TypeRoot::Multiset(part("element")?),
        "MAP" => TypeRoot::Map { key: part("key")?, value: part("value")? },
        "VECTOR" => TypeRoot::Vector {
            element: part("element")?,
            length: json["length"]
                .as_u64()
                .and_then(|length| u32::try_from(length).ok())
                .ok_or_else(|| Error::invalid("VECTOR lacks \"length\""))?,
        },
        "ROW" => {
            let fields = json["fields"].as_array().ok_or_else(|| Error::invalid("ROW lacks \"fields\""))?;
            TypeRoot::Row(fields.iter().map(|field| field_from_json(field, ids, depth + 1)).collect::<Result<_>>()?)
        }
        _ => return DataType::parse(word),
    };
    Ok(DataType { root, nullable })
}

fn field_from_json(json: &Value, ids: Ids, depth: usize) -> Result<DataField> {
    let name = json["name"].as_str().ok_or_else(|| Error::invalid(format!("the field {json} lacks \"name\"")))?;
    let id = ids.of(json).ok_or_else(|| Error::invalid(format!("the field {name} lacks a 32-bit \"id\"")))?;
    let data_type = json.get("type").ok_or_else(|| Error::invalid(format!("the field {name} lacks \"type\"")))?;
    let text = |member: &str| json[member].as_str().map(str::to_owned);
    Ok(DataField {
        id,
        name: name.to_owned(),
        data_type: from_json(data_type, ids, depth).context(|| format!("the type of field {name}"))?,
        description: text("description"),
        default_value: text("defaultValue"),
    })
}
