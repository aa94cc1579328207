//! Timestamps: seconds since 2015, and nanoseconds of the second.
//!
//! Goes in: moments as Java's writer leaves them: of those before 1970 the seconds were cut towards 1970, not towards the past. Comes
//! out: the moments that Java's reader makes of them, in the in-memory form of the precision, so that one in the last second before
//! 1970 is a second late. A timestamp without zone is the time on the wall of who wrote it; so is one with local zone, of a clock in
//! UTC, unless the table says that it is not. Answers to `TreeReaderFactory.TimestampTreeReader`.

use std::sync::Arc;

use alluvium_format::arrow::{UTC, wide_timestamp_fields};
use alluvium_format::{CoreOptions, Error, Result, TypeRoot};
use arrow_array::types::{TimestampMicrosecondType, TimestampMillisecondType};
use arrow_array::{ArrayRef, Int32Array, Int64Array, PrimitiveArray, StructArray};
use arrow_buffer::NullBuffer;

use super::integers::Integers;
use super::plan::ColumnPlan;
use super::stripe::StripeStreams;
use super::validity;
use super::writer_zone::WriterZone;
use crate::data_file::orc::Decoded;
use crate::data_file::orc::schema::TypeKind;
use crate::data_file::orc::sign::Sign;
use crate::data_file::orc::stripe_footer::StreamKind;

/// 2015-01-01T00:00:00, in seconds since 1970.
pub(in crate::data_file::orc) const BASE_SECONDS: i64 = 1_420_070_400;
const LEGACY_TYPE: &str = "orc.timestamp-ltz.legacy.type";
const NANOS_OF_MILLI: i64 = 1_000_000;
const NANOS_OF_SECOND: i64 = 1_000_000_000;

/// What timestamps with local zone are in files: `orc.timestamp-ltz.legacy.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data_file) enum Instants {
    /// Moments at which the wall of the writer showed what the clock in UTC should: Java's default.
    Shifted,
    /// Moments.
    True,
}

impl Instants {
    /// # Errors
    /// `Invalid` when the option is wrong.
    pub(in crate::data_file) fn of(options: &CoreOptions) -> Result<Self> {
        match options.get(LEGACY_TYPE).map(str::to_ascii_lowercase).as_deref() {
            None | Some("true") => Ok(Self::Shifted),
            Some("false") => Ok(Self::True),
            Some(other) => {
                Err(Error::invalid(format!("the option {LEGACY_TYPE} is {other:?}; it must be true or false")))
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Timestamps {
    seconds: Integers,
    nanos: Integers,
    precision: u8,
    /// Of the type.
    zone: Option<&'static str>,
    /// What seconds are counted from, since 1970.
    base_seconds: i64,
    writer_zone: WriterZone,
}

impl Timestamps {
    pub(super) fn begin(plan: &ColumnPlan, streams: &mut StripeStreams) -> Decoded<Self> {
        let (precision, zone) = match plan.data_type.root {
            TypeRoot::Timestamp(precision) => (precision, None),
            TypeRoot::TimestampLtz(precision) => (precision, Some(UTC)),
            _ => return Err("timestamps where the schema has none".into()),
        };
        let writer_zone = match streams.writer_zone() {
            Some(name) if plan.kind == TypeKind::Timestamp || streams.instants() == Instants::Shifted => {
                WriterZone::named(name)?
            }
            _ => WriterZone::UTC,
        };
        let base_seconds = if plan.kind == TypeKind::Timestamp { writer_zone.base_seconds() } else { BASE_SECONDS };
        let version = streams.encoding(plan.number)?.version;
        Ok(Self {
            seconds: Integers::of(streams.take(plan.number, StreamKind::Data), version, Sign::Signed),
            nanos: Integers::of(streams.take(plan.number, StreamKind::Secondary), version, Sign::Unsigned),
            precision,
            zone,
            base_seconds,
            writer_zone,
        })
    }

    pub(super) fn read(&mut self, rows: usize, nulls: Option<NullBuffer>) -> Decoded<ArrayRef> {
        let count = validity::count(nulls.as_ref(), rows);
        let moments = self.seconds.read(count)?.into_iter().zip(self.nanos.read(count)?);
        let (base, zone) = (self.base_seconds, self.writer_zone);
        let moments = moments.map(|(seconds, nanos)| moment(seconds.checked_add(base)?, nanos, zone));
        let moments = moments.map(|moment| moment.ok_or("a timestamp out of range"));
        match self.precision {
            0..=3 => {
                let millis = moments.map(|moment| ticks(moment?, 1000)).collect::<Decoded<Vec<_>>>()?;
                let millis = validity::spread(millis, nulls.as_ref()).into();
                let array = PrimitiveArray::<TimestampMillisecondType>::new(millis, nulls);
                Ok(Arc::new(array.with_timezone_opt(self.zone)))
            }
            4..=6 => {
                let micros = moments.map(|moment| ticks(moment?, 1_000_000)).collect::<Decoded<Vec<_>>>()?;
                let micros = validity::spread(micros, nulls.as_ref()).into();
                let array = PrimitiveArray::<TimestampMicrosecondType>::new(micros, nulls);
                Ok(Arc::new(array.with_timezone_opt(self.zone)))
            }
            _ => {
                let (mut millis, mut rest) = (Vec::with_capacity(count), Vec::with_capacity(count));
                for moment in moments {
                    let (seconds, nanos) = moment?;
                    millis.push(ticks((seconds, nanos), 1000)?);
                    // A remainder below a million.
                    rest.push((nanos % NANOS_OF_MILLI) as i32);
                }
                let columns: Vec<ArrayRef> = vec![
                    Arc::new(Int64Array::new(validity::spread(millis, nulls.as_ref()).into(), None)),
                    Arc::new(Int32Array::new(validity::spread(rest, nulls.as_ref()).into(), None)),
                ];
                Ok(Arc::new(StructArray::try_new(wide_timestamp_fields(), columns, nulls)?))
            }
        }
    }
}

/// Seconds on the wall, towards the past, and nanoseconds, of the seconds since 1970 and the nanoseconds that a file has.
fn moment(seconds: i64, nanos: i64, zone: WriterZone) -> Option<(i64, i64)> {
    let nanos = parse_nanos(nanos)?;
    // The millisecond decides, as in Java: whole ones are no fraction.
    let is_fraction_before_1970 = seconds < 0 && nanos >= NANOS_OF_MILLI;
    let seconds = if is_fraction_before_1970 { seconds.checked_sub(1)? } else { seconds };
    Some((zone.on_the_wall(seconds)?, nanos))
}

/// The last three bits say how many zeros were left out at the end, less one; none when they are 0.
fn parse_nanos(stored: i64) -> Option<i64> {
    let (digits, zeros) = (stored >> 3, u32::try_from(stored & 7).ok()?);
    let nanos = if zeros == 0 { digits } else { digits.checked_mul(10_i64.pow(zeros + 1))? };
    (0..NANOS_OF_SECOND).contains(&nanos).then_some(nanos)
}

fn ticks((seconds, nanos): (i64, i64), per_second: i64) -> Decoded<i64> {
    let ticks =
        seconds.checked_mul(per_second).and_then(|ticks| ticks.checked_add(nanos / (NANOS_OF_SECOND / per_second)));
    ticks.ok_or_else(|| "a timestamp out of the range of its type".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(seconds: i64, nanos: i64) -> (i64, i64) {
        moment(seconds, nanos << 3, WriterZone::UTC).unwrap()
    }

    #[test]
    fn moments_before_1970_are_as_java_reads_them() {
        assert_eq!(stored(-1, 500_000_000), (-2, 500_000_000));
        assert_eq!(stored(-2, 999_999), (-2, 999_999));
        assert_eq!(stored(-2, 0), (-2, 0));
        assert_eq!(stored(0, 999_000_000), (0, 999_000_000));
    }

    #[test]
    fn zeros_at_the_end_come_back() {
        assert_eq!(parse_nanos(1 << 3 | 7), Some(100_000_000));
        assert_eq!(parse_nanos(1 << 3 | 1), Some(100));
        assert_eq!(parse_nanos(123_456_789 << 3), Some(123_456_789));
        assert_eq!(parse_nanos(-8), None);
        assert_eq!(parse_nanos(i64::MAX), None);
    }
}
