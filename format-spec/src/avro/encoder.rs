//! Encodes the values of a block as Java's `BinaryEncoder` does.

use crate::binary_row::BinaryRow;

/// The bytes of a block so far.
#[derive(Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// The bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// An `int` or `long`: zigzag, in groups of seven bits, low group first.
    pub fn long(&mut self, value: i64) {
        let mut bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while bits >= 0x80 {
            self.bytes.push((bits & 0x7f) as u8 | 0x80);
            bits >>= 7;
        }
        self.bytes.push(bits as u8);
    }

    /// An `int`.
    pub fn int(&mut self, value: i32) {
        self.long(i64::from(value));
    }

    /// `bytes`, or the UTF-8 of a `string`, behind their length.
    pub fn bytes(&mut self, value: &[u8]) {
        self.count(value.len());
        self.bytes.extend_from_slice(value);
    }

    /// Bytes as they are.
    pub fn raw(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }

    /// A `string`.
    pub fn string(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    /// A row behind its arity.
    pub(crate) fn row(&mut self, row: &BinaryRow) {
        self.bytes(&row.to_serialized());
    }

    /// A union of null and another type.
    pub(crate) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.long(0),
            Some(value) => {
                self.long(1);
                write(self, value);
            }
        }
    }

    /// A `long` or null.
    pub(crate) fn optional_long(&mut self, value: Option<i64>) {
        self.optional(value, Self::long);
    }

    /// An `int` or null.
    pub(crate) fn optional_int(&mut self, value: Option<i32>) {
        self.optional(value, Self::int);
    }

    /// A list: one run of items.
    pub(crate) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        if !items.is_empty() {
            self.count(items.len());
            items.iter().for_each(|item| write(self, item));
        }
        self.long(0);
    }

    /// The number of items of a list or map, or of bytes.
    pub fn count(&mut self, count: usize) {
        // Nothing in memory is longer than an i64 can say.
        self.long(count as i64);
    }
}
