//! The wish of a user, or of whoever runs the process, that a command end: Ctrl-C, or SIGTERM.
//!
//! The first asks for a clean end; the second ends the process at once, as nothing that is not committed is visible anyway.

use crate::failure::say;

/// Ends when the user asks for an end. From then on, asking again ends the process.
pub(crate) async fn requested() {
    signal().await;
    tokio::spawn(async {
        signal().await;
        say("stopped at once: what was not committed is not in the table");
        std::process::exit(1);
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        result = tokio::signal::ctrl_c() => if result.is_err() { std::future::pending().await },
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
