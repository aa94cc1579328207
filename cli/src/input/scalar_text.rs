//! The usual texts of dates, timestamps and decimals, read without taking memory.
//!
//! Goes in: the text of a value. Comes out: the value, or `None` for whatever is not in the usual form: then
//! [`alluvium::format::text_value::from_text`] has the word, which agrees wherever both answer.

use alluvium::format::calendar::{MILLIS_PER_DAY, days_of_civil};

/// Digits that an `i64` holds in any case.
const SHORT_DECIMAL_DIGITS: usize = 18;
/// What `2013-01-31` takes.
const DATE_BYTES: usize = 10;

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

/// The days since 1970 of `2013-01-31`.
pub(super) fn date(text: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let month = u32::try_from(number(&[*m1, *m2])?).ok()?;
    let day = u32::try_from(number(&[*d1, *d2])?).ok()?;
    i32::try_from(days_of_civil(year, month, day)?).ok()
}

/// The seconds of the day and the nanoseconds of the second of `10:00:00` or `10:00:00.123`.
fn clock(text: &[u8]) -> Option<(i64, i64)> {
    let (whole, fraction) = text.split_at_checked(8)?;
    let [h1, h2, b':', m1, m2, b':', s1, s2] = whole else { return None };
    let (hours, minutes, seconds) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let nanos = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            number(digits)? * 10_i64.pow(9 - u32::try_from(digits.len()).ok()?)
        }
        _ => return None,
    };
    Some((hours * 3600 + minutes * 60 + seconds, nanos))
}

/// The milliseconds of the day of `10:00:00.123`.
pub(super) fn time(text: &[u8]) -> Option<i32> {
    let (seconds, nanos) = clock(text)?;
    if nanos % 1_000_000 != 0 {
        return None;
    }
    i32::try_from(seconds * 1000 + nanos / 1_000_000).ok()
}

/// The milliseconds since 1970, and the nanoseconds within, of `2013-01-31T10:00:00.123` or the same with a space.
pub(super) fn timestamp(text: &[u8], precision: u8) -> Option<(i64, i32)> {
    let (day, rest) = text.split_at_checked(DATE_BYTES)?;
    let [b'T' | b' ', rest @ ..] = rest else { return None };
    let (seconds, nanos) = clock(rest)?;
    if nanos % 10_i64.pow(9 - u32::from(precision.min(9))) != 0 {
        return None;
    }
    let millis = i64::from(date(day)?) * MILLIS_PER_DAY + seconds * 1000 + nanos / 1_000_000;
    Some((millis, i32::try_from(nanos % 1_000_000).ok()?))
}

/// The unscaled value of `-12.50`.
pub(super) fn decimal(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &digits[digits.len()..]),
    };
    let missing = usize::from(scale).checked_sub(fraction.len())?;
    if whole.is_empty() || whole.len() + usize::from(scale) > SHORT_DECIMAL_DIGITS {
        return None;
    }
    let shift = 10_i64.pow(u32::try_from(fraction.len()).ok()?);
    let unscaled = (number(whole)? * shift + number(fraction)?) * 10_i64.pow(u32::try_from(missing).ok()?);
    if precision < 18 && unscaled >= 10_i64.pow(u32::from(precision)) {
        return None;
    }
    Some(i128::from(if negative { -unscaled } else { unscaled }))
}
