//! Casts to and from texts and binaries, in the words of Java's `toString` and of Paimon's parsers.

use alluvium_format::text_value::{decimal_text, to_text as plain_text};
use alluvium_format::{DataType, Datum, Result, TypeRoot};

use super::{no_value, number, wrong_value};

/// Whether values of a type can become texts.
pub(super) fn has_text(root: &TypeRoot) -> bool {
    match root {
        TypeRoot::Variant | TypeRoot::Blob | TypeRoot::Vector { .. } | TypeRoot::Multiset(_) => false,
        TypeRoot::Array(element) => has_text(&element.root),
        TypeRoot::Map { key, value } => has_text(&key.root) && has_text(&value.root),
        TypeRoot::Row(fields) => fields.iter().all(|field| has_text(&field.data_type.root)),
        _ => true,
    }
}

/// Whether texts can become values of a type.
pub(super) fn can_parse(root: &TypeRoot) -> bool {
    matches!(
        root,
        TypeRoot::Boolean
            | TypeRoot::TinyInt
            | TypeRoot::SmallInt
            | TypeRoot::Int
            | TypeRoot::BigInt
            | TypeRoot::Float
            | TypeRoot::Double
            | TypeRoot::Decimal { .. }
            | TypeRoot::Date
            | TypeRoot::Time(_)
            | TypeRoot::Timestamp(_)
            | TypeRoot::TimestampLtz(_)
    )
}

/// A value as a text: cut to the length of VARCHAR and CHAR, padded with blanks to that of CHAR.
pub(super) fn to_text(value: &Datum, from: &DataType, to: &DataType) -> Result<Option<Datum>> {
    let text = text_of(value, from)?;
    let fits = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
    // Only values of these types are cut: texts of binaries, lists, maps and rows are not.
    let is_cut = !matches!(value, Datum::Bytes(_) | Datum::Array(_) | Datum::Map(_) | Datum::Row(_));
    Ok(Some(Datum::String(match to.root {
        TypeRoot::Char(length) if is_cut => {
            let cut: String = text.chars().take(fits(length)).collect();
            let missing = fits(length).saturating_sub(cut.chars().count());
            cut + &" ".repeat(missing)
        }
        TypeRoot::VarChar(length) if is_cut && text.len() > fits(length) => text.chars().take(fits(length)).collect(),
        _ => text,
    })))
}

fn text_of(value: &Datum, from: &DataType) -> Result<String> {
    Ok(match (value, &from.root) {
        (Datum::Float(number), _) => java_float(f64::from(*number), &format!("{number:e}")),
        (Datum::Double(number), _) => java_float(*number, &format!("{number:e}")),
        (Datum::Decimal(unscaled), TypeRoot::Decimal { scale, .. }) => decimal_text(*unscaled, *scale),
        (Datum::Bytes(bytes), _) => {
            String::from_utf8(bytes.clone()).map_err(|_| no_value("a binary that is not UTF-8", from))?
        }
        (Datum::Time(millis), TypeRoot::Time(precision)) => time_text(*millis, *precision),
        (Datum::Timestamp { .. }, TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision)) => {
            let local = DataType::nullable(TypeRoot::Timestamp(*precision));
            plain_text(value, &local).ok_or_else(|| wrong_value(value))?.replace('T', " ")
        }
        (Datum::Array(items), TypeRoot::Array(element)) => {
            let items = items.iter().map(|item| part_text(item.as_ref(), element));
            format!("[{}]", items.collect::<Result<Vec<_>>>()?.join(", "))
        }
        (Datum::Map(pairs), TypeRoot::Map { key: key_type, value: value_type }) => {
            let pairs = pairs.iter().map(|(key, value)| {
                Ok(format!("{} -> {}", part_text(key.as_ref(), key_type)?, part_text(value.as_ref(), value_type)?))
            });
            format!("{{{}}}", pairs.collect::<Result<Vec<_>>>()?.join(", "))
        }
        (Datum::Row(values), TypeRoot::Row(fields)) => {
            let values = values.iter().zip(fields).map(|(value, field)| part_text(value.as_ref(), &field.data_type));
            format!("{{{}}}", values.collect::<Result<Vec<_>>>()?.join(", "))
        }
        _ => plain_text(value, from).ok_or_else(|| wrong_value(value))?,
    })
}

fn part_text(value: Option<&Datum>, data_type: &DataType) -> Result<String> {
    value.map_or_else(|| Ok("null".to_owned()), |value| text_of(value, data_type))
}

/// `Double.toString`, from the shortest digits in scientific notation: a point always, an exponent from 1e7 and below 1e-3.
fn java_float(number: f64, scientific: &str) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    if (1e-3..1e7).contains(&number.abs()) || number == 0.0 {
        let plain = plain_decimal(mantissa, exponent.parse().unwrap_or_default());
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

/// `1.25` and `-2` to `0.0125`.
fn plain_decimal(mantissa: &str, exponent: i32) -> String {
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
    let digits = digits.replace('.', "");
    let point = usize::try_from(exponent + 1).unwrap_or(0);
    if exponent < 0 {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
        format!("{sign}0.{zeros}{digits}")
    } else if digits.len() <= point {
        format!("{sign}{digits}{}", "0".repeat(point - digits.len()))
    } else {
        let (whole, fraction) = digits.split_at(point);
        format!("{sign}{whole}.{fraction}")
    }
}

/// `10:00:00` and, from precision 1 on, a point and the digits of the second up to the last that is not zero, at least one.
fn time_text(millis_of_day: i32, precision: u8) -> String {
    let seconds = millis_of_day / 1000;
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if precision == 0 {
        return whole;
    }
    let digits = format!("{:03}", millis_of_day % 1000);
    let kept = digits.get(..usize::from(precision.min(3))).unwrap_or_default().trim_end_matches('0');
    format!("{whole}.{}", if kept.is_empty() { "0" } else { kept })
}

/// A text or binary as a binary, cut to its length; BINARY is padded with zeros to it.
pub(super) fn to_bytes(value: &Datum, _: &DataType, to: &DataType) -> Result<Option<Datum>> {
    let mut bytes = match value {
        Datum::String(text) => text.clone().into_bytes(),
        Datum::Bytes(bytes) => bytes.clone(),
        _ => return Err(wrong_value(value)),
    };
    match to.root {
        TypeRoot::Binary(length) => bytes.resize(usize::try_from(length).unwrap_or(usize::MAX), 0),
        TypeRoot::VarBinary(length) => bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX)),
        _ => {}
    }
    Ok(Some(Datum::Bytes(bytes)))
}

/// A text as a value.
pub(super) fn parse(value: &Datum, _: &DataType, to: &DataType) -> Result<Option<Datum>> {
    let Datum::String(text) = value else { return Err(wrong_value(value)) };
    let wrong = || no_value(text, to);
    let parsed = match to.root {
        TypeRoot::Boolean => match text.to_lowercase().as_str() {
            "t" | "true" | "y" | "yes" | "1" => Some(Datum::Boolean(true)),
            "f" | "false" | "n" | "no" | "0" => Some(Datum::Boolean(false)),
            _ => None,
        },
        TypeRoot::TinyInt => whole(text).and_then(|number| i8::try_from(number).ok()).map(Datum::TinyInt),
        TypeRoot::SmallInt => whole(text).and_then(|number| i16::try_from(number).ok()).map(Datum::SmallInt),
        TypeRoot::Int => whole(text).and_then(|number| i32::try_from(number).ok()).map(Datum::Int),
        TypeRoot::BigInt => whole(text).map(Datum::BigInt),
        TypeRoot::Float => float(text).and_then(|text| text.parse().ok()).map(Datum::Float),
        TypeRoot::Double => float(text).and_then(|text| text.parse().ok()).map(Datum::Double),
        TypeRoot::Decimal { .. } => return number::parse_decimal(text, to),
        TypeRoot::Date => days(text).map(Datum::Date),
        TypeRoot::Time(_) => time_of_day(text).map(Datum::Time),
        TypeRoot::Timestamp(precision) => timestamp(text, precision, Epoch::Counted),
        TypeRoot::TimestampLtz(precision) => timestamp(text, precision, Epoch::Unknown),
        _ => None,
    };
    parsed.map(Some).ok_or_else(wrong)
}

fn is_numeric(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A whole number with an optional sign; digits behind a point are cut off.
fn whole(text: &str) -> Option<i64> {
    let (number, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match number {
        // Java's parser reads a lone point as 0.
        "" if text.starts_with('.') => Some(0),
        "-" | "+" if text.len() > 1 => Some(0),
        _ => number.parse().ok(),
    }
}

/// The text of a fraction that Rust's parser reads as Java's does.
fn float(text: &str) -> Option<&str> {
    let trimmed = text.trim_matches(|c: char| c <= ' ');
    let unsigned = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    match unsigned {
        "NaN" | "Infinity" => Some(trimmed),
        _ => {
            let number = trimmed.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(trimmed);
            let plain =
                number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
            plain.then_some(number)
        }
    }
}

fn days(text: &str) -> Option<i32> {
    if is_numeric(text) {
        return text.parse().ok();
    }
    let day = text.split_once(' ').filter(|(day, _)| !day.is_empty()).map_or(text, |(day, _)| day);
    let mut numbers = day.splitn(3, '-').map(|part| {
        let part = part.trim();
        if is_numeric(part) { part.parse::<u32>().ok() } else { None }
    });
    let year = numbers.next()??;
    let (month, day) = (numbers.next().unwrap_or(Some(1))?, numbers.next().unwrap_or(Some(1))?);
    day_of(year, month, day)
}

/// The day of a date of the years 0 to 9999.
fn day_of(year: u32, month: u32, day: u32) -> Option<i32> {
    let days = (year <= 9999).then(|| alluvium_format::calendar::days_of_civil(i64::from(year), month, day))??;
    i32::try_from(days).ok()
}

/// `10[:30[:15[.123]]]`, in milliseconds; a number alone counts them.
fn time_of_day(text: &str) -> Option<i32> {
    if is_numeric(text) {
        return text.parse().ok();
    }
    let number = |part: &str| {
        let part = part.trim();
        if is_numeric(part) { part.parse::<i32>().ok() } else { None }
    };
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.splitn(3, ':').map(number);
    let hours = parts.next()??;
    let (minutes, seconds) = (parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?);
    let fraction = fraction.trim();
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // The fourth digit rounds.
    let digits = format!("{fraction:0<4}");
    let millis: i32 = digits.get(..3)?.parse().ok()?;
    let rounded = millis + i32::from(digits.as_bytes().get(3).is_some_and(|digit| *digit >= b'5'));
    hours
        .checked_mul(3_600_000)?
        .checked_add(minutes.checked_mul(60_000)?)?
        .checked_add(seconds.checked_mul(1000)?)?
        .checked_add(rounded)
}

/// Whether a number alone is a timestamp.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Epoch {
    /// It counts units of the precision since 1970.
    Counted,
    /// It is none.
    Unknown,
}

/// `2013-01-31`, `2013-1-31 10:00:00.5`.
fn timestamp(text: &str, precision: u8, epoch: Epoch) -> Option<Datum> {
    if is_numeric(text) && epoch == Epoch::Counted {
        let count: i64 = text.parse().ok()?;
        let (millis, nanos) = match precision {
            0 => (count.checked_mul(1000)?, 0),
            3 => (count, 0),
            6 => (count / 1000, count % 1000 * 1000),
            9 => (count / 1_000_000, count % 1_000_000),
            _ => return None,
        };
        return Some(Datum::Timestamp { millis, nanos_of_milli: i32::try_from(nanos).ok()? });
    }
    let (date, clock) = match text.split_once(' ') {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut numbers = date.splitn(3, '-');
    let year = digits(numbers.next()?, 4, 4)?;
    let days = day_of(year, digits(numbers.next()?, 1, 2)?, digits(numbers.next()?, 1, 2)?)?;
    let (seconds, nanos) = clock.map_or(Some((0, 0)), clock_parts)?;
    let unit = 10_u32.pow(9 - u32::from(precision.min(9)));
    let nanos = nanos / unit * unit;
    let millis = i64::from(days) * super::MILLIS_OF_DAY + i64::from(seconds) * 1000 + i64::from(nanos / 1_000_000);
    Some(Datum::Timestamp { millis, nanos_of_milli: i32::try_from(nanos % 1_000_000).ok()? })
}

/// Seconds of the day and nanoseconds of the second.
fn clock_parts(clock: &str) -> Option<(u32, u32)> {
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut numbers = whole.splitn(3, ':');
    let (hours, minutes) = (digits(numbers.next()?, 1, 2)?, digits(numbers.next()?, 1, 2)?);
    let seconds = digits(numbers.next()?, 1, 2)?;
    let nanos = if fraction.is_empty() { 0 } else { digits(&format!("{fraction:0<9}"), 9, 9)? };
    (hours < 24 && minutes < 60 && seconds < 60).then_some((hours * 3600 + minutes * 60 + seconds, nanos))
}

fn digits(text: &str, least: usize, most: usize) -> Option<u32> {
    let fits = (least..=most).contains(&text.len()) && is_numeric(text);
    if fits { text.parse().ok() } else { None }
}
