//! Every test of the crate that reads files: golden artefacts and byte vectors, written by Apache Paimon 1.4.2.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod external_paths;
mod file_indexes;
mod golden;
mod index_files;
mod json_artefacts;
mod manifests;
mod option_rules;
mod options;
mod predicates;
mod round_trips;
mod schemas;
mod statistics_of_columns;
mod values;
