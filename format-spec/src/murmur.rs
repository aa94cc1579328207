//! Murmur3, 32 bits, seed 42, over whole 4-byte little-endian words: Paimon's hash of a [`crate::BinaryRow`]; and over any bytes, as
//! it hashes texts in memory, and as everybody else does.
//!
//! Answers to `org.apache.paimon.utils.MurmurHashUtils`, and to Guava's `Hashing.murmur3_32()`.

const SEED: u32 = 42;
const C1: u32 = 0xcc9e_2d51;
const C2: u32 = 0x1b87_3593;

/// The hash of `bytes`; bytes after the last whole word do not count, as rows always end at one.
#[inline]
pub fn hash_words(bytes: &[u8]) -> i32 {
    let (words, _) = bytes.as_chunks::<4>();
    let hash = words.iter().fold(SEED, |hash, word| mixed(hash, u32::from_le_bytes(*word)));
    let length = u32::try_from(words.len() * 4).unwrap_or(u32::MAX);
    finish(hash ^ length).cast_signed()
}

/// The hash of `bytes`, of which each behind the last whole word is a word of its own, with its sign.
pub fn hash_bytes(bytes: &[u8]) -> i32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let hash = words.iter().fold(SEED, |hash, word| mixed(hash, u32::from_le_bytes(*word)));
    let hash = rest.iter().fold(hash, |hash, byte| mixed(hash, i32::from(byte.cast_signed()).cast_unsigned()));
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    finish(hash ^ length).cast_signed()
}

/// The hash of `bytes` with seed 0, of which those behind the last whole word are one short word.
pub fn hash_standard(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let hash = words.iter().fold(0, |hash, word| mixed(hash, u32::from_le_bytes(*word)));
    let short = rest.iter().rev().fold(0, |word, byte| (word << 8) | u32::from(*byte));
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    finish(hash ^ scrambled(short) ^ length)
}

#[inline]
fn scrambled(word: u32) -> u32 {
    word.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

#[inline]
fn mixed(hash: u32, word: u32) -> u32 {
    (hash ^ scrambled(word)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
}

#[inline]
fn finish(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}
