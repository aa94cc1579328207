//! Alluvium beside Apache Paimon's own Java library, on the same tables.
//!
//! [`Alluvium`] runs the binary, a [`Peer`] is fed commands for as long as the tests run: [`PaimonJava`], or one of the [`readers`].
//! [`rows`] makes random rows and compares what two read; [`cases`], [`engines`] and [`tables`] are the tables, fixed ones and random
//! ones. What is compared is parsed values, never text.

pub mod alluvium;
pub mod cases;
pub mod engines;
pub mod evolution;
pub mod kinds;
pub mod paimon_java;
pub mod peer;
pub mod predicate;
pub mod readers;
pub mod rows;
pub mod streams;
pub mod tables;
pub mod world;

pub use alluvium::Alluvium;
pub use paimon_java::PaimonJava;
pub use peer::Peer;
pub use world::World;
