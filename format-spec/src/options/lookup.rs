//! The options of lookup files: what a process keeps of data files to find keys in.

use super::{CoreOptions, key, parse_duration_millis};
use crate::error::{Result, ResultExt};

/// How blocks of lookup files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupCompression {
    /// Not at all.
    None,
    /// Fast.
    Lz4,
    /// Small; with this level.
    Zstd(i32),
}

impl CoreOptions {
    /// `lookup.cache-file-retention`, in milliseconds: for so long a file that nobody asks is kept.
    pub fn lookup_cache_file_retention_millis(&self) -> Result<u64> {
        let name = key::LOOKUP_CACHE_FILE_RETENTION;
        let hour = 3_600_000;
        self.get(name).map_or(Ok(hour), |text| parse_duration_millis(text).context(|| format!("the option {name}")))
    }

    /// `lookup.cache-max-disk-size`, bytes.
    pub fn lookup_cache_max_disk_bytes(&self) -> Result<u64> {
        self.memory(key::LOOKUP_CACHE_MAX_DISK_SIZE, u64::MAX)
    }

    /// `lookup.cache-max-memory-size`, bytes.
    pub fn lookup_cache_max_memory_bytes(&self) -> Result<u64> {
        self.memory(key::LOOKUP_CACHE_MAX_MEMORY_SIZE, 256 << 20)
    }

    /// `lookup.cache-spill-compression`, with `spill-compression.zstd-level`. The files never leave the machine, so that LZO, which Java
    /// may use, is as good as LZ4.
    pub fn lookup_compression(&self) -> Result<LookupCompression> {
        let name = key::LOOKUP_CACHE_SPILL_COMPRESSION;
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("zstd") => self.number(key::SPILL_COMPRESSION_ZSTD_LEVEL, 1).map(LookupCompression::Zstd),
            Some("lz4" | "lzo") => Ok(LookupCompression::Lz4),
            Some("none") => Ok(LookupCompression::None),
            Some(_) => Err(self.invalid(name, "zstd, lz4, lzo or none")),
        }
    }

    /// `cache-page-size`, bytes of a block before it is compressed.
    pub fn cache_page_bytes(&self) -> Result<u64> {
        self.memory(key::CACHE_PAGE_SIZE, 64 << 10)
    }

    /// The wanted share of false positives of bloom filters over keys, `lookup.cache.bloom.filter.fpp`; `None` where there are to be none
    /// (`lookup.cache.bloom.filter.enabled`).
    pub fn lookup_bloom_filter_fpp(&self) -> Result<Option<f64>> {
        let share: f64 = self.number(key::LOOKUP_CACHE_BLOOM_FILTER_FPP, 0.05)?;
        if !(share > 0.0 && share < 1.0) {
            return Err(self.invalid(key::LOOKUP_CACHE_BLOOM_FILTER_FPP, "a number above 0 and below 1"));
        }
        Ok(self.flag_or(key::LOOKUP_CACHE_BLOOM_FILTER_ENABLED, true)?.then_some(share))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, missing_docs)]

    use super::*;

    fn options(pairs: &[(&str, &str)]) -> CoreOptions {
        CoreOptions::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn defaults_are_those_of_paimon() {
        let options = options(&[]);
        assert_eq!(options.lookup_cache_file_retention_millis().unwrap(), 3_600_000);
        assert_eq!(options.lookup_cache_max_disk_bytes().unwrap(), u64::MAX);
        assert_eq!(options.lookup_cache_max_memory_bytes().unwrap(), 256 << 20);
        assert_eq!(options.lookup_compression().unwrap(), LookupCompression::Zstd(1));
        assert_eq!(options.cache_page_bytes().unwrap(), 64 << 10);
        assert_eq!(options.lookup_bloom_filter_fpp().unwrap(), Some(0.05));
    }

    #[test]
    fn what_is_set_is_obeyed_or_named() {
        let set = options(&[
            ("lookup.cache-file-retention", "10 min"),
            ("lookup.cache-max-disk-size", "1 gb"),
            ("lookup.cache-spill-compression", "LZO"),
            ("lookup.cache.bloom.filter.enabled", "false"),
        ]);
        assert_eq!(set.lookup_cache_file_retention_millis().unwrap(), 600_000);
        assert_eq!(set.lookup_cache_max_disk_bytes().unwrap(), 1 << 30);
        assert_eq!(set.lookup_compression().unwrap(), LookupCompression::Lz4);
        assert_eq!(set.lookup_bloom_filter_fpp().unwrap(), None);
        let level = options(&[("spill-compression.zstd-level", "7")]);
        assert_eq!(level.lookup_compression().unwrap(), LookupCompression::Zstd(7));
        for (name, value) in [
            ("lookup.cache-file-retention", "soon"),
            ("lookup.cache.bloom.filter.fpp", "0"),
            ("lookup.cache-spill-compression", "brotli"),
        ] {
            let wrong = options(&[(name, value)]);
            let error = wrong.lookup_cache_file_retention_millis().err();
            let error = error.or(wrong.lookup_bloom_filter_fpp().err()).or(wrong.lookup_compression().err());
            assert!(error.unwrap().to_string().contains(name), "{name}");
        }
    }
}
