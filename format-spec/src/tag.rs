#![doc = include_str!("../tag.md")]

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::error::Result;
use crate::json;
use crate::snapshot::Snapshot;

const DAY_MILLIS: i64 = 86_400_000;
const NANOS_PER_MILLI: u32 = 1_000_000;

/// The content of `tag/tag-<name>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// The snapshot it names.
    pub snapshot: Snapshot,
    /// The writer's wall clock when it was made; only tags with a time to live have it.
    pub create_time: Option<LocalDateTime>,
    /// How long it is to live.
    pub time_retained: Option<Duration>,
}

/// A wall-clock time without a zone, as Java's `LocalDateTime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalDateTime {
    /// Milliseconds since 1970-01-01T00:00 of the same wall clock.
    millis: i64,
    /// Nanoseconds within the millisecond.
    nanos_of_milli: u32,
}

impl LocalDateTime {
    /// The wall clock that shows `millis` milliseconds since 1970-01-01T00:00.
    pub fn from_local_millis(millis: i64) -> Self {
        Self { millis, nanos_of_milli: 0 }
    }

    /// Milliseconds since 1970-01-01T00:00 of the same wall clock.
    pub fn local_millis(self) -> i64 {
        self.millis
    }

    /// From the parts of Java's list: year, month, day, hour, minute, and perhaps second and nanosecond.
    fn from_parts(parts: &[i64]) -> Option<Self> {
        let part = |index: usize, low: i64, high: i64| {
            let value = parts.get(index).copied().unwrap_or(0);
            (low..=high).contains(&value).then_some(value)
        };
        if !(5..=7).contains(&parts.len()) {
            return None;
        }
        let days = days_from_civil(part(0, -999_999, 999_999)?, part(1, 1, 12)?, part(2, 1, 31)?);
        let nanos = part(6, 0, 999_999_999)?;
        let seconds = (part(3, 0, 23)? * 60 + part(4, 0, 59)?) * 60 + part(5, 0, 59)?;
        let millis = days * DAY_MILLIS + seconds * 1000 + nanos / i64::from(NANOS_PER_MILLI);
        Some(Self { millis, nanos_of_milli: u32::try_from(nanos % i64::from(NANOS_PER_MILLI)).ok()? })
    }

    /// From ISO text, `2026-11-23T18:35:15.006174132`, which other JSON writers make of it.
    fn from_iso(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('T')?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        let mut parts = Vec::with_capacity(7);
        for part in date.splitn(3, '-').chain(time.split(':')) {
            parts.push(part.parse().ok()?);
        }
        if !fraction.is_empty() {
            parts.resize(6, 0);
            parts.push(nanos_of_fraction(fraction)?);
        }
        Self::from_parts(&parts)
    }

    /// Java's list: seconds and nanoseconds are left out when they and what follows are zero.
    fn to_json(self) -> String {
        let (year, month, day) = civil_from_days(self.millis.div_euclid(DAY_MILLIS));
        let of_day = self.millis.rem_euclid(DAY_MILLIS);
        let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
        let nanos = of_day % 1000 * i64::from(NANOS_PER_MILLI) + i64::from(self.nanos_of_milli);
        let mut text = format!("[ {year}, {month}, {day}, {hour}, {minute}");
        if second > 0 || nanos > 0 {
            let _ = write!(text, ", {second}");
        }
        if nanos > 0 {
            let _ = write!(text, ", {nanos}");
        }
        text + " ]"
    }
}

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + days.div_euclid(146_097) * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// Nanoseconds of the digits behind a decimal point.
fn nanos_of_fraction(digits: &str) -> Option<i64> {
    let kept: String = digits.chars().take(9).collect();
    if !kept.chars().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    format!("{kept:0<9}").parse().ok()
}

impl<'de> Deserialize<'de> for LocalDateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Parts(Vec<i64>),
            Iso(String),
        }
        let time = match Wire::deserialize(deserializer)? {
            Wire::Parts(parts) => Self::from_parts(&parts),
            Wire::Iso(text) => Self::from_iso(&text),
        };
        time.ok_or_else(|| {
            de::Error::custom("no date and time: expected [year, month, day, hour, minute, second, nanosecond]")
        })
    }
}

/// What a tag file holds besides the snapshot.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TagTimes {
    tag_create_time: Option<LocalDateTime>,
    #[serde(default, deserialize_with = "seconds")]
    tag_time_retained: Option<Duration>,
}

/// Decimal seconds; the shortest decimal that names the same number is what was written.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let duration = whole.parse().ok().zip(nanos_of_fraction(fraction).and_then(|nanos| u32::try_from(nanos).ok()));
    match duration {
        Some((whole, nanos)) => Ok(Some(Duration::new(whole, nanos))),
        None => Err(de::Error::custom(format!("{number} is no length of time in seconds"))),
    }
}

impl Tag {
    /// A tag without a time to live.
    pub fn of(snapshot: Snapshot) -> Self {
        Self { snapshot, create_time: None, time_retained: None }
    }

    /// The tag that the JSON text `bytes`, read from `path`, holds; [`crate::ErrorKind::Corrupt`] when it holds none.
    pub fn from_json(bytes: &[u8], path: &str) -> Result<Self> {
        let snapshot = Snapshot::from_json(bytes, path)?;
        let times: TagTimes = json::from_slice(bytes, path)?;
        Ok(Self { snapshot, create_time: times.tag_create_time, time_retained: times.tag_time_retained })
    }

    /// The text of the tag file, as Java writes it.
    pub fn to_json(&self) -> String {
        let mut text = self.snapshot.to_json();
        text.truncate(text.len().saturating_sub("\n}".len()));
        if let Some(time) = self.create_time {
            let _ = write!(text, ",\n  \"tagCreateTime\" : {}", time.to_json());
        }
        match self.time_retained {
            Some(Duration::ZERO) => text.push_str(",\n  \"tagTimeRetained\" : 0.0"),
            Some(time) => {
                let _ = write!(text, ",\n  \"tagTimeRetained\" : {}.{:09}", time.as_secs(), time.subsec_nanos());
            }
            None => {}
        }
        text + "\n}"
    }
}

#[cfg(test)]
mod tests {
    use super::{LocalDateTime, civil_from_days, days_from_civil};

    #[test]
    fn days_and_dates_answer_each_other() {
        for (days, date) in [(0, (1970, 1, 1)), (-1, (1969, 12, 31)), (11_016, (2000, 2, 29)), (-719_528, (0, 1, 1))] {
            assert_eq!(civil_from_days(days), date);
        }
        for days in (-800_000..3_000_000).step_by(13) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn a_list_leaves_out_zero_seconds() {
        for text in [
            "[ 2026, 11, 23, 18, 35, 15, 6174132 ]",
            "[ 2026, 1, 1, 0, 0 ]",
            "[ 2026, 1, 1, 0, 0, 7 ]",
            "[ 1969, 12, 31, 23, 59, 0, 1 ]",
        ] {
            assert_eq!(serde_json::from_str::<LocalDateTime>(text).unwrap().to_json(), text);
        }
        let iso = serde_json::from_str::<LocalDateTime>("\"2026-11-23T18:35:15.5\"").unwrap();
        assert_eq!(iso.to_json(), "[ 2026, 11, 23, 18, 35, 15, 500000000 ]");
        for text in ["[ 2026, 13, 1, 0, 0 ]", "[ 2026 ]", "\"yesterday\"", "3", "[ 2026, 1, 1, 24, 0 ]"] {
            assert!(serde_json::from_str::<LocalDateTime>(text).is_err(), "{text}");
        }
    }
}
