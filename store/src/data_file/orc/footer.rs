//! What an ORC file says of itself: its stripes, its columns, and what is in them.
//!
//! Goes in: the bytes of the footer. Comes out: a [`Footer`], checked for what readers rely on; and the other way. Answers to
//! `OrcProto.Footer`.

use std::ops::Range;

use super::Decoded;
use super::protobuf::{Fields, Message};
use super::schema::OrcSchema;
use super::statistics::ColumnStatistics;

/// The calendar of dates and timestamps, which keeps Java from shifting those before 1582: it reads with this one.
const JULIAN_GREGORIAN: u64 = 1;
/// Who wrote a file, in words.
const SOFTWARE_VERSION: &str = concat!("alluvium ", env!("CARGO_PKG_VERSION"));

#[derive(Clone, Debug)]
pub(super) struct Footer {
    pub(super) stripes: Vec<Stripe>,
    pub(super) schema: OrcSchema,
    pub(super) rows: u64,
    pub(super) statistics: Vec<ColumnStatistics>,
}

/// Where the parts of a stripe lie: its indexes, its data, its footer, one behind the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stripe {
    pub(super) offset: u64,
    pub(super) index_bytes: u64,
    pub(super) data_bytes: u64,
    pub(super) footer_bytes: u64,
    pub(super) rows: u64,
}

impl Footer {
    pub(super) fn decode(bytes: &[u8]) -> Decoded<Self> {
        let (mut stripes, mut types, mut statistics, mut rows) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let mut fields = Fields::of(bytes);
        while let Some((field, value)) = fields.next()? {
            match field {
                3 => stripes.push(Stripe::decode(value.message()?)?),
                4 => types.push(value.message()?),
                6 => rows = value.number()?,
                7 => statistics.push(ColumnStatistics::decode(value.message()?)?),
                10 => return Err("it is encrypted".into()),
                _ => {}
            }
        }
        Ok(Self { stripes, schema: OrcSchema::decode(types)?, rows, statistics })
    }

    /// `content_bytes` is what comes before the statistics of the stripes.
    pub(super) fn encode(&self, header_bytes: u64, content_bytes: u64) -> Vec<u8> {
        let mut message = Message::default();
        message.number(1, header_bytes);
        message.number(2, content_bytes);
        self.stripes.iter().for_each(|stripe| message.message(3, &stripe.encode()));
        self.schema.encode(&mut message, 4);
        message.number(6, self.rows);
        self.statistics.iter().for_each(|statistics| message.message(7, &statistics.encode()));
        // There are no indexes of rows.
        message.number(8, 0);
        message.number(11, JULIAN_GREGORIAN);
        message.bytes(12, SOFTWARE_VERSION.as_bytes());
        message.into_bytes()
    }

    /// The positions of the rows of each stripe.
    pub(super) fn stretches(&self) -> Vec<Range<u64>> {
        let mut end = 0_u64;
        let stretches = self.stripes.iter().map(|stripe| {
            let start = end;
            end = end.saturating_add(stripe.rows);
            start..end
        });
        stretches.collect()
    }

    /// Checks that all stripes lie within the first `bytes` of the file, and that their rows are those of the file.
    pub(super) fn check(&self, bytes: u64) -> Decoded<()> {
        if !self.stripes.iter().all(|stripe| stripe.end().is_some_and(|end| end <= bytes)) {
            return Err("a stripe lies outside of the file".into());
        }
        let rows = self.stripes.iter().try_fold(0_u64, |rows, stripe| rows.checked_add(stripe.rows));
        if rows == Some(self.rows) {
            Ok(())
        } else {
            Err("its stripes do not have as many rows as its footer says".into())
        }
    }
}

impl Stripe {
    fn decode(mut fields: Fields<'_>) -> Decoded<Self> {
        let mut stripe = Self::default();
        while let Some((field, value)) = fields.next()? {
            let slot = match field {
                1 => &mut stripe.offset,
                2 => &mut stripe.index_bytes,
                3 => &mut stripe.data_bytes,
                4 => &mut stripe.footer_bytes,
                5 => &mut stripe.rows,
                _ => continue,
            };
            *slot = value.number()?;
        }
        Ok(stripe)
    }

    fn encode(&self) -> Message {
        let mut message = Message::default();
        message.number(1, self.offset);
        message.number(2, self.index_bytes);
        message.number(3, self.data_bytes);
        message.number(4, self.footer_bytes);
        message.number(5, self.rows);
        message
    }

    /// Behind its last byte; `None` when there is no such number.
    fn end(&self) -> Option<u64> {
        let streams = self.offset.checked_add(self.index_bytes)?.checked_add(self.data_bytes)?;
        streams.checked_add(self.footer_bytes)
    }

    /// Where its streams lie; within the file once the footer was checked.
    pub(super) fn streams(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.index_bytes).saturating_add(self.data_bytes)
    }

    /// Where its footer lies.
    pub(super) fn footer(&self) -> Range<u64> {
        let start = self.streams().end;
        start..start.saturating_add(self.footer_bytes)
    }
}
