//! Timestamps on their way: seconds since 2015, and nanoseconds of the second.
//!
//! Goes in: moments of any precision. Comes out: what Java's reader makes the same moments of: before 1970 the seconds are cut towards
//! 1970, so that the last second before it cannot be told from the first one after it, and is refused unless it is whole. Answers to
//! `org.apache.orc.impl.writer.TimestampTreeWriter`.

use alluvium_format::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef};

use super::column::not_of_type;
use super::integers::IntegersWriter;
use super::numbers::each_value;
use super::stripe::StripeParts;
use crate::data_file::orc::compression::ChunkCompressor;
use crate::data_file::orc::read::BASE_SECONDS;
use crate::data_file::orc::sign::Sign;
use crate::data_file::orc::stripe_footer::{ColumnEncoding, StreamKind};

const NANOS_OF_MILLI: i64 = 1_000_000;

#[derive(Debug)]
pub(super) struct TimestampsWriter {
    seconds: IntegersWriter,
    nanos: IntegersWriter,
}

impl TimestampsWriter {
    pub(super) fn new() -> Self {
        Self { seconds: IntegersWriter::new(Sign::Signed), nanos: IntegersWriter::new(Sign::Unsigned) }
    }

    pub(super) fn write(&mut self, array: &ArrayRef, compressor: &mut ChunkCompressor) -> Result<()> {
        let mut refused = None;
        let mut push = |seconds: i64, nanos: i64| match stored(seconds, nanos) {
            Some((seconds, nanos)) => {
                self.seconds.push(seconds);
                self.nanos.push(nanos);
            }
            None => refused = Some((seconds, nanos)),
        };
        let ticks = each_value::<TimestampMicrosecondType>(array, |micros| {
            push(micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000) * 1000);
        });
        let ticks = ticks.or_else(|| {
            each_value::<TimestampMillisecondType>(array, |millis| {
                push(millis.div_euclid(1000), millis.rem_euclid(1000) * NANOS_OF_MILLI);
            })
        });
        if ticks.is_none() {
            each_wide(array, |millis, nanos| {
                push(millis.div_euclid(1000), millis.rem_euclid(1000) * NANOS_OF_MILLI + nanos);
            })
            .ok_or_else(|| not_of_type("timestamps"))?;
        }
        if let Some((seconds, nanos)) = refused {
            return Err(Error::invalid(format!(
                "the timestamp {seconds} seconds and {nanos} nanoseconds from 1970 cannot be told from another in an ORC \
                 file: use another file.format"
            )));
        }
        self.seconds.settle(compressor)?;
        self.nanos.settle(compressor)
    }

    pub(super) fn finish(&mut self, stripe: &mut StripeParts, compressor: &mut ChunkCompressor) -> Result<()> {
        stripe.add(StreamKind::Data, self.seconds.finish(compressor)?);
        stripe.add(StreamKind::Secondary, self.nanos.finish(compressor)?);
        stripe.encode_as(ColumnEncoding::DIRECT);
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.seconds.bytes() + self.nanos.bytes()
    }
}

/// Calls `each` with the milliseconds and the nanoseconds of them of wide timestamps that are not null.
fn each_wide(array: &ArrayRef, mut each: impl FnMut(i64, i64)) -> Option<()> {
    let parts = array.as_struct_opt()?;
    let [millis, nanos] = parts.columns() else { return None };
    let (millis, nanos) = (millis.as_primitive_opt::<Int64Type>()?, nanos.as_primitive_opt::<Int32Type>()?);
    let rows = millis.values().iter().zip(nanos.values()).enumerate();
    rows.filter(|(row, _)| parts.is_valid(*row)).for_each(|(_, (millis, nanos))| each(*millis, (*nanos).into()));
    Some(())
}

/// What the file has of a moment, whose seconds are those before it; `None` when it would come back as another.
fn stored(seconds: i64, nanos: i64) -> Option<(i64, i64)> {
    let is_fraction_before_1970 = seconds < 0 && nanos >= NANOS_OF_MILLI;
    if is_fraction_before_1970 && seconds == -1 {
        return None;
    }
    let seconds = if is_fraction_before_1970 { seconds + 1 } else { seconds };
    Some((seconds.checked_sub(BASE_SECONDS)?, format_nanos(nanos)))
}

/// Without two to eight zeros at the end, of which the last three bits say the number, less one.
fn format_nanos(nanos: i64) -> i64 {
    if nanos == 0 || nanos % 100 != 0 {
        return nanos << 3;
    }
    let (mut digits, mut zeros) = (nanos / 100, 1);
    while digits % 10 == 0 && zeros < 7 {
        digits /= 10;
        zeros += 1;
    }
    digits << 3 | zeros
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_before_1970_are_cut_towards_it() {
        assert_eq!(stored(-2, 500_000_000), Some((-1 - BASE_SECONDS, 5 << 3 | 7)));
        assert_eq!(stored(-2, 999_999), Some((-2 - BASE_SECONDS, 999_999 << 3)));
        assert_eq!(stored(-1, 0), Some((-1 - BASE_SECONDS, 0)));
        assert_eq!(stored(-1, 999_000_000), None);
        assert_eq!(stored(0, 1), Some((-BASE_SECONDS, 1 << 3)));
    }
}
