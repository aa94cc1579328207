//! Ends work that goes on in the background when nobody waits for it any more.
//!
//! A task on another thread cannot be cut off in the midst of a computation, nor may it be cut off in the midst of deleting its
//! files: it looks at its [`StopSignal`] now and then, and cleans up after itself. Invariant: dropping the [`StopGuard`] stops it.

use alluvium_format::{Error, ErrorKind};
use tokio::sync::watch;

/// The side that waits for the work: when it is dropped, the work is to stop.
#[derive(Debug)]
pub struct StopGuard(watch::Sender<bool>);

/// The side that works.
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<bool>);

impl StopGuard {
    /// What the work looks at.
    pub fn signal(&self) -> StopSignal {
        StopSignal(self.0.subscribe())
    }

    /// Tells the work to stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Default for StopGuard {
    fn default() -> Self {
        Self(watch::Sender::new(false))
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
        *self.0.borrow()
    }

    /// Ends when the work is to stop.
    pub async fn stopped(&self) {
        // The other side says so before it goes, so that an error means the same.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }

    /// What work that was stopped ends with.
    pub fn error(&self) -> Error {
        Error::new(ErrorKind::Closed, "the work was stopped, as nobody waits for it any more")
    }
}
