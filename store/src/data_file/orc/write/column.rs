//! One column on its way into a stripe.
//!
//! Goes in: arrays in the in-memory form of the column's type. Comes out: streams, an encoding and statistics, of the column and its
//! parts. Answers to `org.apache.orc.impl.writer.TreeWriter`.

use alluvium_format::{DataType, Error, Result, TypeRoot};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};

use super::byte_runs::BitsWriter;
use super::decimals::DecimalsWriter;
use super::nested::{ListsWriter, MapsWriter, RowsWriter};
use super::numbers::NumbersWriter;
use super::presence::PresenceWriter;
use super::stripe::StripeParts;
use super::tally::{Detail, Tally};
use super::texts::TextsWriter;
use super::timestamps::TimestampsWriter;
use crate::data_file::orc::compression::ChunkCompressor;
use crate::data_file::orc::statistics::ColumnStatistics;
use crate::data_file::orc::stripe_footer::{ColumnEncoding, StreamKind};

#[derive(Debug)]
pub(super) struct ColumnWriter {
    data_type: DataType,
    detail: Detail,
    present: PresenceWriter,
    values: Values,
    /// Of the stripe that is being written.
    stripe: Tally,
    /// Of the stripes before it.
    file: Tally,
}

#[derive(Debug)]
enum Values {
    Booleans(BitsWriter),
    Numbers(NumbersWriter),
    Decimals(DecimalsWriter),
    Texts(TextsWriter),
    Timestamps(TimestampsWriter),
    Lists(ListsWriter),
    Maps(MapsWriter),
    Rows(RowsWriter),
}

impl ColumnWriter {
    /// A column without rows.
    ///
    /// # Errors
    /// `Unsupported` for VARIANT, BLOB and VECTOR.
    pub(super) fn new(data_type: &DataType, detail: Detail) -> Result<Self> {
        let values = match &data_type.root {
            TypeRoot::Boolean => Values::Booleans(BitsWriter::default()),
            TypeRoot::TinyInt
            | TypeRoot::SmallInt
            | TypeRoot::Int
            | TypeRoot::BigInt
            | TypeRoot::Float
            | TypeRoot::Double
            | TypeRoot::Date
            | TypeRoot::Time(_) => Values::Numbers(NumbersWriter::new(&data_type.root)),
            TypeRoot::Decimal { scale, .. } => Values::Decimals(DecimalsWriter::new(*scale)),
            TypeRoot::Char(_) | TypeRoot::VarChar(_) | TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => {
                Values::Texts(TextsWriter::new(&data_type.root))
            }
            TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_) => Values::Timestamps(TimestampsWriter::new()),
            TypeRoot::Array(element) => Values::Lists(ListsWriter::new(element)?),
            TypeRoot::Map { key, value } => Values::Maps(MapsWriter::new(key, value)?),
            TypeRoot::Multiset(element) => Values::Maps(MapsWriter::new(element, &DataType::not_null(TypeRoot::Int))?),
            TypeRoot::Row(fields) => Values::Rows(RowsWriter::new(fields)?),
            root @ (TypeRoot::Variant | TypeRoot::Blob | TypeRoot::Vector { .. }) => {
                return Err(Error::unsupported(root));
            }
        };
        Ok(Self {
            data_type: data_type.clone(),
            detail,
            present: PresenceWriter::default(),
            values,
            stripe: Tally::default(),
            file: Tally::default(),
        })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// `Internal` when the array is not of the type; `Invalid` for a value that ORC does not hold.
    pub(super) fn write(&mut self, array: &ArrayRef, compressor: &mut ChunkCompressor) -> Result<()> {
        self.stripe.add(array, &self.data_type, self.detail);
        self.present.append(array.nulls(), array.len());
        match &mut self.values {
            Values::Booleans(bits) => {
                let array = array.as_boolean_opt().ok_or_else(|| not_of_type(&self.data_type))?;
                match array.nulls().filter(|nulls| nulls.null_count() > 0) {
                    None => bits.append(array.values()),
                    Some(nulls) => nulls.valid_indices().for_each(|row| bits.push(array.value(row))),
                }
                bits.settle(compressor)
            }
            Values::Numbers(numbers) => numbers.write(array, compressor),
            Values::Decimals(decimals) => decimals.write(array, compressor),
            Values::Texts(texts) => texts.write(array, compressor),
            Values::Timestamps(timestamps) => timestamps.write(array, compressor),
            Values::Lists(lists) => lists.write(array, compressor),
            Values::Maps(maps) => maps.write(array, compressor),
            Values::Rows(rows) => rows.write(array, compressor),
        }
    }

    /// Ends the stripe: adds the column and its parts to it.
    ///
    /// # Errors
    /// `Internal` when a codec fails.
    pub(super) fn finish(&mut self, stripe: &mut StripeParts, compressor: &mut ChunkCompressor) -> Result<()> {
        let tally = std::mem::take(&mut self.stripe);
        stripe.begin_column(tally.statistics(&self.data_type));
        self.file.merge(tally);
        self.present.finish(stripe, compressor)?;
        match &mut self.values {
            Values::Booleans(bits) => {
                stripe.add(StreamKind::Data, bits.finish(compressor)?);
                stripe.encode_as(ColumnEncoding::DIRECT_V1);
                Ok(())
            }
            Values::Numbers(numbers) => numbers.finish(stripe, compressor),
            Values::Decimals(decimals) => decimals.finish(stripe, compressor),
            Values::Texts(texts) => texts.finish(stripe, compressor),
            Values::Timestamps(timestamps) => timestamps.finish(stripe, compressor),
            Values::Lists(lists) => lists.finish(stripe, compressor),
            Values::Maps(maps) => maps.finish(stripe, compressor),
            Values::Rows(rows) => rows.finish(stripe, compressor),
        }
    }

    /// Calls `each` with what is known of the column and its parts in all stripes that were ended, in the order of their numbers.
    pub(super) fn each_statistics(&self, each: &mut dyn FnMut(ColumnStatistics)) {
        each(self.file.statistics(&self.data_type));
        self.parts().for_each(|part| part.each_statistics(each));
    }

    /// Bytes of the stripe so far, about.
    pub(super) fn bytes(&self) -> u64 {
        let values = match &self.values {
            Values::Booleans(bits) => bits.bytes(),
            Values::Numbers(numbers) => numbers.bytes(),
            Values::Decimals(decimals) => decimals.bytes(),
            Values::Texts(texts) => texts.bytes(),
            Values::Timestamps(timestamps) => timestamps.bytes(),
            Values::Lists(lists) => lists.bytes(),
            Values::Maps(maps) => maps.bytes(),
            Values::Rows(_) => 0,
        };
        self.present.bytes() + values + self.parts().map(Self::bytes).sum::<u64>()
    }

    /// Whether the stripe should end, whatever its size.
    pub(super) fn is_full(&self) -> bool {
        matches!(&self.values, Values::Texts(texts) if texts.is_full()) || self.parts().any(Self::is_full)
    }

    fn parts(&self) -> impl Iterator<Item = &Self> {
        match &self.values {
            Values::Lists(lists) => lists.parts(),
            Values::Maps(maps) => maps.parts(),
            Values::Rows(rows) => rows.parts(),
            _ => &[],
        }
        .iter()
    }
}

/// Arrays are checked against the schema before they come here.
pub(super) fn not_of_type(data_type: impl std::fmt::Display) -> Error {
    Error::internal(format!("an array that is no column of {data_type}"))
}
