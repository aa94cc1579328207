//! `sum` and `product` of decimals, with unscaled values.
//!
//! A result that does not fit becomes null, with one exception that is Java's: a sum of decimals of 18 digits or fewer is kept as long as
//! it fits in 64 bits, so that `999.99 + 0.01` of `DECIMAL(5, 2)` is `1000.00`. Products and quotients are exact, then rounded half up to
//! the scale of the column. Answers to `org.apache.paimon.utils.DecimalUtils` and `Decimal.fromBigDecimal`.

use alluvium_format::{Error, Result};
use arrow_buffer::i256;

use super::folds::Rule;

/// The most digits whose unscaled values are 64 bits in Java.
const COMPACT_PRECISION_MAX: u8 = 18;

/// Adds, and takes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct DecimalSum {
    precision: u8,
}

impl DecimalSum {
    pub(super) fn new(precision: u8) -> Self {
        Self { precision }
    }

    /// `value`, or null where Java has it.
    fn fitted(self, value: Option<i128>) -> Option<i128> {
        value.filter(|value| {
            let compact = self.precision <= COMPACT_PRECISION_MAX && i64::try_from(*value).is_ok();
            compact || has_digits(*value, self.precision)
        })
    }
}

impl Rule<i128> for DecimalSum {
    fn combine(&mut self, accumulator: i128, value: i128) -> Result<Option<i128>> {
        Ok(self.fitted(accumulator.checked_add(value)))
    }

    fn retract(&mut self, accumulator: Option<i128>, value: Option<i128>) -> Result<Option<i128>> {
        Ok(match (accumulator, value) {
            (Some(accumulator), Some(value)) => self.fitted(accumulator.checked_sub(value)),
            (None, Some(value)) => value.checked_neg().filter(|value| has_digits(*value, self.precision)),
            (accumulator, None) => accumulator,
        })
    }
}

/// Multiplies, and divides back.
#[derive(Clone, Copy, Debug)]
pub(super) struct DecimalProduct {
    precision: u8,
    /// 10 to the power of the scale.
    unit: i256,
}

impl DecimalProduct {
    pub(super) fn new(precision: u8, scale: u8) -> Self {
        Self { precision, unit: i256::from_i128(10).wrapping_pow(u32::from(scale)) }
    }

    /// `numerator / denominator`, rounded half up; null when it has more digits than the column.
    fn rounded(self, numerator: i256, denominator: i256) -> Option<i128> {
        let quotient = numerator.checked_div(denominator)?;
        let rest = numerator.checked_rem(denominator)?.checked_abs()?;
        let away = if numerator.is_negative() == denominator.is_negative() { i256::ONE } else { i256::MINUS_ONE };
        let half_up = rest.checked_add(rest)? >= denominator.checked_abs()?;
        let rounded = if half_up { quotient.checked_add(away)? } else { quotient };
        rounded.to_i128().filter(|value| has_digits(*value, self.precision))
    }
}

impl Rule<i128> for DecimalProduct {
    fn combine(&mut self, accumulator: i128, value: i128) -> Result<Option<i128>> {
        let product = i256::from_i128(accumulator).wrapping_mul(i256::from_i128(value));
        Ok(self.rounded(product, self.unit))
    }

    fn retract(&mut self, accumulator: Option<i128>, value: Option<i128>) -> Result<Option<i128>> {
        match (accumulator, value) {
            (Some(_), Some(0)) => Err(Error::invalid("a product cannot take back a 0")),
            (Some(accumulator), Some(value)) => {
                if !terminates(accumulator, value) {
                    return Err(Error::invalid(
                        "a product cannot take back a value when the quotient has no end as a decimal, as 1 / 3: \
                         Paimon computes it exactly or not at all",
                    ));
                }
                let numerator = i256::from_i128(accumulator).wrapping_mul(self.unit);
                Ok(self.rounded(numerator, i256::from_i128(value)))
            }
            (accumulator, _) => Ok(accumulator),
        }
    }
}

/// Whether `value` has no more than `precision` digits.
fn has_digits(value: i128, precision: u8) -> bool {
    10_u128.checked_pow(u32::from(precision)).is_none_or(|bound| value.unsigned_abs() < bound)
}

/// Whether the quotient of two whole numbers has an end as a decimal: the denominator, reduced, has only the factors 2 and 5.
fn terminates(numerator: i128, denominator: i128) -> bool {
    let (mut rest, mut divisor) = (denominator.unsigned_abs(), numerator.unsigned_abs());
    let whole = rest;
    while divisor != 0 {
        (rest, divisor) = (divisor, rest % divisor);
    }
    let mut reduced = whole / rest.max(1);
    for factor in [2, 5] {
        while reduced != 0 && reduced % factor == 0 {
            reduced /= factor;
        }
    }
    reduced <= 1
}
