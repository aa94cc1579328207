//! The one error of the project: a kind that says what the caller does next, and the words that say what happened.
//!
//! Goes in: what was being done, to which path or row, and why it failed. Comes out: an [`Error`] whose `Display` is one
//! sentence for a person and whose [`ErrorKind`] is for code. Invariants: corruption carries the path and, where known, the
//! byte offset; nothing secret is ever put into a message.

use std::error::Error as StdError;
use std::fmt;

/// The result of every fallible operation of the project.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The named thing does not exist.
    NotFound,
    /// The named thing exists already.
    AlreadyExists,
    /// Somebody else changed the table first: plan again from the latest snapshot.
    Conflict,
    /// The outcome of a commit is not known: read the snapshots back before anything else.
    Unknown,
    /// A valid Paimon feature or option that this library does not have yet.
    Unsupported,
    /// The caller's input (row, option, name, argument) is wrong.
    Invalid,
    /// Bytes at rest are not what the format says.
    Corrupt,
    /// The object store failed: try again later, or mend it.
    Storage,
    /// The writer or reader was closed, or failed before.
    Closed,
    /// A defect in this library.
    Internal,
}

/// An error with its kind, a sentence, and what was being done when it came up, outermost last.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    context: Vec<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A new error of `kind` that says `message` (a clause without a full stop).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), context: Vec::new(), source: None }
    }

    /// Bytes at `path` that break the format at `offset`.
    pub fn corrupt(path: impl fmt::Display, offset: usize, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Corrupt, format!("{path} is corrupt at byte {offset}: {why}"))
    }

    /// The caller's input is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// A feature or option, named, that is valid Paimon but not built here yet.
    pub fn unsupported(feature: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unsupported, format!("unsupported: {feature}"))
    }

    /// A defect of this library.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Adds what was being done, for example `reading manifest manifest-1`.
    #[must_use]
    pub fn context(mut self, doing: impl Into<String>) -> Self {
        self.context.push(doing.into());
        self
    }

    /// Keeps the error of the layer below.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for doing in self.context.iter().rev() {
            write!(f, "{doing}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Adds context to the error of a result.
pub trait ResultExt<T> {
    /// Adds what was being done; the words are made only when there is an error.
    fn context<S: Into<String>>(self, doing: impl FnOnce() -> S) -> Result<T>;
}

impl<T> ResultExt<T> for Result<T> {
    fn context<S: Into<String>>(self, doing: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|error| error.context(doing()))
    }
}
