//! One column of a stripe, decoded batch by batch into its in-memory form.
//!
//! Goes in: the plan of a column and the streams of a stripe. Comes out: arrays. Answers to `org.apache.orc.impl.TreeReaderFactory`.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, new_null_array};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType as ArrowType;

use super::byte_runs::Bits;
use super::decimals::Decimals;
use super::nested::{Lists, Maps, Rows};
use super::numbers::Numbers;
use super::plan::{ColumnPlan, PartPlan};
use super::stripe::StripeStreams;
use super::texts::Texts;
use super::timestamps::Timestamps;
use super::validity;
use crate::data_file::orc::Decoded;
use crate::data_file::orc::schema::TypeKind;
use crate::data_file::orc::stripe_footer::StreamKind;

/// A part of a column, or a column of the file.
#[derive(Debug)]
pub(super) enum Part {
    /// The file does not have it.
    Absent(ArrowType),
    Column(Box<Column>),
}

#[derive(Debug)]
pub(super) struct Column {
    /// Where there are nulls.
    present: Option<Bits>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Booleans(Bits),
    Numbers(Numbers),
    Decimals(Decimals),
    Texts(Texts),
    Timestamps(Timestamps),
    Lists(Lists),
    Maps(Maps),
    Rows(Rows),
}

impl Part {
    /// The column of a plan, at the beginning of a stripe.
    pub(super) fn begin(plan: &PartPlan, streams: &mut StripeStreams) -> Decoded<Self> {
        Ok(match plan {
            PartPlan::Absent(arrow) => Self::Absent(arrow.clone()),
            PartPlan::Column(plan) => Self::Column(Box::new(Column::begin(plan, streams)?)),
        })
    }

    /// The next `rows` rows, of which those that are null in the parent are not in the file.
    pub(super) fn read(&mut self, rows: usize, parent: Option<&NullBuffer>) -> Decoded<ArrayRef> {
        match self {
            Self::Absent(arrow) => Ok(new_null_array(arrow, rows)),
            Self::Column(column) => column.read(rows, parent),
        }
    }
}

impl Column {
    fn begin(plan: &ColumnPlan, streams: &mut StripeStreams) -> Decoded<Self> {
        let present = streams.take_present(plan.number).map(Bits::of);
        let values = match plan.kind {
            TypeKind::Boolean => Values::Booleans(Bits::of(streams.take(plan.number, StreamKind::Data))),
            TypeKind::Byte
            | TypeKind::Short
            | TypeKind::Int
            | TypeKind::Long
            | TypeKind::Float
            | TypeKind::Double
            | TypeKind::Date => Values::Numbers(Numbers::begin(plan, streams)?),
            TypeKind::Decimal => Values::Decimals(Decimals::begin(plan, streams)?),
            TypeKind::String | TypeKind::Varchar | TypeKind::Char | TypeKind::Binary => {
                Values::Texts(Texts::begin(plan, streams)?)
            }
            TypeKind::Timestamp | TypeKind::TimestampInstant => Values::Timestamps(Timestamps::begin(plan, streams)?),
            TypeKind::List => Values::Lists(Lists::begin(plan, streams)?),
            TypeKind::Map => Values::Maps(Maps::begin(plan, streams)?),
            TypeKind::Struct => Values::Rows(Rows::begin(plan, streams)?),
            TypeKind::Union | TypeKind::Unknown => return Err("a column of a kind that no Paimon type has".into()),
        };
        Ok(Self { present, values })
    }

    fn read(&mut self, rows: usize, parent: Option<&NullBuffer>) -> Decoded<ArrayRef> {
        let nulls = validity::nulls(self.present.as_mut(), rows, parent)?;
        match &mut self.values {
            Values::Booleans(bits) => {
                let values = bits.read(validity::count(nulls.as_ref(), rows))?;
                Ok(Arc::new(BooleanArray::new(validity::spread_bits(&values, nulls.as_ref()), nulls)))
            }
            Values::Numbers(numbers) => numbers.read(rows, nulls),
            Values::Decimals(decimals) => decimals.read(rows, nulls),
            Values::Texts(texts) => texts.read(rows, nulls),
            Values::Timestamps(timestamps) => timestamps.read(rows, nulls),
            Values::Lists(lists) => lists.read(rows, nulls),
            Values::Maps(maps) => maps.read(rows, nulls),
            Values::Rows(parts) => parts.read(rows, nulls),
        }
    }
}
