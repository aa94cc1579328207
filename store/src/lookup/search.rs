//! One lookup under way: its keys, those that are not found yet, and what was found.
//!
//! Goes in: runs of files, from the newest on. Comes out: the records of the keys in them. Invariant: a key that leaves `pending` is not
//! looked for again.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{DataField, DataFileMeta, DataType, Error, Result};
use alluvium_merge_tree::{EncodedKeys, KeyEncoder};
use arrow_schema::SchemaRef;

use super::block::KeptColumns;
use super::build::{BuildFailure, build};
use super::cache::{Asked, Slot};
use super::found_rows::{FoundAt, FoundRows};
use super::key_ranges::KeyRanges;
use super::limits::LookupLimits;
use super::lookup_file::LookupFile;
use super::{LookupFound, LookupRequest, LookupVersions, LookupWanted};
use crate::table_store::TableStore;

/// A lookup under way.
pub(super) struct Search<'a> {
    table: &'a TableStore,
    request: &'a LookupRequest<'a>,
    limits: LookupLimits,
    kept: KeptColumns,
    fields: Arc<[DataField]>,
    types: Vec<DataType>,
    schema: SchemaRef,
    encoder: KeyEncoder,
    keys: EncodedKeys,
    /// Rows of the request, ascending.
    pending: Vec<u32>,
    /// Those of them that the last run has.
    hits: Vec<u32>,
    found: FoundRows,
}

/// The files of a run, by ascending key, with their level.
pub(super) type RunFiles<'a> = (i32, &'a [DataFileMeta]);

/// The runs that a request is about, the newest first.
pub(super) fn runs<'a>(request: &LookupRequest<'a>) -> Vec<RunFiles<'a>> {
    let levels = request.levels;
    let newest = if request.start_level == 0 { levels.level0() } else { &[] };
    let upper = (1..).zip(1..levels.number_of_levels()).filter(|(_, level)| *level >= request.start_level);
    let upper = upper.filter_map(|(number, level)| Some((number, levels.run_of_level(level)?.files())));
    newest.iter().map(|file| (0, std::slice::from_ref(file))).chain(upper).collect()
}

impl<'a> Search<'a> {
    /// # Errors
    /// `Invalid` when the keys are not those of the table or do not ascend strictly.
    pub(super) fn new(table: &'a TableStore, request: &'a LookupRequest<'a>) -> Result<Self> {
        let key_fields = table.schema().key_fields();
        let schema = to_arrow_schema(&key_fields)?;
        let given = request.keys.schema_ref().fields();
        let fits = |(given, wanted): (&arrow_schema::FieldRef, &arrow_schema::FieldRef)| {
            given.name() == wanted.name() && given.data_type() == wanted.data_type()
        };
        if given.len() != schema.fields().len() || !given.iter().zip(schema.fields()).all(fits) {
            let names: Vec<&str> = key_fields.iter().map(|field| field.name.as_str()).collect();
            return Err(Error::invalid(format!(
                "keys to look up have the columns {} of the table, in this order and of their types",
                names.join(", ")
            )));
        }
        let encoder = KeyEncoder::of_key(&schema, &table.schema().trimmed_primary_keys())?;
        let keys = encoder.encode_batch(request.keys)?;
        if !keys.ascend() {
            return Err(Error::invalid("keys to look up ascend, and none is there twice"));
        }
        let count = u32::try_from(keys.len())
            .map_err(|_| Error::invalid(format!("{} keys are too many to look up at once", keys.len())))?;
        let (kept, fields) = match request.wanted {
            LookupWanted::Record => (KeptColumns::All, table.schema().fields.clone()),
            LookupWanted::Existence | LookupWanted::Place => (KeptColumns::Keys, key_fields),
        };
        Ok(Self {
            limits: LookupLimits::of(table.options())?,
            types: table.schema().key_types(),
            pending: (0..count).collect(),
            hits: Vec::new(),
            found: FoundRows::new(request.wanted),
            fields: fields.into(),
            table,
            request,
            kept,
            schema,
            encoder,
            keys,
        })
    }

    /// Looks for all keys that are pending in a run.
    pub(super) async fn run(&mut self, (level, files): RunFiles<'_>) -> Result<()> {
        self.hits.clear();
        if self.pending.is_empty() {
            return Ok(());
        }
        let ranges = KeyRanges::of(files, &self.types, &self.schema, &self.encoder)?;
        for (number, file) in files.iter().enumerate() {
            let wanted = ranges.wanted_of(number, &self.keys, &self.pending);
            if !wanted.is_empty() {
                let (slot, lookup_file) = self.file(file).await?;
                self.find(level, file, wanted, (&slot, &lookup_file))?;
            }
        }
        Ok(())
    }

    /// Finds a range of the pending keys in a file.
    fn find(
        &mut self,
        level: i32,
        file: &DataFileMeta,
        wanted: std::ops::Range<usize>,
        (slot, lookup_file): (&Slot, &LookupFile),
    ) -> Result<()> {
        let (io, deletions) = (self.table.io(), self.request.deletions.get(&file.file_name));
        let name: Arc<str> = file.file_name.as_str().into();
        let (hits, found) = (&mut self.hits, &mut self.found);
        let wanted = self.pending.get(wanted).unwrap_or_default();
        let load = |number: usize| io.lookup_cache().block(io, slot, lookup_file, number);
        lookup_file.find(&self.keys, wanted, &load, &mut |key, block, row| {
            if deletions.is_some_and(|deleted| deleted.is_deleted(block.first_row + row as u64)) {
                return Ok(());
            }
            hits.push(key);
            found.add(key, FoundAt { level, file: &name, block, row })
        })
    }

    /// What is kept of a data file; made of it if nothing is.
    async fn file(&self, file: &DataFileMeta) -> Result<(Arc<Slot>, Arc<LookupFile>)> {
        let (io, cache) = (self.table.io(), self.table.io().lookup_cache());
        let asked =
            Asked { io, file_name: &file.file_name, kept: self.kept, fields: &self.fields, limits: &self.limits };
        let slot = cache.slot(asked);
        match slot.file.get_or_try_init(|| self.build(file)).await {
            Ok(built) => {
                let built = Arc::clone(built);
                cache.keep(io, &slot);
                Ok((slot, built))
            }
            Err(error) => {
                cache.abandon(io, &slot);
                Err(error)
            }
        }
    }

    /// Where the local disk is full, files that are only kept for later make room once.
    async fn build(&self, file: &DataFileMeta) -> Result<Arc<LookupFile>> {
        let (of, what) = ((self.request.bucket, file), (&self.fields, self.kept));
        let mut built = build(self.table, of, what, &self.limits).await;
        if matches!(built, Err(BuildFailure::LocalDisk(_))) && self.table.io().lookup_cache().free_disk() > 0 {
            built = build(self.table, of, what, &self.limits).await;
        }
        Ok(Arc::new(built?))
    }

    /// Keys that the last run has are not looked for any more.
    pub(super) fn settle_hits(&mut self) {
        let hits = std::mem::take(&mut self.hits);
        self.settle(&hits);
    }

    /// Takes `keys` out of those that are pending; both ascend.
    fn settle(&mut self, keys: &[u32]) {
        let mut keys = keys.iter().copied().peekable();
        self.pending.retain(|pending| {
            while keys.next_if(|key| key < pending).is_some() {}
            keys.peek() != Some(pending)
        });
    }

    /// What the last run has; the keys of which no more is wanted are settled. `later` are the runs that follow.
    pub(super) fn take_versions(
        &mut self,
        versions: LookupVersions,
        level: i32,
        later: &[RunFiles<'_>],
    ) -> Result<LookupFound> {
        let found = std::mem::replace(&mut self.found, FoundRows::new(self.request.wanted)).finish()?;
        match versions {
            LookupVersions::All => {}
            LookupVersions::LowestLevel if level == 0 => {}
            LookupVersions::LowestLevel => self.settle(&found.keys),
            LookupVersions::Newest => {
                let files = later.iter().flat_map(|(_, files)| files.iter());
                let newest_later = files.map(|file| file.max_sequence_number).max().unwrap_or(i64::MIN);
                let Some(records) = &found.records else { return Ok(found) };
                let decided = found.keys.iter().zip(records.sequences.values());
                let decided: Vec<u32> =
                    decided.filter(|(_, sequence)| **sequence > newest_later).map(|(key, _)| *key).collect();
                self.settle(&decided);
            }
        }
        Ok(found)
    }

    pub(super) fn finish(self) -> Result<LookupFound> {
        self.found.finish()
    }
}
