//! The read path: batch scans, time travel and the streaming tail.
//!
//! Goes in: a table and what is asked of it. Comes out: streams of batches, of rows or of changes. [`starting_scanner`],
//! [`follow_up_scanner`] and [`stream_scan`] decide without touching anything what to read; [`filter`] says which rows stay.
//! The reader only follows manifests: it never lists data folders and never writes but to a consumer's progress.

pub mod batch_scan;
mod bucket_files;
mod bucket_selector;
pub mod change_batch;
mod change_log;
mod change_log_stream;
mod column_ranges;
mod complete_changes;
mod consumer_progress;
pub mod consumers;
mod diff_plan;
mod diff_read;
pub mod filter;
pub mod follow_up_scanner;
pub mod incremental;
mod like;
mod normalizer;
pub mod point_read;
mod poll_interval;
mod projection;
mod prune;
mod read_stream;
mod scan_plan;
mod snapshot_range;
mod snapshot_wait;
pub mod split;
mod split_generator;
mod split_read;
pub mod starting_scanner;
mod startup;
pub mod stream_position;
pub mod stream_scan;
mod table_read;
pub mod tail;
pub mod time_travel;

pub use batch_scan::{BatchPlan, ReadRequest};
pub use change_batch::ChangeBatch;
pub use change_log::ChangeLog;
pub use filter::{check_filter, filter_batch, matching_rows};
pub use incremental::ChangesBetween;
pub use point_read::{PointReader, PointRows};
pub use split::{DataSplit, SplitReading};
pub use starting_scanner::StartupMode;
pub use stream_position::StreamPosition;
pub use stream_scan::ExpiredSnapshots;
pub use tail::{Tail, TailEvent, TailRequest};
pub use time_travel::TimeTravel;
