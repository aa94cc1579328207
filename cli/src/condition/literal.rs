//! Literals of conditions, and where they lie among the values of a column.
//!
//! Goes in: a SQL literal and a column. Comes out: a predicate that compares the two as numbers, texts or points in time are compared,
//! whether or not the column can hold the literal: each literal is one of its values, or lies between two, or beyond all.

use alluvium::format::text_value::from_text;
use alluvium::format::{CompareOp, TypeRoot};
use alluvium::{DataField, DataType, Datum, Predicate};
use sqlparser::ast::{DataType as SqlType, Expr, TimezoneInfo, UnaryOperator, Value};

/// Digits of a number above which no exact number is.
const DIGITS_MAX: usize = 38;
/// The finest timestamps.
const NANOS: u8 = 9;
const NANOS_PER_DAY: i128 = 86_400_000_000_000;
const NANOS_PER_MILLI: i128 = 1_000_000;

/// A literal that is not NULL.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    /// TRUE or FALSE.
    Boolean(bool),
    /// Digits, with a sign when it is negative.
    Number(String),
    /// A text in quotes, whose type is its column's.
    Text(String),
    /// `X'00ff'`.
    Hex(String),
    /// `DATE '2013-01-31'`.
    Date(String),
    /// `TIME '10:00:00'`.
    Time(String),
    /// `TIMESTAMP '2013-01-31 10:00:00'`.
    Timestamp(String),
}

/// Why an expression is no literal.
pub(super) enum NoLiteral {
    /// It is one that makes no sense.
    Wrong(String),
    /// It is something else.
    Other,
}

/// The literal of an expression; `None` is NULL.
pub(super) fn of_expression(expression: &Expr) -> Result<Option<Literal>, NoLiteral> {
    match expression {
        Expr::Value(value) => of_value(&value.value),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match of_expression(expr)? {
            Some(Literal::Number(digits)) => Ok(Some(Literal::Number(match digits.strip_prefix('-') {
                Some(positive) => positive.to_owned(),
                None => format!("-{digits}"),
            }))),
            _ => Err(NoLiteral::Wrong("a minus stands before what is no number".to_owned())),
        },
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => match of_expression(expr)? {
            number @ Some(Literal::Number(_)) => Ok(number),
            _ => Err(NoLiteral::Wrong("a plus stands before what is no number".to_owned())),
        },
        Expr::Nested(inner) => of_expression(inner),
        Expr::TypedString(typed) => {
            let Value::SingleQuotedString(text) = &typed.value.value else { return Err(NoLiteral::Other) };
            match &typed.data_type {
                SqlType::Date => Ok(Some(Literal::Date(text.clone()))),
                SqlType::Time(None, TimezoneInfo::None) => Ok(Some(Literal::Time(text.clone()))),
                SqlType::Timestamp(None, _) | SqlType::TimestampNtz(None) | SqlType::Datetime(None) => {
                    Ok(Some(Literal::Timestamp(text.clone())))
                }
                _ => Err(NoLiteral::Other),
            }
        }
        _ => Err(NoLiteral::Other),
    }
}

fn of_value(value: &Value) -> Result<Option<Literal>, NoLiteral> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Boolean(value) => Literal::Boolean(*value),
        Value::Number(digits, false) => Literal::Number(digits.clone()),
        Value::SingleQuotedString(text) => Literal::Text(text.clone()),
        Value::HexStringLiteral(text) => Literal::Hex(text.clone()),
        Value::DoubleQuotedString(text) => {
            return Err(NoLiteral::Wrong(format!("{text:?} in double quotes is a name; write a text as '{text}'")));
        }
        _ => return Err(NoLiteral::Other),
    }))
}

/// Where a literal lies among the values of a type.
#[derive(Clone, Debug, PartialEq)]
enum Placement {
    /// It is one of them.
    At(Datum),
    /// It is above this one and below the next.
    JustAbove(Datum),
    /// It is below all of them.
    Below,
    /// It is above all of them.
    Above,
}

/// False, or unknown where the column is null.
pub(super) fn never(column: &DataField) -> Predicate {
    Predicate::In { column: column.name.clone(), literals: Vec::new(), has_null: false }
}

/// True, or unknown where the column is null.
fn always(column: &DataField) -> Predicate {
    Predicate::Not(Box::new(never(column)))
}

/// Unknown: what a comparison with NULL is.
pub(super) fn unknown(column: &DataField) -> Predicate {
    Predicate::In { column: column.name.clone(), literals: Vec::new(), has_null: true }
}

/// The comparison of a column with a literal.
///
/// # Errors
/// Why the two do not compare.
pub(super) fn compare(column: &DataField, op: CompareOp, literal: &Literal) -> Result<Predicate, String> {
    use CompareOp::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    let compared = |op, literal| Predicate::Compare { column: column.name.clone(), op, literal };
    Ok(match (placement(literal, column)?, op) {
        (Placement::At(value), op) => compared(op, value),
        (Placement::JustAbove(value), Lt | LtEq) => compared(LtEq, value),
        (Placement::JustAbove(value), Gt | GtEq) => compared(Gt, value),
        (_, Eq) | (Placement::Below, Lt | LtEq) | (Placement::Above, Gt | GtEq) => never(column),
        (_, NotEq) | (Placement::Below, Gt | GtEq) | (Placement::Above, Lt | LtEq) => always(column),
    })
}

/// Whether the column is one of the literals, of which `None` is NULL.
///
/// # Errors
/// Why one of them does not compare with the column.
pub(super) fn in_list(column: &DataField, list: Vec<Option<Literal>>) -> Result<Predicate, String> {
    let has_null = list.contains(&None);
    let mut literals = Vec::with_capacity(list.len());
    for literal in list.iter().flatten() {
        if let Placement::At(value) = placement(literal, column)? {
            literals.push(value);
        }
    }
    Ok(Predicate::In { column: column.name.clone(), literals, has_null })
}

fn placement(literal: &Literal, column: &DataField) -> Result<Placement, String> {
    let root = &column.data_type.root;
    let mismatch = || Err(format!("{} is {root}, which does not compare with {}", column.name, shown(literal, root)));
    match (root, literal) {
        (TypeRoot::Boolean, Literal::Boolean(value)) => Ok(Placement::At(Datum::Boolean(*value))),
        (TypeRoot::Boolean, Literal::Text(_)) => at(literal, root),
        (
            TypeRoot::TinyInt | TypeRoot::SmallInt | TypeRoot::Int | TypeRoot::BigInt,
            Literal::Number(text) | Literal::Text(text),
        ) => whole(text, root),
        (TypeRoot::Decimal { precision, scale }, Literal::Number(text) | Literal::Text(text)) => {
            decimal(text, *precision, *scale)
        }
        (TypeRoot::Float, Literal::Number(text) | Literal::Text(text)) => float(text),
        (TypeRoot::Double, Literal::Number(text) | Literal::Text(text)) => double(text),
        // Not by way of the column's length: a longer text is a text that no row has.
        (TypeRoot::Char(_) | TypeRoot::VarChar(_), Literal::Text(text)) => {
            Ok(Placement::At(Datum::String(text.clone())))
        }
        (TypeRoot::Binary(_) | TypeRoot::VarBinary(_), Literal::Text(_) | Literal::Hex(_)) => {
            at(literal, &TypeRoot::VarBinary(TypeRoot::STRING_LENGTH))
        }
        (TypeRoot::Date, Literal::Date(_)) => at(literal, root),
        (TypeRoot::Date, Literal::Text(text) | Literal::Timestamp(text)) => day(text),
        (TypeRoot::Time(_), Literal::Text(_) | Literal::Time(_)) => at(literal, root),
        (TypeRoot::Timestamp(_), Literal::Text(_) | Literal::Timestamp(_) | Literal::Date(_)) => {
            at(literal, &TypeRoot::Timestamp(NANOS))
        }
        (TypeRoot::TimestampLtz(_), Literal::Text(_) | Literal::Timestamp(_) | Literal::Date(_)) => {
            at(literal, &TypeRoot::TimestampLtz(NANOS))
        }
        _ => mismatch(),
    }
}

fn shown(literal: &Literal, root: &TypeRoot) -> String {
    let is_text = matches!(root, TypeRoot::Char(_) | TypeRoot::VarChar(_));
    match literal {
        Literal::Boolean(value) => value.to_string(),
        Literal::Number(digits) if is_text => format!("the number {digits}: write '{digits}'"),
        Literal::Number(digits) => format!("the number {digits}"),
        Literal::Text(text) => format!("the text {text:?}"),
        Literal::Hex(text) => format!("the binary X'{text}'"),
        Literal::Date(text) | Literal::Time(text) | Literal::Timestamp(text) => format!("the date or time {text:?}"),
    }
}

/// A literal that is a value of the type by its text.
fn at(literal: &Literal, root: &TypeRoot) -> Result<Placement, String> {
    match literal {
        Literal::Text(text)
        | Literal::Hex(text)
        | Literal::Date(text)
        | Literal::Time(text)
        | Literal::Timestamp(text) => plain(text, root).map(Placement::At),
        Literal::Boolean(_) | Literal::Number(_) => Err(format!("{} is no {root}", shown(literal, root))),
    }
}

fn plain(text: &str, root: &TypeRoot) -> Result<Datum, String> {
    from_text(text, &DataType::nullable(root.clone())).map_err(|error| error.to_string())
}

/// A number as a count of units of `10^-scale`: the largest that is not above it, and whether it is above that. Beyond
/// [`DIGITS_MAX`] digits it is only known to be large.
enum Units {
    Exact(i128),
    Floor(i128),
    Low,
    High,
}

fn units(text: &str, scale: u8) -> Result<Units, String> {
    let wrong = || format!("{text:?} is no number");
    let trimmed = text.trim();
    let (mantissa, exponent) = match trimmed.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| wrong())?),
        None => (trimmed, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return Err(wrong());
    }
    let significant = format!("{whole}{fraction}");
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Ok(Units::Exact(0));
    }
    // How many of the digits are whole units; more than there are when zeros follow.
    let fraction_digits = i64::try_from(fraction.len()).map_err(|_| wrong())?;
    let kept = i64::try_from(significant.len()).map_err(|_| wrong())? - fraction_digits
        + i64::from(scale)
        + exponent.clamp(-1 << 40, 1 << 40);
    let Ok(kept) = usize::try_from(kept) else {
        return Ok(Units::Floor(if negative { -1 } else { 0 }));
    };
    if kept > DIGITS_MAX {
        return Ok(if negative { Units::Low } else { Units::High });
    }
    let (units, rest) = significant.split_at(kept.min(significant.len()));
    let units = format!("0{units:0<kept$}").parse::<i128>().map_err(|_| wrong())?;
    let exact = rest.bytes().all(|byte| byte == b'0');
    Ok(match (exact, negative) {
        (true, false) => Units::Exact(units),
        (true, true) => Units::Exact(-units),
        (false, false) => Units::Floor(units),
        (false, true) => Units::Floor(-units - 1),
    })
}

/// Where a count of units lies among those from `min` to `max`.
fn among(units: &Units, (min, max): (i128, i128), datum: impl Fn(i128) -> Datum) -> Placement {
    match *units {
        Units::Low => Placement::Below,
        Units::High => Placement::Above,
        Units::Exact(value) | Units::Floor(value) if value < min => Placement::Below,
        Units::Exact(value) if value > max => Placement::Above,
        Units::Floor(value) if value >= max => Placement::Above,
        Units::Exact(value) => Placement::At(datum(value)),
        Units::Floor(value) => Placement::JustAbove(datum(value)),
    }
}

fn whole(text: &str, root: &TypeRoot) -> Result<Placement, String> {
    let units = units(text, 0)?;
    // Values are within the bounds, so that the casts keep them.
    Ok(match root {
        TypeRoot::TinyInt => among(&units, (i8::MIN.into(), i8::MAX.into()), |value| Datum::TinyInt(value as i8)),
        TypeRoot::SmallInt => among(&units, (i16::MIN.into(), i16::MAX.into()), |value| Datum::SmallInt(value as i16)),
        TypeRoot::Int => among(&units, (i32::MIN.into(), i32::MAX.into()), |value| Datum::Int(value as i32)),
        _ => among(&units, (i64::MIN.into(), i64::MAX.into()), |value| Datum::BigInt(value as i64)),
    })
}

fn decimal(text: &str, precision: u8, scale: u8) -> Result<Placement, String> {
    let max = 10_i128.pow(u32::from(precision.min(38))) - 1;
    Ok(among(&units(text, scale)?, (-max, max), Datum::Decimal))
}

fn is_number(text: &str) -> bool {
    matches!(text, "NaN" | "Infinity" | "-Infinity") || units(text, 0).is_ok()
}

/// The nearest FLOAT; beyond the largest there are only the infinities.
fn float(text: &str) -> Result<Placement, String> {
    let value: f32 = text.trim().parse().map_err(|_| format!("{text:?} is no number"))?;
    if !is_number(text.trim()) {
        return Err(format!("{text:?} is no number"));
    }
    Ok(match value {
        value if !value.is_infinite() || text.contains("Inf") => Placement::At(Datum::Float(value)),
        value if value > 0.0 => Placement::JustAbove(Datum::Float(f32::MAX)),
        _ => Placement::JustAbove(Datum::Float(f32::NEG_INFINITY)),
    })
}

/// The nearest DOUBLE; beyond the largest there are only the infinities.
fn double(text: &str) -> Result<Placement, String> {
    let value: f64 = text.trim().parse().map_err(|_| format!("{text:?} is no number"))?;
    if !is_number(text.trim()) {
        return Err(format!("{text:?} is no number"));
    }
    Ok(match value {
        value if !value.is_infinite() || text.contains("Inf") => Placement::At(Datum::Double(value)),
        value if value > 0.0 => Placement::JustAbove(Datum::Double(f64::MAX)),
        _ => Placement::JustAbove(Datum::Double(f64::NEG_INFINITY)),
    })
}

/// A day, or a time within it, among days.
fn day(text: &str) -> Result<Placement, String> {
    if let Ok(date) = plain(text, &TypeRoot::Date) {
        return Ok(Placement::At(date));
    }
    let Datum::Timestamp { millis, nanos_of_milli } = plain(text, &TypeRoot::Timestamp(NANOS))? else {
        return Err(format!("{text:?} is no date"));
    };
    let nanos = i128::from(millis) * NANOS_PER_MILLI + i128::from(nanos_of_milli);
    let days = i32::try_from(nanos.div_euclid(NANOS_PER_DAY)).map_err(|_| format!("{text:?} is too far from 1970"))?;
    let date = Datum::Date(days);
    Ok(if nanos.rem_euclid(NANOS_PER_DAY) == 0 { Placement::At(date) } else { Placement::JustAbove(date) })
}
