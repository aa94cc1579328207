//! Ends work that goes on in the background when nobody waits for it any more.
//!
//! A task on another thread cannot be cut off in the midst of a computation, nor may it be cut off in the midst of deleting its
//! files: it looks at its [`StopSignal`] now and then, and cleans up after itself. Invariant: dropping the [`StopGuard`] stops it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alluvium_format::{Error, ErrorKind};

/// The side that waits for the work: when it is dropped, the work is to stop.
#[derive(Debug, Default)]
pub struct StopGuard(Arc<AtomicBool>);

/// The side that works.
#[derive(Clone, Debug)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopGuard {
    /// What the work looks at.
    pub fn signal(&self) -> StopSignal {
        StopSignal(Arc::clone(&self.0))
    }

    /// Tells the work to stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Drop for StopGuard {
    fn drop(&mut self) {
        self.stop();
    }
}

impl StopSignal {
    /// Whether to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// What work that was stopped ends with.
    pub fn error(&self) -> Error {
        Error::new(ErrorKind::Closed, "the work was stopped, as nobody waits for it any more")
    }
}
