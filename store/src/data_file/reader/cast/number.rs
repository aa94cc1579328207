//! Casts to numbers, as Java's narrowing conversions and `BigDecimal` do them.

use alluvium_format::text_value::decimal_text;
use alluvium_format::{DataType, Datum, Result, TypeRoot};

use super::{no_value, wrong_value};

/// A whole number.
pub(super) fn whole(value: &Datum) -> Option<i64> {
    Some(match value {
        Datum::TinyInt(value) => i64::from(*value),
        Datum::SmallInt(value) => i64::from(*value),
        Datum::Int(value) => i64::from(*value),
        Datum::BigInt(value) => *value,
        Datum::Boolean(value) => i64::from(*value),
        _ => return None,
    })
}

/// A number, decimal or boolean to a number. Whole numbers wrap; fractions are cut off and saturate at 32 bits (64 for BIGINT) first.
pub(super) fn to_number(value: &Datum, from: &DataType, to: &DataType) -> Result<Option<Datum>> {
    if let Some(number) = whole(value) {
        return of_whole(number, to);
    }
    match (value, &from.root) {
        (Datum::Float(number), _) => of_fraction(f64::from(*number), to),
        (Datum::Double(number), _) => of_fraction(*number, to),
        (Datum::Decimal(unscaled), TypeRoot::Decimal { scale, .. }) => match to.root {
            TypeRoot::Float | TypeRoot::Double => {
                let text = decimal_text(*unscaled, *scale);
                of_fraction(text.parse().map_err(|_| no_value(&text, to))?, to)
            }
            // `BigDecimal.longValue` keeps the low 64 bits.
            _ => of_whole((unscaled / 10_i128.pow(u32::from(*scale).min(38))) as i64, to),
        },
        _ => Err(wrong_value(value)),
    }
}

/// A whole number in another type, its low bits if it is too large.
pub(super) fn of_whole(number: i64, to: &DataType) -> Result<Option<Datum>> {
    Ok(Some(match to.root {
        TypeRoot::TinyInt => Datum::TinyInt(number as i8),
        TypeRoot::SmallInt => Datum::SmallInt(number as i16),
        TypeRoot::Int => Datum::Int(number as i32),
        TypeRoot::BigInt => Datum::BigInt(number),
        TypeRoot::Float => Datum::Float(number as f32),
        TypeRoot::Double => Datum::Double(number as f64),
        _ => return Err(no_value(&number.to_string(), to)),
    }))
}

fn of_fraction(number: f64, to: &DataType) -> Result<Option<Datum>> {
    Ok(Some(match to.root {
        TypeRoot::Float => Datum::Float(number as f32),
        TypeRoot::Double => Datum::Double(number),
        TypeRoot::BigInt => Datum::BigInt(number as i64),
        _ => return of_whole(i64::from(number as i32), to),
    }))
}

/// Not zero is true.
pub(super) fn to_boolean(value: &Datum, _: &DataType, _: &DataType) -> Result<Option<Datum>> {
    whole(value).map(|number| Some(Datum::Boolean(number != 0))).ok_or_else(|| wrong_value(value))
}

/// A number, decimal or boolean to a decimal, rounded half up; null when it has too many digits.
pub(super) fn to_decimal(value: &Datum, from: &DataType, to: &DataType) -> Result<Option<Datum>> {
    if let Some(number) = whole(value) {
        return Ok(rescale(i128::from(number), 0, to));
    }
    match (value, &from.root) {
        (Datum::Decimal(unscaled), TypeRoot::Decimal { scale, .. }) => Ok(rescale(*unscaled, i32::from(*scale), to)),
        (Datum::Float(number), _) => parse_decimal(&f64::from(*number).to_string(), to),
        (Datum::Double(number), _) => parse_decimal(&number.to_string(), to),
        _ => Err(wrong_value(value)),
    }
}

/// A number's text to a decimal, rounded half up; null when it has too many digits.
pub(super) fn parse_decimal(text: &str, to: &DataType) -> Result<Option<Datum>> {
    let TypeRoot::Decimal { precision, scale } = to.root else { return Err(no_value(text, to)) };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| no_value(text, to))?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(no_value(text, to));
    }
    let zeros = all.len() - all.trim_start_matches('0').len();
    let significant = &all[zeros..];
    // How many of the significant digits, or how many more than those, make up the unscaled value.
    let before_point = i64::try_from(whole.len()).unwrap_or(i64::MAX) - i64::try_from(zeros).unwrap_or(i64::MAX);
    let kept = before_point + i64::from(exponent) + i64::from(scale);
    if significant.is_empty() || kept < 0 {
        return Ok(Some(Datum::Decimal(0)));
    }
    let Ok(kept) = usize::try_from(kept) else { return Ok(None) };
    if kept > usize::from(precision) {
        return Ok(None);
    }
    let (head, tail) = significant.split_at(kept.min(significant.len()));
    let digits = format!("0{head}{}", "0".repeat(kept - head.len()));
    let unscaled: i128 = digits.parse().map_err(|_| no_value(text, to))?;
    let rounded = unscaled + i128::from(tail.bytes().next().is_some_and(|digit| digit >= b'5'));
    let fits = rounded.unsigned_abs() < 10_u128.pow(u32::from(precision).min(38));
    Ok(fits.then_some(Datum::Decimal(if negative { -rounded } else { rounded })))
}

/// An unscaled value of `scale` in the type `to`, rounded half up; `None` when it has too many digits.
fn rescale(unscaled: i128, scale: i32, to: &DataType) -> Option<Datum> {
    let TypeRoot::Decimal { precision, scale: wanted } = to.root else { return None };
    if unscaled == 0 {
        return Some(Datum::Decimal(0));
    }
    let shift = i32::from(wanted).saturating_sub(scale);
    let value = match u32::try_from(shift) {
        Ok(up) => unscaled.checked_mul(10_i128.checked_pow(up)?)?,
        Err(_) => match 10_i128.checked_pow(shift.unsigned_abs()) {
            Some(unit) => {
                let (whole, rest) = (unscaled / unit, unscaled % unit);
                // Half of the unit rounds away from zero.
                if rest.unsigned_abs() >= unit.unsigned_abs().div_ceil(2) { whole + unscaled.signum() } else { whole }
            }
            None => 0,
        },
    };
    (value.unsigned_abs() < 10_u128.pow(u32::from(precision).min(38))).then_some(Datum::Decimal(value))
}
