//! The formats of data files.
//!
//! Goes in: what an option or the name of a file says. Comes out: the format, or a refusal by name. A file's format is that of its
//! name, whatever the options say now. Answers to `org.apache.paimon.format.FileFormat`.

use alluvium_format::{Error, Result, compacted_changelog, path};

/// A format that is written and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileFormat {
    /// `parquet`.
    Parquet,
    /// `orc`.
    Orc,
    /// `avro`.
    Avro,
}

impl FileFormat {
    /// The format of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "parquet" => Some(Self::Parquet),
            "orc" => Some(Self::Orc),
            "avro" => Some(Self::Avro),
            _ => None,
        }
    }

    /// Its name, which names of files end in.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Orc => "orc",
            Self::Avro => "avro",
        }
    }

    /// The format of a file.
    ///
    /// # Errors
    /// `Unsupported` for its format, by name.
    pub(super) fn of_file(file_name: &str) -> Result<Self> {
        let format = path::file_format(file_name).map(compacted_changelog::wrapped_format);
        format.and_then(Self::named).ok_or_else(|| {
            let format = format.unwrap_or("without a name");
            Error::unsupported(format!("data files of format {format} ({file_name})"))
        })
    }
}
