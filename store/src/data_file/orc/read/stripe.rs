//! One stripe of a file: its footer, and the streams of the columns that are wanted.
//!
//! Goes in: bytes of the stripe. Comes out: streams by column and kind. Invariant: a stream lies within its stripe.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;

use super::byte_stream::{ByteStream, Chunks};
use super::timestamps::Instants;
use crate::data_file::orc::Decoded;
use crate::data_file::orc::footer::Stripe;
use crate::data_file::orc::stripe_footer::{ColumnEncoding, StreamKind, StripeFooter};

/// A footer of more bytes is not read: one of 10 000 columns has less.
const FOOTER_BYTES_MAX: usize = 64 << 20;

/// A stream, by its column and kind, and where in the file it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedStream {
    column: usize,
    kind: StreamKind,
    pub(super) range: Range<u64>,
}

/// What is needed of a stripe.
#[derive(Debug)]
pub(super) struct StripePlan {
    footer: StripeFooter,
    pub(super) streams: Vec<WantedStream>,
}

impl StripePlan {
    /// What of the stripe holds the columns `wanted`; `footer` are the bytes of its footer.
    pub(super) fn of(stripe: &Stripe, footer: Bytes, chunks: Chunks, wanted: &[usize]) -> Decoded<Self> {
        let footer = StripeFooter::decode(&ByteStream::of(footer, chunks).rest(FOOTER_BYTES_MAX)?)?;
        let within = stripe.streams();
        let (mut streams, mut start) = (Vec::new(), within.start);
        for stream in &footer.streams {
            let end = start.checked_add(stream.bytes).filter(|end| *end <= within.end);
            let range = start..end.ok_or("a stream lies outside of its stripe")?;
            start = range.end;
            let column = usize::try_from(stream.column).unwrap_or(usize::MAX);
            if stream.kind != StreamKind::Other && !range.is_empty() && wanted.contains(&column) {
                streams.push(WantedStream { column, kind: stream.kind, range });
            }
        }
        Ok(Self { footer, streams })
    }

    /// With the bytes of the streams, in their order.
    pub(super) fn with_bytes(self, bytes: Vec<Bytes>, chunks: Chunks, instants: Instants) -> StripeStreams {
        let streams = self.streams.into_iter().zip(bytes);
        let streams = streams.map(|(stream, bytes)| ((stream.column, stream.kind), ByteStream::of(bytes, chunks)));
        StripeStreams { footer: self.footer, streams: streams.collect(), instants }
    }
}

/// The streams of a stripe, to be taken by the columns they belong to.
#[derive(Debug)]
pub(super) struct StripeStreams {
    footer: StripeFooter,
    streams: HashMap<(usize, StreamKind), ByteStream>,
    instants: Instants,
}

impl StripeStreams {
    /// The stream that says where nulls are; `None` when there are none.
    pub(super) fn take_present(&mut self, column: usize) -> Option<ByteStream> {
        self.streams.remove(&(column, StreamKind::Present))
    }

    /// A stream; one without values is not in the file.
    pub(super) fn take(&mut self, column: usize, kind: StreamKind) -> ByteStream {
        self.streams.remove(&(column, kind)).unwrap_or_else(ByteStream::empty)
    }

    pub(super) fn encoding(&self, column: usize) -> Decoded<ColumnEncoding> {
        self.footer.encodings.get(column).copied().ok_or_else(|| format!("column {column} has no encoding").into())
    }

    /// What timestamps with local zone are.
    pub(super) fn instants(&self) -> Instants {
        self.instants
    }

    /// The zone that timestamps without zone were written in.
    pub(super) fn writer_zone(&self) -> Option<&str> {
        self.footer.writer_zone.as_deref()
    }
}
