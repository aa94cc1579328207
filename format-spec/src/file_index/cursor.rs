//! A place in big-endian bytes that nobody vouches for.
//!
//! Invariants: what is read lies within the bytes; an error names the path and the place; a count is never larger than what is left
//! could hold.

use crate::error::{Error, Result};

/// A place in the bytes of a file index.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    path: &'a str,
}

impl<'a> Cursor<'a> {
    /// The first of `bytes`, which were read from `path`.
    pub(super) fn new(bytes: &'a [u8], path: &'a str) -> Self {
        Self { bytes, position: 0, path }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn corrupt(&self, why: impl std::fmt::Display) -> Error {
        Error::corrupt(self.path, self.position, why)
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// All bytes from here on.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.position.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.position..end));
        let taken = taken.ok_or_else(|| self.corrupt(format!("{length} bytes wanted, {} left", self.remaining())))?;
        self.position += length;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| self.corrupt("too few bytes"))
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn int(&mut self) -> Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn long(&mut self) -> Result<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// A number of things of at least `bytes` each, which what is left must be able to hold.
    pub(super) fn count(&mut self, bytes: usize) -> Result<usize> {
        let count = self.int()?;
        let fits = usize::try_from(count).ok().filter(|count| *count <= self.remaining() / bytes);
        fits.ok_or_else(|| self.corrupt(format!("{count} things in {} bytes", self.remaining())))
    }

    /// A number of rows.
    pub(super) fn rows(&mut self) -> Result<u32> {
        let rows = self.int()?;
        u32::try_from(rows).map_err(|_| self.corrupt("a negative number of rows"))
    }

    /// A version byte.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for another than `known`.
    pub(super) fn version(&mut self, known: u8, what: &str) -> Result<()> {
        match self.byte()? {
            version if version == known => Ok(()),
            version => Err(Error::unsupported(format!("{}: {what} of version {version}", self.path))),
        }
    }

    /// Java's `readUTF`, of texts that are plain UTF-8.
    pub(super) fn text(&mut self) -> Result<String> {
        let length = u16::from_be_bytes(self.array()?);
        let taken = self.take(usize::from(length))?;
        str::from_utf8(taken).map(str::to_owned).map_err(|error| self.corrupt(format!("text is not UTF-8: {error}")))
    }
}
