//! An object store that fails when told to, around any other.
//!
//! Goes in: operations on a store, and [`Faults`]. Comes out: what the store inside answers, or a failure. Every operation that can
//! change or read state is counted, from 0: puts, gets, heads, single deletes, lists, copies, renames, and of multipart uploads the
//! beginning, each part, the completion and the abort. Invariant: without faults it behaves as the store inside.

mod faults;
#[cfg(test)]
mod tests;
mod upload;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use faults::Journal;
pub use faults::{Fault, FaultMode, Faults, Operation, OperationKind};
use upload::FaultyUpload;

/// A store that fails when told to. Clones are the same store, with the same faults.
#[derive(Clone, Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    journal: Arc<Mutex<Journal>>,
}

impl FaultyStore {
    /// Around `inner`, without faults.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, journal: Arc::default() }
    }

    /// Sets the faults, mends a crash and counts operations from 0 again.
    pub fn arm(&self, faults: Faults) {
        self.with_journal(|journal| *journal = Journal::new(faults));
    }

    /// The operations since the faults were set, in the order they began.
    pub fn operations(&self) -> Vec<Operation> {
        self.with_journal(|journal| journal.operations().to_vec())
    }

    /// The operations that failed, with how, since the faults were set.
    pub fn failures(&self) -> Vec<(Operation, FaultMode)> {
        self.with_journal(|journal| journal.failures().to_vec())
    }

    /// Paths of multipart uploads that were begun since the faults were set and neither completed nor aborted: a store keeps and
    /// charges for their parts.
    pub fn unfinished_uploads(&self) -> Vec<String> {
        self.with_journal(|journal| journal.uploads().cloned().collect())
    }

    /// Takes note of an operation. An error: it fails before its effect. `Some`: it fails so after its effect.
    fn begin(&self, kind: OperationKind, path: &Path) -> Result<Option<Error>> {
        self.with_journal(|journal| journal.begin(kind, path))
    }

    fn with_journal<T>(&self, with: impl FnOnce(&mut Journal) -> T) -> T {
        with(&mut self.journal.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FaultyStore({})", self.inner)
    }
}

/// The answer of an operation that had its effect, unless its acknowledgement is lost.
fn acknowledged<T>(answer: Result<T>, lost: Option<Error>) -> Result<T> {
    lost.map_or(answer, Err)
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let lost = self.begin(OperationKind::Put, location)?;
        acknowledged(self.inner.put_opts(location, payload, options).await, lost)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let lost = self.begin(OperationKind::PutMultipart, location)?;
        let upload = self.inner.put_multipart_opts(location, options).await?;
        let number = self.with_journal(|journal| journal.upload_begun(location));
        let upload = FaultyUpload::new(self.clone(), (location.clone(), number), upload);
        acknowledged(Ok(Box::new(upload) as Box<dyn MultipartUpload>), lost)
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let head = options.head;
        let kind = if head { OperationKind::Head } else { OperationKind::Get };
        let lost = self.begin(kind, location)?;
        let result = self.inner.get_opts(location, options).await;
        match lost {
            Some(error) if head => Err(error),
            Some(error) => torn(result?, error).await,
            None => result,
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let lost = self.begin(OperationKind::Get, location)?;
        acknowledged(self.inner.get_ranges(location, ranges).await, lost)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .then(move |location| {
                let store = store.clone();
                async move {
                    let location = location?;
                    let lost = store.begin(OperationKind::Delete, &location)?;
                    let one = stream::once(std::future::ready(Ok(location))).boxed();
                    let mut deleted: Vec<Path> = store.inner.delete_stream(one).try_collect().await?;
                    let path = deleted.pop().ok_or_else(|| generic("a delete answered nothing".to_owned()));
                    acknowledged(path, lost)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let begun = self.begin(OperationKind::List, prefix.unwrap_or(&Path::default()));
        listed(self.inner.list(prefix), begun)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let begun = self.begin(OperationKind::List, prefix.unwrap_or(&Path::default()));
        listed(self.inner.list_with_offset(prefix, offset), begun)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let lost = self.begin(OperationKind::List, prefix.unwrap_or(&Path::default()))?;
        acknowledged(self.inner.list_with_delimiter(prefix).await, lost)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let lost = self.begin(OperationKind::Copy, to)?;
        acknowledged(self.inner.copy_opts(from, to, options).await, lost)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let lost = self.begin(OperationKind::Rename, to)?;
        acknowledged(self.inner.rename_opts(from, to, options).await, lost)
    }
}

/// An answer of which the first half of the bytes comes through, then `error`.
async fn torn(result: GetResult, error: Error) -> Result<GetResult> {
    let (meta, range, attributes) = (result.meta.clone(), result.range.clone(), result.attributes.clone());
    let bytes = result.bytes().await?;
    let half = bytes.slice(..bytes.len() / 2);
    let payload = GetResultPayload::Stream(stream::iter([Ok(half), Err(error)]).boxed());
    Ok(GetResult { payload, meta, range, attributes })
}

/// A listing that fails at once, or that loses all but its first entry, or as it is.
fn listed(
    entries: BoxStream<'static, Result<ObjectMeta>>,
    begun: Result<Option<Error>>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    match begun {
        Err(error) => stream::once(std::future::ready(Err(error))).boxed(),
        Ok(Some(error)) => entries.take(1).chain(stream::once(std::future::ready(Err(error)))).boxed(),
        Ok(None) => entries,
    }
}

fn generic(what: String) -> Error {
    Error::Generic { store: "FaultyStore", source: what.into() }
}
