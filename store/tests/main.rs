//! The tests of the store: one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod avro_files;
mod commit_faults;
mod commit_races;
mod commit_replay;
mod commit_semantics;
mod commit_vectors;
mod compacted_changelogs;
mod data_file_golden;
mod data_file_writer;
mod deletion_vectors;
mod external_paths;
mod file_indexes;
mod golden_table;
mod local_disks;
mod lookups;
mod memory_table;
mod one_file;
mod orc_files;
mod racing_store;
mod random_rows;
mod read_copied;
mod read_foreign;
mod read_golden;
mod read_hostile;
mod read_merge;
mod scan_golden;
mod schema_checks;
