//! Names of tags that are made once a period: which names those are, and which moments they stand for.
//!
//! Goes in: `tag.creation-period`, `tag.creation-period-duration` and `tag.period-formatter`, and a name. Comes out: milliseconds of the
//! moment since 1970-01-01 on the clock that the names were made by. Answers to `org.apache.paimon.tag.TagPeriodHandler`.

use super::{CoreOptions, key};
use crate::calendar::{MILLIS_PER_DAY, days_of_civil};
use crate::error::Result;

const MILLIS_PER_MINUTE: i64 = 60_000;

/// The form of such names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoTagNames {
    /// Letters are digits of year, month, day, hour and minute; all else stands for itself.
    pattern: &'static str,
    /// Whether what stands behind a space is left out of account.
    is_date_only: bool,
}

impl AutoTagNames {
    const fn of(pattern: &'static str) -> Self {
        Self { pattern, is_date_only: false }
    }

    /// The moment that a name stands for; `None` where it is no such name.
    pub fn time_of(self, name: &str) -> Option<i64> {
        let name = if self.is_date_only { name.split(' ').next()? } else { name };
        if name.len() != self.pattern.len() {
            return None;
        }
        let [mut year, mut month, mut day, mut hour, mut minute] = [0u32; 5];
        for (wanted, found) in self.pattern.chars().zip(name.chars()) {
            let part = match wanted {
                'Y' => &mut year,
                'M' => &mut month,
                'D' => &mut day,
                'H' => &mut hour,
                'm' => &mut minute,
                other if other == found => continue,
                _ => return None,
            };
            *part = *part * 10 + found.to_digit(10)?;
        }
        if hour > 23 || minute > 59 {
            return None;
        }
        let days = days_of_civil(i64::from(year), month, day)?;
        Some(days * MILLIS_PER_DAY + i64::from(hour * 60 + minute) * MILLIS_PER_MINUTE)
    }
}

impl CoreOptions {
    /// The names that tags get that are made once a period.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong.
    pub fn auto_tag_names(&self) -> Result<AutoTagNames> {
        if self.get(key::TAG_CREATION_PERIOD_DURATION).is_some() {
            return Ok(AutoTagNames::of("YYYYMMDDHHmm"));
        }
        let word = |name: &str, default: &'static str| {
            self.get(name).map_or_else(|| default.to_owned(), |text| text.to_ascii_lowercase().replace('-', "_"))
        };
        let formatter = word(key::TAG_PERIOD_FORMATTER, "with_dashes");
        let formatters = ["with_dashes", "without_dashes", "without_dashes_and_spaces"];
        if !formatters.contains(&formatter.as_str()) {
            return Err(self.invalid(key::TAG_PERIOD_FORMATTER, formatters.join(", ")));
        }
        Ok(match (word(key::TAG_CREATION_PERIOD, "daily").as_str(), formatter.as_str()) {
            ("daily", "with_dashes") => AutoTagNames { pattern: "YYYY-MM-DD", is_date_only: true },
            ("daily", _) => AutoTagNames { pattern: "YYYYMMDD", is_date_only: true },
            ("hourly", "with_dashes") | ("two_hours", _) => AutoTagNames::of("YYYY-MM-DD HH"),
            ("hourly", "without_dashes") => AutoTagNames::of("YYYYMMDD HH"),
            ("hourly", _) => AutoTagNames::of("YYYYMMDDHH"),
            _ => return Err(self.invalid(key::TAG_CREATION_PERIOD, "daily, hourly or two-hours")),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::options::CoreOptions;

    const HOUR: i64 = 3_600_000;

    fn check(options: &[(&str, &str)], name: &str, hours: Option<i64>) {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let names = CoreOptions::new(options.collect()).auto_tag_names().expect("the options are right");
        assert_eq!(names.time_of(name), hours.map(|hours| hours * HOUR), "{name:?} {names:?}");
    }

    #[test]
    fn names_are_moments() {
        check(&[], "1970-01-02", Some(24));
        check(&[], "1970-01-02 of whom", Some(24));
        check(&[], "1970-02-30", None);
        check(&[], "19700102", None);
        check(&[], "v1", None);
        check(&[("tag.period-formatter", "without_dashes")], "19700102", Some(24));
        let hourly = ("tag.creation-period", "hourly");
        check(&[hourly], "1970-01-01 23", Some(23));
        check(&[hourly], "1970-01-01 24", None);
        check(&[hourly, ("tag.period-formatter", "without_dashes")], "19700101 05", Some(5));
        check(&[hourly, ("tag.period-formatter", "without_dashes_and_spaces")], "1970010105", Some(5));
        check(&[("tag.creation-period", "two-hours")], "1970-01-01 02", Some(2));
        check(&[("tag.creation-period-duration", "30 min")], "197001010300", Some(3));
        check(&[("tag.creation-period-duration", "30 min")], "1970010103é", None);
    }
}
