//! The options of memory and of what goes to the local disk where there is not enough of it.

use super::lookup::LookupCompression;
use super::{CoreOptions, key};
use crate::error::Result;

impl CoreOptions {
    /// `write-buffer-size`, bytes.
    pub fn write_buffer_bytes(&self) -> Result<u64> {
        self.memory(key::WRITE_BUFFER_SIZE, 256 << 20)
    }

    /// `write-buffer-spillable`: whether rows that wait may go to the local disk, so that no small files are flushed.
    pub fn write_buffer_spillable(&self) -> Result<bool> {
        self.flag_or(key::WRITE_BUFFER_SPILLABLE, true)
    }

    /// `write-buffer-spill.max-disk-size`, bytes.
    pub fn write_buffer_spill_max_disk_bytes(&self) -> Result<u64> {
        self.memory(key::WRITE_BUFFER_SPILL_MAX_DISK_SIZE, u64::MAX)
    }

    /// `spill-compression`, with `spill-compression.zstd-level`. Where it is not set it is LZ4 instead of Paimon's zstd: nobody else reads
    /// these files, and it costs a third. LZO, which Java may use, is LZ4 as well.
    pub fn spill_compression(&self) -> Result<LookupCompression> {
        let name = key::SPILL_COMPRESSION;
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            Some("zstd") => self.number(key::SPILL_COMPRESSION_ZSTD_LEVEL, 1).map(LookupCompression::Zstd),
            None | Some("lz4" | "lzo") => Ok(LookupCompression::Lz4),
            Some("none") => Ok(LookupCompression::None),
            Some(_) => Err(self.invalid(name, "zstd, lz4, lzo or none")),
        }
    }

    /// The most runs that a merge reads from where they are; further ones are copied to the local disk first: `sort-spill-threshold`, and
    /// without it `local-sort.max-num-file-handles`. Two at least.
    ///
    /// Paimon's default for the first is one run more than the stop trigger, as its readers cost more memory; here memory decides.
    pub fn sort_spill_threshold(&self) -> Result<usize> {
        let handles: usize = self.number(key::LOCAL_SORT_MAX_NUM_FILE_HANDLES, 128)?;
        let runs: usize = self.number(key::SORT_SPILL_THRESHOLD, handles.max(2))?;
        if runs < 2 { Err(self.invalid(key::SORT_SPILL_THRESHOLD, "2 or more")) } else { Ok(runs) }
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
    fn what_is_set_is_obeyed() {
        let none = options(&[]);
        assert!(none.write_buffer_spillable().unwrap());
        assert_eq!(none.write_buffer_spill_max_disk_bytes().unwrap(), u64::MAX);
        assert_eq!(none.spill_compression().unwrap(), LookupCompression::Lz4);
        assert_eq!(none.sort_spill_threshold().unwrap(), 128);
        let set = options(&[
            ("write-buffer-spillable", "false"),
            ("write-buffer-spill.max-disk-size", "1 gb"),
            ("spill-compression", "ZSTD"),
            ("spill-compression.zstd-level", "5"),
            ("local-sort.max-num-file-handles", "10"),
        ]);
        assert!(!set.write_buffer_spillable().unwrap());
        assert_eq!(set.write_buffer_spill_max_disk_bytes().unwrap(), 1 << 30);
        assert_eq!(set.spill_compression().unwrap(), LookupCompression::Zstd(5));
        assert_eq!(set.sort_spill_threshold().unwrap(), 10);
        assert_eq!(options(&[("sort-spill-threshold", "3")]).sort_spill_threshold().unwrap(), 3);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value) in [("spill-compression", "brotli"), ("sort-spill-threshold", "1")] {
            let wrong = options(&[(name, value)]);
            let error = wrong.spill_compression().err().or(wrong.sort_spill_threshold().err()).unwrap();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
