//! Alluvium as a worker process.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use alluvium::FileSystemCatalog;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use futures::TryStreamExt;

use crate::checksum::Checksum;
use crate::rows::{BATCH_ROWS, Columns, NAMES, RowMaker};
use crate::worker::{Ingest, Scan};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

async fn open(warehouse: &str) -> Result<alluvium::Table> {
    Ok(FileSystemCatalog::open(warehouse, Default::default())?.table("db.t").await?)
}

/// Upserts with a commit every so many rows.
pub async fn ingest(work: &Ingest) -> Result<()> {
    let table = open(&work.warehouse).await?;
    let mut write = table.stream_write("bench").await?;
    let mut maker = RowMaker::new(1, work.keys);
    let mut done = 0;
    let mut identifier = 0;
    while done < work.rows {
        let end = work.rows.min(done + work.commit_rows);
        while done < end {
            let count = BATCH_ROWS.min(end - done);
            write.write(batch(maker.columns(count))?, None).await?;
            done += count;
        }
        identifier += 1;
        write.commit(identifier).await?;
    }
    write.close().await?;
    Ok(())
}

/// Full compaction.
pub async fn compact(warehouse: &str) -> Result<()> {
    open(warehouse).await?.compact().full().execute().await?;
    Ok(())
}

/// Every value of the asked columns, once and again.
pub async fn scan(work: &Scan) -> Result<()> {
    for _ in 0..work.repeat {
        let table = open(&work.warehouse).await?;
        let start = Instant::now();
        let mut read = table.read();
        if let Some(columns) = &work.columns {
            read = read.columns(columns.split(','));
        }
        let mut stream = read.execute().await?;
        let mut checksum = Checksum::default();
        while let Some(batch) = stream.try_next().await? {
            checksum.rows += batch.num_rows() as u64;
            batch.columns().iter().for_each(|column| touch(column, &mut checksum));
        }
        checksum.print("scan", start.elapsed().as_secs_f64());
    }
    Ok(())
}

fn touch(column: &ArrayRef, checksum: &mut Checksum) {
    match column.data_type() {
        DataType::Int64 => checksum.longs(column.as_primitive::<Int64Type>().iter().flatten()),
        DataType::Float64 => checksum.longs(column.as_primitive::<Float64Type>().iter().flatten().map(|x| x as i64)),
        _ => checksum.texts(column.as_string::<i32>().iter().flatten()),
    }
}

/// The columns as a batch.
pub fn batch(columns: Columns) -> Result<RecordBatch> {
    let longs = columns.longs.into_iter().map(|values| Arc::new(Int64Array::from(values)) as ArrayRef);
    let doubles = columns.doubles.into_iter().map(|values| Arc::new(Float64Array::from(values)) as ArrayRef);
    let texts = columns.texts.into_iter().map(|values| Arc::new(StringArray::from(values)) as ArrayRef);
    let arrays: Vec<ArrayRef> = longs.chain(doubles).chain(texts).collect();
    let fields: Vec<Field> = NAMES
        .iter()
        .zip(&arrays)
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), *name != "k"))
        .collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
