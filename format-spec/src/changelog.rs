#![doc = include_str!("../changelog.md")]

use crate::snapshot::Snapshot;

/// The content of `changelog/changelog-<id>`: that of the snapshot it was, [`Snapshot::from_json`] reads it.
pub type Changelog = Snapshot;
