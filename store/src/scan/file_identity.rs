//! What makes two entries speak of the same file, borrowed from one of them.
//!
//! Equal exactly when [`ManifestEntry::identifier`] is. Answers to `org.apache.paimon.manifest.FileEntry.Identifier`.

use std::hash::{Hash, Hasher};

use alluvium_format::ManifestEntry;

/// The identity of the file that an entry adds or deletes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileIdentity<'a>(pub(crate) &'a ManifestEntry);

impl PartialEq for FileIdentity<'_> {
    fn eq(&self, other: &Self) -> bool {
        let (left, right) = (self.0, other.0);
        left.file.file_name == right.file.file_name
            && left.file.level == right.file.level
            && left.bucket == right.bucket
            && left.partition == right.partition
            && left.file.extra_files == right.file.extra_files
            && left.file.embedded_index == right.file.embedded_index
            && left.file.external_path == right.file.external_path
    }
}

impl Eq for FileIdentity<'_> {}

impl Hash for FileIdentity<'_> {
    /// Names are all but unique: the rest is for equality.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.file.file_name.hash(state);
        self.0.file.level.hash(state);
        self.0.bucket.hash(state);
    }
}
