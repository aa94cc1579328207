//! Days and milliseconds to and from the proleptic Gregorian calendar, as Java's `java.time` counts them.

/// Milliseconds of a day.
pub const MILLIS_PER_DAY: i64 = 86_400_000;

/// Year, month (1 to 12) and day (1 to 31) of a number of days since 1970-01-01.
pub fn civil_of_days(days: i64) -> (i64, u32, u32) {
    // Eras of 400 years that begin on 0000-03-01 have 146097 days each.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// Days since 1970-01-01 of a date; `None` when there is no such day.
pub fn days_of_civil(year: i64, month: u32, day: u32) -> Option<i64> {
    if !(-999_999..=999_999).contains(&year)
        || !(1..=12).contains(&month)
        || day < 1
        || day > days_of_month(year, month)
    {
        return None;
    }
    let shifted_year = year - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let shifted_month = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn days_of_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A date as `2013-01-31`; years beyond 9999 with a sign, as ISO 8601 and Java write them.
pub fn date_text(days: i64) -> String {
    let (year, month, day) = civil_of_days(days);
    match year {
        0..=9999 => format!("{year:04}-{month:02}-{day:02}"),
        10_000.. => format!("+{year}-{month:02}-{day:02}"),
        _ => format!("-{:04}-{month:02}-{day:02}", -year),
    }
}

#[cfg(test)]
mod tests {
    use super::{civil_of_days, date_text, days_of_civil};

    #[test]
    fn days_and_dates() {
        assert_eq!(date_text(0), "1970-01-01");
        assert_eq!(date_text(-1), "1969-12-31");
        assert_eq!(date_text(19_000), "2022-01-08");
        assert_eq!(date_text(-719_162), "0001-01-01");
        assert_eq!(date_text(2_932_896), "9999-12-31");
        assert_eq!((days_of_civil(2023, 2, 29), days_of_civil(2024, 2, 29)), (None, Some(19_782)));
        for days in (-800_000..3_000_000).step_by(97) {
            let (year, month, day) = civil_of_days(days);
            assert_eq!(days_of_civil(year, month, day), Some(days));
        }
    }
}
