//! CPU-bound work, off the async threads: at most as many pieces at a time as the pool has threads, by default one for each core.
//!
//! Goes in: a future that mostly computes (sorts, merges, encodes) and may await I/O. Comes out: its result. It is driven on a thread of
//! the pool, so that a long computation never holds up the runtime; and always on the same few, as each thread keeps memory that it has
//! freed: on the many of a runtime's blocking pool that came to several times what the work needs. Invariants: pieces begin in the order
//! in which they were given; a piece never waits for another one, as the pool may be full of pieces that wait.

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use alluvium_format::{Error, ErrorKind, Result};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Threads for CPU-bound work. Clones share them; they end with the last one.
#[derive(Clone, Debug)]
pub struct CpuPool {
    owner: Arc<Owner>,
}

/// Ends the threads when it is dropped; they do not hold it.
#[derive(Debug)]
struct Owner {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    threads_max: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Piece>,
    threads: usize,
    idle: usize,
    closed: bool,
}

type Piece = Box<dyn FnOnce() + Send>;

impl CpuPool {
    /// A pool that runs at most `threads` pieces at a time. Threads are started when they are needed.
    pub fn new(threads: NonZero<usize>) -> Self {
        let pool = Pool { threads_max: threads.get(), state: Mutex::default(), changed: Condvar::new() };
        Self { owner: Arc::new(Owner { pool: Arc::new(pool) }) }
    }

    /// Runs `work` to its end on a thread of the pool; once begun it goes on there even when the caller stops waiting.
    ///
    /// # Errors
    /// Those of `work`; `Internal` when it panicked; `Closed` when no thread can be started.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let (say, hear) = oneshot::channel();
        let runtime = Handle::current();
        let piece = move || {
            // Nobody waits for it any more.
            if say.is_closed() {
                return;
            }
            let done = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
            let _ = say.send(done.unwrap_or_else(|panic| Err(panicked(&*panic))));
        };
        Pool::take(&self.owner.pool, Box::new(piece))?;
        hear.await.map_err(|_| Error::new(ErrorKind::Closed, "the runtime is shutting down"))?
    }
}

impl Pool {
    /// Lets a thread have the piece, a new one if all are busy and there may be more.
    fn take(pool: &Arc<Self>, piece: Piece) -> Result<()> {
        let mut state = pool.lock();
        state.waiting.push_back(piece);
        if state.idle >= state.waiting.len() || state.threads >= pool.threads_max {
            pool.changed.notify_one();
            return Ok(());
        }
        let works = Arc::clone(pool);
        let started = std::thread::Builder::new().name("alluvium-cpu".to_owned()).spawn(move || works.work());
        match started {
            Ok(_) => state.threads += 1,
            // Those that there are do it.
            Err(_) if state.threads > 0 => {}
            Err(error) => {
                state.waiting.pop_back();
                return Err(Error::new(ErrorKind::Closed, "no thread can be started").with_source(error));
            }
        }
        Ok(())
    }

    fn work(&self) {
        let mut state = self.lock();
        while !state.closed {
            match state.waiting.pop_front() {
                Some(piece) => {
                    drop(state);
                    piece();
                    state = self.lock();
                }
                None => {
                    state.idle += 1;
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.idle -= 1;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop(waiting);
        self.pool.changed.notify_all();
    }
}

impl Default for CpuPool {
    /// As many threads as the process may use.
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.waiting.len();
        f.debug_struct("State").field("threads", &self.threads).field("waiting", &waiting).finish_non_exhaustive()
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word");
    Error::internal(format!("work on a CPU thread panicked: {text}"))
}

#[cfg(test)]
mod tests;
