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
