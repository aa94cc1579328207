//! What an input is: its form and its packing, as its name and the command line say.
//!
//! Goes in: a name and, when given, the form. Comes out: an [`InputFile`], or why it cannot be read.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use alluvium::{Error, Result};

use super::change_json::ChangeFormat;

/// What standard input is called on the command line.
pub(super) const STDIN: &str = "-";

const READABLE: &str = "ndjson, csv, parquet, debezium-json, canal-json, maxwell-json and ogg-json";
/// Formats of Flink and Paimon that have a name here and no reader.
const NAMED: [&str; 2] = ["arrow", "avro"];

/// The form of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputFormat {
    /// A JSON object a line.
    Ndjson,
    /// Comma-separated values under a header.
    Csv,
    /// An Apache Parquet file.
    Parquet,
    /// A change event a line.
    Change(ChangeFormat),
}

impl FromStr for InputFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(format) = ChangeFormat::named(text) {
            return Ok(Self::Change(format));
        }
        match text {
            "ndjson" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            "parquet" => Ok(Self::Parquet),
            named if NAMED.contains(&named) => {
                Err(Error::unsupported(format!("the input format {named}; {READABLE} can be read")))
            }
            other => Err(Error::invalid(format!(
                "{other:?} is no input format: the formats are {READABLE} ({} are not built yet)",
                NAMED.join(", ")
            ))),
        }
    }
}

/// How the bytes of an input are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not at all.
    Plain,
    /// `.gz`: gzip members, one after the other.
    Gzip,
    /// `.zst`: Zstandard frames, one after the other.
    Zstd,
}

/// Where the bytes of an input come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A regular file of so many bytes, whose bytes are there.
    File {
        /// Its size.
        bytes: u64,
    },
    /// A pipe, a device or standard input, whose bytes come when they come.
    Stream,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InputFile {
    /// As given on the command line.
    pub(super) path: String,
    /// Its form.
    pub(super) format: InputFormat,
    /// Its packing.
    pub(super) packing: Packing,
    /// Where its bytes come from.
    pub(super) origin: Origin,
}

impl InputFile {
    /// Looks at an input without reading it.
    ///
    /// # Errors
    /// `Invalid` when it is not there, is a folder, or its form cannot be told; `Unsupported` by name for a form that is not built.
    pub(super) fn look(path: &str, format: Option<InputFormat>) -> Result<Self> {
        let (stem, packing) = unpacked_name(path);
        let origin = origin(path)?;
        let format = match format {
            Some(format) => format,
            None => format_of_name(path, stem)?,
        };
        if format == InputFormat::Parquet {
            let (Packing::Plain, Origin::File { .. }) = (packing, origin) else {
                return Err(Error::invalid(format!(
                    "{} cannot be read as parquet: a Parquet file is read from its end, so give it as an unpacked file",
                    shown_name(path)
                )));
            };
        }
        Ok(Self { path: path.to_owned(), format, packing, origin })
    }

    /// What messages call it.
    pub(super) fn shown(&self) -> &str {
        shown_name(&self.path)
    }
}

fn shown_name(path: &str) -> &str {
    if path == STDIN { "standard input" } else { path }
}

fn origin(path: &str) -> Result<Origin> {
    if path == STDIN {
        return Ok(Origin::Stream);
    }
    let metadata = fs::metadata(Path::new(path))
        .map_err(|error| Error::invalid(format!("the input {path} cannot be opened")).with_source(error))?;
    if metadata.is_dir() {
        return Err(Error::invalid(format!("the input {path} is a folder: name the files in it")));
    }
    Ok(if metadata.is_file() { Origin::File { bytes: metadata.len() } } else { Origin::Stream })
}

/// The name without the ending of its packing.
fn unpacked_name(path: &str) -> (&str, Packing) {
    if let Some(stem) = path.strip_suffix(".gz") {
        (stem, Packing::Gzip)
    } else if let Some(stem) = path.strip_suffix(".zst") {
        (stem, Packing::Zstd)
    } else {
        (path, Packing::Plain)
    }
}

fn format_of_name(path: &str, stem: &str) -> Result<InputFormat> {
    let ending = Path::new(stem).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "ndjson" | "jsonl" | "json" => Ok(InputFormat::Ndjson),
        "csv" => Ok(InputFormat::Csv),
        "parquet" => Ok(InputFormat::Parquet),
        "arrow" | "avro" => ending.to_ascii_lowercase().parse(),
        _ => Err(Error::invalid(format!(
            "the format of {} cannot be told from its name: give --input-format, one of {READABLE}",
            shown_name(path)
        ))),
    }
}
