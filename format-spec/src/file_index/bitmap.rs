//! A bitmap index over a column: the rows that hold each value, version 2 of its form.
//!
//! At rest, big-endian: 1 byte version; 4 row count; 4 number of values; 1 whether there are nulls, and if so 4 offset and 4 length of
//! their bitmap; 4 number of blocks; for each its first value and 4 offset; 4 length of all blocks. Then the blocks: 4 entries, each a value, 4
//! offset and 4 length. Then the bitmaps, to which offsets refer, in Roaring's portable form. A negative offset is the one row `-1 - offset`. A value is a
//! number of its width, a boolean a byte, a text 4 length and UTF-8. Answers to `BitmapFileIndex`.

use roaring::RoaringBitmap;

use super::Cursor;
use super::hash::long_of;
use crate::data_type::{DataType, TypeRoot};
use crate::datum::Datum;
use crate::error::{Error, Result};

const VERSION: u8 = 2;

/// The rows of each value.
#[derive(Clone, Debug, PartialEq)]
pub struct BitmapIndex {
    row_count: u32,
    values: Vec<(Key, RoaringBitmap)>,
    nulls: RoaringBitmap,
    data_type: DataType,
}

/// A value as the index tells values apart.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Text(Vec<u8>),
    /// Integers, dates, times, timestamps, booleans, and the bits of floating-point numbers.
    Number(i64),
}

/// Where a bitmap is: offset and length.
type Place = (i32, i32);

impl BitmapIndex {
    /// The index type.
    pub const INDEX_TYPE: &'static str = "bitmap";

    /// From its form at rest, over a column of `data_type`, which was read from `path`. [`crate::ErrorKind::Unsupported`] for another version
    /// than 2, or a type that bitmap indexes do not have.
    pub fn decode(bytes: &[u8], data_type: &DataType, path: &str) -> Result<Self> {
        let mut cursor = Cursor::new(bytes, path);
        let version = cursor.byte()?;
        if version != VERSION {
            return Err(Error::unsupported(format!("{path}: bitmap index of version {version}")));
        }
        let row_count = u32::try_from(cursor.int()?).map_err(|_| cursor.corrupt("a negative number of rows"))?;
        cursor.int()?;
        let nulls = if cursor.byte()? == 0 { None } else { Some((cursor.int()?, cursor.int()?)) };
        for _ in 0..cursor.count(1 + 4)? {
            read_key(&mut cursor, data_type)?;
            cursor.int()?;
        }
        let blocks_bytes = usize::try_from(cursor.int()?).map_err(|_| cursor.corrupt("blocks of negative length"))?;
        let body_start = cursor.position.saturating_add(blocks_bytes);
        let mut places: Vec<(Key, Place)> = Vec::new();
        while cursor.position < body_start {
            for _ in 0..cursor.count(1 + 8)? {
                places.push((read_key(&mut cursor, data_type)?, (cursor.int()?, cursor.int()?)));
            }
        }
        if cursor.position != body_start {
            return Err(cursor.corrupt("the blocks are longer than the header says"));
        }
        let rows = |place: Place| rows_at(&cursor, place, row_count);
        let values = places.into_iter().map(|(key, place)| Ok((key, rows(place)?))).collect::<Result<_>>()?;
        let nulls = nulls.map_or_else(|| Ok(RoaringBitmap::new()), rows)?;
        Ok(Self { row_count, values, nulls, data_type: data_type.clone() })
    }

    /// Rows of the file.
    pub fn row_count(&self) -> u32 {
        self.row_count
    }

    /// The rows that are null.
    pub fn null_rows(&self) -> &RoaringBitmap {
        &self.nulls
    }

    /// The rows that hold `value`.
    pub fn rows_of(&self, value: &Datum) -> RoaringBitmap {
        let key = match value {
            Datum::String(text) => Key::Text(text.as_bytes().to_vec()),
            Datum::Boolean(value) => Key::Number(i64::from(*value)),
            Datum::Float(value) => Key::Number(i64::from(value.to_bits().cast_signed())),
            Datum::Double(value) => Key::Number(value.to_bits().cast_signed()),
            other => match long_of(other, &self.data_type) {
                Some(long) => Key::Number(long),
                None => return RoaringBitmap::new(),
            },
        };
        self.values.iter().find(|(other, _)| *other == key).map(|(_, rows)| rows.clone()).unwrap_or_default()
    }
}

fn read_key(cursor: &mut Cursor<'_>, data_type: &DataType) -> Result<Key> {
    use TypeRoot as T;
    Ok(match data_type.root {
        T::Char(_) | T::VarChar(_) => {
            let length = cursor.count(1)?;
            Key::Text(cursor.take(length)?.to_vec())
        }
        T::Boolean | T::TinyInt => Key::Number(i64::from(cursor.byte()?.cast_signed())),
        T::SmallInt => Key::Number(i64::from(i16::from_be_bytes(cursor.array()?))),
        T::Int | T::Date | T::Time(_) | T::Float => Key::Number(i64::from(cursor.int()?)),
        T::BigInt | T::Double | T::Timestamp(_) | T::TimestampLtz(_) => Key::Number(cursor.long()?),
        _ => return Err(Error::unsupported(format!("a bitmap index over {data_type}"))),
    })
}

/// The rows at `place` behind the blocks, where `body` stands.
fn rows_at(body: &Cursor<'_>, (offset, length): Place, row_count: u32) -> Result<RoaringBitmap> {
    let rows = if offset < 0 {
        // -1 - offset of a negative offset is not negative.
        RoaringBitmap::from_iter([(-1 - offset).cast_unsigned()])
    } else {
        let start = body.position.saturating_add(offset.cast_unsigned() as usize);
        let end = start.saturating_add(usize::try_from(length).unwrap_or(0));
        let bytes = body.bytes.get(start..end).ok_or_else(|| body.corrupt("a bitmap lies beyond the end"))?;
        RoaringBitmap::deserialize_from(bytes).map_err(|error| body.corrupt(format!("a bitmap is wrong: {error}")))?
    };
    match rows.max() {
        Some(row) if row >= row_count => Err(body.corrupt(format!("row {row} of {row_count}"))),
        _ => Ok(rows),
    }
}
