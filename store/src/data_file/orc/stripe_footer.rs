//! What a stripe says of itself: the streams that it is made of, one behind the other, and how its columns are encoded.
//!
//! Answers to `OrcProto.StripeFooter`.

use super::Decoded;
use super::protobuf::{Fields, Message};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StripeFooter {
    pub(super) streams: Vec<Stream>,
    /// One for each column.
    pub(super) encodings: Vec<ColumnEncoding>,
    /// The zone that timestamps without zone were written in.
    pub(super) writer_zone: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) kind: StreamKind,
    pub(super) column: u64,
    pub(super) bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum StreamKind {
    Present,
    Data,
    Length,
    DictionaryData,
    Secondary,
    /// Indexes and filters, which nothing here needs.
    Other,
}

/// How the values of a column are encoded; whole numbers are so by the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ColumnEncoding {
    pub(super) kind: EncodingKind,
    pub(super) version: RleVersion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EncodingKind {
    Direct,
    /// As positions in a dictionary of so many values.
    Dictionary(u64),
}

/// The encoding of runs of whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RleVersion {
    V1,
    V2,
}

impl StripeFooter {
    pub(super) fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut footer = Self::default();
        let mut fields = Fields::of(bytes);
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => footer.streams.push(Stream::decode(value.message()?)?),
                2 => footer.encodings.push(ColumnEncoding::decode(value.message()?)?),
                3 => footer.writer_zone = Some(value.text()?),
                _ => {}
            }
        }
        Ok(footer)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut message = Message::default();
        self.streams.iter().for_each(|stream| message.message(1, &stream.encode()));
        self.encodings.iter().for_each(|encoding| message.message(2, &encoding.encode()));
        if let Some(zone) = &self.writer_zone {
            message.bytes(3, zone.as_bytes());
        }
        message.into_bytes()
    }
}

impl Stream {
    fn decode(mut fields: Fields<'_>) -> Decoded<Self> {
        let mut stream = Self { kind: StreamKind::Present, column: 0, bytes: 0 };
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => stream.kind = StreamKind::numbered(value.number()?),
                2 => stream.column = value.number()?,
                3 => stream.bytes = value.number()?,
                _ => {}
            }
        }
        Ok(stream)
    }

    fn encode(&self) -> Message {
        let mut message = Message::default();
        message.number(1, self.kind.number());
        message.number(2, self.column);
        message.number(3, self.bytes);
        message
    }
}

impl StreamKind {
    fn numbered(number: u64) -> Self {
        match number {
            0 => Self::Present,
            1 => Self::Data,
            2 => Self::Length,
            3 => Self::DictionaryData,
            5 => Self::Secondary,
            _ => Self::Other,
        }
    }

    fn number(self) -> u64 {
        match self {
            Self::Present => 0,
            Self::Data => 1,
            Self::Length => 2,
            Self::DictionaryData => 3,
            Self::Secondary => 5,
            Self::Other => 6,
        }
    }
}

impl ColumnEncoding {
    /// What is written where there is no dictionary.
    pub(super) const DIRECT: Self = Self { kind: EncodingKind::Direct, version: RleVersion::V2 };

    /// Of columns that have no runs of whole numbers: Java asks for this name of theirs.
    pub(super) const DIRECT_V1: Self = Self { kind: EncodingKind::Direct, version: RleVersion::V1 };

    fn decode(mut fields: Fields<'_>) -> Decoded<Self> {
        let (mut kind, mut size) = (0, 0);
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => kind = value.number()?,
                2 => size = value.number()?,
                _ => {}
            }
        }
        Ok(match kind {
            0 => Self::DIRECT_V1,
            1 => Self { kind: EncodingKind::Dictionary(size), version: RleVersion::V1 },
            2 => Self::DIRECT,
            3 => Self { kind: EncodingKind::Dictionary(size), version: RleVersion::V2 },
            other => return Err(format!("a column of the unknown encoding {other}").into()),
        })
    }

    fn encode(self) -> Message {
        let mut message = Message::default();
        message.number(
            1,
            match (self.kind, self.version) {
                (EncodingKind::Direct, RleVersion::V1) => 0,
                (EncodingKind::Dictionary(_), RleVersion::V1) => 1,
                (EncodingKind::Direct, RleVersion::V2) => 2,
                (EncodingKind::Dictionary(_), RleVersion::V2) => 3,
            },
        );
        if let EncodingKind::Dictionary(size) = self.kind {
            message.number(2, size);
        }
        message
    }
}
