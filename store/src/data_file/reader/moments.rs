//! A column of timestamps, whatever their unit, in the in-memory form of any precision.
//!
//! Goes in: an array of ticks, of INT96, or of milliseconds with nanoseconds. Comes out: the same moments in the form of another
//! precision. Invariants: what is finer than the precision is cut off towards the past; what is out of range is an error.

use std::sync::Arc;

use alluvium_format::arrow::wide_timestamp_fields;
use alluvium_format::{DataType, Error, ErrorKind, Result, TypeRoot};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, Int32Array, Int64Array, PrimitiveArray, StructArray};
use arrow_schema::{DataType as ArrowType, TimeUnit};

use super::refused;
use crate::data_file::parquet::int96::{self, INT96_BYTES};

const MILLIS_OF_SECOND: i64 = 1000;
const MICROS_OF_SECOND: i64 = 1_000_000;
const NANOS_OF_SECOND: i64 = 1_000_000_000;
const NANOS_OF_MILLI: i64 = NANOS_OF_SECOND / MILLIS_OF_SECOND;

/// Timestamps of whatever unit.
pub(in crate::data_file) enum Moments {
    /// So many ticks since 1970, of which there are `per_second`.
    Ticks { ticks: Int64Array, per_second: i64 },
    /// Milliseconds since 1970 and nanoseconds of the millisecond.
    Wide(StructArray),
}

impl Moments {
    /// The timestamps of an array; `None` when it has none. Whole numbers without annotation are of the unit that Paimon keeps
    /// timestamps of `precision` in.
    pub(in crate::data_file) fn of(array: &ArrayRef, precision: u8) -> Result<Option<Self>> {
        fn ticks<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef, per_second: i64) -> Option<Moments> {
            let ticks = array.as_primitive_opt::<T>()?.reinterpret_cast::<Int64Type>();
            Some(Moments::Ticks { ticks, per_second })
        }
        let of_precision = if precision <= 3 { MILLIS_OF_SECOND } else { MICROS_OF_SECOND };
        Ok(match array.data_type() {
            ArrowType::Timestamp(TimeUnit::Second, _) => ticks::<TimestampSecondType>(array, 1),
            ArrowType::Timestamp(TimeUnit::Millisecond, _) => {
                ticks::<TimestampMillisecondType>(array, MILLIS_OF_SECOND)
            }
            ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
                ticks::<TimestampMicrosecondType>(array, MICROS_OF_SECOND)
            }
            ArrowType::Timestamp(TimeUnit::Nanosecond, _) => ticks::<TimestampNanosecondType>(array, NANOS_OF_SECOND),
            ArrowType::Int64 => ticks::<Int64Type>(array, of_precision),
            ArrowType::FixedSizeBinary(INT96_BYTES) => {
                let wide = int96::to_memory(array, &DataType::nullable(TypeRoot::Timestamp(9)))?;
                wide.as_struct_opt().cloned().map(Self::Wide)
            }
            ArrowType::Struct(fields) if *fields == wide_timestamp_fields() => {
                array.as_struct_opt().cloned().map(Self::Wide)
            }
            _ => None,
        })
    }

    /// In the in-memory form of a precision.
    pub(in crate::data_file) fn to_precision(&self, precision: u8, zone: Option<&str>) -> Result<ArrayRef> {
        Ok(match precision {
            0..=3 => Arc::new(self.ticks::<TimestampMillisecondType>(MILLIS_OF_SECOND)?.with_timezone_opt(zone)),
            4..=6 => Arc::new(self.ticks::<TimestampMicrosecondType>(MICROS_OF_SECOND)?.with_timezone_opt(zone)),
            _ => Arc::new(self.wide()?),
        })
    }

    /// As ticks of another unit.
    fn ticks<T: ArrowPrimitiveType<Native = i64>>(&self, wanted_per_second: i64) -> Result<PrimitiveArray<T>> {
        match self {
            Self::Ticks { ticks, per_second } if *per_second == wanted_per_second => Ok(ticks.reinterpret_cast::<T>()),
            Self::Ticks { ticks, per_second } if *per_second > wanted_per_second => {
                let ratio = per_second / wanted_per_second;
                Ok(ticks.unary(|tick| tick.div_euclid(ratio)))
            }
            Self::Ticks { ticks, per_second } => {
                let ratio = wanted_per_second / per_second;
                ticks.try_unary(|tick| tick.checked_mul(ratio).ok_or_else(out_of_range))
            }
            Self::Wide(parts) => {
                let (millis, nanos) = wide_parts(parts)?;
                let (per_milli, nanos_of_tick) =
                    (wanted_per_second / MILLIS_OF_SECOND, NANOS_OF_SECOND / wanted_per_second);
                let mut ticks = Vec::with_capacity(parts.len());
                for (row, (millis, nanos)) in millis.values().iter().zip(nanos.values()).enumerate() {
                    let tick = millis
                        .checked_mul(per_milli)
                        .and_then(|tick| tick.checked_add(i64::from(*nanos).div_euclid(nanos_of_tick)));
                    // Whatever lies under a null is no timestamp.
                    ticks.push(if parts.is_null(row) { 0 } else { tick.ok_or_else(out_of_range)? });
                }
                PrimitiveArray::try_new(ticks.into(), parts.nulls().cloned()).map_err(refused)
            }
        }
    }

    /// As milliseconds and nanoseconds.
    fn wide(&self) -> Result<StructArray> {
        match self {
            Self::Wide(parts) => Ok(parts.clone()),
            Self::Ticks { ticks, per_second } => {
                let millis = self.ticks::<Int64Type>(MILLIS_OF_SECOND)?;
                let (per_milli, nanos_of_tick) = ((per_second / MILLIS_OF_SECOND).max(1), NANOS_OF_SECOND / per_second);
                // A remainder below a million.
                let nanos: Int32Array =
                    ticks.unary(|tick| (tick.rem_euclid(per_milli) * nanos_of_tick % NANOS_OF_MILLI) as i32);
                let (_, millis, nulls) = millis.into_parts();
                let (_, nanos, _) = nanos.into_parts();
                let columns: Vec<ArrayRef> =
                    vec![Arc::new(Int64Array::new(millis, None)), Arc::new(Int32Array::new(nanos, None))];
                StructArray::try_new(wide_timestamp_fields(), columns, nulls).map_err(refused)
            }
        }
    }
}

fn wide_parts(parts: &StructArray) -> Result<(&Int64Array, &Int32Array)> {
    let [millis, nanos] = parts.columns() else {
        return Err(Error::internal("a wide timestamp has two parts"));
    };
    millis
        .as_primitive_opt::<Int64Type>()
        .zip(nanos.as_primitive_opt::<Int32Type>())
        .ok_or_else(|| Error::internal("the parts of a wide timestamp are Int64 and Int32"))
}

fn out_of_range() -> Error {
    Error::new(ErrorKind::Corrupt, "a timestamp is out of the range of its type")
}
