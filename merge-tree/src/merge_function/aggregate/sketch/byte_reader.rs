//! Little-endian values from bytes, front to back.

use alluvium_format::Result;

use super::broken;

/// Bytes, and how far they are read.
pub(super) struct ByteReader<'a> {
    function: &'static str,
    rest: &'a [u8],
}

impl<'a> ByteReader<'a> {
    /// Reads `bytes` of a column of `function`.
    pub(super) fn new(function: &'static str, bytes: &'a [u8]) -> Self {
        Self { function, rest: bytes }
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let Some((head, rest)) = self.rest.split_at_checked(length) else {
            return Err(broken(self.function, format!("{length} bytes are missing at its end")));
        };
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(broken(self.function, format!("{N} bytes are missing at its end")));
        };
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// How many bytes are left.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }
}
