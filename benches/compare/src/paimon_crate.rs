//! The crate `paimon` as a worker process.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use futures::TryStreamExt;
use paimon::catalog::Identifier;
use paimon::{CatalogFactory, CatalogOptions, Options, Table};
use peer_arrow_array::cast::AsArray;
use peer_arrow_array::types::{Float64Type, Int64Type};
use peer_arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use peer_arrow_schema::{DataType, Field, Schema};

use crate::checksum::Checksum;
use crate::rows::{BATCH_ROWS, Columns, NAMES, RowMaker};
use crate::worker::{Ingest, Scan};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

async fn open(warehouse: &str) -> Result<Table> {
    let mut options = Options::new();
    options.set(CatalogOptions::WAREHOUSE, warehouse);
    Ok(CatalogFactory::create(options).await?.get_table(&Identifier::new("db", "t")).await?)
}

/// Upserts with a commit every so many rows.
pub async fn ingest(work: &Ingest) -> Result<()> {
    let table = open(&work.warehouse).await?;
    let builder = table.new_write_builder();
    let mut maker = RowMaker::new(1, work.keys);
    let mut done = 0;
    while done < work.rows {
        let mut write = builder.new_write()?;
        let end = work.rows.min(done + work.commit_rows);
        while done < end {
            let count = BATCH_ROWS.min(end - done);
            write.write_arrow_batch(&batch(maker.columns(count))?).await?;
            done += count;
        }
        let messages = write.prepare_commit().await?;
        builder.new_commit().commit(messages).await?;
    }
    Ok(())
}

/// Every value of the asked columns, once and again.
pub async fn scan(work: &Scan) -> Result<()> {
    for _ in 0..work.repeat {
        let table = open(&work.warehouse).await?;
        let start = Instant::now();
        let mut builder = table.new_read_builder();
        if let Some(columns) = &work.columns {
            builder.with_projection(&columns.split(',').collect::<Vec<_>>())?;
        }
        let plan = builder.new_scan().plan().await?;
        let mut stream = builder.new_read()?.to_arrow(plan.splits())?;
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
        DataType::Utf8View => checksum.texts(column.as_string_view().iter().flatten()),
        _ => checksum.texts(column.as_string::<i32>().iter().flatten()),
    }
}

fn batch(columns: Columns) -> Result<RecordBatch> {
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
