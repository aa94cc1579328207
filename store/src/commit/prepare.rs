//! Writes what a snapshot names, before it is put: manifest lists, manifests and the index manifest.
//!
//! Goes in: a change, and the snapshot it is to follow. Comes out: the names. What is independent is written at the same time; nothing
//! is in flight when it returns, so that all of it can be taken back. Answers to the middle of `FileStoreCommitImpl.tryCommitOnce`.

use std::collections::HashSet;

use alluvium_format::{
    Error, ErrorKind, FileKind, ManifestEntry, ManifestFileMeta, Predicate, Result, Snapshot, TableStatistics, path,
};

use crate::commit::changes::Change;
use crate::commit::index_merge::{check_known, merge_index};
use crate::commit::manifest_merge::{MergeLimits, MergeStep, fold_minor};
use crate::commit::plan::{Prepared, WrittenList};
use crate::manifest_store::ManifestWriter;
use crate::scan::live_files::over_entries;
use crate::scan::partition_filter::PartitionFilter;
use crate::scan::{data_manifests, live_entries};
use crate::table_store::TableStore;

/// One attempt's writing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preparation<'a> {
    pub(crate) table: &'a TableStore,
    pub(crate) writer: &'a ManifestWriter,
    pub(crate) latest: Option<&'a Snapshot>,
}

impl Preparation<'_> {
    /// Writes all that the snapshot of `change` names.
    pub(crate) async fn write(&self, change: &Change) -> Result<Prepared> {
        let (base, delta, changelog, index_manifest, statistics, schema_id, rows_before) = futures::join!(
            self.write_base(),
            self.write_entries(&change.entries),
            self.write_changelog(change),
            self.write_index(change),
            self.statistics(),
            self.latest_schema_id(),
            self.rows_before(),
        );
        let (schema_id, statistics) = (schema_id?, statistics?);
        Ok(Prepared {
            base: base?,
            delta: delta?,
            changelog: changelog?,
            index_manifest: index_manifest?,
            statistics: statistics.filter(|(_, of_schema)| *of_schema == schema_id).map(|(name, _)| name),
            schema_id,
            rows_before: rows_before?,
            now_millis: self.table.io().clock().now_millis(),
        })
    }

    async fn write_entries(&self, entries: &[ManifestEntry]) -> Result<WrittenList> {
        let manifests = self.writer.write(entries.to_vec()).await?;
        self.writer.write_list(manifests).await
    }

    async fn write_changelog(&self, change: &Change) -> Result<Option<WrittenList>> {
        if change.changelog.is_empty() {
            return Ok(None);
        }
        self.write_entries(&change.changelog).await.map(Some)
    }

    async fn write_index(&self, change: &Change) -> Result<Option<String>> {
        let before = self.latest.and_then(|latest| latest.index_manifest.as_deref());
        if change.index.is_empty() && change.known_index.is_empty() {
            return Ok(before.map(str::to_owned));
        }
        let entries = match before {
            Some(name) => self.table.manifests().index_entries(name).await?.to_vec(),
            None => Vec::new(),
        };
        check_known(&entries, &change.known_index)?;
        if change.index.is_empty() {
            return Ok(before.map(str::to_owned));
        }
        let mode = self.table.options().bucket_mode(self.table.schema())?;
        self.writer.write_index(merge_index(entries, &change.index, mode)?).await.map(Some)
    }

    /// The statistics of the latest snapshot, with the schema they are of; none when their file has gone, as they are only advice.
    async fn statistics(&self) -> Result<Option<(String, i64)>> {
        let Some(name) = self.latest.and_then(|latest| latest.statistics.as_deref()) else { return Ok(None) };
        let path = format!("{}/{name}", path::STATISTICS_FOLDER);
        let Some(bytes) = self.table.io().get_if_present(&path).await? else { return Ok(None) };
        let statistics = TableStatistics::from_json(&bytes, &format!("{}/{path}", self.table.io().base()))?;
        Ok(Some((name.to_owned(), statistics.schema_id)))
    }

    async fn latest_schema_id(&self) -> Result<i64> {
        let latest = self.table.schemas().ids().await?.last().copied();
        let gone =
            || Error::new(ErrorKind::NotFound, format!("the table {} has no schema any more", self.table.name()));
        latest.ok_or_else(gone)
    }

    /// Snapshots of old versions do not say how many rows they have: then their files are counted.
    async fn rows_before(&self) -> Result<i64> {
        let Some(latest) = self.latest else { return Ok(0) };
        match latest.total_record_count {
            Some(rows) => Ok(rows),
            None => {
                let files = live_entries(self.table, latest, &Predicate::True).await?;
                Ok(files.iter().fold(0i64, |sum, entry| sum.saturating_add(entry.file.row_count)))
            }
        }
    }

    /// The base of a snapshot is all of the snapshot before, with few manifests.
    async fn write_base(&self) -> Result<WrittenList> {
        let before = match self.latest {
            Some(latest) => data_manifests(self.table, latest).await?,
            None => Vec::new(),
        };
        let merged = self.merge(before).await?;
        self.writer.write_list(merged).await
    }

    async fn merge(&self, before: Vec<ManifestFileMeta>) -> Result<Vec<ManifestFileMeta>> {
        let limits = MergeLimits::of(self.table.options())?;
        if limits.wants_full(&before)
            && let Some(merged) = self.merge_fully(&limits, &before).await?
        {
            return Ok(merged);
        }
        let mut merged = Vec::new();
        for step in limits.minor(&before) {
            match step {
                MergeStep::Keep(range) => merged.extend(before.get(range).unwrap_or_default().iter().cloned()),
                MergeStep::Merge(range) => {
                    let entries = self.table.manifests().entries_of(before.get(range).unwrap_or_default()).await?;
                    let count = entries.iter().map(|entries| entries.len()).sum();
                    let folded = over_entries(self.table.io(), count, move || fold_minor(&entries)).await?;
                    merged.extend(self.writer.write(folded).await?);
                }
            }
        }
        Ok(merged)
    }

    async fn merge_fully(
        &self,
        limits: &MergeLimits,
        before: &[ManifestFileMeta],
    ) -> Result<Option<Vec<ManifestFileMeta>>> {
        let with_deletes: Vec<_> = before.iter().filter(|meta| meta.num_deleted_files > 0).cloned().collect();
        let deleting = self.table.manifests().entries_of(&with_deletes).await?;
        let entries = deleting.iter().flat_map(|entries| entries.iter());
        let deleted: HashSet<_> =
            entries.filter(|entry| entry.kind == FileKind::Delete).map(|entry| entry.partition.clone()).collect();
        let deleted = PartitionFilter::among(self.table.partition_types(), deleted)?;
        let Some((mut merged, metas)) = limits.full(before, &deleted)? else { return Ok(None) };
        let manifests = self.table.manifests().entries_of(&metas).await?;
        let count = manifests.iter().map(|entries| entries.len()).sum();
        let (limits, of) = (*limits, metas.clone());
        let fold = move || Ok(limits.fold_full(&of, &manifests, &deleting));
        let (unchanged, folded) = over_entries(self.table.io(), count, fold).await?;
        merged.extend(unchanged.into_iter().filter_map(|at| metas.get(at).cloned()));
        merged.extend(self.writer.write(folded).await?);
        Ok(Some(merged))
    }
}
