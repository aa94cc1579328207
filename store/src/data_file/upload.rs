//! The bytes of one new file on their way into the object store.
//!
//! Goes in: bytes as they come. Comes out: a file that appears whole or not at all: a small one by one put, a larger one in parts
//! of equal size of which a few are under way at a time, so that no file is held in memory.

use std::sync::Arc;

use alluvium_format::{Error, Result};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::task::JoinSet;

use crate::file_location::FileLocation;
use crate::store_error::convert;

/// Bytes of a part: object stores ask for 5 MiB at least, and for at most 10 000 parts.
const PART_BYTES: usize = 8 << 20;
/// Parts on their way at a time.
const PARTS_UNDER_WAY_MAX: usize = 4;
/// The largest file that 10 000 parts hold, with room to spare.
pub(super) const FILE_BYTES_MAX: u64 = 64 << 30;

/// A file on its way.
#[derive(Debug)]
pub(super) struct FileUpload {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// What makes no whole part yet.
    pending: Vec<Bytes>,
    pending_bytes: usize,
    parts: Option<Parts>,
}

#[derive(Debug)]
struct Parts {
    upload: Box<dyn MultipartUpload>,
    under_way: JoinSet<object_store::Result<()>>,
}

impl FileUpload {
    /// A file that is not there; nothing is written yet.
    ///
    /// # Errors
    /// `Invalid` when it is no place for a file.
    pub(super) fn new(location: &FileLocation) -> Result<Self> {
        let store = Arc::clone(location.io().store());
        Ok(Self { store, path: location.store_path()?, pending: Vec::new(), pending_bytes: 0, parts: None })
    }

    /// Appends bytes; waits while too many parts are under way.
    ///
    /// # Errors
    /// `Storage`.
    pub(super) async fn push(&mut self, mut bytes: Bytes) -> Result<()> {
        while self.pending_bytes + bytes.len() >= PART_BYTES {
            let rest = bytes.split_off(PART_BYTES - self.pending_bytes);
            self.keep(bytes);
            self.put_part().await?;
            bytes = rest;
        }
        self.keep(bytes);
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// `Storage`: whether the file is there is not known then.
    pub(super) async fn finish(&mut self) -> Result<()> {
        if self.parts.is_none() {
            let payload = self.take_pending();
            let put = self.store.put(&self.path, payload).await;
            return put.map(drop).map_err(|error| convert(error, "writing", self.path.as_ref()));
        }
        if self.pending_bytes > 0 {
            self.put_part().await?;
        }
        self.wait_for_room(0).await?;
        let Some(parts) = &mut self.parts else { return Ok(()) };
        let done = parts.upload.complete().await;
        done.map(drop).map_err(|error| convert(error, "writing", self.path.as_ref()))
    }

    /// Gives up: what a store keeps of the parts is given back at best effort, as is the file if it is there.
    pub(super) async fn abort(mut self) {
        if let Some(parts) = &mut self.parts {
            parts.under_way.shutdown().await;
            // Nobody names the file, so what stays of it is garbage that costs only room.
            let _ = parts.upload.abort().await;
        }
        let _ = self.store.delete(&self.path).await;
    }

    fn keep(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.pending_bytes += bytes.len();
            self.pending.push(bytes);
        }
    }

    fn take_pending(&mut self) -> PutPayload {
        self.pending_bytes = 0;
        PutPayload::from_iter(std::mem::take(&mut self.pending))
    }

    async fn put_part(&mut self) -> Result<()> {
        if self.parts.is_none() {
            let upload = self.store.put_multipart(&self.path).await;
            let upload = upload.map_err(|error| convert(error, "writing", self.path.as_ref()))?;
            self.parts = Some(Parts { upload, under_way: JoinSet::new() });
        }
        self.wait_for_room(PARTS_UNDER_WAY_MAX - 1).await?;
        let payload = self.take_pending();
        if let Some(parts) = &mut self.parts {
            parts.under_way.spawn(parts.upload.put_part(payload));
        }
        Ok(())
    }

    /// Waits until at most so many are under way.
    async fn wait_for_room(&mut self, at_most: usize) -> Result<()> {
        let Some(parts) = &mut self.parts else { return Ok(()) };
        while parts.under_way.len() > at_most {
            match parts.under_way.join_next().await {
                Some(Ok(Ok(()))) | None => {}
                Some(Ok(Err(error))) => return Err(convert(error, "writing", self.path.as_ref())),
                Some(Err(error)) => return Err(Error::internal("a part's upload panicked").with_source(error)),
            }
        }
        Ok(())
    }
}
