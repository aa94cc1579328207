//! Which rows of a column have a value: a stream that is there only where some have none.

use alluvium_format::Result;
use arrow_buffer::NullBuffer;

use super::byte_runs::BitsWriter;
use super::stripe::StripeParts;
use crate::data_file::orc::compression::ChunkCompressor;
use crate::data_file::orc::stripe_footer::StreamKind;

#[derive(Debug, Default)]
pub(super) struct PresenceWriter {
    /// Rows before the first null.
    rows: usize,
    /// From the first null on.
    bits: Option<BitsWriter>,
}

impl PresenceWriter {
    pub(super) fn append(&mut self, nulls: Option<&NullBuffer>, rows: usize) {
        match (nulls.filter(|nulls| nulls.null_count() > 0), &mut self.bits) {
            (None, None) => self.rows += rows,
            (None, Some(bits)) => (0..rows).for_each(|_| bits.push(true)),
            (Some(nulls), Some(bits)) => bits.append(nulls.inner()),
            (Some(nulls), none) => {
                let bits = none.insert(BitsWriter::default());
                (0..self.rows).for_each(|_| bits.push(true));
                bits.append(nulls.inner());
            }
        }
    }

    /// Ends the stripe.
    pub(super) fn finish(&mut self, stripe: &mut StripeParts, compressor: &mut ChunkCompressor) -> Result<()> {
        self.rows = 0;
        if let Some(mut bits) = self.bits.take() {
            stripe.add(StreamKind::Present, bits.finish(compressor)?);
        }
        Ok(())
    }

    /// Bytes so far, about.
    pub(super) fn bytes(&self) -> u64 {
        self.bits.as_ref().map_or(0, BitsWriter::bytes)
    }
}
