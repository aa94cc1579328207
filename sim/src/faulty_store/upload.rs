//! A multipart upload each step of which may fail.

use async_trait::async_trait;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};

use super::{FaultyStore, OperationKind, acknowledged};

/// An upload of a [`FaultyStore`].
#[derive(Debug)]
pub(super) struct FaultyUpload {
    store: FaultyStore,
    location: Path,
    number: u64,
    inner: Box<dyn MultipartUpload>,
}

impl FaultyUpload {
    /// The upload of a path, with its number in the journal.
    pub(super) fn new(store: FaultyStore, (location, number): (Path, u64), inner: Box<dyn MultipartUpload>) -> Self {
        Self { store, location, number, inner }
    }

    /// Takes note of the end that `answer` says.
    fn ended<T>(&self, answer: Result<T>) -> Result<T> {
        if answer.is_ok() {
            self.store.with_journal(|journal| journal.upload_ended(self.number));
        }
        answer
    }
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match self.store.begin(OperationKind::PutPart, &self.location) {
            Err(error) => std::future::ready(Err(error)).boxed(),
            Ok(lost) => {
                let part = self.inner.put_part(data);
                async move { acknowledged(part.await, lost) }.boxed()
            }
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let lost = self.store.begin(OperationKind::CompleteMultipart, &self.location)?;
        let completed = self.inner.complete().await;
        acknowledged(self.ended(completed), lost)
    }

    async fn abort(&mut self) -> Result<()> {
        let lost = self.store.begin(OperationKind::AbortMultipart, &self.location)?;
        let aborted = self.inner.abort().await;
        acknowledged(self.ended(aborted), lost)
    }
}
