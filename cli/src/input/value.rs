//! One value of a text record, and its meaning under a type.
//!
//! Goes in: what a record holds for a column. Comes out: a [`Datum`], as [`alluvium::format::json_value`] and
//! [`alluvium::format::text_value`] read them. Beyond these, numbers keep all their digits on the way to a decimal, numbers that
//! no FLOAT or DOUBLE holds are refused, and so are names that a nested row does not have.

use std::collections::HashSet;

use alluvium::format::text_value::from_text;
use alluvium::format::{DataField, TypeRoot};
use alluvium::{DataType, Datum};

use super::UnknownMembers;
use super::cell::{Cell, CellKind};
use super::csv_scan::undouble;
use super::json_scan::{JsonScan, unescape};

/// How much of a value messages show.
const SHOWN_CHARS: usize = 80;

/// A value of a record, not null.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// JSON `true` or `false`.
    Boolean(bool),
    /// A JSON number's digits.
    Number(&'a str),
    /// A JSON text.
    Text(&'a str),
    /// A JSON object or list.
    Nested(&'a str),
    /// A CSV field, whose form is its type's.
    Field(&'a str),
}

impl<'a> Value<'a> {
    /// The value of a cell of `record`; `None` for null and what is absent. `scratch` is where escapes are undone.
    ///
    /// # Errors
    /// Why an escape stands for nothing.
    pub(super) fn of_cell(cell: Cell, record: &'a str, scratch: &'a mut String) -> Result<Option<Self>, String> {
        let text = cell.text(record);
        Ok(Some(match cell.kind {
            CellKind::Absent | CellKind::Null => return Ok(None),
            CellKind::True => Self::Boolean(true),
            CellKind::False => Self::Boolean(false),
            CellKind::Number => Self::Number(text),
            CellKind::Text => Self::Text(text),
            CellKind::EscapedText => {
                unescape(text, scratch)?;
                Self::Text(scratch)
            }
            CellKind::Nested => Self::Nested(text),
            CellKind::Field => Self::Field(text),
            CellKind::QuotedField => {
                undouble(text, scratch);
                Self::Field(scratch)
            }
        }))
    }

    /// The value in a form that the type reads, where what stands here is meant for it.
    pub(super) fn in_form_of(self, root: &TypeRoot) -> Self {
        match self {
            Self::Number(digits) | Self::Text(digits) | Self::Field(digits) if *root == TypeRoot::Boolean => {
                match digits {
                    "0" => Self::Boolean(false),
                    "1" => Self::Boolean(true),
                    _ => Self::Field(digits),
                }
            }
            Self::Number(text) | Self::Text(text) | Self::Nested(text) => Self::Field(text),
            Self::Boolean(value) if *root != TypeRoot::Boolean => Self::Field(if value { "true" } else { "false" }),
            Self::Boolean(_) | Self::Field(_) => self,
        }
    }

    /// As messages show it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Number(text) | Self::Nested(text) => shortened(text),
            Self::Text(text) | Self::Field(text) => format!("{:?}", shortened(text)),
        }
    }
}

/// At most so much of a text as messages show.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The datum of a value; `None` when a CSV field of a nested type says `null`.
///
/// # Errors
/// What is there, and what the type wants.
pub(super) fn datum(value: Value<'_>, data_type: &DataType, unknown: UnknownMembers) -> Result<Option<Datum>, String> {
    let root = &data_type.root;
    let whole = matches!(root, TypeRoot::TinyInt | TypeRoot::SmallInt | TypeRoot::Int | TypeRoot::BigInt);
    let float = matches!(root, TypeRoot::Float | TypeRoot::Double);
    let named = |text: &str| matches!(text, "NaN" | "Infinity" | "-Infinity");
    let wrong = || format!("{} is no {root}{}", value.shown(), advice(root));
    match value {
        Value::Field(text) if is_nested(root) => nested(text.trim(), data_type, unknown),
        Value::Nested(text) if is_nested(root) => nested(text, data_type, unknown),
        Value::Boolean(value) if *root == TypeRoot::Boolean => Ok(Some(Datum::Boolean(value))),
        Value::Number(text) if whole || float || matches!(root, TypeRoot::Decimal { .. }) => {
            plain(text, root).map(Some)
        }
        Value::Text(text) if float && named(text) => plain(text, root).map(Some),
        Value::Text(_) if whole || float || is_nested(root) || *root == TypeRoot::Boolean => Err(wrong()),
        Value::Text(text) | Value::Field(text) => plain(text, root).map(Some),
        Value::Boolean(_) | Value::Number(_) | Value::Nested(_) => Err(wrong()),
    }
}

fn advice(root: &TypeRoot) -> &'static str {
    match root {
        TypeRoot::Boolean => ": write true or false",
        TypeRoot::TinyInt | TypeRoot::SmallInt | TypeRoot::Int | TypeRoot::BigInt => ": write it as a whole number",
        TypeRoot::Float | TypeRoot::Double => ": write it as a number, or \"NaN\", \"Infinity\" or \"-Infinity\"",
        TypeRoot::Array(_) => ": write it as a list",
        TypeRoot::Map { .. } | TypeRoot::Multiset(_) => ": write it as an object or a list of pairs",
        TypeRoot::Row(_) => ": write it as an object",
        _ => ": write it as text in quotes",
    }
}

fn is_nested(root: &TypeRoot) -> bool {
    matches!(root, TypeRoot::Array(_) | TypeRoot::Map { .. } | TypeRoot::Multiset(_) | TypeRoot::Row(_))
}

/// A value that is written as text or as a number.
fn plain(text: &str, root: &TypeRoot) -> Result<Datum, String> {
    // Messages name the type, not whether it takes null.
    let data_type = DataType::nullable(root.clone());
    let datum = from_text(text, &data_type).map_err(|error| shown_error(&error.to_string(), text))?;
    let infinite = match &datum {
        // By the text itself: by way of a double it would be rounded twice.
        Datum::Float(_) => {
            let value = text.trim().parse::<f32>().map_err(|_| format!("{} is no FLOAT", Value::Text(text).shown()))?;
            if value.is_infinite() && !text.contains("Inf") {
                true
            } else {
                return Ok(Datum::Float(value));
            }
        }
        Datum::Double(value) => value.is_infinite() && !text.contains("Inf"),
        _ => false,
    };
    if infinite {
        return Err(format!("{} is no {root}: it is too large", shortened(text)));
    }
    Ok(datum)
}

/// The message without more of a long value than messages show.
fn shown_error(message: &str, text: &str) -> String {
    let short = shortened(text);
    if short.len() < text.len() {
        message.replace(&format!("{text:?}"), &format!("{short:?}"))
    } else {
        message.to_owned()
    }
}

/// A list, map or row of its JSON.
fn nested(text: &str, data_type: &DataType, unknown: UnknownMembers) -> Result<Option<Datum>, String> {
    if text == "null" {
        return Ok(None);
    }
    let reader = NestedReader { text, unknown };
    match &data_type.root {
        TypeRoot::Array(element) => reader.list(element),
        TypeRoot::Map { key, value } => reader.map(key, value),
        TypeRoot::Multiset(element) => reader.map(element, &DataType::not_null(TypeRoot::Int)),
        TypeRoot::Row(fields) => reader.row(fields),
        root => Err(format!("{} is no {root}", shortened(text))),
    }
    .map(Some)
}

/// Reads one JSON object or list.
struct NestedReader<'a> {
    text: &'a str,
    unknown: UnknownMembers,
}

impl NestedReader<'_> {
    fn value(&self, cell: Cell, data_type: &DataType) -> Result<Option<Datum>, String> {
        let mut scratch = String::new();
        let value = match Value::of_cell(cell, self.text, &mut scratch)? {
            Some(value) => datum(value, data_type, self.unknown)?,
            None => None,
        };
        if value.is_none() && !data_type.nullable {
            return Err(format!("null for {data_type}"));
        }
        Ok(value)
    }

    fn name(&self, cell: Cell) -> Result<String, String> {
        let text = cell.text(self.text);
        let mut name = text.to_owned();
        if cell.kind == CellKind::EscapedText {
            unescape(text, &mut name)?;
        }
        Ok(name)
    }

    fn is_object(&self) -> bool {
        self.text.starts_with('{')
    }

    fn list(&self, element: &DataType) -> Result<Datum, String> {
        let mut items = Vec::new();
        JsonScan::new(self.text).items(|cell| {
            let index = items.len();
            items.push(self.value(cell, element).map_err(|why| format!("item {index}: {why}"))?);
            Ok(())
        })?;
        Ok(Datum::Array(items))
    }

    fn map(&self, key: &DataType, value: &DataType) -> Result<Datum, String> {
        let mut pairs = Vec::new();
        if !self.is_object() {
            JsonScan::new(self.text).items(|cell| {
                pairs.push(self.pair(cell, key, value)?);
                Ok(())
            })?;
            return Ok(Datum::Map(pairs));
        }
        let mut names = HashSet::new();
        JsonScan::new(self.text).members(|name, cell| {
            let name = self.name(name)?;
            let item = self.value(cell, value).map_err(|why| format!("key {name:?}: {why}"))?;
            pairs.push((Some(plain(&name, &key.root)?), item));
            let twice = format!("the key {name:?} is there twice");
            if names.insert(name) { Ok(()) } else { Err(twice) }
        })?;
        Ok(Datum::Map(pairs))
    }

    fn pair(&self, cell: Cell, key: &DataType, value: &DataType) -> Result<(Option<Datum>, Option<Datum>), String> {
        let inner = NestedReader { text: cell.text(self.text), unknown: self.unknown };
        let mut cells = Vec::new();
        if cell.kind == CellKind::Nested && !inner.is_object() {
            JsonScan::new(inner.text).items(|cell| {
                cells.push(cell);
                Ok(())
            })?;
        }
        let [name, item] = cells[..] else {
            return Err(format!("{} is no pair of a key and a value", shortened(cell.text(self.text))));
        };
        Ok((inner.value(name, key)?, inner.value(item, value)?))
    }

    fn row(&self, fields: &[DataField]) -> Result<Datum, String> {
        let mut cells = vec![Cell::ABSENT; fields.len()];
        JsonScan::new(self.text).members(|name, cell| {
            let name = self.name(name)?;
            match fields.iter().position(|field| field.name == name) {
                Some(index) if cells[index].kind != CellKind::Absent => Err(format!("the field {name} is there twice")),
                Some(index) => {
                    cells[index] = cell;
                    Ok(())
                }
                None if self.unknown == UnknownMembers::Ignore => Ok(()),
                None => Err(format!("there is no field {name}")),
            }
        })?;
        let values = fields.iter().zip(cells).map(|(field, cell)| {
            self.value(cell, &field.data_type).map_err(|why| format!("field {}: {why}", field.name))
        });
        Ok(Datum::Row(values.collect::<Result<_, _>>()?))
    }
}
