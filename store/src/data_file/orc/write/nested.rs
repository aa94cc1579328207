//! Lists, maps and rows on their way: how many elements each has, and their parts without those of rows that are null.

use alluvium_format::{DataField, DataType, Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::ArrowError;
use arrow_select::concat::concat;
use arrow_select::filter::FilterBuilder;

use super::column::{ColumnWriter, not_of_type};
use super::integers::IntegersWriter;
use super::stripe::StripeParts;
use super::tally::Detail;
use crate::data_file::orc::compression::ChunkCompressor;
use crate::data_file::orc::sign::Sign;
use crate::data_file::orc::stripe_footer::{ColumnEncoding, StreamKind};

#[derive(Debug)]
pub(super) struct ListsWriter {
    lengths: IntegersWriter,
    element: Box<[ColumnWriter; 1]>,
}

#[derive(Debug)]
pub(super) struct MapsWriter {
    lengths: IntegersWriter,
    entries: Box<[ColumnWriter; 2]>,
}

#[derive(Debug)]
pub(super) struct RowsWriter(Vec<ColumnWriter>);

impl ListsWriter {
    pub(super) fn new(element: &DataType) -> Result<Self> {
        Ok(Self {
            lengths: IntegersWriter::new(Sign::Unsigned),
            element: Box::new([ColumnWriter::new(element, Detail::Counts)?]),
        })
    }

    pub(super) fn write(&mut self, array: &ArrayRef, compressor: &mut ChunkCompressor) -> Result<()> {
        let list = array.as_list_opt::<i32>().ok_or_else(|| not_of_type("lists"))?;
        write_lengths(&mut self.lengths, list.offsets(), list.nulls());
        self.lengths.settle(compressor)?;
        let elements = elements(list.offsets(), list.nulls(), list.values())?;
        self.element.iter_mut().try_for_each(|element| element.write(&elements, compressor))
    }

    pub(super) fn finish(&mut self, stripe: &mut StripeParts, compressor: &mut ChunkCompressor) -> Result<()> {
        finish_with_lengths(&mut self.lengths, self.element.as_mut_slice(), stripe, compressor)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.lengths.bytes()
    }

    pub(super) fn parts(&self) -> &[ColumnWriter] {
        self.element.as_slice()
    }
}

impl MapsWriter {
    pub(super) fn new(key: &DataType, value: &DataType) -> Result<Self> {
        let entries = [ColumnWriter::new(key, Detail::Counts)?, ColumnWriter::new(value, Detail::Counts)?];
        Ok(Self { lengths: IntegersWriter::new(Sign::Unsigned), entries: Box::new(entries) })
    }

    pub(super) fn write(&mut self, array: &ArrayRef, compressor: &mut ChunkCompressor) -> Result<()> {
        let map = array.as_map_opt().ok_or_else(|| not_of_type("maps"))?;
        write_lengths(&mut self.lengths, map.offsets(), map.nulls());
        self.lengths.settle(compressor)?;
        for (writer, column) in self.entries.iter_mut().zip([map.keys(), map.values()]) {
            writer.write(&elements(map.offsets(), map.nulls(), column)?, compressor)?;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, stripe: &mut StripeParts, compressor: &mut ChunkCompressor) -> Result<()> {
        finish_with_lengths(&mut self.lengths, self.entries.as_mut_slice(), stripe, compressor)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.lengths.bytes()
    }

    pub(super) fn parts(&self) -> &[ColumnWriter] {
        self.entries.as_slice()
    }
}

impl RowsWriter {
    pub(super) fn new(fields: &[DataField]) -> Result<Self> {
        let parts = fields.iter().map(|field| ColumnWriter::new(&field.data_type, Detail::Counts));
        Ok(Self(parts.collect::<Result<_>>()?))
    }

    pub(super) fn write(&mut self, array: &ArrayRef, compressor: &mut ChunkCompressor) -> Result<()> {
        let rows = array.as_struct_opt().ok_or_else(|| not_of_type("rows"))?;
        let nulls = rows.nulls().filter(|nulls| nulls.null_count() > 0);
        let kept =
            nulls.map(|nulls| FilterBuilder::new(&BooleanArray::new(nulls.inner().clone(), None)).optimize().build());
        for (writer, column) in self.0.iter_mut().zip(rows.columns()) {
            match &kept {
                None => writer.write(column, compressor)?,
                Some(kept) => writer.write(&kept.filter(column).map_err(failed)?, compressor)?,
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, stripe: &mut StripeParts, compressor: &mut ChunkCompressor) -> Result<()> {
        stripe.encode_as(ColumnEncoding::DIRECT_V1);
        self.0.iter_mut().try_for_each(|part| part.finish(stripe, compressor))
    }

    pub(super) fn parts(&self) -> &[ColumnWriter] {
        &self.0
    }
}

fn finish_with_lengths(
    lengths: &mut IntegersWriter,
    parts: &mut [ColumnWriter],
    stripe: &mut StripeParts,
    compressor: &mut ChunkCompressor,
) -> Result<()> {
    stripe.add(StreamKind::Length, lengths.finish(compressor)?);
    stripe.encode_as(ColumnEncoding::DIRECT);
    parts.iter_mut().try_for_each(|part| part.finish(stripe, compressor))
}

fn write_lengths(lengths: &mut IntegersWriter, offsets: &OffsetBuffer<i32>, nulls: Option<&NullBuffer>) {
    for (row, length) in offsets.lengths().enumerate() {
        if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
            // Of 31 bits.
            lengths.push(length as i64);
        }
    }
}

/// The elements of the rows that are not null.
fn elements(offsets: &OffsetBuffer<i32>, nulls: Option<&NullBuffer>, values: &ArrayRef) -> Result<ArrayRef> {
    // Offsets are not negative.
    let at = |row: usize| offsets.get(row).map_or(0, |offset| *offset as usize);
    let slice = |(start, end): (usize, usize)| values.slice(at(start), at(end) - at(start));
    let rows = offsets.len() - 1;
    match nulls.filter(|nulls| nulls.null_count() > 0) {
        None => Ok(slice((0, rows))),
        Some(nulls) => {
            let slices: Vec<ArrayRef> = nulls.valid_slices().map(slice).collect();
            let slices: Vec<&dyn Array> = slices.iter().map(AsRef::as_ref).collect();
            if slices.is_empty() { Ok(values.slice(0, 0)) } else { concat(&slices).map_err(failed) }
        }
    }
}

fn failed(error: ArrowError) -> Error {
    Error::internal("leaving the parts of null rows out failed").with_source(error)
}
