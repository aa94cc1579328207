//! The bytes of a file from its beginning to its end, a piece at a time.
//!
//! Goes in: a file. Comes out: as many bytes from where the reader is as it asks for. Invariant: of a file in the store two pieces are
//! held, that which is read and the next one; of a file of this machine, one.

use std::ops::Range;

use alluvium_format::{Error, Result};
use bytes::{Bytes, BytesMut};
use parquet::file::reader::ChunkReader;
use tokio::task::JoinSet;

use crate::data_file::reader::{FileChunks, StoredFile};

/// Bytes of a piece: of a request, which costs as much as 1 MiB does; and of a read from the local disk.
const FETCH_BYTES: u64 = 2 << 20;
const LOCAL_BYTES: u64 = 1 << 18;

/// What is read of a file, and where in it the reader is.
#[derive(Debug)]
pub(super) struct BytesAhead {
    file: StoredFile,
    /// All of the file when it is at hand.
    chunks: Option<FileChunks>,
    /// Bytes from `offset` on.
    buffer: Bytes,
    offset: u64,
    /// The piece behind the buffer, on its way; stopped when this is dropped.
    fetching: JoinSet<Result<Bytes>>,
}

impl BytesAhead {
    /// At the beginning of a file; `chunks` is the file where it is at hand.
    pub(super) fn new(file: StoredFile, chunks: Option<FileChunks>) -> Self {
        Self { file, chunks, buffer: Bytes::new(), offset: 0, fetching: JoinSet::new() }
    }

    /// The path of the file.
    pub(super) fn path(&self) -> &str {
        self.file.path()
    }

    /// Where in the file the reader is.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes from here to the end of the file.
    pub(super) fn remaining(&self) -> u64 {
        self.file.bytes().saturating_sub(self.offset)
    }

    /// Goes past so many bytes.
    pub(super) fn advance(&mut self, bytes: usize) {
        let bytes = bytes.min(self.buffer.len());
        drop(self.buffer.split_to(bytes));
        self.offset += bytes as u64;
    }

    /// At least `wanted` bytes from here on, less only at the end of the file.
    ///
    /// # Errors
    /// `NotFound`, `Storage`.
    pub(super) async fn fill(&mut self, wanted: usize) -> Result<&Bytes> {
        let wanted = usize::try_from(self.remaining()).map_or(wanted, |remaining| wanted.min(remaining));
        if self.buffer.len() < wanted {
            let mut pieces = vec![std::mem::take(&mut self.buffer)];
            let mut length = pieces[0].len();
            while length < wanted {
                let piece = self.next_piece(self.offset + length as u64, (wanted - length) as u64).await?;
                length += piece.len();
                pieces.push(piece);
            }
            self.buffer = together(pieces);
        }
        Ok(&self.buffer)
    }

    /// The bytes from `start` on, of which so many are wanted.
    async fn next_piece(&mut self, start: u64, wanted: u64) -> Result<Bytes> {
        let left = self.file.bytes() - start;
        let piece = match &self.chunks {
            Some(chunks) => {
                let length = if chunks.are_in_memory() { left } else { left.min(wanted.max(LOCAL_BYTES)) };
                let length = usize::try_from(length).map_err(|_| Error::internal("a piece of over 4 GiB"))?;
                chunks.get_bytes(start, length).map_err(|error| chunks.failure(self.file.path(), error))?
            }
            None => {
                if self.fetching.is_empty() {
                    self.fetch(start);
                }
                let fetched = self.fetching.join_next().await.transpose();
                let fetched = fetched.map_err(|error| Error::internal("the task that fetches died").with_source(error));
                let piece = fetched?.unwrap_or_else(|| Ok(Bytes::new()))?;
                self.fetch(start + piece.len() as u64);
                piece
            }
        };
        if piece.is_empty() { Err(Error::internal("a piece without bytes")) } else { Ok(piece) }
    }

    /// Sets out to fetch the piece that begins at `start`, when there is one.
    fn fetch(&mut self, start: u64) {
        let range: Range<u64> = start..self.file.bytes().min(start + FETCH_BYTES);
        if range.is_empty() {
            return;
        }
        let file = self.file.clone();
        self.fetching.spawn(async move {
            let fetched = file.ranges(std::slice::from_ref(&range)).await?;
            Ok(fetched.into_iter().next().unwrap_or_default())
        });
    }
}

/// One piece of several; nothing is copied when only one has bytes.
fn together(mut pieces: Vec<Bytes>) -> Bytes {
    pieces.retain(|piece| !piece.is_empty());
    if pieces.len() <= 1 {
        return pieces.pop().unwrap_or_default();
    }
    let mut out = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|piece| out.extend_from_slice(piece));
    out.freeze()
}
