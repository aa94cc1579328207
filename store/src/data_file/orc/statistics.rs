//! What an ORC file says of the values of its columns, of the whole file or of one stripe.
//!
//! Goes in: messages of a file, or what is known of some arrays. Comes out: bounds of a column in the terms of its type, and messages.
//! Invariant: bounds are given only where they hold for every value that is read. Answers to `OrcProto.ColumnStatistics`.

use alluvium_format::{ColumnStats, DataType, Datum, TypeRoot};

use super::Decoded;
use super::protobuf::{Fields, Message};

/// A text bound of more bytes is not written.
const TEXT_BYTES_MAX: usize = 1024;

/// The statistics of one column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ColumnStatistics {
    /// Values that are not null.
    pub(super) values: Option<u64>,
    has_null: Option<bool>,
    bounds: Bounds,
}

/// The least and the greatest value, as the file has them.
#[derive(Clone, Debug, Default, PartialEq)]
enum Bounds {
    #[default]
    Unknown,
    Integers(i64, i64),
    /// With their sum, which is NaN when a value is.
    Doubles(f64, f64, f64),
    Texts(String, String),
    Decimals(String, String),
    Dates(i64, i64),
}

impl ColumnStatistics {
    pub(super) fn decode(mut fields: Fields<'_>) -> Decoded<Self> {
        let mut statistics = Self::default();
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => statistics.values = Some(value.number()?),
                2 => statistics.bounds = Bounds::decode_integers(value.message()?)?,
                3 => statistics.bounds = Bounds::decode_doubles(value.message()?)?,
                4 => statistics.bounds = Bounds::decode_texts(value.message()?, Bounds::Texts)?,
                6 => statistics.bounds = Bounds::decode_texts(value.message()?, Bounds::Decimals)?,
                7 => statistics.bounds = Bounds::decode_dates(value.message()?)?,
                10 => statistics.has_null = Some(value.number()? != 0),
                _ => {}
            }
        }
        Ok(statistics)
    }

    pub(super) fn encode(&self) -> Message {
        let mut message = Message::default();
        if let Some(values) = self.values {
            message.number(1, values);
        }
        let mut bounds = Message::default();
        let field = match &self.bounds {
            Bounds::Unknown => None,
            Bounds::Integers(min, max) => {
                bounds.signed(1, *min);
                bounds.signed(2, *max);
                Some(2)
            }
            Bounds::Doubles(min, max, sum) => {
                bounds.double(1, *min);
                bounds.double(2, *max);
                bounds.double(3, *sum);
                Some(3)
            }
            Bounds::Texts(min, max) => {
                bounds.bytes(1, min.as_bytes());
                bounds.bytes(2, max.as_bytes());
                Some(4)
            }
            Bounds::Decimals(min, max) => {
                bounds.bytes(1, min.as_bytes());
                bounds.bytes(2, max.as_bytes());
                Some(6)
            }
            Bounds::Dates(min, max) => {
                bounds.signed(1, *min);
                bounds.signed(2, *max);
                Some(7)
            }
        };
        if let Some(field) = field {
            message.message(field, &bounds);
        }
        if let Some(has_null) = self.has_null {
            message.number(10, u64::from(has_null));
        }
        message
    }

    /// Of `values` values that are not null, and of nulls if any.
    pub(super) fn of(values: u64, has_null: bool, stats: &ColumnStats, data_type: &DataType) -> Self {
        let bounds = stats.min.as_ref().zip(stats.max.as_ref());
        let bounds = bounds.map_or(Bounds::Unknown, |(min, max)| Bounds::of(min, max, data_type));
        Self { values: Some(values), has_null: Some(has_null), bounds }
    }

    /// Of `values` values, none of them null, of which nothing else is known.
    pub(super) fn counted(values: u64) -> Self {
        Self { values: Some(values), has_null: Some(false), bounds: Bounds::Unknown }
    }

    /// The least and the greatest value of a column of this type; `None` where it is not known.
    pub(super) fn bounds(&self, data_type: &DataType) -> Option<(Datum, Datum)> {
        match &self.bounds {
            Bounds::Unknown => None,
            Bounds::Integers(min, max) => integer(*min, data_type).zip(integer(*max, data_type)),
            Bounds::Dates(min, max) => match data_type.root {
                TypeRoot::Date => date(*min).zip(date(*max)),
                _ => None,
            },
            Bounds::Doubles(min, max, sum) if !sum.is_nan() => double(*min, *max, data_type),
            Bounds::Doubles(..) => None,
            Bounds::Texts(min, max) => match data_type.root {
                // A CHAR is padded in the file.
                TypeRoot::VarChar(_) => Some((Datum::String(min.clone()), Datum::String(max.clone()))),
                _ => None,
            },
            Bounds::Decimals(min, max) => decimal(min, data_type).zip(decimal(max, data_type)),
        }
    }
}

impl Bounds {
    fn of(min: &Datum, max: &Datum, data_type: &DataType) -> Self {
        match (min, max) {
            (Datum::TinyInt(min), Datum::TinyInt(max)) => Self::Integers((*min).into(), (*max).into()),
            (Datum::SmallInt(min), Datum::SmallInt(max)) => Self::Integers((*min).into(), (*max).into()),
            (Datum::Int(min), Datum::Int(max)) | (Datum::Time(min), Datum::Time(max)) => {
                Self::Integers((*min).into(), (*max).into())
            }
            (Datum::BigInt(min), Datum::BigInt(max)) => Self::Integers(*min, *max),
            (Datum::Date(min), Datum::Date(max)) => Self::Dates((*min).into(), (*max).into()),
            (Datum::Decimal(min), Datum::Decimal(max)) => match data_type.root {
                TypeRoot::Decimal { scale, .. } => Self::Decimals(decimal_text(*min, scale), decimal_text(*max, scale)),
                _ => Self::Unknown,
            },
            (Datum::String(min), Datum::String(max)) if matches!(data_type.root, TypeRoot::VarChar(_)) => {
                let short = min.len() <= TEXT_BYTES_MAX && max.len() <= TEXT_BYTES_MAX;
                if short { Self::Texts(min.clone(), max.clone()) } else { Self::Unknown }
            }
            _ => Self::Unknown,
        }
    }

    fn decode_integers(fields: Fields<'_>) -> Decoded<Self> {
        let (min, max) = signed_pair(fields)?;
        Ok(min.zip(max).map_or(Self::Unknown, |(min, max)| Self::Integers(min, max)))
    }

    fn decode_dates(fields: Fields<'_>) -> Decoded<Self> {
        let (min, max) = signed_pair(fields)?;
        Ok(min.zip(max).map_or(Self::Unknown, |(min, max)| Self::Dates(min, max)))
    }

    fn decode_doubles(mut fields: Fields<'_>) -> Decoded<Self> {
        let (mut min, mut max, mut sum) = (f64::NAN, f64::NAN, f64::NAN);
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => min = value.double()?,
                2 => max = value.double()?,
                3 => sum = value.double()?,
                _ => {}
            }
        }
        Ok(Self::Doubles(min, max, sum))
    }

    /// The bounds of texts may be cut ones, in fields of their own.
    fn decode_texts(mut fields: Fields<'_>, bounds: fn(String, String) -> Self) -> Decoded<Self> {
        let (mut min, mut max) = (None, None);
        while let Some((field, value)) = fields.next()? {
            match field {
                1 | 4 => min = Some(value.text()?),
                2 | 5 => max = Some(value.text()?),
                _ => {}
            }
        }
        Ok(min.zip(max).map_or(Self::Unknown, |(min, max)| bounds(min, max)))
    }
}

fn signed_pair(mut fields: Fields<'_>) -> Decoded<(Option<i64>, Option<i64>)> {
    let (mut min, mut max) = (None, None);
    while let Some((field, value)) = fields.next()? {
        match field {
            1 => min = Some(value.signed()?),
            2 => max = Some(value.signed()?),
            _ => {}
        }
    }
    Ok((min, max))
}

fn integer(value: i64, data_type: &DataType) -> Option<Datum> {
    Some(match data_type.root {
        TypeRoot::TinyInt => Datum::TinyInt(i8::try_from(value).ok()?),
        TypeRoot::SmallInt => Datum::SmallInt(i16::try_from(value).ok()?),
        TypeRoot::Int => Datum::Int(i32::try_from(value).ok()?),
        TypeRoot::BigInt => Datum::BigInt(value),
        TypeRoot::Time(_) => Datum::Time(i32::try_from(value).ok()?),
        _ => return None,
    })
}

fn date(value: i64) -> Option<Datum> {
    i32::try_from(value).ok().map(Datum::Date)
}

/// A zero that is a bound may stand for the zero of the other sign.
fn double(min: f64, max: f64, data_type: &DataType) -> Option<(Datum, Datum)> {
    if min.is_nan() || max.is_nan() {
        return None;
    }
    let (min, max) = (if min == 0.0 { -0.0 } else { min }, if max == 0.0 { 0.0 } else { max });
    match data_type.root {
        // They were floats before they were written.
        TypeRoot::Float => Some((Datum::Float(min as f32), Datum::Float(max as f32))),
        TypeRoot::Double => Some((Datum::Double(min), Datum::Double(max))),
        _ => None,
    }
}

/// A text such as `-12.5`, at the scale of the type; `None` where it is finer.
fn decimal(text: &str, data_type: &DataType) -> Option<Datum> {
    let TypeRoot::Decimal { scale, .. } = data_type.root else { return None };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let missing = usize::from(scale).checked_sub(fraction.len())?;
    let digits = format!("{whole}{fraction}{}", "0".repeat(missing));
    digits.parse().ok().map(Datum::Decimal)
}

fn decimal_text(unscaled: i128, scale: u8) -> String {
    let (sign, digits) = (if unscaled < 0 { "-" } else { "" }, unscaled.unsigned_abs().to_string());
    let scale = usize::from(scale);
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal_type(scale: u8) -> DataType {
        DataType::nullable(TypeRoot::Decimal { precision: 38, scale })
    }

    #[test]
    fn decimals_are_texts_and_back() {
        for (value, scale, text) in [(-5, 2, "-0.05"), (0, 0, "0"), (12_345, 3, "12.345"), (7, 1, "0.7")] {
            assert_eq!(decimal_text(value, scale), text);
            assert_eq!(decimal(text, &decimal_type(scale)), Some(Datum::Decimal(value)));
        }
        assert_eq!(decimal("-0.5", &decimal_type(2)), Some(Datum::Decimal(-50)));
        assert_eq!(decimal("0.123", &decimal_type(2)), None);
    }

    #[test]
    fn bounds_come_back() {
        let int = DataType::nullable(TypeRoot::Int);
        let stats = ColumnStats { min: Some(Datum::Int(-3)), max: Some(Datum::Int(9)), null_count: Some(1) };
        let written = ColumnStatistics::of(4, true, &stats, &int);
        let bytes = written.encode().into_bytes();
        let read = ColumnStatistics::decode(Fields::of(&bytes)).unwrap();
        assert_eq!(read, written);
        assert_eq!(read.bounds(&int), Some((Datum::Int(-3), Datum::Int(9))));
        assert_eq!(read.bounds(&DataType::nullable(TypeRoot::TinyInt)), Some((Datum::TinyInt(-3), Datum::TinyInt(9))));
    }

    #[test]
    fn doubles_that_may_hold_nan_have_no_bounds() {
        let double = DataType::nullable(TypeRoot::Double);
        let bounds = |sum| ColumnStatistics { bounds: Bounds::Doubles(0.0, 0.0, sum), ..Default::default() };
        assert_eq!(bounds(f64::NAN).bounds(&double), None);
        assert_eq!(bounds(0.0).bounds(&double), Some((Datum::Double(-0.0), Datum::Double(0.0))));
    }
}
