//! Object storage: the only room that touches bytes at rest, and the only door for commits.
//!
//! [`TableIo`] reads and writes files below a folder of any object store; [`FileSystemCatalog`] finds databases and tables;
//! [`TableStore`] is one table with its stores of schemas, snapshots, manifests, tags and consumers; a scan turns a snapshot into the
//! files it has; a commit publishes new ones. Time and names come from [`Clock`] and [`FileNamer`].

pub mod catalog;
pub mod clock;
pub mod consumer_store;
pub mod file_namer;
pub mod manifest_store;
pub mod schema_store;
pub mod snapshot_store;
mod store_error;
pub mod table_io;
pub mod table_store;
pub mod tag_store;

pub use catalog::{FileSystemCatalog, TableName};
pub use clock::{Clock, SystemClock};
pub use file_namer::{FileNamer, RandomNamer};
pub use table_io::{Publish, PutOutcome, TableIo};
pub use table_store::TableStore;
