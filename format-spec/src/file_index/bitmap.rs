//! A bitmap index over a column: the rows that hold each value.
//!
//! At rest, big-endian, version 2: 1 byte version; 4 row count; 4 number of values; 1 whether there are nulls, and if so 4 offset and 4
//! length of their bitmap; 4 number of blocks; for each its first value and 4 offset; 4 length of all blocks. Then the blocks, by
//! ascending value: 4 entries, each a value, 4 offset and 4 length. Then the bitmaps, to which offsets refer, in Roaring's portable form,
//! that of the nulls first. A negative offset is the one row `-1 - offset`. Version 1 has the values with their offsets, without
//! lengths, in place of the blocks. Bitmaps stand in the order of Java's `HashMap`. Answers to `BitmapFileIndex`.

use bytes::Bytes;
use roaring::RoaringBitmap;

use super::cursor::Cursor;
use super::value::{Value, ValueForm};
use super::value_rows::ValueRows;
use super::{int, row_bitmap};
use crate::error::{Error, Result};
use crate::java_map::JavaMap;

/// The form without blocks.
const VERSION_1: u8 = 1;
/// The form that is written by default.
const VERSION_2: u8 = 2;

/// What a version 2 index has in a place of length for one row.
const NO_LENGTH: i32 = -1;

/// How a bitmap index is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitmapVersion {
    /// Without blocks.
    One,
    /// With blocks of at most so many bytes.
    Two {
        /// Option `index-block-size`.
        block_bytes: u64,
    },
}

/// Where a bitmap is: behind the directory, or in the offset itself.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: i32,
}

/// The rows of each value, found as they are asked for.
#[derive(Clone, Debug)]
pub(super) struct BitmapIndex {
    bytes: Bytes,
    path: String,
    form: ValueForm,
    row_count: u32,
    nulls: Option<Place>,
    directory: Directory,
    /// Where the bitmaps begin.
    body: usize,
}

#[derive(Clone, Debug)]
enum Directory {
    /// Values by ascending value.
    Values(Vec<(Value, Place)>),
    /// The first value of each block, and where it begins.
    Blocks(Vec<(Value, usize)>),
}

impl BitmapIndex {
    /// From its form at rest, which was read from `path`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for another version; [`crate::ErrorKind::Corrupt`].
    pub(super) fn open(bytes: Bytes, form: ValueForm, path: &str) -> Result<Self> {
        let mut cursor = Cursor::new(&bytes, path);
        let version = cursor.byte()?;
        if !(VERSION_1..=VERSION_2).contains(&version) {
            return Err(Error::unsupported(format!("{path}: bitmap index of version {version}")));
        }
        let row_count = cursor.rows()?;
        let values = cursor.int()?;
        let mut nulls = None;
        if cursor.byte()? != 0 {
            nulls = Some(Place { offset: cursor.int()? });
            if version == VERSION_2 {
                cursor.int()?;
            }
        }
        let (directory, body) = match version {
            VERSION_1 => {
                let fits =
                    usize::try_from(values).ok().filter(|values| *values <= cursor.remaining() / (form.width() + 4));
                let values =
                    fits.ok_or_else(|| cursor.corrupt(format!("{values} values in {} bytes", cursor.remaining())))?;
                let mut places = Vec::with_capacity(values);
                for _ in 0..values {
                    places.push((form.read(&mut cursor)?, Place { offset: cursor.int()? }));
                }
                places.sort_by(|(left, _), (right, _)| left.cmp(right));
                (Directory::Values(places), cursor.position())
            }
            _ => open_blocks(&mut cursor, form)?,
        };
        Ok(Self { path: path.to_owned(), form, row_count, nulls, directory, body, bytes })
    }

    /// Rows of the file.
    pub(super) fn row_count(&self) -> u32 {
        self.row_count
    }

    /// The rows that are null.
    pub(super) fn null_rows(&self) -> Result<RoaringBitmap> {
        self.nulls.map_or_else(|| Ok(RoaringBitmap::new()), |place| self.rows_at(place))
    }

    /// The rows that hold `value`.
    pub(super) fn rows_of(&self, value: &Value) -> Result<RoaringBitmap> {
        let place = match &self.directory {
            Directory::Values(places) => {
                let found = places.binary_search_by(|(other, _)| other.cmp(value)).ok();
                found.and_then(|at| places.get(at)).map(|(_, place)| *place)
            }
            Directory::Blocks(blocks) => {
                let next = blocks.partition_point(|(first, _)| first <= value);
                match next.checked_sub(1).and_then(|at| blocks.get(at)) {
                    Some((_, start)) => self.place_in_block(*start, value)?,
                    None => None,
                }
            }
        };
        place.map_or_else(|| Ok(RoaringBitmap::new()), |place| self.rows_at(place))
    }

    /// Where the rows of `value` are, as the block at `start` says.
    fn place_in_block(&self, start: usize, value: &Value) -> Result<Option<Place>> {
        let mut cursor = Cursor::new(&self.bytes, &self.path);
        cursor.take(start)?;
        for _ in 0..cursor.count(self.form.width() + 8)? {
            let found = self.form.read(&mut cursor)?;
            let place = Place { offset: cursor.int()? };
            cursor.int()?;
            if found == *value {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn rows_at(&self, place: Place) -> Result<RoaringBitmap> {
        let mut cursor = Cursor::new(&self.bytes, &self.path);
        match usize::try_from(place.offset) {
            Ok(offset) => {
                cursor.take(self.body.saturating_add(offset))?;
                row_bitmap::read(&mut cursor, self.row_count)
            }
            // -1 - offset of a negative offset is not negative.
            Err(_) => match (-1 - place.offset).cast_unsigned() {
                row if row < self.row_count => Ok(RoaringBitmap::from_iter([row])),
                row => Err(cursor.corrupt(format!("row {row} of {}", self.row_count))),
            },
        }
    }
}

/// The blocks, whose place in the bytes is made absolute, and where the bitmaps begin.
fn open_blocks(cursor: &mut Cursor<'_>, form: ValueForm) -> Result<(Directory, usize)> {
    let count = cursor.count(form.width() + 4)?;
    let mut blocks = Vec::with_capacity(count);
    for _ in 0..count {
        blocks.push((form.read(cursor)?, cursor.int()?));
    }
    let length = usize::try_from(cursor.int()?).map_err(|_| cursor.corrupt("blocks of negative length"))?;
    let start = cursor.position();
    let body = start.saturating_add(length);
    let absolute = |(first, offset): (Value, i32)| {
        let block =
            usize::try_from(offset).ok().map(|offset| start.saturating_add(offset)).filter(|block| *block < body);
        block
            .map(|block| (first, block))
            .ok_or_else(|| cursor.corrupt(format!("a block at {offset} of {length} bytes")))
    };
    Ok((Directory::Blocks(blocks.into_iter().map(absolute).collect::<Result<_>>()?), body))
}

/// A value's bitmap on its way to a file.
struct Entry {
    value: Value,
    offset: i32,
    length: i32,
}

/// The index at rest of rows by value.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for a value that is larger than a block, and for an index of over 2 GiB.
pub(super) fn encode(rows: ValueRows, form: ValueForm, version: BitmapVersion) -> Result<Vec<u8>> {
    let (row_count, nulls) = (rows.row_count(), rows.nulls().clone());
    let has_nulls = !nulls.is_empty();
    let one_null = if nulls.len() == 1 { nulls.min() } else { None };
    let mut null_bytes = Vec::new();
    row_bitmap::push(&mut null_bytes, nulls)?;
    let null_length = int(null_bytes.len())?;
    let mut body = if has_nulls && one_null.is_none() { null_bytes } else { Vec::new() };
    let entries = place(rows.into_entries(), form, &mut body)?;
    let mut bytes = Vec::new();
    bytes.push(if version == BitmapVersion::One { VERSION_1 } else { VERSION_2 });
    bytes.extend_from_slice(&row_count.to_be_bytes());
    bytes.extend_from_slice(&int(entries.len())?.to_be_bytes());
    bytes.push(u8::from(has_nulls));
    if has_nulls {
        let offset = one_null.map_or(0, |row| -1 - row.cast_signed());
        bytes.extend_from_slice(&offset.to_be_bytes());
    }
    match version {
        BitmapVersion::One => {
            for entry in &entries {
                form.push(&mut bytes, &entry.value)?;
                bytes.extend_from_slice(&entry.offset.to_be_bytes());
            }
        }
        BitmapVersion::Two { block_bytes } => {
            if has_nulls {
                bytes.extend_from_slice(&null_length.to_be_bytes());
            }
            push_blocks(&mut bytes, entries, form, block_bytes)?;
        }
    }
    bytes.append(&mut body);
    Ok(bytes)
}

/// Appends the bitmaps of more than one row to `body`, in Java's order, and says where they are.
fn place(entries: Vec<(Value, RoaringBitmap)>, form: ValueForm, body: &mut Vec<u8>) -> Result<Vec<Entry>> {
    let mut order = JavaMap::new();
    for (at, (value, _)) in entries.iter().enumerate() {
        *order.compute_if_absent(form.java_key(value)) = at;
    }
    let order: Vec<usize> = order.into_entries().map(|(_, at)| at).collect();
    let mut entries: Vec<Option<(Value, RoaringBitmap)>> = entries.into_iter().map(Some).collect();
    let mut placed = Vec::with_capacity(entries.len());
    for at in order {
        let Some((value, rows)) = entries.get_mut(at).and_then(Option::take) else { continue };
        let (offset, length) = match rows.min() {
            Some(row) if rows.len() == 1 => (-1 - row.cast_signed(), NO_LENGTH),
            _ => {
                let offset = body.len();
                row_bitmap::push(body, rows)?;
                (int(offset)?, int(body.len() - offset)?)
            }
        };
        placed.push(Entry { value, offset, length });
    }
    Ok(placed)
}

/// Appends the blocks, and before them where each begins.
fn push_blocks(bytes: &mut Vec<u8>, mut entries: Vec<Entry>, form: ValueForm, block_bytes: u64) -> Result<()> {
    entries.sort_by(|left, right| left.value.cmp(&right.value));
    let (mut blocks, mut used): (Vec<Vec<&Entry>>, u64) = (Vec::new(), 0);
    for entry in &entries {
        let entry_bytes = (form.bytes_of(&entry.value) + 8) as u64;
        match blocks.last_mut() {
            Some(block) if used + entry_bytes <= block_bytes => block.push(entry),
            _ if 4 + entry_bytes > block_bytes => {
                let why =
                    format!("a value of {entry_bytes} bytes does not fit a bitmap index block of {block_bytes} bytes");
                return Err(Error::invalid(format!("{why}: raise index-block-size, or do not index the column")));
            }
            _ => {
                blocks.push(vec![entry]);
                used = 4;
            }
        }
        used += entry_bytes;
    }
    let (mut heads, mut body) = (Vec::new(), Vec::new());
    for block in &blocks {
        if let Some(first) = block.first() {
            form.push(&mut heads, &first.value)?;
            heads.extend_from_slice(&int(body.len())?.to_be_bytes());
        }
        body.extend_from_slice(&int(block.len())?.to_be_bytes());
        for entry in block {
            form.push(&mut body, &entry.value)?;
            body.extend_from_slice(&entry.offset.to_be_bytes());
            body.extend_from_slice(&entry.length.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&int(blocks.len())?.to_be_bytes());
    bytes.append(&mut heads);
    bytes.extend_from_slice(&int(body.len())?.to_be_bytes());
    bytes.append(&mut body);
    Ok(())
}
