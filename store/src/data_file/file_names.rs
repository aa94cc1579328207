//! Names of the files of one writer.
//!
//! Goes in: where they go and what they hold. Comes out: their places, in each `<prefix><uuid>-<number>[.<codec>].<format>`, one after the other. Answers to
//! `org.apache.paimon.io.DataFilePathFactory`.

use alluvium_format::Result;
use alluvium_format::options::FileCompression;

use super::format::FileFormat;
use super::{DataFileSpec, FileContent};
use crate::file_paths::{NewFile, NewFiles};
use crate::table_store::TableStore;

/// Names that were not given yet.
#[derive(Debug)]
pub(super) struct FileNames {
    files: NewFiles,
    stem: String,
    extension: String,
    next: usize,
}

impl FileNames {
    /// The names of a writer's files.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong.
    pub(super) fn of(
        table: &TableStore,
        spec: &DataFileSpec,
        format: FileFormat,
        compression: &FileCompression,
    ) -> Result<Self> {
        let options = table.options();
        let named = options.file_suffix_include_compression()?;
        let prefix = match spec.content {
            FileContent::Data(_) | FileContent::Waiting => options.data_file_prefix(),
            FileContent::Changelog => options.changelog_file_prefix(),
        };
        let codec =
            name_of_codec(&compression.codec).filter(|_| named).map_or(String::new(), |name| format!(".{name}"));
        Ok(Self {
            files: NewFiles::of_bucket(table, &spec.bucket)?,
            stem: format!("{prefix}{}", table.io().namer().uuid()),
            extension: format!("{codec}.{}", format.name()),
            next: 0,
        })
    }

    /// The next one.
    ///
    /// # Errors
    /// `Invalid` when its place is not allowed.
    pub(super) fn take(&mut self) -> Result<NewFile> {
        let name = format!("{}-{}{}", self.stem, self.next, self.extension);
        self.next += 1;
        self.files.place(name)
    }
}

/// What names of files say of the codec with `file.suffix.include.compression`; nothing of none. Answers to `HadoopCompressionType`.
fn name_of_codec(codec: &str) -> Option<&str> {
    match codec {
        "none" => None,
        "zstd" => Some("zst"),
        "gzip" => Some("gz"),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_paimon_calls_the_codec() {
        let table = [("zstd", Some("zst")), ("gzip", Some("gz")), ("snappy", Some("snappy")), ("none", None)];
        for (codec, name) in table {
            assert_eq!(name_of_codec(codec), name);
        }
    }
}
