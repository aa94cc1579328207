//! A stripe that is ended: its streams, one behind the other, and what its footer and the file say of its columns.
//!
//! Invariant: columns are added in the order of their numbers.

use crate::data_file::orc::statistics::ColumnStatistics;
use crate::data_file::orc::stripe_footer::{ColumnEncoding, Stream, StreamKind, StripeFooter};

#[derive(Debug, Default)]
pub(super) struct StripeParts {
    pub(super) footer: StripeFooter,
    /// The bytes of the streams.
    pub(super) bytes: Vec<u8>,
    /// Of each column.
    pub(super) statistics: Vec<ColumnStatistics>,
}

impl StripeParts {
    /// Begins the next column.
    pub(super) fn begin_column(&mut self, statistics: ColumnStatistics) {
        self.statistics.push(statistics);
    }

    /// Says how the column that was begun last is encoded.
    pub(super) fn encode_as(&mut self, encoding: ColumnEncoding) {
        self.footer.encodings.push(encoding);
    }

    /// Adds a stream of the column that was begun last. One without bytes is there too: other readers ask for it.
    pub(super) fn add(&mut self, kind: StreamKind, bytes: Vec<u8>) {
        let column = self.statistics.len().saturating_sub(1) as u64;
        self.footer.streams.push(Stream { kind, column, bytes: bytes.len() as u64 });
        self.bytes.extend_from_slice(&bytes);
    }
}
