//! Which seeds a test runs with, and how a failure says which one it was.
//!
//! `SIM_SEED=7` runs seed 7 alone; `SIM_SEEDS=1000` runs that many from 0 on, for soaks; else a test runs the count it asks for.

use std::ops::Range;

/// The seeds to run: `count` of them, unless the environment says otherwise.
pub fn seeds(count: u64) -> Range<u64> {
    match (number("SIM_SEED"), number("SIM_SEEDS")) {
        (Some(seed), _) => seed..seed.saturating_add(1),
        (None, Some(count)) => 0..count,
        (None, None) => 0..count,
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.trim().parse().ok()
}

/// Held while something random runs: a panic prints how to run it again.
#[derive(Debug)]
pub struct Replay {
    seed: u64,
    what: String,
}

impl Replay {
    /// A note for `what` with `seed`.
    pub fn new(seed: u64, what: impl Into<String>) -> Self {
        Self { seed, what: what.into() }
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with SIM_SEED={}: {}", self.seed, self.what);
        }
    }
}
