#![doc = include_str!("../partition.md")]

use crate::binary_row::BinaryRow;
use crate::calendar::{MILLIS_PER_DAY, date_text};
use crate::data_type::{DataField, DataType, TypeRoot};
use crate::datum::Datum;
use crate::error::{Error, Result, ResultExt};
use crate::options::CoreOptions;
use crate::text_value::{clock_text, from_text, to_text};

/// How partition values become names of folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionNaming {
    /// What stands for null and blank texts.
    pub default_name: String,
    /// How the rest is written.
    pub style: NameStyle,
}

/// How a partition value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameStyle {
    /// Java's text of the internal value.
    Legacy,
    /// SQL's cast to text.
    Cast,
}

impl PartitionNaming {
    /// As a table's options ask for.
    ///
    /// # Errors
    /// `Invalid` when the option is wrong.
    pub fn of(options: &CoreOptions) -> Result<Self> {
        let style = if options.partition_legacy_name()? { NameStyle::Legacy } else { NameStyle::Cast };
        Ok(Self { default_name: options.partition_default_name().to_owned(), style })
    }
}

/// The folder of a partition, `k1=v1/k2=v2/`; empty when there are no partition columns.
///
/// # Errors
/// `Corrupt` when the row is not of the columns; `Unsupported` for a binary column with legacy names.
pub fn partition_path(columns: &[DataField], partition: &BinaryRow, naming: &PartitionNaming) -> Result<String> {
    let types: Vec<DataType> = columns.iter().map(|column| column.data_type.clone()).collect();
    let values = partition.decode(&types)?;
    let mut path = String::new();
    for (column, value) in columns.iter().zip(&values) {
        let name = value_name(value.as_ref(), &column.data_type, naming)
            .context(|| format!("partition column {}", column.name))?;
        path.push_str(&escape(&column.name));
        path.push('=');
        path.push_str(&escape(&name));
        path.push('/');
    }
    Ok(path)
}

/// The values of `k=v,k2=v2`, as pairs of name and text.
///
/// # Errors
/// `Invalid` when a part has no `=`.
pub fn parse_spec(text: &str) -> Result<Vec<(String, String)>> {
    text.split(',')
        .map(|part| {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| Error::invalid(format!("{part:?} is no partition: write it like k=v,k2=v2")))?;
            Ok((name.trim().to_owned(), value.to_owned()))
        })
        .collect()
}

/// The values of a specification for some of the partition columns, in column order; `None` where it names no value. The text
/// of the default name stands for null.
///
/// # Errors
/// `Invalid` when it names a column that is no partition column, or a value is not of its type.
pub fn spec_values(
    columns: &[DataField],
    spec: &[(String, String)],
    default_name: &str,
) -> Result<Vec<Option<Option<Datum>>>> {
    if let Some((name, _)) = spec.iter().find(|(name, _)| !columns.iter().any(|column| column.name == *name)) {
        let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        return Err(Error::invalid(format!("{name} is no partition column; they are: {}", known.join(", "))));
    }
    columns
        .iter()
        .map(|column| match spec.iter().find(|(name, _)| *name == column.name) {
            None => Ok(None),
            Some((_, text)) if text == default_name => Ok(Some(None)),
            Some((name, text)) => from_text(text, &column.data_type)
                .map(|value| Some(Some(value)))
                .context(|| format!("partition column {name}")),
        })
        .collect()
}

fn value_name(value: Option<&Datum>, data_type: &DataType, naming: &PartitionNaming) -> Result<String> {
    let Some(value) = value else { return Ok(naming.default_name.clone()) };
    let name = match (value, naming.style) {
        (Datum::String(text), _) => text.clone(),
        (Datum::Float(value), _) => java_float(f64::from(*value), &format!("{value:e}")),
        (Datum::Double(value), _) => java_float(*value, &format!("{value:e}")),
        (Datum::Date(days), NameStyle::Legacy) => days.to_string(),
        (Datum::Time(millis), NameStyle::Legacy) => millis.to_string(),
        (Datum::Time(_), NameStyle::Cast) => {
            let text = to_text(value, data_type).unwrap_or_default();
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        (Datum::Timestamp { millis, nanos_of_milli }, NameStyle::Legacy) => java_date_time(*millis, *nanos_of_milli),
        (Datum::Timestamp { millis, nanos_of_milli }, NameStyle::Cast) => {
            let digits = match data_type.root {
                TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => precision,
                _ => 9,
            };
            let clock = clock_text(*millis, *nanos_of_milli, digits);
            format!("{} {clock}", date_text(millis.div_euclid(MILLIS_PER_DAY)))
        }
        (Datum::Bytes(bytes), NameStyle::Cast) => String::from_utf8_lossy(bytes).into_owned(),
        (Datum::Bytes(_), NameStyle::Legacy) => {
            return Err(Error::unsupported(
                "binary partition columns with partition.legacy-name = true: set it to false",
            ));
        }
        (value, _) => to_text(value, data_type)
            .ok_or_else(|| Error::invalid(format!("{data_type} cannot be a partition column")))?,
    };
    Ok(if name.chars().all(is_java_whitespace) { naming.default_name.clone() } else { name })
}

fn is_java_whitespace(c: char) -> bool {
    match c {
        '\u{1c}'..='\u{1f}' => true,
        '\u{85}' | '\u{a0}' | '\u{2007}' | '\u{202f}' => false,
        c => c.is_whitespace(),
    }
}

/// `LocalDateTime.toString`: seconds only when they or their fraction are not zero, then 3, 6 or 9 digits.
fn java_date_time(millis: i64, nanos_of_milli: i32) -> String {
    let clock = clock_text(millis, nanos_of_milli, 9);
    let clock = clock.strip_suffix("000000").or_else(|| clock.strip_suffix("000")).unwrap_or(&clock);
    let clock = clock.strip_suffix(".000").unwrap_or(clock);
    let clock = if clock.len() == 8 { clock.strip_suffix(":00").unwrap_or(clock) } else { clock };
    format!("{}T{clock}", date_text(millis.div_euclid(MILLIS_PER_DAY)))
}

/// `Double.toString` from the shortest digits in scientific form.
fn java_float(value: f64, scientific: &str) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    if value == 0.0 {
        return format!("{sign}0.0");
    }
    if !(-3..7).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        return format!("{sign}{first}.{rest}E{exponent}");
    }
    match usize::try_from(exponent) {
        Ok(whole) => {
            let padded = format!("{digits:0<width$}", width = whole + 2);
            let (whole, fraction) = padded.split_at(whole + 1);
            format!("{sign}{whole}.{fraction}")
        }
        Err(_) => format!("{sign}0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1)),
    }
}

/// `%XX` for what a path cannot hold.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let special =
            matches!(c, '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '{' | '}' | '[' | ']' | '^');
        if special || c.is_ascii_control() {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}
