//! JSON text as Paimon's Java library writes it, byte for byte, and as leniently read as it reads it.
//!
//! Goes in: values with serde derives, or text with the path it was read from. Comes out: Jackson's default pretty print
//! (two spaces, `"key" : value`, lists on one line, `{ }` and `[ ]` when empty), or values. Unknown keys are ignored.
//! Answers to `org.apache.paimon.utils.JsonSerdeUtil`.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use crate::error::{Error, Result};

/// The text of `value` in Jackson's default pretty print, without a newline at its end.
#[expect(clippy::expect_used, reason = "writing to memory cannot fail and every key of the format is a string")]
pub(crate) fn to_pretty<T: Serialize>(value: &T) -> String {
    let mut text = Vec::with_capacity(512);
    let mut serializer = Serializer::with_formatter(&mut text, JavaPretty::default());
    value.serialize(&mut serializer).expect("a value of the format is JSON");
    String::from_utf8(text).expect("serde_json writes UTF-8")
}

/// The value that the JSON text `bytes`, read from `path`, holds.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8], path: &str) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        let offset = offset_of(bytes, error.line(), error.column());
        Error::corrupt(path, offset, error)
    })
}

/// The byte offset of a line and column as serde_json counts them (both from 1, columns in bytes).
fn offset_of(bytes: &[u8], line: usize, column: usize) -> usize {
    let line_start: usize =
        bytes.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (line_start + column.saturating_sub(1)).min(bytes.len())
}

/// Jackson's `DefaultPrettyPrinter`.
#[derive(Default)]
struct JavaPretty {
    depth: usize,
    /// Whether the object or list that is open has a value yet.
    filled: bool,
}

impl JavaPretty {
    fn new_line<W: ?Sized + io::Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }
}

impl Formatter for JavaPretty {
    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.filled {
            self.new_line(writer)?;
        } else {
            writer.write_all(b" ")?;
        }
        self.filled = true;
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.new_line(writer)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b" : ")
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.filled = false;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.filled = true;
        writer.write_all(b" ]")
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b" " } else { b", " })
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Quote => writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => writer.write_all(b"\\\\"),
            CharEscape::Solidus => writer.write_all(b"/"),
            CharEscape::Backspace => writer.write_all(b"\\b"),
            CharEscape::FormFeed => writer.write_all(b"\\f"),
            CharEscape::LineFeed => writer.write_all(b"\\n"),
            CharEscape::CarriageReturn => writer.write_all(b"\\r"),
            CharEscape::Tab => writer.write_all(b"\\t"),
            // Jackson writes the digits in upper case.
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04X}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{from_slice, to_pretty};
    use crate::error::ErrorKind;

    #[test]
    fn prints_as_jackson_does() {
        let value = json!({"a": 1, "b": [], "c": {}, "d": [1, {"e": "\u{1f}\"/ü"}], "f": {"g": null}, "h": [[2]]});
        let text = "{\n  \"a\" : 1,\n  \"b\" : [ ],\n  \"c\" : { },\n  \"d\" : [ 1, {\n    \"e\" : \"\\u001F\\\"/ü\"\n  } ],\n  \
                    \"f\" : {\n    \"g\" : null\n  },\n  \"h\" : [ [ 2 ] ]\n}";
        assert_eq!(to_pretty(&value), text);
    }

    #[test]
    fn an_error_names_path_and_offset() {
        let error = from_slice::<Vec<i32>>(b"[1,\n2,x]", "list").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().starts_with("list is corrupt at byte 6:"), "{error}");
    }
}
