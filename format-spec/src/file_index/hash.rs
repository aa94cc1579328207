//! The 64-bit hash of a value in a bloom filter: xxHash64 of texts and byte strings, Thomas Wang's mix of numbers.
//!
//! Answers to `org.apache.paimon.fileindex.bloomfilter.FastHash`.

use super::value::{Probe, Value, ValueForm, Values};
use crate::data_type::{DataType, TypeRoot};
use crate::datum::Datum;
use crate::error::{Error, Result};

const PRIME_1: u64 = 0x9e37_79b1_85eb_ca87;
const PRIME_2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const PRIME_3: u64 = 0x1656_67b1_9e37_79f9;
const PRIME_4: u64 = 0x85eb_ca77_c2b2_ae63;
const PRIME_5: u64 = 0x27d4_eb2f_1656_67c5;

/// The hash of a value of `data_type`.
///
/// # Errors
/// [`crate::ErrorKind::Unsupported`] for a value or a type that bloom filters do not have.
pub fn hash_of(value: &Datum, data_type: &DataType) -> Result<i64> {
    let unsupported = || Error::unsupported(format!("a bloom filter over {data_type}"));
    let form = bloom_form(data_type).ok_or_else(unsupported)?;
    Probe::of(value, data_type).map(|probe| hash(&probe.value, form)).ok_or_else(unsupported)
}

/// The form of a type that bloom filters have.
pub(super) fn bloom_form(data_type: &DataType) -> Option<ValueForm> {
    match data_type.root {
        TypeRoot::Boolean | TypeRoot::Decimal { .. } => None,
        _ => ValueForm::of(data_type),
    }
}

/// The hash of a value.
pub(super) fn hash(value: &Value, form: ValueForm) -> i64 {
    match value {
        Value::Number(number) => mix(form.bits(*number)),
        Value::Bytes(bytes) => xx_hash(bytes),
    }
}

/// Calls `take` with the hash of each value of a column that is not null.
pub(super) fn for_each_hash(values: &Values, form: ValueForm, mut take: impl FnMut(i64)) {
    match values {
        Values::Numbers(values) => values.iter().flatten().for_each(|number| take(mix(form.bits(number)))),
        Values::Texts(values) => values.iter().flatten().for_each(|text| take(xx_hash(text.as_bytes()))),
        Values::Bytes(values) => values.iter().flatten().for_each(|bytes| take(xx_hash(bytes))),
    }
}

/// Thomas Wang's 64-bit mix, with Java's arithmetic shifts.
fn mix(key: i64) -> i64 {
    let key = (!key).wrapping_add(key << 21);
    let key = key ^ (key >> 24);
    let key = key.wrapping_add(key << 3).wrapping_add(key << 8);
    let key = key ^ (key >> 14);
    let key = key.wrapping_add(key << 2).wrapping_add(key << 4);
    let key = key ^ (key >> 28);
    key.wrapping_add(key << 31)
}

/// xxHash64 with seed 0.
fn xx_hash(bytes: &[u8]) -> i64 {
    let round =
        |lane: u64, word: u64| lane.wrapping_add(word.wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1);
    let (stripes, rest) = bytes.as_chunks::<32>();
    let mut hash = PRIME_5;
    if !stripes.is_empty() {
        let mut lanes = [PRIME_1.wrapping_add(PRIME_2), PRIME_2, 0, 0_u64.wrapping_sub(PRIME_1)];
        for stripe in stripes {
            for (lane, word) in lanes.iter_mut().zip(stripe.as_chunks::<8>().0) {
                *lane = round(*lane, u64::from_le_bytes(*word));
            }
        }
        let turned = lanes.iter().zip([1, 7, 12, 18]).map(|(lane, turn)| lane.rotate_left(turn));
        hash = turned.fold(0, u64::wrapping_add);
        for lane in lanes {
            hash = (hash ^ round(0, lane)).wrapping_mul(PRIME_1).wrapping_add(PRIME_4);
        }
    }
    hash = hash.wrapping_add(bytes.len() as u64);
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        hash = (hash ^ round(0, u64::from_le_bytes(*word))).rotate_left(27).wrapping_mul(PRIME_1).wrapping_add(PRIME_4);
    }
    let (halves, rest) = rest.as_chunks::<4>();
    for half in halves {
        let half = u64::from(u32::from_le_bytes(*half)).wrapping_mul(PRIME_1);
        hash = (hash ^ half).rotate_left(23).wrapping_mul(PRIME_2).wrapping_add(PRIME_3);
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte).wrapping_mul(PRIME_5)).rotate_left(11).wrapping_mul(PRIME_1);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(PRIME_2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(PRIME_3);
    (hash ^ (hash >> 32)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::xx_hash;

    /// From the reference implementation of xxHash.
    #[test]
    fn known_hashes() {
        let known = |bytes: &[u8]| xx_hash(bytes).cast_unsigned();
        assert_eq!(known(b""), 0xef46_db37_51d8_e999);
        assert_eq!(known(b"a"), 0xd24e_c4f1_a98c_6e5b);
        assert_eq!(known(b"abc"), 0x44bc_2cf5_ad77_0999);
        assert_eq!(known(b"Nobody inspects the spammish repetition"), 0xfbce_a83c_8a37_8bf1);
    }
}
