//! A stream's changes made complete: what a [`Normalizer`] needs of a table, and what of its changes the caller asked for.
//!
//! Goes in: changes as they were written. Comes out: what they made of the rows, of the columns and under the condition that were asked for.
//! Tables whose changelog is complete need none of it. The state is made of the rows before the first change, so that a stream goes on from
//! any snapshot whose predecessor is left, and nothing is kept between streams.

use std::sync::Arc;

use alluvium_format::options::key;
use alluvium_format::{ChangelogProducer, Error, ErrorKind, MergeEngine, Predicate, Result};
use alluvium_store::TableStore;
use arrow_schema::SchemaRef;
use futures::stream::StreamExt;

use crate::change_batch::{ChangeBatch, SplitBatch};
use crate::normalizer::Normalizer;
use crate::read_stream::read_splits;
use crate::scan_plan::{FilesWanted, LevelFilter, plan_rows};
use crate::table_read::TableRead;
use crate::tail::TailRequest;

/// The changes of a stream, on their way to be complete.
#[derive(Debug)]
pub(crate) struct CompleteChanges {
    normalizer: Normalizer,
    /// Whether the rows there are are known.
    is_ready: bool,
    predicate: Predicate,
    /// The columns that were asked for, among those that are read.
    places: Vec<usize>,
    output: SchemaRef,
}

/// The table with the options under which its stream leaves nothing out; `None` where its changes are complete as they are.
///
/// # Errors
/// `Unsupported` by name where what was written does not say what became of the rows.
pub(crate) fn table_of(table: &TableStore) -> Result<Option<TableStore>> {
    let options = table.options();
    let is_complete = !matches!(options.changelog_producer()?, ChangelogProducer::None | ChangelogProducer::Input);
    if is_complete || table.schema().primary_keys.is_empty() {
        return Ok(None);
    }
    let refused = |name: &str| {
        let value = options.get(name).unwrap_or_default();
        Error::unsupported(format!("complete changes without a changelog producer with the option {name} = {value}"))
    };
    if options.merge_engine()? != MergeEngine::Deduplicate {
        return Err(refused(key::MERGE_ENGINE));
    }
    if !options.sequence_fields().is_empty() {
        return Err(refused(key::SEQUENCE_FIELD));
    }
    if options.ignore_delete()? {
        return Err(refused(key::IGNORE_DELETE_NAMES[0]));
    }
    let overwrites = (key::STREAMING_READ_OVERWRITE.to_owned(), "true".to_owned());
    table.with_options([(&overwrites.0, &overwrites.1)]).map(Some)
}

/// What is read of the table: the columns that are asked for, those of the condition, and the key; every change of them.
pub(crate) fn read_of(table: &TableStore, request: &TailRequest) -> Result<TableRead> {
    let asked = TableRead::new(table, Arc::clone(table.schema()), request.columns.as_deref(), &request.predicate)?;
    let mut columns: Vec<String> = asked.output().fields().iter().map(|field| field.name().clone()).collect();
    let needed = request.predicate.columns().into_iter().map(str::to_owned);
    for name in needed.chain(table.schema().primary_keys.iter().cloned()) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    TableRead::new(table, Arc::clone(table.schema()), Some(&columns), &Predicate::True)
}

impl CompleteChanges {
    /// Of a table that is read so.
    ///
    /// # Errors
    /// `Internal` in practice never.
    pub(crate) fn new(read: &TableRead, request: &TailRequest) -> Result<Self> {
        let (table, schema) = (&read.table, Arc::clone(read.output()));
        let asked = request.columns.as_ref().map_or(table.schema().fields.len(), Vec::len);
        let places: Vec<usize> = (0..asked).collect();
        let failed = |error| Error::internal("a column that was asked for is not read").with_source(error);
        let output = Arc::new(schema.project(&places).map_err(failed)?);
        let memory = table.io().memory().clone();
        let normalizer = Normalizer::new(schema, &table.schema().primary_keys, memory)?;
        Ok(Self { normalizer, is_ready: false, predicate: request.predicate.clone(), places, output })
    }

    /// The columns of the changes.
    pub(crate) fn output(&self) -> &SchemaRef {
        &self.output
    }

    /// Learns the rows there are before the changes of a snapshot. It may be cut off and begun again.
    ///
    /// # Errors
    /// `NotFound` when the snapshot before it has expired; those of reading.
    pub(crate) async fn prepare(&mut self, read: &Arc<TableRead>, snapshot: i64) -> Result<()> {
        if self.is_ready {
            return Ok(());
        }
        self.normalizer.forget();
        if snapshot > 1 {
            let Some(before) = read.table.snapshots().find(snapshot - 1).await? else {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    format!(
                        "complete changes from snapshot {snapshot} on need the rows of the one before it, which has \
                         expired: start with a full read"
                    ),
                ));
            };
            let splits = plan_rows(read, &before, FilesWanted::of(LevelFilter::All)).await?;
            let mut rows = read_splits(Arc::clone(read), splits, None);
            while let Some(batch) = rows.next().await {
                self.normalizer.apply(&ChangeBatch::inserts(batch?.rows))?;
            }
        }
        self.is_ready = true;
        Ok(())
    }

    /// Rows of a full read come first: there was none before.
    pub(crate) fn start_empty(&mut self) {
        self.is_ready = true;
    }

    /// Changes were passed over: what the rows are is learned anew.
    pub(crate) fn lose_track(&mut self) {
        self.is_ready = false;
    }

    /// What changes made of the rows; `None` where that is nothing, or nothing that was asked for.
    ///
    /// # Errors
    /// `Storage` when the rows do not fit into memory.
    pub(crate) fn complete(&mut self, changes: &ChangeBatch) -> Result<Option<ChangeBatch>> {
        let ChangeBatch { kinds, rows } = self.normalizer.apply(changes)?;
        let passed = SplitBatch { kinds: Some(kinds), rows }.filtered(&self.predicate)?;
        if passed.rows.num_rows() == 0 {
            return Ok(None);
        }
        let failed = |error| Error::internal("a column that was asked for is not read").with_source(error);
        let ChangeBatch { kinds, rows } = passed.into_changes();
        Ok(Some(ChangeBatch { kinds, rows: rows.project(&self.places).map_err(failed)? }))
    }
}
