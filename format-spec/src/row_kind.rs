//! The kind of a row in a changelog: `+I`, `-U`, `+U`, `-D`.
//!
//! Answers to `org.apache.paimon.types.RowKind`; the byte values are what `_VALUE_KIND` holds in data files.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// What a row does to the key it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i8)]
pub enum RowKind {
    /// `+I`: the key is new.
    Insert = 0,
    /// `-U`: the value before an update.
    UpdateBefore = 1,
    /// `+U`: the value after an update.
    UpdateAfter = 2,
    /// `-D`: the key is gone.
    Delete = 3,
}

impl RowKind {
    /// The kind of a `_VALUE_KIND` byte.
    pub fn from_byte(byte: i8) -> Result<Self> {
        match byte {
            0 => Ok(Self::Insert),
            1 => Ok(Self::UpdateBefore),
            2 => Ok(Self::UpdateAfter),
            3 => Ok(Self::Delete),
            other => Err(Error::invalid(format!("{other} is no row kind: it is 0 (+I), 1 (-U), 2 (+U) or 3 (-D)"))),
        }
    }

    /// The byte of `_VALUE_KIND`.
    #[inline]
    pub fn to_byte(self) -> i8 {
        self as i8
    }

    /// `+I` and `+U` add, `-U` and `-D` retract.
    #[inline]
    pub fn is_add(self) -> bool {
        matches!(self, Self::Insert | Self::UpdateAfter)
    }

    /// `-U` and `-D`.
    #[inline]
    pub fn is_retract(self) -> bool {
        !self.is_add()
    }

    /// `+I`, `-U`, `+U` or `-D`.
    pub fn short_string(self) -> &'static str {
        match self {
            Self::Insert => "+I",
            Self::UpdateBefore => "-U",
            Self::UpdateAfter => "+U",
            Self::Delete => "-D",
        }
    }
}

impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short_string())
    }
}

impl FromStr for RowKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "+I" => Ok(Self::Insert),
            "-U" => Ok(Self::UpdateBefore),
            "+U" => Ok(Self::UpdateAfter),
            "-D" => Ok(Self::Delete),
            other => Err(Error::invalid(format!("{other:?} is no row kind: write +I, -U, +U or -D"))),
        }
    }
}
