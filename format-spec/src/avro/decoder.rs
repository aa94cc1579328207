//! Decodes the values of one decompressed block.
//!
//! Goes in: the block and the type of each value in the writer's schema. Comes out: the value. Byte strings are slices of the
//! block and not copied. Never reads beyond the block; a length is compared with what is left before it is used.

use bytes::Bytes;

use super::Place;
use super::schema::Type;
use crate::binary_row::BinaryRow;
use crate::error::{Error, Result};

/// List items to make room for before they are seen.
const RESERVE: usize = 4;

/// The serialized row of no columns: the partition of most tables, and the keys of append tables.
const EMPTY_ROW: [u8; 12] = [0; 12];

/// A place in a block.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    block: &'a Bytes,
    position: usize,
    place: Place<'a>,
}

impl<'a> Decoder<'a> {
    /// At the start of `block`, whose payload is at `place`.
    pub(super) fn new(block: &'a Bytes, place: Place<'a>) -> Self {
        Self { block, position: 0, place }
    }

    /// Offset in the file of what follows, for a block that is a whole file.
    pub(super) fn offset(&self) -> usize {
        self.position
    }

    /// Bytes left in the block.
    pub(super) fn remaining(&self) -> usize {
        self.block.len() - self.position
    }

    /// The error that what is here is wrong.
    #[cold]
    pub(crate) fn corrupt(&self, why: impl std::fmt::Display) -> Error {
        let length = self.block.len();
        self.place.corrupt(format!("{why} (at byte {} of the block's {length} decompressed bytes)", self.position))
    }

    /// The type of the value that follows; `None` for null.
    pub(crate) fn present<'t>(&mut self, value: &'t Type) -> Result<Option<&'t Type>> {
        let chosen = match value {
            Type::Nullable { null_branch, value } => match self.varint()? {
                branch if branch == *null_branch => return Ok(None),
                0 | 1 => value,
                other => return Err(self.corrupt(format!("a union of two has no branch {other}"))),
            },
            Type::Union(branches) => {
                let branch = self.varint()?;
                let chosen = usize::try_from(branch).ok().and_then(|branch| branches.get(branch));
                chosen.ok_or_else(|| self.corrupt(format!("the union has no branch {branch}")))?
            }
            plain => plain,
        };
        Ok((*chosen != Type::Null).then_some(chosen))
    }

    /// The type of the value that follows, which must not be null.
    pub(crate) fn required<'t>(&mut self, value: &'t Type) -> Result<&'t Type> {
        self.present(value)?.ok_or_else(|| self.corrupt("null where a value must be"))
    }

    /// An integer.
    pub(crate) fn long(&mut self, value: &Type) -> Result<i64> {
        let value = self.required(value)?;
        self.long_value(value)
    }

    /// An integer or null.
    pub(crate) fn optional_long(&mut self, value: &Type) -> Result<Option<i64>> {
        self.present(value)?.map(|value| self.long_value(value)).transpose()
    }

    /// An integer of 32 bits.
    pub(crate) fn int(&mut self, value: &Type) -> Result<i32> {
        let long = self.long(value)?;
        self.narrow(long)
    }

    /// An integer of 32 bits, or null.
    pub(crate) fn optional_int(&mut self, value: &Type) -> Result<Option<i32>> {
        let long = self.optional_long(value)?;
        long.map(|long| self.narrow(long)).transpose()
    }

    /// Goes past the record's version, which must be `known`.
    pub(crate) fn check_version(&mut self, value: &Type, known: i32) -> Result<()> {
        match self.int(value)? {
            version if version == known => Ok(()),
            other => Err(Error::unsupported(format!(
                "{}: records of version {other}; version {known} is known",
                self.place.path
            ))),
        }
    }

    /// Bytes: a slice of the block.
    pub(crate) fn bytes(&mut self, value: &Type) -> Result<Bytes> {
        let value = self.required(value)?;
        self.bytes_value(value)
    }

    /// Bytes or null.
    pub(crate) fn optional_bytes(&mut self, value: &Type) -> Result<Option<Bytes>> {
        self.present(value)?.map(|value| self.bytes_value(value)).transpose()
    }

    /// Text.
    pub(crate) fn string(&mut self, value: &Type) -> Result<String> {
        let value = self.required(value)?;
        self.string_value(value)
    }

    /// Text or null.
    pub(crate) fn optional_string(&mut self, value: &Type) -> Result<Option<String>> {
        self.present(value)?.map(|value| self.string_value(value)).transpose()
    }

    /// A serialized row: its arity, big-endian, and its bytes.
    pub(crate) fn row(&mut self, value: &Type) -> Result<BinaryRow> {
        let bytes = self.bytes(value)?;
        if bytes == EMPTY_ROW[..] {
            return Ok(BinaryRow::empty());
        }
        BinaryRow::from_shared(&bytes).map_err(|error| self.corrupt(error))
    }

    /// A list.
    pub(crate) fn list<T>(&mut self, value: &Type, item: impl FnMut(&mut Self, &Type) -> Result<T>) -> Result<Vec<T>> {
        let value = self.required(value)?;
        self.list_value(value, item)
    }

    /// A list or null.
    pub(crate) fn optional_list<T>(
        &mut self,
        value: &Type,
        item: impl FnMut(&mut Self, &Type) -> Result<T>,
    ) -> Result<Option<Vec<T>>> {
        self.present(value)?.map(|value| self.list_value(value, item)).transpose()
    }

    /// Goes past a value of any type.
    pub(crate) fn skip(&mut self, value: &Type) -> Result<()> {
        let Some(value) = self.present(value)? else { return Ok(()) };
        match value {
            Type::Null => Ok(()),
            Type::Boolean => self.take(1).map(drop),
            Type::Integer | Type::Enum => self.varint().map(drop),
            Type::Float => self.take(4).map(drop),
            Type::Double => self.take(8).map(drop),
            Type::Bytes | Type::String => self.sized().map(drop),
            Type::Fixed(size) => self.take(*size).map(drop),
            Type::Array(item) => self.items(|decoder| decoder.skip(item)),
            Type::Map(item) => self.items(|decoder| decoder.sized().and_then(|_| decoder.skip(item))),
            Type::Nullable { .. } | Type::Union(_) => self.skip(value),
            Type::Record(record) => record.fields.iter().try_for_each(|(_, field)| self.skip(field)),
        }
    }

    fn long_value(&mut self, value: &Type) -> Result<i64> {
        match value {
            Type::Integer => self.varint(),
            other => Err(self.mismatch("an integer", other)),
        }
    }

    fn narrow(&self, long: i64) -> Result<i32> {
        i32::try_from(long).map_err(|_| self.corrupt(format!("{long} does not fit 32 bits")))
    }

    fn bytes_value(&mut self, value: &Type) -> Result<Bytes> {
        match value {
            Type::Bytes | Type::String => self.sized(),
            other => Err(self.mismatch("bytes", other)),
        }
    }

    fn string_value(&mut self, value: &Type) -> Result<String> {
        let bytes = self.bytes_value(value)?;
        match str::from_utf8(&bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(self.corrupt(format!("text is not UTF-8: {error}"))),
        }
    }

    fn list_value<T>(&mut self, value: &Type, mut item: impl FnMut(&mut Self, &Type) -> Result<T>) -> Result<Vec<T>> {
        let Type::Array(item_type) = value else { return Err(self.mismatch("a list", value)) };
        let mut items = Vec::new();
        self.items(|decoder| {
            if items.is_empty() {
                items.reserve(RESERVE);
            }
            items.push(item(decoder, item_type)?);
            Ok(())
        })?;
        Ok(items)
    }

    /// The items of a list or map: blocks of a count (negative: a byte length follows) and as many items, ended by a count of 0.
    pub(super) fn items(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        loop {
            let mut count = self.varint()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                count = count.checked_neg().ok_or_else(|| self.corrupt("a list has too many items"))?;
                self.varint()?;
            }
            // An item has a byte at least, in every list that Paimon writes.
            if usize::try_from(count).map_or(true, |count| count > self.remaining()) {
                return Err(self.corrupt(format!("a list of {count} items in {} bytes", self.remaining())));
            }
            for _ in 0..count {
                item(self)?;
            }
        }
    }

    /// Bytes behind their length.
    fn sized(&mut self) -> Result<Bytes> {
        let length = self.varint()?;
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(self.corrupt(format!("a length of {length} bytes"))),
        }
    }

    /// The next `length` bytes: a slice of the block.
    pub(super) fn take(&mut self, length: usize) -> Result<Bytes> {
        if length > self.remaining() {
            return Err(self.corrupt(format!("{length} bytes wanted, {} left", self.remaining())));
        }
        let taken = self.block.slice(self.position..self.position + length);
        self.position += length;
        Ok(taken)
    }

    /// An integer in groups of seven bits, low group first, zigzag.
    #[inline]
    pub(super) fn varint(&mut self) -> Result<i64> {
        let mut bits = 0_u64;
        for (index, byte) in self.block.iter().skip(self.position).take(10).enumerate() {
            bits |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                self.position += index + 1;
                return Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
            }
        }
        Err(self.corrupt("an integer does not end"))
    }

    #[cold]
    fn mismatch(&self, wanted: &str, found: &Type) -> Error {
        self.corrupt(format!("the schema has {found:?} where {wanted} belongs"))
    }
}
