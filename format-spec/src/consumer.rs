#![doc = include_str!("../consumer.md")]

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::json;

/// The content of `consumer/consumer-<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consumer {
    /// The first snapshot that the consumer has not read yet.
    pub next_snapshot: i64,
    /// Whether it still has to read all rows of that snapshot, and not only its changes. Java neither reads nor writes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub full_read: bool,
}

impl From<i64> for Consumer {
    /// One that goes on with the changes of this snapshot.
    fn from(next_snapshot: i64) -> Self {
        Self { next_snapshot, full_read: false }
    }
}

impl Consumer {
    /// The consumer that the JSON text `bytes`, read from `path`, holds; [`crate::ErrorKind::Corrupt`] when it holds none.
    pub fn from_json(bytes: &[u8], path: &str) -> Result<Self> {
        json::from_slice(bytes, path)
    }

    /// The text of the consumer file, as Java writes it.
    pub fn to_json(&self) -> String {
        json::to_pretty(self)
    }
}
