//! Names of changelog files that were put together by Flink: several in one, each a range of its bytes.
//!
//! Goes in: the name of a file. Comes out: which file its bytes are in, and where in it. `compacted-changelog-<id>$<b>-<n>.cc-<format>` is the
//! first `n` bytes of the file of that name in bucket `b`; `compacted-changelog-<id>$<b>-<n>-<offset>-<length>.cc-<format>`, a file
//! of any bucket, is a range of the same file. Answers to `org.apache.paimon.utils.CompactedChangelogPathResolver`.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::path;

/// What such names begin with.
const PREFIX: &str = "compacted-changelog-";
/// What their formats begin with.
const FORMAT_PREFIX: &str = "cc-";

/// A range of a file that holds several changelog files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactedChangelog {
    /// The bucket whose folder the file is in.
    pub bucket: i32,
    /// The file's name in that folder.
    pub file_name: String,
    /// The bytes, a file of their own.
    pub range: Range<u64>,
}

impl CompactedChangelog {
    /// What a file's name says; `None` for a file that is all there is in it.
    ///
    /// # Errors
    /// `Corrupt` for a name that begins like one and is none.
    pub fn of_file(name: &str) -> Result<Option<Self>> {
        if !name.starts_with(PREFIX) {
            return Ok(None);
        }
        let wrong =
            || Error::corrupt(path::MANIFEST_FOLDER, 0, format!("{name:?} is no name of a compacted changelog"));
        Self::parse(name).map(Some).ok_or_else(wrong)
    }

    fn parse(name: &str) -> Option<Self> {
        let (stem, format) = name.split_once('.')?;
        let (id, place) = stem.split_once('$')?;
        let numbers: Option<Vec<u64>> = place.split('-').map(|number| number.parse().ok()).collect();
        let (bucket, length, start, end) = match *numbers?.as_slice() {
            [bucket, length] => (bucket, length, 0, length),
            [bucket, length, offset, own] => (bucket, length, offset, offset.checked_add(own)?),
            _ => return None,
        };
        let file_name = format!("{id}${bucket}-{length}.{format}");
        Some(Self { bucket: i32::try_from(bucket).ok()?, file_name, range: start..end })
    }
}

/// The name of the format behind that of a compacted changelog's: `parquet` of `cc-parquet`.
pub fn wrapped_format(format: &str) -> &str {
    format.strip_prefix(FORMAT_PREFIX).unwrap_or(format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_where_the_bytes_are() {
        let file_name = "compacted-changelog-8e049c65-5ce4-4ce7-b1b0-78ce694ab351$0-39253.cc-parquet".to_owned();
        for (name, range) in [
            ("compacted-changelog-8e049c65-5ce4-4ce7-b1b0-78ce694ab351$0-39253.cc-parquet", 0..39253),
            ("compacted-changelog-8e049c65-5ce4-4ce7-b1b0-78ce694ab351$0-39253-39253-35699.cc-parquet", 39253..74952),
        ] {
            let wanted = CompactedChangelog { bucket: 0, file_name: file_name.clone(), range };
            assert_eq!(CompactedChangelog::of_file(name).unwrap(), Some(wanted));
        }
        assert_eq!(CompactedChangelog::of_file("changelog-x$0-1-2-3.parquet").unwrap(), None);
    }

    #[test]
    fn what_begins_like_such_a_name_is_one() {
        for name in [
            "x",
            "x$0",
            "x$0-1",
            "x$0-1-2.cc-orc",
            "x$a-1.cc-orc",
            "x$0-1-18446744073709551615-1.cc-orc",
            "x$-1-1.cc-orc",
        ] {
            assert!(CompactedChangelog::of_file(&format!("{PREFIX}{name}")).is_err(), "{name}");
        }
    }
}
