//! The bytes of one stream on their way: its content, which becomes chunks as it comes.

use alluvium_format::Result;

use crate::data_file::orc::compression::ChunkCompressor;

#[derive(Debug, Default)]
pub(super) struct StreamWriter {
    /// What makes no whole chunk yet.
    content: Vec<u8>,
    /// The chunks before it.
    stored: Vec<u8>,
}

impl StreamWriter {
    /// What is to be appended to.
    pub(super) fn content(&mut self) -> &mut Vec<u8> {
        &mut self.content
    }

    /// Compresses what is whole chunks.
    ///
    /// # Errors
    /// `Internal` when a codec fails.
    pub(super) fn settle(&mut self, compressor: &mut ChunkCompressor) -> Result<()> {
        let chunk_bytes = compressor.chunk_bytes();
        if self.content.len() < chunk_bytes {
            return Ok(());
        }
        let whole = self.content.len() / chunk_bytes * chunk_bytes;
        for chunk in self.content[..whole].chunks(chunk_bytes) {
            compressor.append_chunk(chunk, &mut self.stored)?;
        }
        self.content.drain(..whole);
        Ok(())
    }

    /// Ends the stream and begins another.
    ///
    /// # Errors
    /// `Internal` when a codec fails.
    pub(super) fn finish(&mut self, compressor: &mut ChunkCompressor) -> Result<Vec<u8>> {
        self.settle(compressor)?;
        if !self.content.is_empty() {
            compressor.append_chunk(&self.content, &mut self.stored)?;
            self.content.clear();
        }
        Ok(std::mem::take(&mut self.stored))
    }

    /// Bytes so far; what makes no whole chunk yet is taken for what it is before it is compressed.
    pub(super) fn bytes(&self) -> u64 {
        (self.content.len() + self.stored.len()) as u64
    }
}
