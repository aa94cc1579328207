//! The deletion vectors of a bucket while it is compacted.
//!
//! Goes in: the vectors of the bucket at a snapshot, then rows that newer ones replace, and files that are rewritten. Comes out: the
//! vectors as they are now, and whether they are others than those last written. Clones are cheap and go their own ways, so that
//! a compaction that fails changes nothing. Answers to `org.apache.paimon.deletionvectors.BucketedDvMaintainer`.

use std::sync::Arc;

use alluvium_format::{CompactIncrement, DeletionVector, DeletionVectorKind, IndexFileMeta, Result};
use alluvium_store::{DeletionVectors, PartitionBucket, TableStore, deletion_vectors};

/// The vectors of a bucket.
#[derive(Clone, Debug)]
pub(crate) struct DeletionMaintainer {
    vectors: Arc<DeletionVectors>,
    kind: DeletionVectorKind,
    modified: bool,
}

impl DeletionMaintainer {
    /// Those of a snapshot; new ones are of this kind.
    pub(crate) fn new(vectors: DeletionVectors, kind: DeletionVectorKind) -> Self {
        Self { vectors: Arc::new(vectors), kind, modified: false }
    }

    /// The vectors as they are now.
    pub(crate) fn vectors(&self) -> &Arc<DeletionVectors> {
        &self.vectors
    }

    /// Whether they are others than those last written.
    #[cfg(test)]
    fn is_modified(&self) -> bool {
        self.modified
    }

    /// They were written as they are.
    pub(crate) fn written(&mut self) {
        self.modified = false;
    }

    /// Deletes a row of a data file.
    ///
    /// # Errors
    /// `Invalid` when the position is too large for a vector.
    pub(crate) fn delete(&mut self, file_name: &str, position: u64) -> Result<()> {
        let vectors = Arc::make_mut(&mut self.vectors);
        let vector = match vectors.get_mut(file_name) {
            Some(vector) => vector,
            None => vectors.entry(file_name.to_owned()).or_insert_with(|| Arc::new(DeletionVector::new(self.kind))),
        };
        self.modified |= Arc::make_mut(vector).delete(position)?;
        Ok(())
    }

    /// Forgets a data file that is no more.
    pub(crate) fn remove(&mut self, file_name: &str) {
        if self.vectors.contains_key(file_name) {
            Arc::make_mut(&mut self.vectors).remove(file_name);
            self.modified = true;
        }
    }

    /// Writes them, all of the bucket together, when they are others than those last written. `index_file` is the file that these are in.
    ///
    /// # Errors
    /// `Storage` when they cannot be written: nothing has changed then.
    pub(crate) async fn write(
        &mut self,
        table: &TableStore,
        bucket: &PartitionBucket,
        index_file: &mut Option<IndexFileMeta>,
        increment: &mut CompactIncrement,
    ) -> Result<()> {
        if self.modified {
            let file = deletion_vectors::write(table, bucket, &self.vectors).await?;
            // Named, so that a commit onto vectors of somebody else is a conflict.
            increment.deleted_index_files.extend(index_file.replace(file.clone()));
            increment.new_index_files.push(file);
            self.modified = false;
        }
        Ok(())
    }

    /// Takes the place of `before`, of which it was a clone.
    pub(crate) fn succeed(&mut self, before: &Self) {
        self.modified |= before.modified;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(maintainer: &DeletionMaintainer, file: &str) -> Vec<u64> {
        maintainer.vectors().get(file).map(|vector| vector.positions().collect()).unwrap_or_default()
    }

    #[test]
    fn clones_go_their_own_ways() {
        let mut first = DeletionMaintainer::new(DeletionVectors::new(), DeletionVectorKind::Bitmap32);
        assert!(!first.is_modified());
        first.delete("a", 3).unwrap();
        first.written();
        let mut second = first.clone();
        second.delete("a", 3).unwrap();
        assert!(!second.is_modified(), "it was deleted before");
        second.delete("a", 7).unwrap();
        second.remove("b");
        assert!(second.is_modified());
        assert_eq!((positions(&first, "a"), positions(&second, "a")), (vec![3], vec![3, 7]));
        let mut third = second.clone();
        third.written();
        third.remove("a");
        assert!(third.is_modified() && third.vectors().is_empty());
        assert_eq!(positions(&second, "a"), [3, 7]);
    }
}
