//! Rows of the table that are written to it again: those that wait in a file, or all that a bucket has.
//!
//! Goes in: a file, or a merge of files. Comes out: its rows in order, into a writer. Reading is done on the threads for computing.

use alluvium_format::{Result, RowKind};
use alluvium_merge_tree::drop_deletes;
use alluvium_store::{DataFileReader, MergeRead, TableIo};
use arrow_array::Int8Array;

use crate::table_rows::TableRows;
use crate::table_write::TableWrite;

/// Where rows come from.
#[derive(Debug)]
pub(crate) enum RowSource {
    /// A file, each row with its kind; without one it is a `+I`.
    File(Box<DataFileReader>),
    /// Files of which the records of each key are merged; what was deleted is left out.
    Merged(Box<MergeRead>),
}

impl RowSource {
    /// Writes all rows; how many they are. After an error the writer is to be given up.
    pub(crate) async fn write_to(mut self, io: &TableIo, write: &mut TableWrite) -> Result<u64> {
        let mut count = 0;
        loop {
            let next = async move {
                let rows = self.next().await?;
                Ok((self, rows))
            };
            let (rest, rows) = io.cpu().run(next).await?;
            self = rest;
            let Some(rows) = rows else { return Ok(count) };
            count += rows.len() as u64;
            write.write_rows(rows).await?;
        }
    }

    async fn next(&mut self) -> Result<Option<TableRows>> {
        match self {
            Self::File(file) => Ok(file.next().await?.map(|batch| {
                let added = || Int8Array::from_value(RowKind::Insert.to_byte(), batch.values.num_rows());
                TableRows { kinds: batch.kinds.unwrap_or_else(added), values: batch.values }
            })),
            Self::Merged(merge) => {
                let Some(batch) = merge.next().await? else { return Ok(None) };
                let batch = drop_deletes(batch)?;
                Ok(Some(TableRows { values: batch.values, kinds: batch.kinds }))
            }
        }
    }
}
