//! Jobs from their sources to their ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod back_pressure;
mod failures;
mod keyed_counts;
mod rows;
mod watermarks;
mod windows;
