//! Values as Java's collections and Paimon's generated equalisers see them: their hash codes, and what equals what.
//!
//! There are two equalities. Boxed values (`Float.equals`) hold NaN equal to NaN and -0.0 apart from 0.0, and never hold two binaries
//! equal, as those are Java arrays and compared by identity. Generated equalisers compare numbers with `==` and binaries by content.
//! Answers to `hashCode` and `equals` of the internal types of `org.apache.paimon.data`, and to
//! `org.apache.paimon.codegen.RecordEqualiser`.

use alluvium_format::data_type::{DataType, TypeRoot};
use alluvium_format::datum::Datum;
use alluvium_format::murmur;

use alluvium_format::java_map::JavaKey;

/// An element of a collection, or the key of a map, with the scale that decimals of its type have.
#[derive(Clone, Debug)]
pub(super) struct Boxed {
    pub(super) value: Option<Datum>,
    scale: u8,
}

impl Boxed {
    pub(super) fn new(value: Option<Datum>, data_type: &DataType) -> Self {
        let scale = match data_type.root {
            TypeRoot::Decimal { scale, .. } => scale,
            _ => 0,
        };
        Self { value, scale }
    }
}

impl JavaKey for Boxed {
    fn hash_code(&self) -> i32 {
        self.value.as_ref().map_or(0, |value| hash_code(value, self.scale))
    }

    fn equals(&self, other: &Self) -> bool {
        boxed_equal(self.value.as_ref(), other.value.as_ref())
    }
}

fn hash_code(value: &Datum, scale: u8) -> i32 {
    match value {
        Datum::Boolean(value) => {
            if *value {
                1231
            } else {
                1237
            }
        }
        Datum::TinyInt(value) => i32::from(*value),
        Datum::SmallInt(value) => i32::from(*value),
        Datum::Int(value) | Datum::Date(value) | Datum::Time(value) => *value,
        Datum::BigInt(value) => folded(value.cast_unsigned()),
        Datum::Float(value) => canonical_f32(*value).cast_signed(),
        Datum::Double(value) => folded(canonical_f64(*value)),
        Datum::Decimal(unscaled) => big_decimal_hash(*unscaled, scale),
        Datum::String(text) => murmur::hash_bytes(text.as_bytes()),
        Datum::Bytes(bytes) => murmur::hash_bytes(bytes),
        Datum::Timestamp { millis, nanos_of_milli } => {
            folded(millis.cast_unsigned()).wrapping_mul(31).wrapping_add(*nanos_of_milli)
        }
        // Nothing hashes these: collections of them are compared one by one.
        Datum::Array(_) | Datum::Map(_) | Datum::Row(_) => 0,
    }
}

/// `Long.hashCode`.
fn folded(bits: u64) -> i32 {
    let [low, high] = [bits as u32, (bits >> 32) as u32];
    (low ^ high).cast_signed()
}

/// `Float.floatToIntBits`: every NaN is one.
fn canonical_f32(value: f32) -> u32 {
    if value.is_nan() { f32::NAN.to_bits() & 0x7fff_ffff } else { value.to_bits() }
}

/// `Double.doubleToLongBits`.
fn canonical_f64(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() & (u64::MAX >> 1) } else { value.to_bits() }
}

/// `BigDecimal.hashCode`: that of the magnitude in words of 32 bits, with the sign, and the scale.
fn big_decimal_hash(unscaled: i128, scale: u8) -> i32 {
    let magnitude = unscaled.unsigned_abs();
    let words = (0..4).rev().map(|word| (magnitude >> (32 * word)) as u32);
    let hash = words.fold(0_u32, |hash, word| hash.wrapping_mul(31).wrapping_add(word)).cast_signed();
    let signed = if unscaled < 0 { hash.wrapping_neg() } else { hash };
    signed.wrapping_mul(31).wrapping_add(i32::from(scale))
}

/// `equals` of boxed values; lists, maps and rows by their content.
pub(super) fn boxed_equal(left: Option<&Datum>, right: Option<&Datum>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(Datum::Float(a)), Some(Datum::Float(b))) => canonical_f32(*a) == canonical_f32(*b),
        (Some(Datum::Double(a)), Some(Datum::Double(b))) => canonical_f64(*a) == canonical_f64(*b),
        (Some(Datum::Bytes(_)), Some(Datum::Bytes(_))) => false,
        (Some(a), Some(b)) => equaliser_equal(Some(a), Some(b)),
        _ => false,
    }
}

/// What the equaliser that is generated for the type of the values says.
pub(super) fn equaliser_equal(left: Option<&Datum>, right: Option<&Datum>) -> bool {
    let all = |a: &[Option<Datum>], b: &[Option<Datum>]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equaliser_equal(a.as_ref(), b.as_ref()))
    };
    match (left, right) {
        (None, None) => true,
        (Some(Datum::Array(a)), Some(Datum::Array(b))) | (Some(Datum::Row(a)), Some(Datum::Row(b))) => all(a, b),
        (Some(Datum::Map(a)), Some(Datum::Map(b))) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| {
                    let in_b = b.iter().find(|(other, _)| equaliser_equal(key.as_ref(), other.as_ref()));
                    in_b.is_some_and(|(_, other)| equaliser_equal(value.as_ref(), other.as_ref()))
                })
        }
        // Numbers by `==`, the others by their content.
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}
