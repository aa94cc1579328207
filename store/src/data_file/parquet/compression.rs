//! The codec of a table's data files as Parquet's.
//!
//! Goes in: the option `file.compression`. Comes out: a codec with its level, or a refusal. Answers to
//! `RowDataParquetBuilder.getCompression`.

use alluvium_format::options::{FileCompression, key};
use alluvium_format::{Error, Result};
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};

/// The codec that `compression` names. Paimon's Java library reads all but brotli without a further jar; its `lz4` is written as
/// LZ4_RAW, as the older LZ4 is framed in a way that only Hadoop knows.
///
/// # Errors
/// `Unsupported` that names the codec; `Invalid` for a level that zstd does not have.
pub(super) fn parquet_codec(compression: &FileCompression) -> Result<Compression> {
    Ok(match compression.codec.as_str() {
        "zstd" => {
            let level = ZstdLevel::try_new(compression.zstd_level).map_err(|error| {
                let name = key::FILE_COMPRESSION_ZSTD_LEVEL;
                Error::invalid(format!("the option {name} is {}: {error}", compression.zstd_level))
            })?;
            Compression::ZSTD(level)
        }
        "snappy" => Compression::SNAPPY,
        "gzip" => Compression::GZIP(GzipLevel::default()),
        "lz4" | "lz4_raw" => Compression::LZ4_RAW,
        "brotli" => Compression::BROTLI(BrotliLevel::default()),
        "none" | "uncompressed" => Compression::UNCOMPRESSED,
        other => {
            let name = key::FILE_COMPRESSION;
            let known = "zstd, snappy, gzip, lz4, brotli, none";
            return Err(Error::unsupported(format!("the option {name} = {other}; known codecs are {known}")));
        }
    })
}

#[cfg(test)]
mod tests {
    use alluvium_format::ErrorKind;
    use parquet::basic::{Compression, ZstdLevel};

    use super::*;

    fn codec(codec: &str, zstd_level: i32) -> Result<Compression> {
        parquet_codec(&FileCompression { codec: codec.to_owned(), zstd_level })
    }

    #[test]
    fn codecs_are_those_that_java_reads() {
        assert_eq!(codec("zstd", 3).unwrap(), Compression::ZSTD(ZstdLevel::try_new(3).unwrap()));
        assert_eq!(codec("lz4", 1).unwrap(), Compression::LZ4_RAW);
        assert_eq!(codec("none", 1).unwrap(), Compression::UNCOMPRESSED);
    }

    #[test]
    fn what_is_not_there_is_refused_by_name() {
        let refused = codec("lzo", 1).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.to_string().contains("lzo"), "{refused}");
        assert_eq!(codec("zstd", 99).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
