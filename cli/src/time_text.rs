//! Times of snapshots, as arguments and in reports: milliseconds since 1970, or the wall clock of this machine.
//!
//! Answers to Paimon's `scan.timestamp-millis` and `scan.timestamp`.

use std::time::Duration;

use alluvium::format::options::parse_duration_millis;
use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, TimeZone};

/// A time that something takes, as table options write it: `10 s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration_millis(text).map(Duration::from_millis).map_err(|error| error.to_string())
}

/// A time of an argument, in milliseconds since 1970: a number of them, `2013-01-31 10:00:00[.123]` of the local zone, a date for its
/// first moment, or a time with its zone as `2013-01-31T10:00:00Z`.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if let Ok(millis) = text.parse() {
        return Ok(millis);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.timestamp_millis());
    }
    let plain = text.replacen('T', " ", 1);
    let local = NaiveDateTime::parse_from_str(&plain, "%Y-%m-%d %H:%M:%S%.f")
        .or_else(|_| NaiveDateTime::parse_from_str(&plain, "%Y-%m-%d %H:%M"))
        .or_else(|_| NaiveDate::parse_from_str(&plain, "%Y-%m-%d").map(|date| date.and_time(chrono::NaiveTime::MIN)));
    let wrong = || format!("{text:?} is no time: write it as milliseconds since 1970, or like \"2013-01-31 10:00:00\"");
    let local = local.map_err(|_| wrong())?;
    match Local.from_local_datetime(&local).earliest() {
        Some(time) => Ok(time.timestamp_millis()),
        None => Err(format!("{text:?} never was in the local zone: clocks went forward over it")),
    }
}

/// `2013-01-31 10:00:00.123` of the local zone.
pub(crate) fn show(millis: i64) -> String {
    match Local.timestamp_millis_opt(millis).earliest() {
        Some(time) => time.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        None => format!("{millis} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, show};

    #[test]
    fn times_are_read() {
        assert_eq!(parse("1359626400000"), Ok(1_359_626_400_000));
        assert_eq!(parse("2013-01-31T10:00:00Z"), Ok(1_359_626_400_000));
        assert_eq!(parse("2013-01-31T11:00:00.5+01:00"), Ok(1_359_626_400_500));
        assert!(parse("yesterday").unwrap_err().contains("write it as milliseconds"));
        assert!(parse("2013-02-31").is_err());
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for millis in [0, 1_359_626_400_123, 4_102_444_800_000] {
            assert_eq!(parse(&show(millis)), Ok(millis));
        }
        assert_eq!(parse("2013-01-31"), parse("2013-01-31 00:00:00"));
    }
}
