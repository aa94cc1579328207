//! The options of deletion vectors.

use super::{CoreOptions, key};
use crate::deletion_vector::DeletionVectorKind;
use crate::error::Result;

impl CoreOptions {
    /// `deletion-vectors.enabled`.
    pub fn deletion_vectors_enabled(&self) -> Result<bool> {
        self.flag(key::DELETION_VECTORS_ENABLED)
    }

    /// The kind of new deletion vectors: `deletion-vectors.bitmap64`.
    pub fn deletion_vector_kind(&self) -> Result<DeletionVectorKind> {
        Ok(match self.flag(key::DELETION_VECTORS_BITMAP64)? {
            true => DeletionVectorKind::Bitmap64,
            false => DeletionVectorKind::Bitmap32,
        })
    }
}
