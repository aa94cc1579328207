#![doc = include_str!("../tag.md")]

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::calendar;
use crate::error::Result;
use crate::json;
use crate::snapshot::Snapshot;

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
        let month_and_day = (u32::try_from(part(1, 1, 12)?).ok()?, u32::try_from(part(2, 1, 31)?).ok()?);
        let days = calendar::days_of_civil(part(0, -999_999, 999_999)?, month_and_day.0, month_and_day.1)?;
        let nanos = part(6, 0, 999_999_999)?;
        let seconds = (part(3, 0, 23)? * 60 + part(4, 0, 59)?) * 60 + part(5, 0, 59)?;
        let millis = days * calendar::MILLIS_PER_DAY + seconds * 1000 + nanos / i64::from(NANOS_PER_MILLI);
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
        let (year, month, day) = calendar::civil_of_days(self.millis.div_euclid(calendar::MILLIS_PER_DAY));
        let of_day = self.millis.rem_euclid(calendar::MILLIS_PER_DAY);
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
    use super::LocalDateTime;

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
