//! Writes sorted records, or rows of a table without key, into as many data files, or changelog files, as the target size asks for.
//!
//! Goes in: batches of records in ascending key order. Comes out: the files' metadata. A file is in the object store once it is
//! whole; on an error all files of the writer are deleted, as nobody names them. Answers to
//! `org.apache.paimon.io.RollingFileWriterImpl` and `KeyValueDataFileWriterImpl`.

use std::cmp::Ordering;

use alluvium_format::file_index::{FileIndexPlan, FileIndexWriter};
use alluvium_format::options::FileCompression;
use alluvium_format::{CoreOptions, DataFileMeta, Error, ErrorKind, Result, datum};
use alluvium_merge_tree::KeyValueBatch;
use arrow_array::ArrayRef;

use super::file_index;
use super::file_names::FileNames;
use super::file_summary::{FileSummary, Key, SummaryPlan, WrittenFile};
use super::file_writer::{FileLayout, FileWriter};
use super::format::FileFormat;
use super::record_columns::{KeyColumnsMode, RecordColumns};
use super::stats_modes::StatsOf;
use super::upload::{FILE_BYTES_MAX, FileUpload};
use super::{DataFileSpec, FileContent, PartitionBucket};
use crate::table_io::TableIo;
use crate::table_store::TableStore;

/// Rows that are written before the size of the file is looked at again.
const SLICE_ROWS: usize = 8192;
/// Options for levels are not for tables without key, whose files all name level 0.
const NO_LEVEL: i32 = -1;

/// Writes one sorted run. CPU-bound: drive it in a [`crate::CpuPool`]. A writer that is dropped before its end may leave files
/// behind; [`RollingFileWriter::abort`] does not.
#[derive(Debug)]
pub struct RollingFileWriter {
    table: TableStore,
    bucket: PartitionBucket,
    columns: RecordColumns,
    layout: FileLayout,
    plan: SummaryPlan,
    indexes: Option<FileIndexPlan>,
    content: FileContent,
    names: FileNames,
    target_file_bytes: u64,
    open: Option<OpenFile>,
    done: Vec<DataFileMeta>,
    last_key: Option<Key>,
    /// Whether an error has undone everything.
    failed: bool,
}

/// The file that rows go to.
#[derive(Debug)]
struct OpenFile {
    name: String,
    external_path: Option<String>,
    writer: FileWriter,
    upload: FileUpload,
    uploaded_bytes: u64,
    summary: FileSummary,
    index: Option<FileIndexWriter>,
}

impl RollingFileWriter {
    /// A writer of files of the table's latest schema.
    ///
    /// # Errors
    /// `Unsupported` for a file format or codec; `Invalid` when an option is wrong.
    pub fn new(table: &TableStore, spec: DataFileSpec) -> Result<Self> {
        let (schema, options) = (table.schema(), table.options());
        let target = options.target_file_bytes(schema)?;
        let option_level = if schema.primary_keys.is_empty() { NO_LEVEL } else { spec.level };
        let (format, compression) = written_as(options, spec.content, option_level)?;
        let mode = if options.data_file_thin_mode()? { KeyColumnsMode::Thin } else { KeyColumnsMode::Thick };
        let columns = RecordColumns::of(schema, mode)?;
        let stats = StatsOf { level: spec.level, option_level, content: spec.content, format, key_columns: mode };
        Ok(Self {
            layout: FileLayout::of(format, columns.fields(), options, &compression)?,
            columns,
            plan: SummaryPlan::of(table, stats)?,
            indexes: FileIndexPlan::of(&schema.fields, options)?,
            content: spec.content,
            names: FileNames::of(table, &spec, format, &compression)?,
            bucket: spec.bucket,
            target_file_bytes: target.min(FILE_BYTES_MAX),
            table: table.clone(),
            open: None,
            done: Vec::new(),
            last_key: None,
            failed: false,
        })
    }

    /// Appends rows, whose `values` are all columns of the schema and whose keys are above all before them; in a changelog the last
    /// key before them may go on, and rows that wait have no order but that of their coming.
    ///
    /// # Errors
    /// `Internal` when the keys do not ascend from batch to batch; `Storage`. All files are deleted then, and the writer is closed.
    pub async fn write(&mut self, batch: &KeyValueBatch) -> Result<()> {
        self.check_usable()?;
        let written = self.write_slices(batch).await;
        if written.is_err() {
            self.failed = true;
            self.delete_all().await;
        }
        written
    }

    /// Ends the last file; no file when nothing was written.
    ///
    /// # Errors
    /// `Storage`; the files written so far are deleted then.
    pub async fn finish(mut self) -> Result<Vec<DataFileMeta>> {
        self.check_usable()?;
        match self.end_file().await {
            Ok(()) => Ok(self.done),
            Err(error) => {
                self.delete_all().await;
                Err(error)
            }
        }
    }

    /// Deletes what was written, at best effort.
    pub async fn abort(mut self) {
        self.delete_all().await;
    }

    fn check_usable(&self) -> Result<()> {
        if self.failed {
            return Err(Error::new(ErrorKind::Closed, "the writer of data files has failed before"));
        }
        Ok(())
    }

    async fn write_slices(&mut self, batch: &KeyValueBatch) -> Result<()> {
        let rows = batch.num_rows();
        for start in (0..rows).step_by(SLICE_ROWS) {
            self.write_slice(&batch.slice(start, SLICE_ROWS.min(rows - start))).await?;
        }
        Ok(())
    }

    async fn write_slice(&mut self, slice: &KeyValueBatch) -> Result<()> {
        let columns = self.columns.columns(slice)?;
        let (first, last) = (self.plan.key_at(slice, 0)?, self.plan.key_at(slice, slice.num_rows() - 1)?);
        check_ascending(self.last_key.as_ref(), &first, self.content)?;
        self.last_key = Some(last.clone());
        let mut file = match self.open.take() {
            Some(mut file) => {
                file.summary = file.summary.with(&self.plan, slice, last);
                file
            }
            None => {
                let file = self.names.take()?;
                OpenFile {
                    writer: self.layout.begin()?,
                    upload: FileUpload::new(&file.location)?,
                    name: file.name,
                    external_path: file.external_path,
                    uploaded_bytes: 0,
                    summary: FileSummary::of(&self.plan, slice, (first, last)),
                    index: self.indexes.as_ref().map(FileIndexPlan::begin).transpose()?,
                }
            }
        };
        let written = file.write(slice, &columns).await;
        let is_full = file.writer.encoded_bytes() >= self.target_file_bytes || file.writer.is_full();
        self.open = Some(file);
        written?;
        if is_full { self.end_file().await } else { Ok(()) }
    }

    async fn end_file(&mut self) -> Result<()> {
        let Some(mut file) = self.open.take() else { return Ok(()) };
        let index = file.index.take();
        let mut meta = match file.end(self.table.io()).await {
            Ok(written) => file.summary.into_meta(&self.plan, written),
            Err(error) => Err(error),
        };
        if let (Ok(written), Some(index), Some(plan)) = (&mut meta, index, &self.indexes) {
            let stored = match self.table.data_file(&self.bucket.partition, self.bucket.bucket, written) {
                Ok(location) => file_index::store(&location, (plan, index), written).await,
                Err(error) => Err(error),
            };
            if let Err(error) = stored {
                meta = Err(error);
            }
        }
        match meta {
            Ok(meta) => {
                self.done.push(meta);
                Ok(())
            }
            Err(error) => {
                file.upload.abort().await;
                Err(error)
            }
        }
    }

    async fn delete_all(&mut self) {
        if let Some(file) = self.open.take() {
            file.upload.abort().await;
        }
        for file in std::mem::take(&mut self.done) {
            // Nobody names the file, so one that stays is garbage that costs only room.
            let Ok(location) = self.table.data_file(&self.bucket.partition, self.bucket.bucket, &file) else {
                continue;
            };
            for beside in file.extra_files.iter().filter_map(|name| location.beside(name).ok()) {
                let _ = beside.delete().await;
            }
            let _ = location.delete().await;
        }
    }
}

impl OpenFile {
    /// Appends the rows of `slice`, whose form in the file is `columns`.
    async fn write(&mut self, slice: &KeyValueBatch, columns: &[ArrayRef]) -> Result<()> {
        self.writer.write(columns)?;
        if let Some(index) = &mut self.index {
            index.write(slice.values.columns())?;
        }
        let bytes = self.writer.take_bytes()?;
        self.uploaded_bytes += bytes.len() as u64;
        self.upload.push(bytes).await
    }

    async fn end(&mut self, io: &TableIo) -> Result<WrittenFile> {
        let bytes = self.writer.finish()?;
        self.uploaded_bytes += bytes.len() as u64;
        self.upload.push(bytes).await?;
        self.upload.finish().await?;
        let creation_time_millis = io.clock().local_millis();
        Ok(WrittenFile {
            name: std::mem::take(&mut self.name),
            external_path: self.external_path.take(),
            bytes: self.uploaded_bytes,
            creation_time_millis,
        })
    }
}

/// The format and the codec of a writer's files.
fn written_as(options: &CoreOptions, content: FileContent, level: i32) -> Result<(FileFormat, FileCompression)> {
    let (format, compression) = match content {
        FileContent::Data(_) | FileContent::Waiting => (options.file_format(level)?, options.file_compression(level)?),
        FileContent::Changelog => (options.changelog_file_format(level)?, options.changelog_file_compression(level)?),
    };
    let Some(format) = FileFormat::named(&format) else {
        return Err(Error::unsupported(format!("writing {} files of the format {format}", content.name())));
    };
    Ok((format, compression))
}

fn check_ascending(last: Option<&Key>, first: &Key, content: FileContent) -> Result<()> {
    if content == FileContent::Waiting {
        return Ok(());
    }
    match last.map(|last| datum::compare_keys(last, first)) {
        None | Some(Ordering::Less) => Ok(()),
        // Without a key there is no order but that of the rows.
        Some(Ordering::Equal) if content == FileContent::Changelog || first.is_empty() => Ok(()),
        Some(_) => Err(Error::internal(format!("keys of a sorted run do not ascend: {first:?} comes after {last:?}"))),
    }
}
