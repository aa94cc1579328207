#![doc = include_str!("../../file_index.md")]

mod bitmap;
mod bloom;
mod bsi;
mod column_index;
mod cursor;
mod hash;
mod kind;
mod predicate;
mod range_bitmap;
mod row_bitmap;
mod value;
mod value_rows;
mod writer;

use bytes::Bytes;

use crate::error::{Error, Result};
use cursor::Cursor;

pub use bitmap::BitmapVersion;
pub use bloom::BloomFilter;
pub use hash::hash_of;
pub use kind::FileIndexKind;
pub use predicate::{FileIndexPredicate, FileIndexResult, comparable_columns};
pub use writer::{FileIndexPlan, FileIndexWriter};

const MAGIC: u64 = 1_493_475_289_347_502;
const VERSION: i32 = 1;

/// The `start` of an index of no bytes.
const EMPTY_START: i32 = -1;

/// One index of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileIndex {
    /// The column, or `column[key]` for a value of a map.
    pub column: String,
    /// `bloom-filter`, `bitmap`, `bsi`, `range-bitmap`, or another.
    pub index_type: String,
    /// The index in its own form; `None`: the file has no value of the column.
    pub body: Option<Bytes>,
}

/// The bytes of a container of `indexes`, those of a column being neighbours. [`crate::ErrorKind::Invalid`] when a name is longer than 65535
/// bytes, or all are larger than 2 GiB.
pub fn encode(indexes: &[FileIndex]) -> Result<Vec<u8>> {
    let columns: Vec<&[FileIndex]> = indexes.chunk_by(|left, right| left.column == right.column).collect();
    let text_bytes = |text: &str| 2 + text.len();
    let fixed_bytes = size_of::<u64>() + 4 * size_of::<i32>();
    let column_bytes = |column: &&[FileIndex]| {
        let name = column.first().map_or(0, |index| text_bytes(&index.column));
        name + 4 + column.iter().map(|index| text_bytes(&index.index_type) + 8).sum::<usize>()
    };
    let head_bytes = fixed_bytes + columns.iter().map(column_bytes).sum::<usize>();
    let mut head = Vec::with_capacity(head_bytes);
    let mut body = Vec::new();
    head.extend_from_slice(&MAGIC.to_be_bytes());
    head.extend_from_slice(&VERSION.to_be_bytes());
    head.extend_from_slice(&int(head_bytes)?.to_be_bytes());
    head.extend_from_slice(&int(columns.len())?.to_be_bytes());
    for column in &columns {
        push_text(&mut head, column.first().map_or("", |index| &index.column))?;
        head.extend_from_slice(&int(column.len())?.to_be_bytes());
        for index in *column {
            push_text(&mut head, &index.index_type)?;
            let (start, bytes) = match &index.body {
                Some(bytes) if !bytes.is_empty() => (int(head_bytes + body.len())?, bytes.as_ref()),
                _ => (EMPTY_START, &[][..]),
            };
            head.extend_from_slice(&start.to_be_bytes());
            head.extend_from_slice(&int(bytes.len())?.to_be_bytes());
            body.extend_from_slice(bytes);
        }
    }
    head.extend_from_slice(&0_i32.to_be_bytes());
    head.extend_from_slice(&body);
    Ok(head)
}

fn int(length: usize) -> Result<i32> {
    i32::try_from(length).map_err(|_| Error::invalid("a file index cannot be larger than 2 GiB"))
}

/// Java's `writeUTF` differs from UTF-8 only for the character 0 and those beyond U+FFFF, which no column name needs.
fn push_text(bytes: &mut Vec<u8>, text: &str) -> Result<()> {
    let length = u16::try_from(text.len()).map_err(|_| Error::invalid("a column name of a file index is too long"))?;
    if text.chars().any(|character| character == '\0' || u32::from(character) > 0xffff) {
        return Err(Error::unsupported(format!("a file index over column {text:?}")));
    }
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
    Ok(())
}

/// The indexes in the container `bytes`, read from `path` (for an embedded index: the manifest and data file). Bodies share the memory of
/// `bytes`.
pub fn decode(bytes: &Bytes, path: &str) -> Result<Vec<FileIndex>> {
    let mut cursor = Cursor::new(bytes, path);
    if cursor.long()?.cast_unsigned() != MAGIC {
        return Err(Error::corrupt(path, 0, "no file index: the magic number is another"));
    }
    let version = cursor.int()?;
    if version != VERSION {
        return Err(Error::unsupported(format!("{path}: file index of version {version}")));
    }
    let header_bytes = cursor.int()?;
    let mut indexes = Vec::new();
    for _ in 0..cursor.count(2 + 4)? {
        let column = cursor.text()?;
        for _ in 0..cursor.count(2 + 8)? {
            let index_type = cursor.text()?;
            let (at, start, length) = (cursor.position(), cursor.int()?, cursor.int()?);
            let body = match usize::try_from(start).ok().zip(usize::try_from(length).ok()) {
                Some((start, length)) => {
                    let end = start.checked_add(length).filter(|end| *end <= bytes.len());
                    let end = end.ok_or_else(|| Error::corrupt(path, at, "an index lies beyond the end"))?;
                    Some(bytes.slice(start..end))
                }
                None if start == EMPTY_START => None,
                None => return Err(Error::corrupt(path, at, "an index has a negative place")),
            };
            indexes.push(FileIndex { column: column.clone(), index_type, body });
        }
    }
    if usize::try_from(header_bytes).is_ok_and(|bytes| bytes < cursor.position()) {
        return Err(cursor.corrupt(format!("the header is longer than the {header_bytes} bytes it says")));
    }
    Ok(indexes)
}
