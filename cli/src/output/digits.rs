//! Numbers, dates and times as bytes of text, as [`alluvium::format::text_value`] writes them, without taking memory.

use std::io::{self, Write};

use alluvium::format::calendar::{MILLIS_PER_DAY, civil_of_days};

/// The digits of the largest decimal, its point and a zero before it.
const DECIMAL_BYTES: usize = 48;

/// A decimal with all digits of its scale.
pub(super) fn decimal(unscaled: i128, scale: u8, out: &mut Vec<u8>) {
    let mut written = DecimalDigits { digits: [b'0'; DECIMAL_BYTES], at: DECIMAL_BYTES, place: 0, scale };
    let mut rest = unscaled.unsigned_abs();
    // Divisions of 128 bits are slow, and few decimals need them.
    let mut short = loop {
        if let Ok(short) = u64::try_from(rest) {
            break short;
        }
        written.push((rest % 10) as u8);
        rest /= 10;
    };
    // At least one digit before the point.
    while short > 0 || written.place <= scale {
        written.push((short % 10) as u8);
        short /= 10;
    }
    finish(&written.digits[written.at..], unscaled < 0, out);
}

/// The digits of a decimal, written from the last to the first.
struct DecimalDigits {
    digits: [u8; DECIMAL_BYTES],
    /// Where the first one written is.
    at: usize,
    /// How many were written.
    place: u8,
    scale: u8,
}

impl DecimalDigits {
    fn push(&mut self, digit: u8) {
        if self.place == self.scale && self.scale > 0 {
            self.at -= 1;
            self.digits[self.at] = b'.';
        }
        self.at -= 1;
        self.digits[self.at] = b'0' + digit;
        self.place += 1;
    }
}

fn finish(digits: &[u8], negative: bool, out: &mut Vec<u8>) {
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(digits);
}

/// So many digits of a number, zeros first.
fn padded(value: u64, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width, b'0');
    let mut rest = value;
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// `2013-01-31`; years beyond 9999 with a sign.
pub(super) fn date(days: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_of_days(days);
    match year {
        0..=9999 => padded(year.unsigned_abs(), 4, out),
        // Writing to memory does not fail.
        10_000.. => drop(write!(out, "+{year}")),
        _ => drop(write!(out, "-{:04}", -year)),
    }
    out.push(b'-');
    padded(month.into(), 2, out);
    out.push(b'-');
    padded(day.into(), 2, out);
}

/// `10:00:00` and so many digits of the second.
pub(super) fn clock(millis_of_day: i64, nanos_of_milli: i32, digits: u8, out: &mut Vec<u8>) {
    let millis = millis_of_day.unsigned_abs();
    let seconds = millis / 1000;
    padded(seconds / 3600, 2, out);
    out.push(b':');
    padded(seconds / 60 % 60, 2, out);
    out.push(b':');
    padded(seconds % 60, 2, out);
    if digits > 0 {
        out.push(b'.');
        let start = out.len();
        padded(millis % 1000 * 1_000_000 + u64::from(nanos_of_milli.unsigned_abs()), 9, out);
        out.truncate(start + usize::from(digits.min(9)));
    }
}

/// `2013-01-31T10:00:00` and so many digits of the second.
pub(super) fn timestamp(millis: i64, nanos_of_milli: i32, digits: u8, out: &mut Vec<u8>) {
    date(millis.div_euclid(MILLIS_PER_DAY), out);
    out.push(b'T');
    clock(millis.rem_euclid(MILLIS_PER_DAY), nanos_of_milli, digits, out);
}

/// Two lower-case digits a byte.
pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]));
}

/// A finite number as JSON writes it: `1.0`, `1e+300`.
pub(super) fn double(value: f64, out: &mut Vec<u8>) -> io::Result<()> {
    Ok(serde_json::to_writer(out, &value)?)
}

/// A finite number with the digits of its FLOAT, in the form of a double: `0.1`, not `0.10000000149011612`.
pub(super) fn float(value: f32, out: &mut Vec<u8>) -> io::Result<()> {
    // The digits are those of Rust's own text, as of two that are equally short another writer may choose the other.
    double(value.to_string().parse().unwrap_or_else(|_| value.into()), out)
}
