//! Rows by their keys, asked for step by step.

use alluvium_format::Result;
use alluvium_reader::{PointReader, PointRows};
use alluvium_store::TableStore;
use arrow_array::RecordBatch;

/// A read of rows by their keys that is being asked for.
///
/// ```
/// use std::sync::Arc;
/// use alluvium::arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
/// use alluvium::{FileSystemCatalog, SchemaDefinition};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let catalog = FileSystemCatalog::open("memory:", Default::default())?;
/// catalog.create_database("shop").await?;
/// let definition = SchemaDefinition::from_json(br#"{"fields":[
///     {"name":"id","type":"BIGINT NOT NULL"},{"name":"item","type":"STRING"}],
///     "primaryKeys":["id"],"options":{"bucket":"4"}}"#)?;
/// let orders = catalog.create_table("shop.orders", definition).await?;
///
/// let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
/// let items: ArrayRef = Arc::new(StringArray::from(vec!["tea", "coffee", "water"]));
/// let mut write = orders.stream_write("docs").await?;
/// write.write(RecordBatch::try_from_iter([("id", ids), ("item", items)])?, None).await?;
/// write.commit(1).await?;
///
/// let keys: ArrayRef = Arc::new(Int64Array::from(vec![3, 7, 1]));
/// let keys = RecordBatch::try_from_iter([("id", keys)])?;
/// let answer = orders.get(keys.clone()).columns(["item"]).execute().await?;
/// assert_eq!(answer.found, BooleanArray::from(vec![true, false, true]));
/// let items: ArrayRef = Arc::new(StringArray::from(vec!["water", "tea"]));
/// assert_eq!(answer.rows.column(0), &items);
///
/// // Whoever asks often keeps a reader, and lets it go on to newer snapshots when that is wanted.
/// let mut reader = orders.point_reader(None).await?;
/// assert_eq!(reader.get(&keys).await?.rows.num_rows(), 2);
/// assert!(!reader.refresh().await?, "there is no newer snapshot");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Get {
    store: TableStore,
    keys: RecordBatch,
    columns: Option<Vec<String>>,
}

impl Get {
    pub(crate) fn of(store: TableStore, keys: RecordBatch) -> Self {
        Self { store, keys, columns: None }
    }

    /// Only these columns, in this order.
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Reads the rows at the latest snapshot: what a [`crate::Read`] would give for the keys.
    ///
    /// # Errors
    /// `Invalid` when the keys are not those of the table, and for columns that are not there; `Unsupported` by name for tables whose keys
    /// do not say their bucket, and where the answer would not be right; `Corrupt` or `Storage`.
    pub async fn execute(self) -> Result<PointRows> {
        PointReader::open(&self.store, self.columns.as_deref()).await?.get(&self.keys).await
    }
}
