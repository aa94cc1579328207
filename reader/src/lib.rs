//! The read path: batch scans, time travel and the streaming tail.
//!
//! Goes in: a table and what is asked of it. Comes out: streams of batches, of rows or of changes. [`starting_scanner`],
//! [`follow_up_scanner`] and [`stream_scan`] decide without touching anything what to read; [`filter`] says which rows stay.
//! The reader only follows manifests: it never lists data folders and never writes but to a consumer's progress.

pub mod batch_scan;
pub mod filter;
pub mod follow_up_scanner;
mod like;
pub mod split;
pub mod starting_scanner;
pub mod stream_scan;
pub mod tail;

pub use batch_scan::{BatchPlan, ChangeBatch, ReadRequest, TimeTravel};
pub use filter::{check_filter, filter_batch, matching_rows};
pub use split::{DataSplit, SplitReading};
pub use starting_scanner::StartupMode;
pub use tail::{Tail, TailEvent, TailRequest};
