//! Manifests: the files that list a snapshot's data files, and the lists of those.
//!
//! [`entry`] is one line (a file added or deleted), [`list`] the list of manifests with what a reader needs to skip them.

pub mod entry;
pub mod list;

pub use entry::{FileIdentifier, FileKind, ManifestEntry};
pub use list::ManifestFileMeta;
