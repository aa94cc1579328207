//! Schema files: JSON to [`TableSchema`] and back, byte for byte as Java writes them.
//!
//! Answers to `org.apache.paimon.schema.SchemaSerializer`.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value, json as value};

use super::TableSchema;
use crate::data_type::DataField;
use crate::error::{Error, Result};
use crate::json;
use crate::options::key;

/// The layout that is written.
pub(super) const VERSION: i32 = 3;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SchemaFile {
    #[serde(default = "first_version")]
    version: i32,
    id: i64,
    fields: Vec<Value>,
    highest_field_id: i32,
    partition_keys: Vec<String>,
    primary_keys: Vec<String>,
    options: IndexMap<String, String>,
    comment: Option<String>,
    #[serde(default)]
    time_millis: i64,
}

fn first_version() -> i32 {
    1
}

impl TableSchema {
    /// The schema of a file's bytes; `path` is for errors.
    ///
    /// # Errors
    /// `Corrupt` with path and offset.
    pub fn from_json(bytes: &[u8], path: &str) -> Result<Self> {
        let file: SchemaFile = json::from_slice(bytes, path)?;
        if file.version > VERSION {
            return Err(Error::unsupported(format!("schema files of version {} ({path})", file.version)));
        }
        let fields = file.fields.iter().map(DataField::from_json).collect::<Result<Vec<_>>>();
        let mut schema = Self {
            version: file.version,
            id: file.id,
            fields: fields.map_err(|error| Error::corrupt(path, 0, error))?,
            highest_field_id: file.highest_field_id,
            partition_keys: file.partition_keys,
            primary_keys: file.primary_keys,
            options: file.options,
            comment: file.comment,
            time_millis: file.time_millis,
        };
        schema.check_keys().map_err(|error| Error::corrupt(path, 0, error))?;
        schema.fill_old_defaults();
        Ok(schema)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        let mut out = Map::new();
        out.insert("version".to_owned(), value!(self.version));
        out.insert("id".to_owned(), value!(self.id));
        out.insert("fields".to_owned(), self.fields.iter().map(DataField::to_json).collect());
        out.insert("highestFieldId".to_owned(), value!(self.highest_field_id));
        out.insert("partitionKeys".to_owned(), value!(self.partition_keys));
        out.insert("primaryKeys".to_owned(), value!(self.primary_keys));
        out.insert("options".to_owned(), value!(self.options));
        if let Some(comment) = &self.comment {
            out.insert("comment".to_owned(), value!(comment));
        }
        out.insert("timeMillis".to_owned(), value!(self.time_millis));
        json::to_pretty(&Value::Object(out))
    }

    fn check_keys(&self) -> Result<()> {
        self.fields_of(&self.partition_keys)?;
        self.fields_of(&self.primary_keys).map(drop)
    }

    fn fill_old_defaults(&mut self) {
        let mut default = |name: &str, value: &str| {
            self.options.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        };
        if self.version <= 1 {
            default(key::BUCKET, "1");
        }
        if self.version <= 2 {
            default(key::FILE_FORMAT, "orc");
        }
    }
}
