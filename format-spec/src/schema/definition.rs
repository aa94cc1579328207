//! What a user says of a new table, and the first schema that becomes of it.
//!
//! Goes in: columns, keys and options, without ids. Comes out: a [`TableSchema`] with id 0, checked. Answers to
//! `org.apache.paimon.schema.Schema` and `ReassignFieldId`.

use indexmap::IndexMap;
use serde_json::Value;

use super::{TableSchema, split_names};
use crate::data_type::{DataField, DataType, TypeRoot};
use crate::error::{Error, Result, ResultExt};
use crate::key_value_file::{KEY_FIELD_PREFIX, SEQUENCE_NUMBER, VALUE_KIND};
use crate::options::key;

/// A column of a new table.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDefinition {
    /// The name.
    pub name: String,
    /// The type; ids of nested fields do not count.
    pub data_type: DataType,
    /// A comment.
    pub description: Option<String>,
    /// The text of the default value.
    pub default_value: Option<String>,
}

impl ColumnDefinition {
    /// A column without comment and default value.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self { name: name.into(), data_type, description: None, default_value: None }
    }
}

/// What a user says of a new table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaDefinition {
    /// The columns.
    pub columns: Vec<ColumnDefinition>,
    /// Names of the partition columns, in path order.
    pub partition_keys: Vec<String>,
    /// Names of the key columns.
    pub primary_keys: Vec<String>,
    /// Paimon's table options.
    pub options: IndexMap<String, String>,
    /// The table's comment.
    pub comment: Option<String>,
}

impl SchemaDefinition {
    /// The definition in `{"fields":[{"name","type","description"?}],"partitionKeys":[],"primaryKeys":[],"options":{},"comment"?}`.
    ///
    /// # Errors
    /// `Invalid` that names the member that is missing, wrong or unknown.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let json: Value =
            serde_json::from_slice(bytes).map_err(|error| Error::invalid(format!("the schema is no JSON: {error}")))?;
        let object = json.as_object().ok_or_else(|| Error::invalid("the schema is no JSON object"))?;
        let known = ["fields", "partitionKeys", "primaryKeys", "options", "comment"];
        if let Some(name) = object.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(Error::invalid(format!("the schema has a member {name:?}; it may have {}", known.join(", "))));
        }
        let fields = json["fields"].as_array().ok_or_else(|| Error::invalid("the schema lacks a list \"fields\""))?;
        Ok(Self {
            columns: fields.iter().map(column_from_json).collect::<Result<_>>()?,
            partition_keys: names_from_json(&json, "partitionKeys")?,
            primary_keys: names_from_json(&json, "primaryKeys")?,
            options: options_from_json(&json["options"])?,
            comment: text_from_json(&json, "comment")?,
        })
    }

    /// The definition of a table like an existing one.
    pub fn like(schema: &TableSchema) -> Self {
        let column = |field: &DataField| ColumnDefinition {
            name: field.name.clone(),
            data_type: field.data_type.clone(),
            description: field.description.clone(),
            default_value: field.default_value.clone(),
        };
        Self {
            columns: schema.fields.iter().map(column).collect(),
            partition_keys: schema.partition_keys.clone(),
            primary_keys: schema.primary_keys.clone(),
            options: schema.options.clone(),
            comment: schema.comment.clone(),
        }
    }

    /// The first schema of the table.
    ///
    /// # Errors
    /// `Invalid` that names the column or option that is wrong.
    pub fn into_schema(self, time_millis: i64) -> Result<TableSchema> {
        let mut next_id = 0;
        let mut fields = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            let id = next_id;
            next_id += 1;
            let mut data_type = column.data_type;
            assign_ids(&mut data_type, &mut next_id);
            let (description, default_value) = (column.description, column.default_value);
            fields.push(DataField { id, name: column.name, data_type, description, default_value });
        }
        TableSchema {
            version: super::json::VERSION,
            id: 0,
            fields,
            highest_field_id: next_id - 1,
            partition_keys: self.partition_keys,
            primary_keys: self.primary_keys,
            options: self.options,
            comment: self.comment,
            time_millis,
        }
        .checked()
    }
}

impl TableSchema {
    /// The schema as it may become a table's: keys given as options are lists, columns of the primary key are NOT NULL, and all else is as
    /// it must be.
    pub(super) fn checked(mut self) -> Result<Self> {
        self.take_keys_from_options()?;
        self.check_names()?;
        for field in &mut self.fields {
            field.data_type.nullable &= !self.primary_keys.contains(&field.name);
        }
        check_keys(&self)?;
        self.core_options().validate(&self)?;
        Ok(self)
    }

    fn take_keys_from_options(&mut self) -> Result<()> {
        for (name, list) in [(key::PRIMARY_KEY, &mut self.primary_keys), (key::PARTITION, &mut self.partition_keys)] {
            let Some(text) = self.options.shift_remove(name) else { continue };
            if !list.is_empty() {
                return Err(Error::invalid(format!(
                    "the option {name} and the list of the schema both name keys: give one"
                )));
            }
            *list = split_names(&text);
        }
        Ok(())
    }

    fn check_names(&self) -> Result<()> {
        if self.fields.is_empty() {
            return Err(Error::invalid("a table needs a column"));
        }
        for (index, column) in self.fields.iter().enumerate() {
            let name = &column.name;
            if name.trim().is_empty() {
                return Err(Error::invalid(format!("column {} has no name", index + 1)));
            }
            if self.fields[..index].iter().any(|other| other.name == *name) {
                return Err(Error::invalid(format!("there are two columns {name}")));
            }
            check_nested_names(&column.data_type).context(|| format!("column {name}"))?;
            let reserved = [SEQUENCE_NUMBER, VALUE_KIND, "_LEVEL", "_ROW_ID"];
            if name.starts_with(KEY_FIELD_PREFIX) || reserved.contains(&name.as_str()) {
                return Err(Error::invalid(format!("the name {name} is reserved: call the column something else")));
            }
        }
        Ok(())
    }
}

fn check_keys(schema: &TableSchema) -> Result<()> {
    for (what, names) in [("primary key", &schema.primary_keys), ("partition keys", &schema.partition_keys)] {
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                return Err(Error::invalid(format!("the {what} name {name} twice")));
            }
        }
        let fields = schema.fields_of(names).context(|| format!("the {what}"))?;
        if let Some(field) = fields.iter().find(|field| field.data_type.is_nested()) {
            let (name, data_type) = (&field.name, &field.data_type);
            return Err(Error::invalid(format!("the column {name} of type {data_type} cannot be part of the {what}")));
        }
    }
    if !schema.primary_keys.is_empty() && schema.trimmed_primary_keys().is_empty() {
        return Err(Error::invalid(
            "the primary key has the partition columns only: each partition would hold one row; add a column to it",
        ));
    }
    Ok(())
}

/// Fields of one row must have names, each its own.
fn check_nested_names(data_type: &DataType) -> Result<()> {
    match &data_type.root {
        TypeRoot::Array(element) | TypeRoot::Multiset(element) | TypeRoot::Vector { element, .. } => {
            check_nested_names(element)
        }
        TypeRoot::Map { key, value } => check_nested_names(key).and_then(|()| check_nested_names(value)),
        TypeRoot::Row(fields) => fields.iter().enumerate().try_for_each(|(index, field)| {
            let name = &field.name;
            if name.trim().is_empty() || fields[..index].iter().any(|other| other.name == *name) {
                return Err(Error::invalid(format!("field {} of a row is named {name:?}, blank or again", index + 1)));
            }
            check_nested_names(&field.data_type)
        }),
        _ => Ok(()),
    }
}

/// Ids of the fields of rows inside a column's type. Unlike a column, such a field comes after what is nested in it.
pub(super) fn assign_ids(data_type: &mut DataType, next_id: &mut i32) {
    match &mut data_type.root {
        TypeRoot::Array(element) | TypeRoot::Multiset(element) | TypeRoot::Vector { element, .. } => {
            assign_ids(element, next_id);
        }
        TypeRoot::Map { key, value } => {
            assign_ids(key, next_id);
            assign_ids(value, next_id);
        }
        TypeRoot::Row(fields) => {
            for field in fields {
                assign_ids(&mut field.data_type, next_id);
                field.id = *next_id;
                *next_id += 1;
            }
        }
        _ => {}
    }
}

fn column_from_json(json: &Value) -> Result<ColumnDefinition> {
    let name = json["name"].as_str().ok_or_else(|| Error::invalid(format!("the field {json} lacks \"name\"")))?;
    let data_type = json.get("type").ok_or_else(|| Error::invalid(format!("the field {name} lacks \"type\"")))?;
    Ok(ColumnDefinition {
        name: name.to_owned(),
        data_type: DataType::from_json_without_ids(data_type).context(|| format!("the type of field {name}"))?,
        description: text_from_json(json, "description")?,
        default_value: text_from_json(json, "defaultValue")?,
    })
}

fn text_from_json(json: &Value, member: &str) -> Result<Option<String>> {
    match &json[member] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        other => Err(Error::invalid(format!("\"{member}\" is {other}, which is no text"))),
    }
}

fn names_from_json(json: &Value, member: &str) -> Result<Vec<String>> {
    let wrong = || Error::invalid(format!("\"{member}\" is no list of column names"));
    match &json[member] {
        Value::Null => Ok(Vec::new()),
        Value::Array(names) => names.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(wrong)).collect(),
        _ => Err(wrong()),
    }
}

fn options_from_json(json: &Value) -> Result<IndexMap<String, String>> {
    let object = match json {
        Value::Null => return Ok(IndexMap::new()),
        Value::Object(object) => object,
        _ => return Err(Error::invalid("\"options\" is no object of texts")),
    };
    object
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            Value::Number(_) | Value::Bool(_) => Ok((name.clone(), value.to_string())),
            _ => Err(Error::invalid(format!("the option {name} is no text"))),
        })
        .collect()
}
