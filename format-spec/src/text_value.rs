//! Values as text: how rows print and read dates, times, timestamps, decimals and binaries, in JSON, CSV and conditions.
//!
//! `2013-01-31`, `10:00:00.000`, `2013-01-31T10:00:00.123` (a space for the `T` is read too), the same with `Z` for local-zone
//! timestamps, decimals with their full scale, binaries as lower-case hex.

use crate::calendar::{MILLIS_PER_DAY, date_text, days_of_civil};
use crate::data_type::{DataType, TypeRoot};
use crate::datum::Datum;
use crate::error::{Error, Result};

/// The text of a value that is neither a list, a map nor a row.
pub fn to_text(value: &Datum, data_type: &DataType) -> Option<String> {
    Some(match value {
        Datum::Boolean(value) => value.to_string(),
        Datum::TinyInt(value) => value.to_string(),
        Datum::SmallInt(value) => value.to_string(),
        Datum::Int(value) => value.to_string(),
        Datum::BigInt(value) => value.to_string(),
        Datum::Float(value) => float_text(f64::from(*value), || value.to_string()),
        Datum::Double(value) => float_text(*value, || value.to_string()),
        Datum::Decimal(unscaled) => decimal_text(*unscaled, scale_of(data_type)),
        Datum::String(text) => text.clone(),
        Datum::Bytes(bytes) => hex_text(bytes),
        Datum::Date(days) => date_text(i64::from(*days)),
        Datum::Time(millis) => time_text(i64::from(*millis), 3, 0),
        Datum::Timestamp { millis, nanos_of_milli } => timestamp_text(*millis, *nanos_of_milli, data_type),
        Datum::Array(_) | Datum::Map(_) | Datum::Row(_) => return None,
    })
}

/// The value of a text.
///
/// # Errors
/// `Invalid` that says what the text is and what the type looks like.
pub fn from_text(text: &str, data_type: &DataType) -> Result<Datum> {
    let wrong = |example: &str| Error::invalid(format!("{text:?} is no {data_type}: write it like {example}"));
    fn whole<T: std::str::FromStr>(text: &str) -> Option<T> {
        text.trim().parse().ok()
    }
    match &data_type.root {
        TypeRoot::Boolean => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(Datum::Boolean(true)),
            "false" => Ok(Datum::Boolean(false)),
            _ => Err(wrong("true or false")),
        },
        TypeRoot::TinyInt => whole(text).map(Datum::TinyInt).ok_or_else(|| wrong("a whole number from -128 to 127")),
        TypeRoot::SmallInt => whole(text).map(Datum::SmallInt).ok_or_else(|| wrong("a whole number of 16 bits")),
        TypeRoot::Int => whole(text).map(Datum::Int).ok_or_else(|| wrong("a whole number of 32 bits")),
        TypeRoot::BigInt => whole(text).map(Datum::BigInt).ok_or_else(|| wrong("a whole number of 64 bits")),
        TypeRoot::Float => parse_float(text).map(|value| Datum::Float(value as f32)).ok_or_else(|| wrong("1.5")),
        TypeRoot::Double => parse_float(text).map(Datum::Double).ok_or_else(|| wrong("1.5")),
        TypeRoot::Decimal { precision, scale } => parse_decimal(text, *precision, *scale).map(Datum::Decimal),
        TypeRoot::Char(length) | TypeRoot::VarChar(length) => {
            check_length(text.chars().count(), *length, data_type, "characters")?;
            Ok(Datum::String(text.to_owned()))
        }
        TypeRoot::Binary(length) | TypeRoot::VarBinary(length) => {
            let bytes = parse_hex(text).ok_or_else(|| wrong("00ff, two hexadecimal digits a byte"))?;
            check_length(bytes.len(), *length, data_type, "bytes")?;
            Ok(Datum::Bytes(bytes))
        }
        TypeRoot::Date => {
            let days = parse_date(text.trim()).and_then(|days| i32::try_from(days).ok());
            days.map(Datum::Date).ok_or_else(|| wrong("2013-01-31"))
        }
        TypeRoot::Time(_) => {
            let time = parse_time(text.trim()).filter(|(_, nanos)| nanos % 1_000_000 == 0);
            let millis = time.and_then(|(seconds, nanos)| i32::try_from(seconds * 1000 + nanos / 1_000_000).ok());
            millis.map(Datum::Time).ok_or_else(|| wrong("10:00:00.000"))
        }
        TypeRoot::Timestamp(precision) => parse_timestamp(text.trim(), *precision)
            .ok_or_else(|| wrong("2013-01-31T10:00:00, with at most its digits after the second")),
        TypeRoot::TimestampLtz(precision) => parse_zoned(text.trim(), *precision)
            .ok_or_else(|| wrong("2013-01-31T10:00:00Z, with at most its digits after the second")),
        _ => Err(Error::invalid(format!("a value of {data_type} cannot be written as plain text"))),
    }
}

fn check_length(length: usize, most: u32, data_type: &DataType, unit: &str) -> Result<()> {
    if length > most as usize {
        return Err(Error::invalid(format!("a value of {length} {unit} is too long for {data_type}")));
    }
    Ok(())
}

fn scale_of(data_type: &DataType) -> u8 {
    match data_type.root {
        TypeRoot::Decimal { scale, .. } => scale,
        _ => 0,
    }
}

fn float_text(value: f64, finite: impl FnOnce() -> String) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        finite()
    }
}

fn parse_float(text: &str) -> Option<f64> {
    match text.trim() {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        number if number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) => {
            number.parse().ok()
        }
        _ => None,
    }
}

/// The decimal of an unscaled value, with all digits of its scale.
pub fn decimal_text(unscaled: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

/// The unscaled value of a decimal text, which may have an exponent; digits beyond the scale must be zero.
///
/// # Errors
/// `Invalid` when the text is no number or does not fit precision and scale.
pub fn parse_decimal(text: &str, precision: u8, scale: u8) -> Result<i128> {
    let wrong = |why: &str| Error::invalid(format!("{text:?} is no DECIMAL({precision}, {scale}): {why}"));
    let trimmed = text.trim();
    let (mantissa, exponent) = match trimmed.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.parse::<i32>().map_err(|_| wrong("its exponent is no number"))?)
        }
        None => (trimmed, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return Err(wrong("it is no number"));
    }
    let significant = format!("{whole}{fraction}");
    let significant = significant.trim_start_matches('0');
    let fraction_digits = i32::try_from(fraction.len()).map_err(|_| wrong("it is too long"))?;
    // The power of ten between the digits given and the unscaled value.
    let shift = i32::from(scale).checked_sub(fraction_digits).and_then(|shift| shift.checked_add(exponent));
    let shift = shift.ok_or_else(|| wrong("its exponent is too large"))?;
    let kept = match usize::try_from(shift) {
        Ok(zeros) if significant.is_empty() => "0".repeat(zeros.min(1)),
        Ok(zeros) if significant.len() + zeros > usize::from(precision) => return Err(wrong("it has too many digits")),
        Ok(zeros) => format!("{significant}{}", "0".repeat(zeros)),
        Err(_) => {
            let cut = shift.unsigned_abs() as usize;
            let (kept, dropped) = significant.split_at(significant.len().saturating_sub(cut));
            if dropped.bytes().any(|byte| byte != b'0') {
                return Err(wrong("it has too many digits after the point"));
            }
            kept.to_owned()
        }
    };
    if kept.len() > usize::from(precision) {
        return Err(wrong("it has too many digits"));
    }
    let unscaled: i128 = if kept.is_empty() { 0 } else { kept.parse().map_err(|_| wrong("it is no number"))? };
    Ok(if negative { -unscaled } else { unscaled })
}

fn hex_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// `10:00:00` and so many digits of the second.
fn time_text(millis_of_day: i64, digits: usize, nanos_of_milli: i32) -> String {
    let seconds = millis_of_day / 1000;
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if digits == 0 {
        return whole;
    }
    let nanos = format!("{:09}", millis_of_day % 1000 * 1_000_000 + i64::from(nanos_of_milli));
    format!("{whole}.{}", nanos.get(..digits.min(9)).unwrap_or_default())
}

fn timestamp_text(millis: i64, nanos_of_milli: i32, data_type: &DataType) -> String {
    let (precision, zone) = match data_type.root {
        TypeRoot::Timestamp(precision) => (precision, ""),
        TypeRoot::TimestampLtz(precision) => (precision, "Z"),
        _ => (9, ""),
    };
    format!("{}T{}{zone}", date_text(millis.div_euclid(MILLIS_PER_DAY)), clock_text(millis, nanos_of_milli, precision))
}

/// The time of day of a timestamp.
pub(crate) fn clock_text(millis: i64, nanos_of_milli: i32, digits: u8) -> String {
    time_text(millis.rem_euclid(MILLIS_PER_DAY), usize::from(digits), nanos_of_milli)
}

/// Days since 1970.
fn parse_date(text: &str) -> Option<i64> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut parts = rest.splitn(3, '-');
    let year: i64 = digits(parts.next()?, 4..=6)?;
    let month = digits(parts.next()?, 1..=2)?;
    let day = digits(parts.next()?, 1..=2)?;
    let year = if negative { -year } else { year };
    days_of_civil(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let fits = length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// Seconds of the day and nanoseconds of the second.
fn parse_time(text: &str) -> Option<(i64, i64)> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.splitn(3, ':');
    let hours = digits(parts.next()?, 1..=2)?;
    let minutes = digits(parts.next()?, 2..=2)?;
    let seconds = parts.next().map_or(Some(0), |part| digits(part, 2..=2))?;
    let nanos = if fraction.is_empty() { 0 } else { digits(&format!("{fraction:0<9}"), 9..=9)? };
    let fits = hours < 24 && minutes < 60 && seconds < 60 && (!text.ends_with('.'));
    fits.then_some((hours * 3600 + minutes * 60 + seconds, nanos))
}

fn parse_timestamp(text: &str, precision: u8) -> Option<Datum> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, parse_time(time)?),
        None => (text, (0, 0)),
    };
    let (seconds, nanos) = time;
    if nanos % 10i64.pow(9 - u32::from(precision.min(9))) != 0 {
        return None;
    }
    let millis = parse_date(date)? * MILLIS_PER_DAY + seconds * 1000 + nanos / 1_000_000;
    Some(Datum::Timestamp { millis, nanos_of_milli: i32::try_from(nanos % 1_000_000).ok()? })
}

/// A timestamp in UTC: with `Z`, with an offset like `+01:00`, or without anything.
fn parse_zoned(text: &str, precision: u8) -> Option<Datum> {
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return parse_timestamp(local.trim_end(), precision);
    }
    let clock_at = text.find(['T', ' '])?;
    let Some(sign_at) = text[clock_at..].rfind(['+', '-']).map(|at| at + clock_at) else {
        return parse_timestamp(text, precision);
    };
    let (seconds, _) = parse_time(text.get(sign_at + 1..)?)?;
    let offset = if text[sign_at..].starts_with('-') { -seconds } else { seconds };
    match parse_timestamp(text.get(..sign_at)?.trim_end(), precision)? {
        Datum::Timestamp { millis, nanos_of_milli } => {
            Some(Datum::Timestamp { millis: millis - offset * 1000, nanos_of_milli })
        }
        _ => None,
    }
}
