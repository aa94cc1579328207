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
pub struct Decoder<'a> {
    block: &'a Bytes,
    position: usize,
    place: Place<'a>,
}

/// Items of a list or map that follow each other.
struct Run {
    items: usize,
    /// How many bytes they take, where the file says so.
    bytes: Option<usize>,
}

impl<'a> Decoder<'a> {
    /// At `position` of `block`, whose payload is at `place`.
    pub fn new(block: &'a Bytes, position: usize, place: Place<'a>) -> Self {
        Self { block, position: position.min(block.len()), place }
    }

    /// Where in the block it is.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes left in the block.
    pub fn remaining(&self) -> usize {
        self.block.len() - self.position
    }

    /// Checks that this is the end of the block.
    ///
    /// # Errors
    /// `Corrupt` when it is not.
    pub fn check_end(&self) -> Result<()> {
        if self.remaining() > 0 { Err(self.corrupt("the block goes on after its last record")) } else { Ok(()) }
    }

    /// The error that what is here is wrong.
    #[cold]
    pub fn corrupt(&self, why: impl std::fmt::Display) -> Error {
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
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn skip(&mut self, value: &Type) -> Result<()> {
        let Some(value) = self.present(value)? else { return Ok(()) };
        match value {
            Type::Null => Ok(()),
            Type::Boolean => self.slice(1).map(drop),
            Type::Integer | Type::Timestamp { .. } | Type::Enum => self.varint().map(drop),
            Type::Float => self.slice(4).map(drop),
            Type::Double => self.slice(8).map(drop),
            Type::Bytes | Type::Decimal { .. } | Type::String => self.sized_slice().map(drop),
            Type::Fixed(size) => self.slice(*size).map(drop),
            Type::Array(item) => self.skip_items(|decoder| decoder.skip(item)),
            Type::Map(item) => self.skip_items(|decoder| decoder.sized_slice().and_then(|_| decoder.skip(item))),
            Type::Nullable { .. } | Type::Union(_) => self.skip(value),
            Type::Record(record) => record.fields.iter().try_for_each(|(_, field)| self.skip(field)),
        }
    }

    fn long_value(&mut self, value: &Type) -> Result<i64> {
        match value {
            Type::Integer | Type::Timestamp { .. } => self.varint(),
            other => Err(self.mismatch("an integer", other)),
        }
    }

    fn narrow(&self, long: i64) -> Result<i32> {
        i32::try_from(long).map_err(|_| self.corrupt(format!("{long} does not fit 32 bits")))
    }

    fn bytes_value(&mut self, value: &Type) -> Result<Bytes> {
        match value {
            Type::Bytes | Type::Decimal { .. } | Type::String => self.sized(),
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

    /// The items of a list or map: `item` is called once for each.
    ///
    /// # Errors
    /// `Corrupt`, and what `item` says.
    pub fn items(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        while let Some(run) = self.run()? {
            for _ in 0..run.items {
                item(self)?;
            }
        }
        Ok(())
    }

    /// Goes past the items of a list or map; `item` goes past one of a run that does not say how long it is.
    fn skip_items(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        while let Some(run) = self.run()? {
            match run.bytes {
                Some(bytes) => self.slice(bytes).map(drop)?,
                None => (0..run.items).try_for_each(|_| item(self))?,
            }
        }
        Ok(())
    }

    /// The next run of items: a count (negative: a byte length follows), where 0 is the end.
    fn run(&mut self) -> Result<Option<Run>> {
        let count = self.varint()?;
        let bytes = if count < 0 { Some(self.length()?) } else { None };
        // An item has a byte at least, in every list that Paimon writes.
        let items = usize::try_from(count.unsigned_abs()).ok().filter(|items| *items <= self.remaining());
        let items =
            items.ok_or_else(|| self.corrupt(format!("a list of {count} items in {} bytes", self.remaining())))?;
        Ok((items > 0).then_some(Run { items, bytes }))
    }

    /// Bytes behind their length.
    fn sized(&mut self) -> Result<Bytes> {
        let length = self.length()?;
        self.take(length)
    }

    /// Bytes behind their length, which are not shared with the block.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn sized_slice(&mut self) -> Result<&'a [u8]> {
        let length = self.length()?;
        self.slice(length)
    }

    fn length(&mut self) -> Result<usize> {
        let length = self.varint()?;
        usize::try_from(length).map_err(|_| self.corrupt(format!("a length of {length} bytes")))
    }

    /// The next `length` bytes: a slice of the block.
    pub(super) fn take(&mut self, length: usize) -> Result<Bytes> {
        let start = self.position;
        self.slice(length)?;
        Ok(self.block.slice(start..self.position))
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn slice(&mut self, length: usize) -> Result<&'a [u8]> {
        let rest = self.block.get(self.position..).unwrap_or_default();
        let Some(taken) = rest.get(..length) else {
            return Err(self.corrupt(format!("{length} bytes wanted, {} left", rest.len())));
        };
        self.position += length;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let rest = self.block.get(self.position..).and_then(|rest| rest.first_chunk::<N>());
        let taken = *rest.ok_or_else(|| self.corrupt(format!("{N} bytes wanted, {} left", self.remaining())))?;
        self.position += N;
        Ok(taken)
    }

    /// An integer in groups of seven bits, low group first, zigzag.
    ///
    /// # Errors
    /// `Corrupt`.
    #[inline]
    pub fn varint(&mut self) -> Result<i64> {
        let rest = self.block.get(self.position..).unwrap_or_default();
        let mut bits = 0_u64;
        for (index, byte) in rest.iter().take(10).enumerate() {
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
