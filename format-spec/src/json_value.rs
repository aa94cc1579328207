//! Values as JSON: the one form in which rows are printed and read.
//!
//! Integers, FLOAT and DOUBLE are numbers (`"NaN"`, `"Infinity"`, `"-Infinity"` as text), DECIMAL is text with its full scale, binaries
//! are hex, dates and times are text (see [`crate::text_value`]), ARRAY is a list, MAP and MULTISET an object when keys are text, else
//! a list of pairs, ROW an object. Reading takes either form of a map, a number for a DECIMAL, and absent members as null.

use serde_json::{Map, Number, Value};

use crate::data_type::{DataType, TypeRoot};
use crate::datum::Datum;
use crate::error::{Error, Result, ResultExt};
use crate::text_value::{from_text, to_text};

/// The JSON of a value of `data_type`.
pub fn to_json(value: Option<&Datum>, data_type: &DataType) -> Value {
    let Some(value) = value else { return Value::Null };
    match (value, &data_type.root) {
        (Datum::Boolean(value), _) => Value::Bool(*value),
        (Datum::TinyInt(value), _) => Value::from(*value),
        (Datum::SmallInt(value), _) => Value::from(*value),
        (Datum::Int(value), _) => Value::from(*value),
        (Datum::BigInt(value), _) => Value::from(*value),
        // The double with the digits of the float: 0.1, not 0.10000000149011612.
        (Datum::Float(float), _) => float
            .to_string()
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or_else(|| text(value, data_type), Value::Number),
        (Datum::Double(double), _) => Number::from_f64(*double).map_or_else(|| text(value, data_type), Value::Number),
        (Datum::Array(items), TypeRoot::Array(element)) => {
            items.iter().map(|item| to_json(item.as_ref(), element)).collect()
        }
        (Datum::Map(pairs), TypeRoot::Map { key, value }) => map_to_json(pairs, key, value),
        (Datum::Map(pairs), TypeRoot::Multiset(element)) => {
            map_to_json(pairs, element, &DataType::not_null(TypeRoot::Int))
        }
        (Datum::Row(values), TypeRoot::Row(fields)) => fields
            .iter()
            .zip(values)
            .map(|(field, value)| (field.name.clone(), to_json(value.as_ref(), &field.data_type)))
            .collect::<Map<_, _>>()
            .into(),
        _ => text(value, data_type),
    }
}

fn text(value: &Datum, data_type: &DataType) -> Value {
    to_text(value, data_type).map_or(Value::Null, Value::String)
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type.root, TypeRoot::Char(_) | TypeRoot::VarChar(_))
}

fn map_to_json(pairs: &[(Option<Datum>, Option<Datum>)], key: &DataType, value: &DataType) -> Value {
    let named = |name: &Option<Datum>| match name {
        Some(Datum::String(name)) => Some(name.clone()),
        _ => None,
    };
    if is_text(key) && pairs.iter().all(|(name, _)| name.is_some()) {
        let members = pairs.iter().filter_map(|(name, item)| Some((named(name)?, to_json(item.as_ref(), value))));
        return Value::Object(members.collect());
    }
    pairs
        .iter()
        .map(|(name, item)| Value::Array(vec![to_json(name.as_ref(), key), to_json(item.as_ref(), value)]))
        .collect()
}

/// The value of a JSON value; `None` is null.
///
/// # Errors
/// `Invalid` that says what is there and what the type wants, with the path to it inside nested values.
pub fn from_json(json: &Value, data_type: &DataType) -> Result<Option<Datum>> {
    if json.is_null() {
        if !data_type.nullable {
            return Err(Error::invalid(format!("null for {data_type}")));
        }
        return Ok(None);
    }
    let wrong = || Error::invalid(format!("{json} is no {data_type}"));
    let value = match (&data_type.root, json) {
        (TypeRoot::Boolean, Value::Bool(value)) => Datum::Boolean(*value),
        (TypeRoot::TinyInt, Value::Number(n)) => Datum::TinyInt(whole(n).ok_or_else(wrong)?),
        (TypeRoot::SmallInt, Value::Number(n)) => Datum::SmallInt(whole(n).ok_or_else(wrong)?),
        (TypeRoot::Int, Value::Number(n)) => Datum::Int(whole(n).ok_or_else(wrong)?),
        (TypeRoot::BigInt, Value::Number(n)) => Datum::BigInt(whole(n).ok_or_else(wrong)?),
        (TypeRoot::Float, Value::Number(n)) => Datum::Float(n.to_string().parse().map_err(|_| wrong())?),
        (TypeRoot::Double, Value::Number(n)) => Datum::Double(n.as_f64().ok_or_else(wrong)?),
        (TypeRoot::Decimal { .. }, Value::Number(n)) => from_text(&n.to_string(), data_type)?,
        (TypeRoot::Float | TypeRoot::Double, Value::String(name))
            if !matches!(name.as_str(), "NaN" | "Infinity" | "-Infinity") =>
        {
            return Err(wrong());
        }
        (
            TypeRoot::Boolean | TypeRoot::TinyInt | TypeRoot::SmallInt | TypeRoot::Int | TypeRoot::BigInt,
            Value::String(_),
        ) => return Err(wrong()),
        (TypeRoot::Array(element), Value::Array(items)) => Datum::Array(list(items, element)?),
        (TypeRoot::Map { key, value }, _) => Datum::Map(map(json, key, value).ok_or_else(wrong)??),
        (TypeRoot::Multiset(element), _) => {
            Datum::Map(map(json, element, &DataType::not_null(TypeRoot::Int)).ok_or_else(wrong)??)
        }
        (TypeRoot::Row(fields), Value::Object(members)) => {
            let values = fields.iter().map(|field| {
                let member = members.get(&field.name).unwrap_or(&Value::Null);
                from_json(member, &field.data_type).context(|| format!("field {}", field.name))
            });
            Datum::Row(values.collect::<Result<_>>()?)
        }
        (_, Value::String(text)) => from_text(text, data_type)?,
        _ => return Err(wrong()),
    };
    Ok(Some(value))
}

fn whole<T: TryFrom<i64>>(number: &Number) -> Option<T> {
    number.as_i64().and_then(|number| T::try_from(number).ok())
}

fn list(items: &[Value], element: &DataType) -> Result<Vec<Option<Datum>>> {
    items.iter().enumerate().map(|(index, item)| from_json(item, element).context(|| format!("item {index}"))).collect()
}

type Pairs = Vec<(Option<Datum>, Option<Datum>)>;

/// The pairs of an object or of a list of pairs; `None` when it is neither.
fn map(json: &Value, key: &DataType, value: &DataType) -> Option<Result<Pairs>> {
    match json {
        Value::Object(members) => {
            let pair = |(name, item): (&String, &Value)| {
                Ok((Some(from_text(name, key)?), from_json(item, value).context(|| format!("key {name}"))?))
            };
            Some(members.iter().map(pair).collect())
        }
        Value::Array(items) => {
            let pairs: Option<Vec<(&Value, &Value)>> = items
                .iter()
                .map(|item| match item.as_array().map(Vec::as_slice) {
                    Some([name, item]) => Some((name, item)),
                    _ => None,
                })
                .collect();
            let pair = |(name, item): (&Value, &Value)| Ok((from_json(name, key)?, from_json(item, value)?));
            Some(pairs?.into_iter().map(pair).collect())
        }
        _ => None,
    }
}
