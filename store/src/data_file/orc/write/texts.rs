//! Texts and byte strings on their way: as they are, or as positions in a dictionary where few of them are different.
//!
//! Invariant: a CHAR is padded with blanks to the length of its type, as Java has it.

use alluvium_format::{Result, TypeRoot};
use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use indexmap::IndexSet;

use super::column::not_of_type;
use super::integers::IntegersWriter;
use super::stream::StreamWriter;
use super::stripe::StripeParts;
use crate::data_file::orc::compression::ChunkCompressor;
use crate::data_file::orc::sign::Sign;
use crate::data_file::orc::stripe_footer::{ColumnEncoding, EncodingKind, RleVersion, StreamKind};

/// Values that are looked at before the encoding of a stripe is chosen.
const SAMPLE_VALUES: usize = 2048;
/// A dictionary of more values, or bytes, ends its stripe: it must be held as long as that goes on.
const DICTIONARY_VALUES_MAX: usize = 1 << 16;
const DICTIONARY_BYTES_MAX: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct TextsWriter {
    /// Positions in the dictionary, or the values.
    data: Data,
    /// What a value is padded to, in characters.
    padded: usize,
    /// Whether a dictionary may pay.
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// Java reads no dictionary of them.
    Bytes,
}

#[derive(Debug)]
enum Data {
    /// Nothing was written to the stripe.
    Empty,
    Direct {
        bytes: StreamWriter,
        lengths: IntegersWriter,
    },
    Dictionary {
        positions: IntegersWriter,
        values: IndexSet<Box<[u8]>>,
        bytes: usize,
    },
}

impl TextsWriter {
    pub(super) fn new(root: &TypeRoot) -> Self {
        let (padded, kind) = match root {
            TypeRoot::Char(length) => (usize::try_from(*length).unwrap_or(usize::MAX), Kind::Text),
            TypeRoot::VarChar(_) => (0, Kind::Text),
            _ => (0, Kind::Bytes),
        };
        Self { data: Data::Empty, padded, kind }
    }

    pub(super) fn write(&mut self, array: &ArrayRef, compressor: &mut ChunkCompressor) -> Result<()> {
        if let Some(texts) = array.as_string_opt::<i32>() {
            let values = texts.iter().flatten();
            if self.padded > 0 {
                let padded: Vec<String> = values.map(|text| format!("{text:<width$}", width = self.padded)).collect();
                return self.write_values(padded.iter().map(String::as_bytes), compressor);
            }
            return self.write_values(values.map(str::as_bytes), compressor);
        }
        let bytes = array.as_binary_opt::<i32>().ok_or_else(|| not_of_type("texts or byte strings"))?;
        self.write_values(bytes.iter().flatten(), compressor)
    }

    fn write_values<'a>(
        &mut self,
        values: impl Iterator<Item = &'a [u8]> + Clone,
        compressor: &mut ChunkCompressor,
    ) -> Result<()> {
        if matches!(self.data, Data::Empty) {
            self.data = Data::begin(self.kind, values.clone());
        }
        match &mut self.data {
            Data::Empty => Ok(()),
            Data::Direct { bytes, lengths } => {
                let content = bytes.content();
                for value in values {
                    content.extend_from_slice(value);
                    // A value in memory has fewer than 2^63 bytes.
                    lengths.push(value.len() as i64);
                }
                bytes.settle(compressor)?;
                lengths.settle(compressor)
            }
            Data::Dictionary { positions, values: dictionary, bytes } => {
                for value in values {
                    let position = dictionary.get_index_of(value).unwrap_or_else(|| {
                        *bytes += value.len();
                        dictionary.insert_full(value.into()).0
                    });
                    positions.push(position as i64);
                }
                positions.settle(compressor)
            }
        }
    }

    pub(super) fn finish(&mut self, stripe: &mut StripeParts, compressor: &mut ChunkCompressor) -> Result<()> {
        let encoding = match std::mem::replace(&mut self.data, Data::Empty) {
            Data::Empty => {
                stripe.add(StreamKind::Data, Vec::new());
                stripe.add(StreamKind::Length, Vec::new());
                ColumnEncoding::DIRECT
            }
            Data::Direct { mut bytes, mut lengths } => {
                stripe.add(StreamKind::Data, bytes.finish(compressor)?);
                stripe.add(StreamKind::Length, lengths.finish(compressor)?);
                ColumnEncoding::DIRECT
            }
            Data::Dictionary { mut positions, values, .. } => {
                stripe.add(StreamKind::Data, positions.finish(compressor)?);
                let (mut bytes, mut lengths) = (StreamWriter::default(), IntegersWriter::new(Sign::Unsigned));
                for value in &values {
                    bytes.content().extend_from_slice(value);
                    lengths.push(value.len() as i64);
                }
                stripe.add(StreamKind::Length, lengths.finish(compressor)?);
                stripe.add(StreamKind::DictionaryData, bytes.finish(compressor)?);
                let kind = EncodingKind::Dictionary(values.len() as u64);
                ColumnEncoding { kind, version: RleVersion::V2 }
            }
        };
        stripe.encode_as(encoding);
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        match &self.data {
            Data::Empty => 0,
            Data::Direct { bytes, lengths } => bytes.bytes() + lengths.bytes(),
            Data::Dictionary { positions, bytes, .. } => positions.bytes() + *bytes as u64,
        }
    }

    /// Whether the dictionary has become too large.
    pub(super) fn is_full(&self) -> bool {
        matches!(&self.data, Data::Dictionary { values, bytes, .. }
            if values.len() > DICTIONARY_VALUES_MAX || *bytes > DICTIONARY_BYTES_MAX)
    }
}

impl Data {
    /// The encoding of a stripe that begins with `values`.
    fn begin<'a>(kind: Kind, values: impl Iterator<Item = &'a [u8]> + Clone) -> Self {
        let sampled = values.clone().take(SAMPLE_VALUES).count();
        if sampled == 0 {
            return Self::Empty;
        }
        let different: IndexSet<&[u8]> = values.take(SAMPLE_VALUES).collect();
        if kind == Kind::Text && different.len() * 2 <= sampled {
            return Self::Dictionary {
                positions: IntegersWriter::new(Sign::Unsigned),
                values: IndexSet::new(),
                bytes: 0,
            };
        }
        Self::Direct { bytes: StreamWriter::default(), lengths: IntegersWriter::new(Sign::Unsigned) }
    }
}
