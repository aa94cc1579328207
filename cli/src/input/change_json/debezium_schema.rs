//! The forms that Debezium gives to values, as the schema beside the payload names them.
//!
//! Goes in: the schema of an event. Comes out: for each column whose values are not written as they are meant, its [`Form`]. For example,
//! `io.debezium.time.Date` is a number of days, and a decimal is the base64 of its unscaled bytes.
//! Source: the pages on data types of Debezium's connectors, and Kafka Connect's logical types.

use std::collections::HashMap;

use alluvium::format::TypeRoot;
use alluvium::format::text_value::{decimal_text, to_text};
use alluvium::{DataType, Datum};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::super::cell::{Cell, CellKind};
use super::super::value::shortened;

/// How the values of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Days since 1970.
    Date,
    /// Units of the day, so many a second.
    Time(i64),
    /// Units since 1970, so many a second.
    Timestamp(i64),
    /// The base64 of the unscaled value's bytes, the highest first.
    Decimal(u8),
    /// An object with a scale and such a value.
    VariableDecimal,
    /// The base64 of the bytes.
    Bytes,
}

/// The forms of the columns of a table.
#[derive(Debug, Default)]
pub(super) struct DebeziumSchema {
    forms: HashMap<String, Form>,
}

/// The schema of the event before: events mostly repeat it.
#[derive(Debug, Default)]
pub(super) struct SchemaCache {
    text: String,
    schema: Option<DebeziumSchema>,
}

impl SchemaCache {
    /// Takes in the schema of an event.
    ///
    /// # Errors
    /// Why it is no JSON.
    pub(super) fn learn(&mut self, text: &str) -> Result<(), String> {
        if self.schema.is_none() || self.text != text {
            self.schema = None;
            let json: Json = serde_json::from_str(text).map_err(|error| format!("its schema is no JSON: {error}"))?;
            self.schema = Some(DebeziumSchema::of(&json));
            text.clone_into(&mut self.text);
        }
        Ok(())
    }

    /// The schema taken in last.
    pub(super) fn known(&self) -> Option<&DebeziumSchema> {
        self.schema.as_ref()
    }
}

impl DebeziumSchema {
    fn of(schema: &Json) -> Self {
        let images = fields(schema).filter(|field| matches!(field["field"].as_str(), Some("before" | "after")));
        let columns = images.flat_map(fields);
        let forms = columns.filter_map(|column| Some((column["field"].as_str()?.to_owned(), Form::of(column)?)));
        Self { forms: forms.collect() }
    }

    /// The form of a column's values, when they are not written as they are meant.
    pub(super) fn form(&self, column: &str) -> Option<Form> {
        self.forms.get(column).copied()
    }
}

fn fields(schema: &Json) -> impl Iterator<Item = &Json> {
    schema["fields"].as_array().into_iter().flatten()
}

impl Form {
    fn of(column: &Json) -> Option<Self> {
        Some(match (column["name"].as_str().unwrap_or_default(), column["type"].as_str()) {
            ("io.debezium.time.Date" | "org.apache.kafka.connect.data.Date", _) => Self::Date,
            ("io.debezium.time.Time" | "org.apache.kafka.connect.data.Time", _) => Self::Time(1000),
            ("io.debezium.time.MicroTime", _) => Self::Time(1_000_000),
            ("io.debezium.time.NanoTime", _) => Self::Time(1_000_000_000),
            ("io.debezium.time.Timestamp" | "org.apache.kafka.connect.data.Timestamp", _) => Self::Timestamp(1000),
            ("io.debezium.time.MicroTimestamp", _) => Self::Timestamp(1_000_000),
            ("io.debezium.time.NanoTimestamp", _) => Self::Timestamp(1_000_000_000),
            ("org.apache.kafka.connect.data.Decimal", _) => {
                let scale = &column["parameters"]["scale"];
                Self::Decimal(scale.as_str().and_then(|scale| scale.parse().ok()).unwrap_or(0))
            }
            ("io.debezium.data.VariableScaleDecimal", _) => Self::VariableDecimal,
            (_, Some("bytes")) => Self::Bytes,
            _ => return None,
        })
    }

    /// The value as this program writes it; `None` when it is null, or a text that needs no other form.
    ///
    /// # Errors
    /// What is there, and what it should be.
    pub(super) fn text(self, cell: Cell, record: &str) -> Result<Option<String>, String> {
        let text = cell.text(record);
        if matches!(cell.kind, CellKind::Absent | CellKind::Null) {
            return Ok(None);
        }
        let number = || text.parse::<i64>().map_err(|_| wrong(text, "a whole number"));
        let shown = |datum: Datum, root: TypeRoot| {
            to_text(&datum, &DataType::nullable(root)).ok_or_else(|| wrong(text, "a plain value"))
        };
        // Connectors that keep decimals and times as texts name them the same way.
        let is_text = matches!(cell.kind, CellKind::Text | CellKind::EscapedText);
        Ok(Some(match self {
            Self::Date | Self::Time(_) | Self::Timestamp(_) if is_text => return Ok(None),
            Self::Date => {
                let days = i32::try_from(number()?).map_err(|_| wrong(text, "a number of days"))?;
                shown(Datum::Date(days), TypeRoot::Date)?
            }
            Self::Time(per_second) => time_of(number()?, per_second)?,
            Self::Timestamp(per_second) => {
                let (millis, nanos_of_milli) = millis_of(number()?, per_second);
                let datum = Datum::Timestamp { millis, nanos_of_milli };
                without_zeros(&shown(datum, TypeRoot::Timestamp(9))?).to_owned()
            }
            Self::Decimal(scale) => decimal_text(unscaled(text)?, scale),
            Self::VariableDecimal => {
                let json: Json = serde_json::from_str(text).map_err(|_| wrong(text, "an object of scale and value"))?;
                let parts =
                    json["scale"].as_u64().and_then(|scale| u8::try_from(scale).ok()).zip(json["value"].as_str());
                let (scale, value) = parts.ok_or_else(|| wrong(text, "an object of scale and value"))?;
                decimal_text(unscaled(value)?, scale)
            }
            Self::Bytes => shown(Datum::Bytes(bytes_of(text)?), TypeRoot::VarBinary(TypeRoot::STRING_LENGTH))?,
        }))
    }
}

fn wrong(text: &str, wanted: &str) -> String {
    format!("{} is not {wanted}, which its schema says it is", shortened(text))
}

fn bytes_of(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|_| wrong(text, "base64"))
}

/// The number of these bytes in two's complement, the highest first.
fn unscaled(base64: &str) -> Result<i128, String> {
    let bytes = bytes_of(base64)?;
    let sign = if bytes.first().is_some_and(|byte| *byte >= 0x80) { 0xff } else { 0 };
    let start = bytes.len().saturating_sub(16);
    if bytes[..start].iter().any(|byte| *byte != sign) {
        return Err(wrong(base64, "a decimal of at most 38 digits"));
    }
    let mut all = [sign; 16];
    all[16 - (bytes.len() - start)..].copy_from_slice(&bytes[start..]);
    Ok(i128::from_be_bytes(all))
}

fn millis_of(units: i64, per_second: i64) -> (i64, i32) {
    let per_milli = per_second / 1000;
    let nanos = units.rem_euclid(per_milli) * (1_000_000 / per_milli);
    (units.div_euclid(per_milli), i32::try_from(nanos).unwrap_or(0))
}

/// `10:00:00` with as many digits of the second as are not zero.
fn time_of(units: i64, per_second: i64) -> Result<String, String> {
    let (seconds, rest) = (units.div_euclid(per_second), units.rem_euclid(per_second));
    if !(0..86_400).contains(&seconds) {
        return Err(wrong(&units.to_string(), "a time of the day"));
    }
    let nanos = rest * (1_000_000_000 / per_second);
    let whole = format!("{:02}:{:02}:{:02}.{nanos:09}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    Ok(without_zeros(&whole).to_owned())
}

/// Without the zeros that end the digits of a second.
fn without_zeros(text: &str) -> &str {
    text.trim_end_matches('0').trim_end_matches('.')
}
