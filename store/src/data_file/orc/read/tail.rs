//! What an ORC file says of itself at its end: statistics of its stripes, its footer, its postscript, and how long that is.
//!
//! Goes in: the last bytes of a file, which nobody vouches for. Comes out: what they say. Invariant: stripes lie within the file and
//! columns form a tree, so that readers neither panic nor read outside of the file.

use alluvium_format::{Error, Result};
use bytes::Bytes;

use super::byte_stream::{ByteStream, Chunks};
use crate::data_file::orc::Decoded;
use crate::data_file::orc::footer::Footer;
use crate::data_file::orc::postscript::PostScript;
use crate::data_file::orc::protobuf::Fields;
use crate::data_file::orc::statistics::ColumnStatistics;
use crate::data_file::reader::guarded;

/// More of it than this is not read: a file of 10 000 columns in 100 stripes has less.
const TAIL_BYTES_MAX: u64 = 256 << 20;

/// Bytes that are fetched first, in the hope that all of the tail is among them.
pub(super) const FIRST_FETCH_BYTES: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct Tail {
    pub(super) footer: Footer,
    pub(super) chunks: Chunks,
    /// As they are stored.
    stripe_statistics: Bytes,
}

/// Whether the bytes at the end of a file are enough of them.
pub(super) enum Found {
    /// They are.
    Whole(Box<Tail>),
    /// So many bytes of the end of the file are needed.
    Needs(u64),
}

/// The tail of a file of `file_bytes`, of which `end` are the last bytes.
///
/// # Errors
/// `Corrupt` with the path.
pub(super) fn read(path: &str, file_bytes: u64, end: &Bytes) -> Result<Found> {
    let found = guarded(|| find(file_bytes, end));
    let at = usize::try_from(file_bytes).unwrap_or(usize::MAX);
    found.map_err(|error| Error::corrupt(path, at, error.to_string()))
}

fn find(file_bytes: u64, end: &Bytes) -> Decoded<Found> {
    let (length, before) = end.split_last().ok_or("no bytes are no ORC file")?;
    let at = before.len().checked_sub(usize::from(*length)).ok_or("its postscript is longer than the file")?;
    let postscript = PostScript::decode(&before[at..])?;
    let chunks = Chunks { codec: postscript.codec, bytes: postscript.chunk_bytes };
    let stored = postscript.footer_bytes.checked_add(postscript.metadata_bytes);
    let needed = stored.and_then(|stored| stored.checked_add(u64::from(*length) + 1));
    let needed = needed.filter(|needed| *needed <= file_bytes.min(TAIL_BYTES_MAX));
    let needed = needed.ok_or("its footer is longer than the file, or than footers are")?;
    if needed > end.len() as u64 {
        return Ok(Found::Needs(needed));
    }
    // Both are shorter than the bytes that are there.
    let (footer_bytes, metadata_bytes) = (postscript.footer_bytes as usize, postscript.metadata_bytes as usize);
    let footer_at = at - footer_bytes;
    let stored_footer = ByteStream::of(end.slice(footer_at..at), chunks);
    let footer = Footer::decode(&stored_footer.rest(limit())?)?;
    footer.check(file_bytes - needed)?;
    Ok(Found::Whole(Box::new(Tail {
        footer,
        chunks,
        stripe_statistics: end.slice(footer_at - metadata_bytes..footer_at),
    })))
}

impl Tail {
    /// The statistics of the columns of each stripe.
    pub(super) fn stripe_statistics(&self) -> Decoded<Vec<Vec<ColumnStatistics>>> {
        let bytes = ByteStream::of(self.stripe_statistics.clone(), self.chunks).rest(limit())?;
        let (mut stripes, mut fields) = (Vec::new(), Fields::of(&bytes));
        while let Some((field, value)) = fields.next()? {
            if field != 1 {
                continue;
            }
            let (mut columns, mut fields) = (Vec::new(), value.message()?);
            while let Some((field, value)) = fields.next()? {
                if field == 1 {
                    columns.push(ColumnStatistics::decode(value.message()?)?);
                }
            }
            stripes.push(columns);
        }
        Ok(stripes)
    }
}

/// What a section has at most once it is decompressed.
fn limit() -> usize {
    TAIL_BYTES_MAX as usize
}
