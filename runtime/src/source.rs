//! Where the elements of a job come from.
//!
//! Goes in: nothing but what a reader gets for itself. Comes out: elements, in order, until it ends. A reader belongs to one thread and
//! never blocks it.

use std::task::{Context, Poll};

use alluvium_format::{Error, Result};
use futures::{FutureExt, Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::element::Element;

/// So many elements are read ahead of a job.
const READ_AHEAD: usize = 2;

/// One subtask of a source.
pub trait SourceReader: 'static {
    /// The next element, `None` at the end; the waker of `context` says when to ask again. At the end a last watermark follows by itself.
    ///
    /// # Errors
    /// Whatever ends the job.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Element>>>;
}

/// Elements of an async stream, which runs on tokio's threads.
#[derive(Debug)]
pub struct StreamReader {
    elements: mpsc::Receiver<Result<Element>>,
    reading: JoinHandle<()>,
}

impl StreamReader {
    /// Reads a stream on the threads of a tokio runtime.
    pub fn new(runtime: &Handle, stream: impl Stream<Item = Result<Element>> + Send + 'static) -> Self {
        let (to, elements) = mpsc::channel(READ_AHEAD);
        let reading = runtime.spawn(async move {
            let mut stream = std::pin::pin!(stream);
            while let Some(element) = stream.next().await {
                if to.send(element).await.is_err() {
                    return;
                }
            }
        });
        Self { elements, reading }
    }
}

impl SourceReader for StreamReader {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Element>>> {
        match std::task::ready!(self.elements.poll_recv(context)) {
            Some(element) => Poll::Ready(element.map(Some)),
            // A stream that panicked did not end.
            None => match std::task::ready!(self.reading.poll_unpin(context)) {
                Ok(()) => Poll::Ready(Ok(None)),
                Err(error) => Poll::Ready(Err(Error::internal("the stream of a source panicked").with_source(error))),
            },
        }
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
