//! The zone of a stripe's writer, which its timestamps without zone were moments of.
//!
//! Goes in: the name of a zone, as Java has it. Comes out: the time on the wall of a stored moment. Answers to
//! `SerializationUtils.convertBetweenTimezones`.

use chrono::{DateTime, FixedOffset, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{OffsetComponents, Tz};

use super::timestamps::BASE_SECONDS;
use crate::data_file::orc::Decoded;

/// 1900-01-01T00:00:00, in seconds since 1970: Java's zones have no rules before it.
const FIRST_RULED_SECONDS: i64 = -2_208_988_800;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriterZone {
    /// Always so many seconds before UTC, or behind.
    Fixed(i64),
    /// As the rules of a place say.
    Ruled { zone: Tz, base_offset: i64, early_offset: i64 },
}

impl WriterZone {
    pub(super) const UTC: Self = Self::Fixed(0);

    /// The zone of this name: that of a place, or such as `GMT+08:00`.
    pub(super) fn named(name: &str) -> Decoded<Self> {
        if let Ok(zone) = name.parse::<Tz>() {
            if matches!(zone, Tz::UTC | Tz::GMT | Tz::Etc__UTC | Tz::Etc__GMT) {
                return Ok(Self::UTC);
            }
            let base = DateTime::from_timestamp(BASE_SECONDS, 0).unwrap_or_default().naive_utc();
            let base = zone.from_local_datetime(&base).earliest().ok_or("a zone without the beginning of 2015")?;
            let (base_offset, early_offset) = (base.offset().fix().local_minus_utc(), base.offset().base_utc_offset());
            let early_offset = early_offset.num_seconds();
            return Ok(Self::Ruled { zone, base_offset: base_offset.into(), early_offset });
        }
        let offset = name.strip_prefix("GMT").and_then(|offset| offset.parse::<FixedOffset>().ok());
        let offset = offset.ok_or_else(|| format!("timestamps of the unknown zone {name}"))?;
        Ok(Self::Fixed(offset.local_minus_utc().into()))
    }

    /// Seconds since 1970 when the wall showed the beginning of 2015.
    pub(super) fn base_seconds(self) -> i64 {
        let (Self::Fixed(offset) | Self::Ruled { base_offset: offset, .. }) = self;
        BASE_SECONDS - offset
    }

    /// The seconds since 1970 that the wall showed at a moment.
    pub(super) fn on_the_wall(self, seconds: i64) -> Option<i64> {
        let offset = match self {
            Self::Fixed(offset) => offset,
            Self::Ruled { early_offset, .. } if seconds < FIRST_RULED_SECONDS => early_offset,
            Self::Ruled { zone, .. } => {
                let moment: NaiveDateTime = DateTime::from_timestamp(seconds, 0)?.naive_utc();
                zone.offset_from_utc_datetime(&moment).fix().local_minus_utc().into()
            }
        };
        seconds.checked_add(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walls_show_the_time_of_their_place() {
        // 2024-07-01T12:00:00, in summer, and 2024-01-01T12:00:00.
        for wall in [1_719_835_200, 1_704_110_400] {
            for (name, offset) in [("UTC", 0), ("GMT+08:00", 28_800), ("Asia/Shanghai", 28_800), ("GMT-03:30", -12_600)]
            {
                let zone = WriterZone::named(name).unwrap();
                let stored = wall - BASE_SECONDS;
                assert_eq!(stored + zone.base_seconds(), wall - offset, "{name}");
                assert_eq!(zone.on_the_wall(wall - offset), Some(wall), "{name}");
            }
        }
        let new_york = WriterZone::named("America/New_York").unwrap();
        // The base is in winter, five hours behind, and summer is four.
        let summer = 1_719_835_200 - 3600 - BASE_SECONDS + new_york.base_seconds();
        assert_eq!(new_york.on_the_wall(summer), Some(1_719_835_200));
        let shanghai = WriterZone::named("Asia/Shanghai").unwrap();
        assert_eq!(shanghai.on_the_wall(FIRST_RULED_SECONDS - 1), Some(FIRST_RULED_SECONDS - 1 + 28_800));
        assert!(WriterZone::named("Nowhere").is_err());
    }
}
