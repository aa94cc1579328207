//! CPU-bound work, off the async threads: at most as many pieces at a time as there are cores.
//!
//! Goes in: a future that mostly computes (sorts, merges, encodes) and may await I/O. Comes out: its result. It is driven on a
//! blocking thread, so that a long computation never holds up the runtime. Invariant: a piece never waits for another one, as the
//! pool may be full of pieces that wait.

use std::future::Future;
use std::num::NonZero;
use std::sync::Arc;

use alluvium_format::{Error, Result};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Threads for CPU-bound work. Clones share them.
#[derive(Clone, Debug)]
pub struct CpuPool {
    permits: Arc<Semaphore>,
}

impl CpuPool {
    /// A pool that runs at most `threads` pieces at a time.
    pub fn new(threads: NonZero<usize>) -> Self {
        Self { permits: Arc::new(Semaphore::new(threads.get())) }
    }

    /// Runs `work` to its end on a blocking thread; it goes on there even when the caller stops waiting.
    ///
    /// # Errors
    /// Those of `work`; `Internal` when it panicked; `Closed` when the runtime is shutting down.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let closed = || Error::new(alluvium_format::ErrorKind::Closed, "the runtime is shutting down");
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let handle = Handle::current();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            handle.block_on(work)
        });
        match done.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(Error::internal("work on a CPU thread panicked").with_source(error)),
            Err(_) => Err(closed()),
        }
    }
}

impl Default for CpuPool {
    /// As many threads as the process may use.
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }
}
