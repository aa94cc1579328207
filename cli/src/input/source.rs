//! The bytes of an input: read, counted and unpacked, waiting for them or not.
//!
//! Goes in: an [`InputFile`]. Comes out: its unpacked bytes. A source that may block (standard input, a pipe) is read by a
//! thread of its own which hands over each piece as it arrives, so that whoever asks can take what is there and go on: with
//! [`Wait::Never`] a source with nothing at hand says `WouldBlock` instead of waiting, and the decoders keep their state over it.

use std::fs::File;
use std::io::{self, BufRead, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvError, SyncSender, TryRecvError, sync_channel};
use std::thread;

use alluvium::{Error, Result};
use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::format::{InputFile, Origin, Packing, STDIN};

/// How much is read at once; a whole multiple of what pipes hold.
const READ_BYTES: usize = 256 * 1024;
/// Pieces that wait between a stream's thread and its reader.
const WAITING_PIECES: usize = 4;

/// Whether to wait for bytes that are not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Until there is a byte, or the end.
    ForData,
    /// Say `WouldBlock` instead.
    Never,
}

/// The stored bytes of an input.
struct Source {
    bytes: Bytes,
    wait: Wait,
    /// The bytes at hand, and where they go on.
    piece: Vec<u8>,
    at: usize,
    read_total: Arc<AtomicU64>,
}

enum Bytes {
    File(File),
    Stream(Receiver<io::Result<Vec<u8>>>),
    Ended,
}

impl Source {
    fn open(input: &InputFile, read_total: Arc<AtomicU64>) -> io::Result<Self> {
        let bytes = match input.origin {
            Origin::File { .. } => Bytes::File(File::open(&input.path)?),
            Origin::Stream if input.path == STDIN => Bytes::Stream(stream(io::stdin())?),
            Origin::Stream => Bytes::Stream(stream(File::open(&input.path)?)?),
        };
        Ok(Self { bytes, wait: Wait::Never, piece: Vec::new(), at: 0, read_total })
    }

    /// Replaces the piece that is used up; an empty one is the end.
    fn next_piece(&mut self) -> io::Result<()> {
        self.at = 0;
        match &mut self.bytes {
            Bytes::File(file) => {
                self.piece.resize(READ_BYTES, 0);
                let read = read_once(file, &mut self.piece);
                self.piece.truncate(*read.as_ref().unwrap_or(&0));
                read?;
            }
            Bytes::Stream(pieces) => {
                let piece = match self.wait {
                    Wait::ForData => pieces.recv().map_err(|RecvError| TryRecvError::Disconnected),
                    Wait::Never => pieces.try_recv(),
                };
                self.piece = match piece {
                    Ok(piece) => piece?,
                    Err(TryRecvError::Empty) => {
                        self.piece.clear();
                        return Err(ErrorKind::WouldBlock.into());
                    }
                    Err(TryRecvError::Disconnected) => Vec::new(),
                };
            }
            Bytes::Ended => self.piece.clear(),
        }
        if self.piece.is_empty() {
            self.bytes = Bytes::Ended;
        }
        self.read_total.fetch_add(self.piece.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let piece = self.fill_buf()?;
        let taken = piece.len().min(out.len());
        out[..taken].copy_from_slice(&piece[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.piece.len() {
            self.next_piece()?;
        }
        Ok(&self.piece[self.at..])
    }

    fn consume(&mut self, taken: usize) {
        self.at = (self.at + taken).min(self.piece.len());
    }
}

/// Reads what is there; only signals are waited out.
fn read_once(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The pieces of a stream as they arrive; the channel closes at the end.
fn stream(from: impl Read + Send + 'static) -> io::Result<Receiver<io::Result<Vec<u8>>>> {
    let (sender, receiver) = sync_channel(WAITING_PIECES);
    // It ends with the stream, or at the first piece that nobody wants; a process that ends does not wait for it.
    thread::Builder::new().name("alluvium-input".to_owned()).spawn(move || hand_over(from, &sender))?;
    Ok(receiver)
}

fn hand_over(mut from: impl Read, to: &SyncSender<io::Result<Vec<u8>>>) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let piece = read_once(&mut from, &mut buffer).map(|read| buffer[..read].to_vec());
        let last = piece.as_ref().map_or(true, Vec::is_empty);
        if to.send(piece).is_err() || last {
            return;
        }
    }
}

/// The unpacked bytes of an input.
pub(super) enum UnpackedSource {
    /// Stored as they are.
    Plain(Plain),
    /// Gzip members.
    Gzip(Box<Gzip>),
    /// Zstandard frames.
    Zstd(Box<Zstd>),
}

/// Bytes as they are stored.
pub(super) struct Plain(Source);
/// Unpacks gzip.
pub(super) struct Gzip(MultiGzDecoder<Source>);
/// Unpacks Zstandard.
pub(super) struct Zstd(ZstdDecoder<'static, Source>);

impl UnpackedSource {
    /// Opens an input; `read_total` counts the stored bytes read.
    ///
    /// # Errors
    /// `Invalid` when it cannot be opened.
    pub(super) fn open(input: &InputFile, read_total: Arc<AtomicU64>) -> Result<Self> {
        let failed = |error| Error::invalid(format!("the input {} cannot be opened", input.shown())).with_source(error);
        let source = Source::open(input, read_total).map_err(failed)?;
        Ok(match input.packing {
            Packing::Plain => Self::Plain(Plain(source)),
            Packing::Gzip => Self::Gzip(Box::new(Gzip(MultiGzDecoder::new(source)))),
            Packing::Zstd => Self::Zstd(Box::new(Zstd(ZstdDecoder::with_buffer(source).map_err(failed)?))),
        })
    }

    /// Reads some bytes, none at the end.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is at hand and `wait` is [`Wait::Never`]; others when reading or unpacking fails.
    pub(super) fn read(&mut self, out: &mut [u8], wait: Wait) -> io::Result<usize> {
        match self {
            Self::Plain(Plain(source)) => {
                source.wait = wait;
                source.read(out)
            }
            Self::Gzip(gzip) => {
                gzip.0.get_mut().wait = wait;
                gzip.0.read(out)
            }
            Self::Zstd(zstd) => {
                zstd.0.get_mut().wait = wait;
                zstd.0.read(out)
            }
        }
    }
}
