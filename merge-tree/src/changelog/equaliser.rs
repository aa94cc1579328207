//! Whether two images of a row are the same: `changelog-producer.row-deduplicate` and its ignored fields.

/// Compares rows by all columns but some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordEqualiser {
    /// Columns that do not count.
    pub ignored: Vec<String>,
}
