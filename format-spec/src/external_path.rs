//! A path outside of a table's folder: of a file, as `_EXTERNAL_PATH` has it, or of a folder that an option names.
//!
//! Goes in: text such as `s3://bucket/a`, `file:/a/b`, `/a/b`. Comes out: its scheme, authority and segments, and the text that Paimon writes for
//! it. Nothing in it is escaped: `%2F` is three characters. Invariants: a path has no segment `.` or `..`, so what is below a folder is
//! told from the segments alone; `file:/a`, `file:///a` and `/a` are one place. Answers to `org.apache.paimon.fs.Path`.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Schemes of the same store.
const S3_SCHEMES: [&str; 3] = ["s3", "s3a", "s3n"];

/// A path with the store it is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExternalPath {
    /// As it was written; `None` is a path of this machine.
    scheme: Option<String>,
    authority: String,
    /// Without the slashes between them.
    segments: Vec<String>,
}

impl ExternalPath {
    /// The scheme as it was written, `s3`; `None` for a plain path.
    pub fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    /// Whether it is on this machine.
    pub fn is_local(&self) -> bool {
        self.store() == "file"
    }

    /// The segments below the root of the store's bucket, or of the machine, with slashes between them: `a/b`.
    pub fn relative_to_root(&self) -> String {
        self.segments.join("/")
    }

    /// What of it lies below `folder`, with slashes: nothing when it is the folder itself, `None` when it is elsewhere.
    pub fn below(&self, folder: &Self) -> Option<String> {
        let is_same_store = self.store() == folder.store() && self.authority == folder.authority;
        let rest = self.segments.strip_prefix(folder.segments.as_slice()).filter(|_| is_same_store)?;
        Some(rest.join("/"))
    }

    /// The path of `relative`, some segments with slashes, below this one.
    ///
    /// # Errors
    /// `Invalid` when a segment is `.` or `..`.
    pub fn join(&self, relative: &str) -> Result<Self> {
        let mut joined = self.clone();
        joined.segments.extend(segments_of(relative)?);
        Ok(joined)
    }

    /// One name for all schemes of a store.
    fn store(&self) -> String {
        match self.scheme.as_deref().map(str::to_ascii_lowercase) {
            None => "file".to_owned(),
            Some(scheme) if S3_SCHEMES.contains(&scheme.as_str()) => "s3".to_owned(),
            Some(scheme) => scheme,
        }
    }
}

impl FromStr for ExternalPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::invalid(format!("{text:?} is no path of a file or folder: {why}"));
        let colon = text.find(':').filter(|colon| text.find('/').is_none_or(|slash| *colon < slash));
        let (scheme, rest) = match colon.and_then(|colon| text.split_at_checked(colon)) {
            Some((scheme, rest)) => (Some(scheme), rest.trim_start_matches(':')),
            None => (None, text),
        };
        if scheme.is_some_and(|scheme| !is_scheme(scheme)) {
            return Err(wrong("what is before the colon is no scheme"));
        }
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path)),
            None => (
                "",
                rest.strip_prefix('/').ok_or_else(|| wrong("write it from the root, as /data or s3://bucket/data"))?,
            ),
        };
        let segments = segments_of(path).map_err(|error| wrong(&error.to_string()))?;
        let path = Self { scheme: scheme.map(str::to_owned), authority: authority.to_owned(), segments };
        if path.is_local() && !path.authority.is_empty() {
            return Err(wrong("a file of this machine has no host; write it as file:///data"));
        }
        Ok(path)
    }
}

impl fmt::Display for ExternalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}:")?;
        }
        if !self.authority.is_empty() {
            write!(f, "//{}", self.authority)?;
        }
        if self.segments.is_empty() && self.authority.is_empty() {
            return f.write_str("/");
        }
        self.segments.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

fn is_scheme(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(rest)
}

/// The segments of a path, of which doubled slashes make none.
fn segments_of(path: &str) -> Result<Vec<String>> {
    let segments: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
    match segments.iter().find(|segment| matches!(segment.as_str(), "." | "..") || segment.contains(char::is_control)) {
        Some(segment) => Err(Error::invalid(format!("it must not have the segment {segment:?}"))),
        None => Ok(segments),
    }
}
