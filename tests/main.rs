//! The tests over the facade, and those over the tree itself: one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod chained_tables;
mod evolution;
mod fault_checks;
mod fault_commit;
mod fault_interleaved;
mod fault_publish;
mod fault_read;
mod fault_sweep;
mod fault_world;
mod pruning;
mod read_by_key;
mod read_filters;
mod read_golden;
mod read_history;
mod read_looked_up;
mod read_streams;
mod scan_options;
mod sorted_files;
mod stream_positions;
mod tidy;
mod two_compactors;
