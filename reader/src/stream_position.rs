//! Where a stream stands, to be kept outside of it: the next snapshot, and how much of it was read already.
//!
//! Goes in: what a stream has yielded. Comes out: a [`StreamPosition`], and its JSON text. Invariant: a stream that goes on from a position
//! yields what the one that was at it would have yielded, or says what became of the table meanwhile; names of manifest lists, which no two
//! commits share, tell whether a snapshot is still the one that was read. Answers to `StreamTableScan.checkpoint` and to the record offset
//! of Flink's `FileStoreSourceSplit`.

use alluvium_format::{Error, Result, Snapshot};
use serde::{Deserialize, Serialize};

/// The version of the JSON form that is written.
const VERSION: u32 = 1;

/// What tells two snapshots of the same id apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotIdentity {
    /// The id.
    pub id: i64,
    base_manifest_list: String,
    delta_manifest_list: String,
}

impl SnapshotIdentity {
    /// The identity of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self {
            id: snapshot.id,
            base_manifest_list: snapshot.base_manifest_list.clone(),
            delta_manifest_list: snapshot.delta_manifest_list.clone(),
        }
    }
}

/// What of a snapshot is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// All its rows, at the start of a stream.
    Full,
    /// Its changes.
    Changes,
}

/// How much of a plan was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SplitOffset {
    /// Splits that were read whole.
    pub split: usize,
    /// Rows that came out of the next one.
    pub row: u64,
}

/// A snapshot that was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unfinished {
    /// Which.
    pub snapshot: SnapshotIdentity,
    /// What of it.
    pub phase: Phase,
    /// How far.
    pub offset: SplitOffset,
}

/// Where a stream stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamPosition {
    pub(crate) version: u32,
    /// The first snapshot that is not read whole.
    pub next_snapshot: i64,
    /// The snapshot before it, if the stream saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<SnapshotIdentity>,
    /// What of the next snapshot was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
    /// Only files created at this time or later are read, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_since: Option<i64>,
}

impl StreamPosition {
    /// Before `next_snapshot`, of which nothing was read.
    pub fn new(next_snapshot: i64) -> Self {
        Self { version: VERSION, next_snapshot, before: None, unfinished: None, files_since: None }
    }

    /// The position of a text of [`StreamPosition::to_json`].
    ///
    /// # Errors
    /// `Invalid` when it is none, or of a later version.
    pub fn from_json(text: &str) -> Result<Self> {
        let position: Self = serde_json::from_str(text)
            .map_err(|error| Error::invalid(format!("{text:?} is no position of a stream: {error}")))?;
        if position.version != VERSION {
            let version = position.version;
            return Err(Error::invalid(format!(
                "the position of the stream has version {version}, this library reads version {VERSION}: take the one \
                 that saved it, or a later one"
            )));
        }
        Ok(position)
    }

    /// The position as a text of one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Phase, SnapshotIdentity, SplitOffset, StreamPosition, Unfinished};

    fn identity(id: i64) -> SnapshotIdentity {
        SnapshotIdentity { id, base_manifest_list: format!("b{id}"), delta_manifest_list: format!("d{id}") }
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let plain = StreamPosition::new(3);
        assert_eq!(plain.to_json(), r#"{"version":1,"nextSnapshot":3}"#);
        let unfinished =
            Unfinished { snapshot: identity(3), phase: Phase::Changes, offset: SplitOffset { split: 2, row: 70 } };
        let whole = StreamPosition {
            before: Some(identity(2)),
            unfinished: Some(unfinished),
            files_since: Some(5),
            ..plain.clone()
        };
        for position in [plain, whole] {
            assert_eq!(StreamPosition::from_json(&position.to_json()).unwrap(), position);
        }
    }

    #[test]
    fn a_later_version_is_refused() {
        for (text, said) in [(r#"{"version":2,"nextSnapshot":3}"#, "has version 2"), ("3", "is no position")] {
            let error = StreamPosition::from_json(text).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
