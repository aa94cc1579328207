//! Changes as JSON: a list of objects, one a change.
//!
//! `{"add": "c", "type": "INT", "after": "b"}`, `{"rename": "a", "to": "b"}`, `{"drop": "c"}`, `{"retype": "a", "to": "BIGINT"}`,
//! `{"move": "a", "first": true}`, `{"nullable": "a"}`, `{"not-null": "a"}`, `{"default": "a", "to": "0"}`, `{"describe": "a", "to": "in euros"}`,
//! `{"comment": "orders"}`, `{"set": "bucket", "to": "4"}`, `{"reset": "bucket"}`, `{"drop-primary-key": true}`.

use serde_json::{Map, Value};

use super::{ColumnPath, Nullability, Place, SchemaChange};
use crate::data_type::DataType;
use crate::error::{Error, Result, ResultExt};

/// The members that say what is changed; an object has one of them.
const VERBS: [&str; 13] = [
    "add",
    "rename",
    "drop",
    "retype",
    "move",
    "nullable",
    "not-null",
    "default",
    "describe",
    "comment",
    "set",
    "reset",
    "drop-primary-key",
];

/// The members that say how.
const OTHERS: [&str; 7] = ["type", "to", "first", "last", "after", "before", "description"];

impl SchemaChange {
    /// The changes of a JSON list.
    ///
    /// # Errors
    /// `Invalid` that names the change and the member that is missing, wrong or unknown.
    pub fn list_from_json(bytes: &[u8]) -> Result<Vec<Self>> {
        let json: Value = serde_json::from_slice(bytes)
            .map_err(|error| Error::invalid(format!("the changes are no JSON: {error}")))?;
        let list = json.as_array().ok_or_else(|| Error::invalid("the changes are no JSON list"))?;
        let change = |(index, json)| Self::from_json(json).context(|| format!("change {}", index + 1));
        list.iter().enumerate().map(change).collect()
    }

    fn from_json(json: &Value) -> Result<Self> {
        let object = json.as_object().ok_or_else(|| Error::invalid(format!("{json} is no JSON object")))?;
        let is_known = |name: &&String| VERBS.contains(&name.as_str()) || OTHERS.contains(&name.as_str());
        if let Some(name) = object.keys().find(|name| !is_known(name)) {
            return Err(Error::invalid(format!("{json} has a member {name:?}, which is none of a change")));
        }
        let mut verbs = VERBS.into_iter().filter(|verb| object.contains_key(*verb));
        let (Some(verb), None) = (verbs.next(), verbs.next()) else {
            return Err(Error::invalid(format!("{json} must have one of the members {}", VERBS.join(", "))));
        };
        Members(object).change(verb)
    }
}

/// The members of a change.
struct Members<'a>(&'a Map<String, Value>);

impl Members<'_> {
    fn change(&self, verb: &str) -> Result<SchemaChange> {
        let path = || self.text(verb)?.parse::<ColumnPath>();
        Ok(match verb {
            "add" => SchemaChange::AddColumn {
                path: path()?,
                data_type: self.data_type("type")?,
                description: self.optional_text("description")?,
                place: self.place()?,
            },
            "rename" => SchemaChange::RenameColumn { path: path()?, name: self.text("to")? },
            "drop" => SchemaChange::DropColumn(path()?),
            "retype" => {
                let data_type = self.data_type("to")?;
                let nullability = if data_type.nullable { Nullability::Kept } else { Nullability::Given };
                SchemaChange::Retype { path: path()?, data_type, nullability }
            }
            "move" => {
                let place = self.place()?.ok_or_else(|| Error::invalid("it lacks first, last, after or before"))?;
                SchemaChange::MoveColumn { name: self.text("move")?, place }
            }
            "nullable" | "not-null" => SchemaChange::SetNullable { path: path()?, nullable: verb == "nullable" },
            "default" => SchemaChange::SetDefault { path: path()?, value: self.optional_text("to")? },
            "describe" => SchemaChange::DescribeColumn { path: path()?, description: self.optional_text("to")? },
            "comment" => SchemaChange::SetComment(self.optional_text("comment")?),
            "set" => SchemaChange::SetOption { key: self.text("set")?, value: self.text("to")? },
            "reset" => SchemaChange::ResetOption(self.text("reset")?),
            "drop-primary-key" if self.0.get(verb) == Some(&Value::Bool(true)) => SchemaChange::DropPrimaryKey,
            "drop-primary-key" => return Err(Error::invalid("\"drop-primary-key\" is true, or left away")),
            other => return Err(Error::internal(format!("there is no change {other}"))),
        })
    }

    fn text(&self, member: &str) -> Result<String> {
        self.optional_text(member)?.ok_or_else(|| Error::invalid(format!("it lacks the text {member:?}")))
    }

    fn optional_text(&self, member: &str) -> Result<Option<String>> {
        match self.0.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
            Some(other) => Err(Error::invalid(format!("\"{member}\" is {other}, which is no text"))),
        }
    }

    fn data_type(&self, member: &str) -> Result<DataType> {
        let json = self.0.get(member).ok_or_else(|| Error::invalid(format!("it lacks the type {member:?}")))?;
        DataType::from_json_without_ids(json)
    }

    fn place(&self) -> Result<Option<Place>> {
        let is = |member: &str| self.0.get(member) == Some(&Value::Bool(true));
        Ok(match (self.optional_text("after")?, self.optional_text("before")?) {
            _ if is("first") => Some(Place::First),
            _ if is("last") => Some(Place::Last),
            (Some(name), _) => Some(Place::After(name)),
            (None, Some(name)) => Some(Place::Before(name)),
            (None, None) => None,
        })
    }
}
