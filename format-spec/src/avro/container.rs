//! The object container file: a header with the schema and the codec, then blocks of records.
//!
//! `Obj\x01`, a map of metadata, a marker of 16 bytes; then for each block the number of records, the number of bytes, the bytes
//! in the codec, and the marker again. Files written here have a marker made from their content: nothing about them is random.

use bytes::Bytes;

use super::decoder::Decoder;
use super::header::{BlockHead, Header};
use super::{Fields, Place, Plan};
use crate::error::Result;

pub(super) const MAGIC: &[u8; 4] = b"Obj\x01";
pub(super) const SCHEMA_KEY: &[u8] = b"avro.schema";
pub(super) const CODEC_KEY: &[u8] = b"avro.codec";
pub(super) const MARKER_BYTES: usize = 16;

/// All records of the container file `bytes`, read from `path`: `decode` is called once a record with the plan for its schema.
pub(crate) fn read_records<F: Fields, T>(
    bytes: &[u8],
    path: &str,
    decode: impl Fn(&Plan<F>, &mut Decoder<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let file = Bytes::copy_from_slice(bytes);
    let header = Header::read(&file, path)?;
    let plan = Plan::<F>::of(header.schema(), &Place { path, offset: 0 })?;
    let mut at = Decoder::new(&file, header.bytes(), Place { path, offset: 0 });
    let mut records = Vec::new();
    while at.remaining() > 0 {
        let head = BlockHead::read(&mut at)?;
        let place = Place { path, offset: at.position() };
        let body = at.take(head.body_bytes())?;
        let block = header.block(&head, &body, place)?;
        let mut decoder = Decoder::new(&block, 0, place);
        for _ in 0..head.records() {
            records.push(decode(&plan, &mut decoder)?);
        }
        decoder.check_end()?;
    }
    // Who keeps them keeps no room for more.
    records.shrink_to_fit();
    Ok(records)
}
