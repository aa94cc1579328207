//! The values of a range-bitmap index in ascending order, in chunks.
//!
//! At rest, big-endian: 4 bytes length of the header; of it 1 version, 4 number of chunks, 4 length of their offsets, 4 length of their
//! heads. Then the offsets of the heads, 4 bytes each; the heads; the values. A head is 1 byte version, the chunk's first value, 4 its
//! code, 4 where its other values begin behind all heads, 4 how many they are. For values of a fixed width follow 4 length of the
//! others and 4 width; for bytes 4 length of the others' offsets, 4 length of the others, which stand behind their offsets. Answers to
//! `ChunkedDictionary`, `FixedLengthChunk` and `VariableLengthChunk`.

use std::cmp::Ordering;

use bytes::Bytes;

use crate::error::Result;
use crate::file_index::cursor::Cursor;
use crate::file_index::int;
use crate::file_index::value::{Value, ValueForm};

const VERSION: u8 = 1;

/// Values and their codes, found as they are asked for.
#[derive(Clone, Debug)]
pub(super) struct Dictionary {
    bytes: Bytes,
    path: String,
    form: ValueForm,
    /// Where the head of each chunk begins.
    heads: Vec<usize>,
    /// Where the values begin.
    values: usize,
}

/// Some neighbouring values.
struct Chunk {
    first: Value,
    code: u32,
    /// Values besides the first.
    count: usize,
    /// Where the others begin.
    start: usize,
    /// Bytes of the offsets before them.
    offsets_bytes: usize,
}

impl Dictionary {
    /// The one that begins at `start` and ends with `bytes`.
    pub(super) fn open(bytes: Bytes, start: usize, form: ValueForm, path: &str) -> Result<Self> {
        let mut cursor = Cursor::new(&bytes, path);
        cursor.take(start)?;
        let header_bytes = cursor.count(1)?;
        let offsets_start = cursor.position() + header_bytes;
        cursor.version(VERSION, "dictionary of a range-bitmap index")?;
        let count = cursor.count(4)?;
        let offsets_bytes = cursor.count(1)?;
        let heads_bytes = cursor.count(1)?;
        if offsets_bytes != 4 * count || cursor.position() != offsets_start {
            return Err(cursor.corrupt(format!("{count} chunks in {offsets_bytes} bytes")));
        }
        let heads_start = offsets_start + offsets_bytes;
        let mut heads = Vec::with_capacity(count);
        for _ in 0..count {
            let offset = usize::try_from(cursor.int()?).map_err(|_| cursor.corrupt("a chunk has a negative place"))?;
            heads.push(heads_start.saturating_add(offset));
        }
        let values = heads_start + heads_bytes;
        Ok(Self { path: path.to_owned(), form, heads, values, bytes })
    }

    /// The code of a value; `Err` with the code of the first value above it when it is not there.
    pub(super) fn find(&self, value: &Value) -> Result<Result<u32, u32>> {
        let mut found: Option<Chunk> = None;
        let (mut low, mut high) = (0, self.heads.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let chunk = self.chunk(middle)?;
            if chunk.first <= *value {
                low = middle + 1;
                found = Some(chunk);
            } else {
                high = middle;
            }
        }
        match found {
            Some(chunk) if chunk.first == *value => Ok(Ok(chunk.code)),
            Some(chunk) => self.find_in(&chunk, value),
            None => Ok(Err(0)),
        }
    }

    fn find_in(&self, chunk: &Chunk, value: &Value) -> Result<Result<u32, u32>> {
        let code = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).saturating_add(chunk.code).saturating_add(1);
        let (mut low, mut high) = (0, chunk.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.value(chunk, middle)?.cmp(value) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(Ok(code(middle))),
            }
        }
        Ok(Err(code(low)))
    }

    fn chunk(&self, at: usize) -> Result<Chunk> {
        let mut cursor = self.cursor(self.heads.get(at).copied().unwrap_or(usize::MAX))?;
        cursor.version(VERSION, "chunk of a range-bitmap index")?;
        let first = self.form.read(&mut cursor)?;
        let code = cursor.rows()?;
        let offset = usize::try_from(cursor.int()?).map_err(|_| cursor.corrupt("values have a negative place"))?;
        let count = cursor.rows()? as usize;
        let offsets_bytes = if self.form == ValueForm::Bytes { 4 * count } else { 0 };
        Ok(Chunk { first, code, count, start: self.values.saturating_add(offset), offsets_bytes })
    }

    /// The value at this place behind the first of a chunk.
    fn value(&self, chunk: &Chunk, at: usize) -> Result<Value> {
        let offset = if self.form == ValueForm::Bytes {
            let mut cursor = self.cursor(chunk.start.saturating_add(4 * at))?;
            let offset = usize::try_from(cursor.int()?).map_err(|_| cursor.corrupt("a value has a negative place"))?;
            chunk.offsets_bytes.saturating_add(offset)
        } else {
            at * self.form.width()
        };
        self.form.read(&mut self.cursor(chunk.start.saturating_add(offset))?)
    }

    fn cursor(&self, position: usize) -> Result<Cursor<'_>> {
        let mut cursor = Cursor::new(&self.bytes, &self.path);
        cursor.take(position)?;
        Ok(cursor)
    }
}

/// A chunk on its way.
struct OpenChunk<'a> {
    first: &'a Value,
    code: usize,
    count: usize,
    offsets: Vec<u8>,
    values: Vec<u8>,
}

/// The dictionary at rest of values in ascending order.
pub(super) fn encode<'a>(
    values: impl Iterator<Item = &'a Value>,
    form: ValueForm,
    chunk_bytes: u64,
) -> Result<Vec<u8>> {
    let mut parts = Parts::default();
    let mut open: Option<OpenChunk<'_>> = None;
    for (code, value) in values.enumerate() {
        match &mut open {
            Some(chunk) if chunk.has_room(form, value, chunk_bytes) => chunk.add(form, value)?,
            _ => {
                let chunk = OpenChunk { first: value, code, count: 0, offsets: Vec::new(), values: Vec::new() };
                if let Some(full) = open.replace(chunk) {
                    parts.add(full, form)?;
                }
            }
        }
    }
    if let Some(last) = open {
        parts.add(last, form)?;
    }
    parts.encode()
}

impl OpenChunk<'_> {
    fn has_room(&self, form: ValueForm, value: &Value, chunk_bytes: u64) -> bool {
        let fits = |used: usize, more: usize| (used + more) as u64 <= chunk_bytes;
        fits(self.values.len(), form.bytes_of(value)) && (form != ValueForm::Bytes || fits(self.offsets.len(), 4))
    }

    fn add(&mut self, form: ValueForm, value: &Value) -> Result<()> {
        if form == ValueForm::Bytes {
            self.offsets.extend_from_slice(&int(self.values.len())?.to_be_bytes());
        }
        self.count += 1;
        form.push(&mut self.values, value)
    }
}

/// What a dictionary consists of.
#[derive(Default)]
struct Parts {
    offsets: Vec<u8>,
    heads: Vec<u8>,
    values: Vec<u8>,
}

impl Parts {
    fn add(&mut self, mut chunk: OpenChunk<'_>, form: ValueForm) -> Result<()> {
        self.offsets.extend_from_slice(&int(self.heads.len())?.to_be_bytes());
        self.heads.push(VERSION);
        form.push(&mut self.heads, chunk.first)?;
        let lengths = if form == ValueForm::Bytes {
            [chunk.offsets.len(), chunk.values.len()]
        } else {
            [chunk.values.len(), form.width()]
        };
        for number in [chunk.code, self.values.len(), chunk.count].into_iter().chain(lengths) {
            self.heads.extend_from_slice(&int(number)?.to_be_bytes());
        }
        self.values.append(&mut chunk.offsets);
        self.values.append(&mut chunk.values);
        Ok(())
    }

    fn encode(self) -> Result<Vec<u8>> {
        let count = self.offsets.len() / 4;
        let mut bytes = Vec::with_capacity(17 + self.offsets.len() + self.heads.len() + self.values.len());
        bytes.extend_from_slice(&13_i32.to_be_bytes());
        bytes.push(VERSION);
        for number in [count, self.offsets.len(), self.heads.len()] {
            bytes.extend_from_slice(&int(number)?.to_be_bytes());
        }
        for part in [self.offsets, self.heads, self.values] {
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    }
}
