//! Where the rows of an ORC file come from: a file that is at hand, or requests of each stripe.
//!
//! Goes in: a file. Comes out: its tail, then the rows of stripes. Invariants: only the streams that are asked for are fetched; of a
//! file one stripe is decoded, and a small one may be on its way.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use alluvium_format::{DataField, Error, ErrorKind, Predicate, Result, ResultExt};
use bytes::Bytes;
use parquet::file::reader::ChunkReader;
use tokio::task::JoinSet;

use super::column::Part;
use super::plan::{self, PartPlan};
use super::stripe::{StripePlan, StripeStreams};
use super::stripes;
use super::tail::{self, FIRST_FETCH_BYTES, Found, Tail};
use super::timestamps::Instants;
use crate::data_file::orc::Decoded;
use crate::data_file::orc::footer::Stripe;
use crate::data_file::reader::{BATCH_ROWS, DecodedRows, DecoderError, FileChunks, StoredFile, guarded};

/// A stripe of more bytes than this is fetched when the one before it is done, so that a merge of many files of large stripes holds
/// one of each.
const READ_AHEAD_BYTES_MAX: u64 = 16 << 20;
/// A stripe of at most so many bytes is fetched as a whole: its footer must be known before its streams are.
const WHOLE_STRIPE_BYTES_MAX: u64 = 1 << 20;

/// A file whose tail was read.
#[derive(Debug)]
pub(in crate::data_file) struct OrcFile {
    bytes: FileBytes,
    tail: Tail,
    plan: Vec<PartPlan>,
    instants: Instants,
}

/// The bytes of a file: at hand where there are chunks, to be fetched where there are none.
#[derive(Clone, Debug)]
struct FileBytes {
    file: StoredFile,
    chunks: Option<FileChunks>,
}

impl OrcFile {
    /// Reads what a file says of itself; `chunks` is the file where it is at hand, `fields` are those of its schema that are
    /// wanted, `instants` what its timestamps with local zone are.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` with the path.
    pub(in crate::data_file) async fn open(
        file: StoredFile,
        chunks: Option<FileChunks>,
        (fields, instants): (&[DataField], Instants),
    ) -> Result<Self> {
        let bytes = FileBytes { file, chunks };
        let tail = bytes.tail().await?;
        let plan = plan::plan(fields, &tail.footer.schema).context(|| format!("reading {}", bytes.file.path()))?;
        Ok(Self { bytes, tail, plan, instants })
    }

    /// The positions of the rows of each stripe.
    pub(in crate::data_file) fn stretches(&self) -> Vec<Range<u64>> {
        self.tail.footer.stretches()
    }

    /// The stripes for which `predicate` may be true. `written` are the columns of the file's schema, `asked` those asked for.
    pub(in crate::data_file) fn matching(
        &self,
        predicate: &Predicate,
        written: &[DataField],
        asked: &[DataField],
    ) -> Vec<usize> {
        stripes::select(&self.tail, predicate, written, asked)
    }

    /// The rows of some stripes.
    pub(in crate::data_file) fn read(self, stripes: Vec<usize>) -> OrcBatches {
        let Self { bytes, tail, plan, instants } = self;
        let mut numbers = Vec::new();
        plan.iter().for_each(|part| part.append_numbers(&mut numbers));
        let stripes = stripes.into_iter().filter_map(|index| tail.footer.stripes.get(index).copied()).collect();
        let wanted = Arc::new(Wanted { bytes, numbers, tail, instants });
        OrcBatches { wanted, plan, stripes, current: None, fetching: JoinSet::new() }
    }
}

impl FileBytes {
    async fn tail(&self) -> Result<Tail> {
        let whole = self.file.bytes();
        let mut length = FIRST_FETCH_BYTES.min(whole);
        loop {
            let end = match &self.chunks {
                Some(_) => self.range(whole - length..whole).await?,
                None => self.file.end(length).await?,
            };
            match tail::read(self.file.path(), whole, &end)? {
                Found::Whole(tail) => return Ok(*tail),
                Found::Needs(needed) => length = needed,
            }
        }
    }

    async fn range(&self, range: Range<u64>) -> Result<Bytes> {
        Ok(self.ranges(std::slice::from_ref(&range)).await?.into_iter().next().unwrap_or_default())
    }

    async fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Some(chunks) = &self.chunks else { return self.file.ranges(ranges).await };
        let bytes = ranges.iter().map(|range| {
            let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            chunks.get_bytes(range.start, length).map_err(|error| chunks.failure(self.file.path(), error))
        });
        bytes.collect()
    }
}

/// What is wanted of each stripe.
#[derive(Debug)]
struct Wanted {
    bytes: FileBytes,
    /// The numbers of the columns.
    numbers: Vec<usize>,
    tail: Tail,
    instants: Instants,
}

impl Wanted {
    async fn fetch(&self, stripe: Stripe) -> Result<StripeStreams> {
        let (streams, footer) = (stripe.streams(), stripe.footer());
        let whole = streams.start..footer.end;
        if self.bytes.chunks.is_some() || whole.end - whole.start > WHOLE_STRIPE_BYTES_MAX {
            let footer = self.bytes.range(footer).await?;
            let plan = self.plan(&stripe, footer)?;
            let ranges: Vec<Range<u64>> = plan.streams.iter().map(|stream| stream.range.clone()).collect();
            let bytes = self.bytes.ranges(&ranges).await?;
            return Ok(plan.with_bytes(bytes, self.tail.chunks, self.instants));
        }
        let fetched = self.bytes.range(whole.clone()).await?;
        // The range was fetched whole, and all that is sliced lies within.
        let part = |range: &Range<u64>| {
            fetched.slice((range.start - whole.start) as usize..(range.end - whole.start) as usize)
        };
        let plan = self.plan(&stripe, part(&footer))?;
        let bytes = plan.streams.iter().map(|stream| part(&stream.range)).collect();
        Ok(plan.with_bytes(bytes, self.tail.chunks, self.instants))
    }

    fn plan(&self, stripe: &Stripe, footer: Bytes) -> Result<StripePlan> {
        let plan = guarded(|| StripePlan::of(stripe, footer, self.tail.chunks, &self.numbers));
        plan.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: DecoderError) -> Error {
        let message = format!("decoding {} failed", self.bytes.file.path());
        Error::new(ErrorKind::Corrupt, message).with_source(error)
    }
}

/// The rows of a file, as they are decoded.
#[derive(Debug)]
pub(in crate::data_file) struct OrcBatches {
    wanted: Arc<Wanted>,
    plan: Vec<PartPlan>,
    /// Those to fetch.
    stripes: VecDeque<Stripe>,
    current: Option<StripeRows>,
    /// The next stripe, on its way; stopped when this is dropped.
    fetching: JoinSet<Result<(Stripe, StripeStreams)>>,
}

/// The rows of a stripe that are still to come.
#[derive(Debug)]
struct StripeRows {
    columns: Vec<Part>,
    rows: u64,
}

impl OrcBatches {
    /// The next rows; `None` behind the last.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` with the path.
    pub(in crate::data_file) async fn next(&mut self) -> Result<Option<DecodedRows>> {
        loop {
            if let Some(stripe) = self.current.as_mut().filter(|stripe| stripe.rows > 0) {
                let rows = guarded(|| stripe.next());
                return rows.map(Some).map_err(|error| self.wanted.failed(error));
            }
            let Some((stripe, mut streams)) = self.next_stripe().await? else { return Ok(None) };
            let plan = &self.plan;
            let columns = guarded(|| plan.iter().map(|part| Part::begin(part, &mut streams)).collect());
            let columns = columns.map_err(|error| self.wanted.failed(error))?;
            self.current = Some(StripeRows { columns, rows: stripe.rows });
        }
    }

    async fn next_stripe(&mut self) -> Result<Option<(Stripe, StripeStreams)>> {
        if self.wanted.bytes.chunks.is_some() {
            let Some(stripe) = self.stripes.pop_front() else { return Ok(None) };
            return Ok(Some((stripe, self.wanted.fetch(stripe).await?)));
        }
        if self.fetching.is_empty() {
            self.fetch_next();
        }
        let Some(fetched) = self.fetching.join_next().await else { return Ok(None) };
        let fetched =
            fetched.map_err(|error| Error::internal("the task that fetches a stripe died").with_source(error))??;
        let is_small = |stripe: &Stripe| stripe.data_bytes <= READ_AHEAD_BYTES_MAX;
        if self.stripes.front().is_some_and(is_small) {
            self.fetch_next();
        }
        Ok(Some(fetched))
    }

    /// Sets out to fetch the next stripe.
    fn fetch_next(&mut self) {
        let Some(stripe) = self.stripes.pop_front() else { return };
        let wanted = Arc::clone(&self.wanted);
        self.fetching.spawn(async move { Ok((stripe, wanted.fetch(stripe).await?)) });
    }
}

impl StripeRows {
    fn next(&mut self) -> Decoded<DecodedRows> {
        let rows = BATCH_ROWS.min(usize::try_from(self.rows).unwrap_or(usize::MAX));
        let columns = self.columns.iter_mut().map(|column| column.read(rows, None)).collect::<Decoded<Vec<_>>>()?;
        self.rows -= rows as u64;
        Ok(DecodedRows { columns, rows })
    }
}
