//! How options write sizes and durations: `8 mb`, `1 h`.
//!
//! Answers to `MemorySize.parse` and `TimeUtils.parseDuration`.

use crate::error::{Error, Result};

/// The number and the lower-case unit of `text`.
fn split(text: &str) -> Option<(u64, String)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..digits].parse().ok()?;
    Some((number, text[digits..].trim().to_ascii_lowercase()))
}

/// A size in bytes: a number and `b`, `kb`, `mb`, `gb` or `tb` (1024 each), bytes without a unit.
///
/// # Errors
/// `Invalid` that says what a size looks like.
pub fn parse_memory_bytes(text: &str) -> Result<u64> {
    let wrong = || Error::invalid(format!("{text:?} is no size: write a number and b, kb, mb, gb or tb, like 8 mb"));
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let shift = match unit.as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kibibytes" => 10,
        "m" | "mb" | "mebibytes" => 20,
        "g" | "gb" | "gibibytes" => 30,
        "t" | "tb" | "tebibytes" => 40,
        _ => return Err(wrong()),
    };
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// A duration in milliseconds: a number and a unit from `ns` to `d`, milliseconds without a unit.
///
/// # Errors
/// `Invalid` that says what a duration looks like.
pub fn parse_duration_millis(text: &str) -> Result<u64> {
    let wrong = || Error::invalid(format!("{text:?} is no duration: write a number and ms, s, min, h or d, like 10 s"));
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let millis = match unit.as_str() {
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => return Ok(number / 1_000_000),
        "µs" | "us" | "micro" | "micros" | "microsecond" | "microseconds" => return Ok(number / 1_000),
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::{parse_duration_millis, parse_memory_bytes};

    #[test]
    fn sizes_and_durations_as_paimon_writes_them() {
        let sizes: Vec<_> =
            ["8 mb", "1g", "64 KB", "12", "3 tb", "x", "1 zb", ""].map(|t| parse_memory_bytes(t).ok()).into();
        assert_eq!(sizes, [Some(8 << 20), Some(1 << 30), Some(64 << 10), Some(12), Some(3 << 40), None, None, None]);
        let durations: Vec<_> =
            ["1 h", "10s", "30 min", "1d", "500", "7 x"].map(|t| parse_duration_millis(t).ok()).into();
        assert_eq!(durations, [Some(3_600_000), Some(10_000), Some(1_800_000), Some(86_400_000), Some(500), None]);
    }
}
