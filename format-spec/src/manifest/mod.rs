#![doc = include_str!("../../manifest.md")]

pub mod entry;
pub mod file;
pub mod list;

pub use entry::{FileIdentifier, FileKind, ManifestEntry};
pub use list::ManifestFileMeta;
