//! Lists, maps and rows.
//!
//! Invariant: the parts of a batch are bounded, as lengths cost a file next to nothing.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType as ArrowType, FieldRef, Fields};

use super::column::Part;
use super::integers::Integers;
use super::plan::ColumnPlan;
use super::stripe::StripeStreams;
use super::validity;
use crate::data_file::orc::Decoded;
use crate::data_file::orc::sign::Sign;
use crate::data_file::orc::stripe_footer::StreamKind;

/// Elements of a batch, at most: a gigabyte of the widest numbers.
const ELEMENTS_MAX: usize = 1 << 26;

/// How many elements each row has.
#[derive(Debug)]
struct Lengths(Integers);

#[derive(Debug)]
pub(super) struct Lists {
    lengths: Lengths,
    element: Part,
    field: FieldRef,
}

#[derive(Debug)]
pub(super) struct Maps {
    lengths: Lengths,
    entries: [Part; 2],
    field: FieldRef,
    fields: Fields,
}

#[derive(Debug)]
pub(super) struct Rows {
    parts: Vec<Part>,
    fields: Fields,
}

impl Lengths {
    fn begin(plan: &ColumnPlan, streams: &mut StripeStreams) -> Decoded<Self> {
        let version = streams.encoding(plan.number)?.version;
        Ok(Self(Integers::of(streams.take(plan.number, StreamKind::Length), version, Sign::Unsigned)))
    }

    /// Where the elements of each row end, and how many there are.
    fn read(&mut self, rows: usize, nulls: Option<&NullBuffer>) -> Decoded<(OffsetBuffer<i32>, usize)> {
        let lengths = self.0.read(validity::count(nulls, rows))?;
        let mut sum = 0_usize;
        let lengths = lengths.into_iter().map(|length| {
            let length = usize::try_from(length).ok();
            let total = length.and_then(|length| sum.checked_add(length)).filter(|sum| *sum <= ELEMENTS_MAX);
            sum = total.ok_or_else(|| format!("more than {ELEMENTS_MAX} elements in a batch"))?;
            Ok(length.unwrap_or_default())
        });
        let lengths = lengths.collect::<Decoded<Vec<usize>>>()?;
        Ok((OffsetBuffer::from_lengths(validity::spread(lengths, nulls)), sum))
    }
}

impl Lists {
    pub(super) fn begin(plan: &ColumnPlan, streams: &mut StripeStreams) -> Decoded<Self> {
        let ([element], ArrowType::List(field)) = (&plan.parts[..], &plan.arrow) else {
            return Err("a list where the schema has none".into());
        };
        let lengths = Lengths::begin(plan, streams)?;
        Ok(Self { lengths, element: Part::begin(element, streams)?, field: Arc::clone(field) })
    }

    pub(super) fn read(&mut self, rows: usize, nulls: Option<NullBuffer>) -> Decoded<ArrayRef> {
        let (offsets, count) = self.lengths.read(rows, nulls.as_ref())?;
        let elements = self.element.read(count, None)?;
        Ok(Arc::new(ListArray::try_new(Arc::clone(&self.field), offsets, elements, nulls)?))
    }
}

impl Maps {
    pub(super) fn begin(plan: &ColumnPlan, streams: &mut StripeStreams) -> Decoded<Self> {
        let ([key, value], ArrowType::Map(field, _)) = (&plan.parts[..], &plan.arrow) else {
            return Err("a map where the schema has none".into());
        };
        let ArrowType::Struct(fields) = field.data_type() else { return Err("a map without entries".into()) };
        let lengths = Lengths::begin(plan, streams)?;
        let entries = [Part::begin(key, streams)?, Part::begin(value, streams)?];
        Ok(Self { lengths, entries, field: Arc::clone(field), fields: fields.clone() })
    }

    pub(super) fn read(&mut self, rows: usize, nulls: Option<NullBuffer>) -> Decoded<ArrayRef> {
        let (offsets, count) = self.lengths.read(rows, nulls.as_ref())?;
        let columns = self.entries.iter_mut().map(|part| part.read(count, None)).collect::<Decoded<Vec<_>>>()?;
        let entries = StructArray::try_new(self.fields.clone(), columns, None)?;
        Ok(Arc::new(MapArray::try_new(Arc::clone(&self.field), offsets, entries, nulls, false)?))
    }
}

impl Rows {
    pub(super) fn begin(plan: &ColumnPlan, streams: &mut StripeStreams) -> Decoded<Self> {
        let ArrowType::Struct(fields) = &plan.arrow else { return Err("a row where the schema has none".into()) };
        let parts = plan.parts.iter().map(|part| Part::begin(part, streams)).collect::<Decoded<Vec<_>>>()?;
        Ok(Self { parts, fields: fields.clone() })
    }

    pub(super) fn read(&mut self, rows: usize, nulls: Option<NullBuffer>) -> Decoded<ArrayRef> {
        let columns = self.parts.iter_mut().map(|part| part.read(rows, nulls.as_ref())).collect::<Decoded<Vec<_>>>()?;
        Ok(Arc::new(StructArray::try_new_with_length(self.fields.clone(), columns, nulls, rows)?))
    }
}
