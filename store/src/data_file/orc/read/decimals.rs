//! Decimals: unscaled numbers of any size, and how many digits each has behind the point.
//!
//! Goes in: values of whatever scale the writer chose: Java leaves trailing zeros out. Comes out: values of the scale of the type,
//! rounded half up where the file has more digits. Invariant: a value of more digits than the type has is an error.

use std::sync::Arc;

use alluvium_format::TypeRoot;
use arrow_array::{ArrayRef, Decimal128Array};
use arrow_buffer::NullBuffer;

use super::byte_stream::ByteStream;
use super::integers::Integers;
use super::plan::ColumnPlan;
use super::stripe::StripeStreams;
use super::validity;
use crate::data_file::orc::Decoded;
use crate::data_file::orc::sign::Sign;
use crate::data_file::orc::stripe_footer::StreamKind;

#[derive(Debug)]
pub(super) struct Decimals {
    unscaled: ByteStream,
    scales: Integers,
    precision: u8,
    scale: u8,
}

impl Decimals {
    pub(super) fn begin(plan: &ColumnPlan, streams: &mut StripeStreams) -> Decoded<Self> {
        let TypeRoot::Decimal { precision, scale } = plan.data_type.root else {
            return Err("decimals where the schema has none".into());
        };
        let version = streams.encoding(plan.number)?.version;
        let scales = Integers::of(streams.take(plan.number, StreamKind::Secondary), version, Sign::Signed);
        Ok(Self { unscaled: streams.take(plan.number, StreamKind::Data), scales, precision, scale })
    }

    pub(super) fn read(&mut self, rows: usize, nulls: Option<NullBuffer>) -> Decoded<ArrayRef> {
        let scales = self.scales.read(validity::count(nulls.as_ref(), rows))?;
        let limit = 10_i128.checked_pow(self.precision.into()).ok_or("a precision that no decimal has")?;
        let mut values = Vec::with_capacity(scales.len());
        for scale in scales {
            let zigzag = self.unscaled.wide_varint()?;
            let unscaled = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
            let value = rescaled(unscaled, i64::from(self.scale) - scale);
            let value = value.filter(|value| value.unsigned_abs() < limit.unsigned_abs());
            values.push(value.ok_or_else(|| format!("{unscaled}, {scale} digits behind the point, does not fit"))?);
        }
        let array = Decimal128Array::new(validity::spread(values, nulls.as_ref()).into(), nulls);
        Ok(Arc::new(array.with_precision_and_scale(self.precision, self.scale.cast_signed())?))
    }
}

/// With so many digits more, or fewer, behind the point; `None` when it is too large.
fn rescaled(unscaled: i128, digits: i64) -> Option<i128> {
    let power = 10_i128.checked_pow(u32::try_from(digits.unsigned_abs()).ok()?);
    if digits >= 0 {
        return if unscaled == 0 { Some(0) } else { unscaled.checked_mul(power?) };
    }
    let Some(power) = power else { return Some(0) };
    let (quotient, rest) = (unscaled / power, unscaled % power);
    let up = rest.unsigned_abs() >= power.unsigned_abs().div_ceil(2);
    Some(if up { quotient + unscaled.signum() } else { quotient })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_added_and_rounded_half_up() {
        assert_eq!(rescaled(-12, 2), Some(-1200));
        assert_eq!(rescaled(125, -1), Some(13));
        assert_eq!(rescaled(-125, -1), Some(-13));
        assert_eq!(rescaled(124, -1), Some(12));
        assert_eq!(rescaled(0, 60), Some(0));
        assert_eq!(rescaled(5, 60), None);
        assert_eq!(rescaled(i128::MAX, -60), Some(0));
    }
}
