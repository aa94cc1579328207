//! How a job comes to its end before its streams do.
//!
//! Goes in: an error, or the wish to stop. Comes out: the first of them, and all worker threads awake, so that they see it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;

use alluvium_format::{Error, Result};

/// Shared by all workers of a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Termination {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    error: Mutex<Option<Error>>,
    workers: Mutex<Vec<Thread>>,
}

impl Termination {
    /// Ends the job with an error, unless it has ended with another.
    pub(crate) fn fail(&self, error: Error) {
        self.shared.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop();
    }

    /// Ends the job.
    pub(crate) fn stop(&self) {
        self.shared.over.store(true, Ordering::Release);
        for worker in self.shared.workers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            worker.unpark();
        }
    }

    /// Whether the job is to end.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::Acquire)
    }

    /// This thread shall be awake when the job ends.
    pub(crate) fn include_this_thread(&self) {
        self.shared.workers.lock().unwrap_or_else(PoisonError::into_inner).push(std::thread::current());
    }

    /// What the job failed with.
    pub(crate) fn take_error(&self) -> Option<Error> {
        self.shared.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Does something; what it fails with, a panic too, ends the job, named by `what`.
    pub(crate) fn guard<T>(&self, what: &str, act: impl FnOnce() -> Result<T>) -> Option<T> {
        let error = match catch_unwind(AssertUnwindSafe(act)) {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(error)) => error,
            Err(panic) => Error::internal(format!("a panic: {}", message(panic.as_ref()))),
        };
        self.fail(error.context(what));
        None
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("of no text")
}
