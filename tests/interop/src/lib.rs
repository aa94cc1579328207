//! Alluvium beside Apache Paimon's own Java library, on the same tables.
//!
//! [`Alluvium`] runs the binary, [`PaimonJava`] talks to one JVM that is fed commands for as long as the tests run, [`rows`]
//! makes random rows and compares what the two read, [`cases`] are the tables. What is compared is parsed values, never text.

pub mod alluvium;
pub mod cases;
pub mod engines;
pub mod paimon_java;
pub mod rows;
pub mod world;

pub use alluvium::Alluvium;
pub use paimon_java::PaimonJava;
pub use world::World;
