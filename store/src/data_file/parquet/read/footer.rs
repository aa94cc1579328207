//! What a Parquet file says of itself at its end.
//!
//! Goes in: the last bytes of a file, which nobody vouches for. Comes out: its metadata, with INT96 leaves as 12 bytes. Invariant:
//! sizes, offsets and counts that the decoder relies on are checked here, so that it neither panics nor reads outside of the file.

use std::sync::Arc;

use alluvium_format::{Error, Result};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{FooterTail, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader};
use parquet::schema::types::SchemaDescriptor;

use super::schema_depth;
use crate::data_file::parquet::schema::with_fixed_int96;
use crate::data_file::reader::{DecoderError, guarded};

/// Bytes at the end of every file: the length of the metadata and the magic word.
const TAIL_BYTES: usize = 8;

/// More metadata than this is not read: a file of 10 000 columns in 100 row groups has less.
const METADATA_BYTES_MAX: usize = 256 << 20;

/// Bytes that are fetched first, in the hope that the whole footer is among them.
pub(super) const FIRST_FETCH_BYTES: u64 = 64 << 10;

/// Whether the bytes at the end of a file are enough of them.
pub(super) enum Footer {
    /// They are.
    Whole(ArrowReaderMetadata),
    /// So many bytes of the end of the file are needed.
    Needs(u64),
}

/// The metadata of a file of `file_bytes`, of which `end` are the last bytes.
///
/// # Errors
/// `Corrupt` with the path; `Unsupported` for an encrypted file.
pub(super) fn read(path: &str, file_bytes: u64, end: &Bytes) -> Result<Footer> {
    let corrupt = |why: String| Error::corrupt(path, usize::try_from(file_bytes).unwrap_or(usize::MAX), why);
    let Some((before, tail)) = end.split_last_chunk::<TAIL_BYTES>() else {
        return Err(corrupt(format!("{file_bytes} bytes are no Parquet file")));
    };
    let tail = FooterTail::try_new(tail).map_err(|error| corrupt(error.to_string()))?;
    if tail.is_encrypted_footer() {
        return Err(Error::unsupported(format!("encrypted Parquet files ({path})")));
    }
    let length = tail.metadata_length();
    let needed = (length + TAIL_BYTES) as u64;
    if needed > file_bytes || length > METADATA_BYTES_MAX {
        return Err(corrupt(format!("its footer is said to have {length} bytes")));
    }
    let Some(start) = before.len().checked_sub(length) else {
        return Ok(Footer::Needs(needed));
    };
    let bytes = before.get(start..).unwrap_or_default();
    let metadata = guarded(|| decode(bytes, file_bytes)).map_err(|error| corrupt(error.to_string()))?;
    Ok(Footer::Whole(metadata))
}

fn decode(bytes: &[u8], file_bytes: u64) -> Result<ArrowReaderMetadata, DecoderError> {
    schema_depth::check(bytes)?;
    let metadata = decode_metadata(bytes)?;
    check(&metadata, file_bytes)?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    Ok(ArrowReaderMetadata::try_new(Arc::new(metadata), options)?)
}

fn decode_metadata(bytes: &[u8]) -> Result<ParquetMetaData, ParquetError> {
    let mut schema = ParquetMetaDataReader::decode_schema(bytes)?;
    if schema.columns().iter().any(|column| column.physical_type() == PhysicalType::INT96) {
        let fixed = with_fixed_int96(schema.root_schema());
        let fixed = fixed.map_err(|error| ParquetError::External(Box::new(error)))?;
        schema = Arc::new(SchemaDescriptor::new(fixed));
    }
    let options = ParquetMetaDataOptions::new().with_schema(schema);
    ParquetMetaDataReader::decode_metadata_with_options(bytes, Some(&options))
}

/// Checks what the decoder takes for granted.
fn check(metadata: &ParquetMetaData, file_bytes: u64) -> Result<(), String> {
    if metadata.file_metadata().num_rows() < 0 {
        return Err("a negative number of rows".to_owned());
    }
    for group in metadata.row_groups() {
        if group.num_rows() < 0 {
            return Err("a row group with a negative number of rows".to_owned());
        }
        for chunk in group.columns() {
            let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
            let range = u64::try_from(start).ok().zip(u64::try_from(chunk.compressed_size()).ok());
            let end = range.and_then(|(start, length)| start.checked_add(length));
            let whole = end.is_some_and(|end| end <= file_bytes);
            if !whole || chunk.data_page_offset() < start || chunk.num_values() < 0 {
                return Err(format!("the chunk of column {} lies outside of the file", chunk.column_path()));
            }
        }
    }
    Ok(())
}
