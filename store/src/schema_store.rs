//! The schemas of a table: `schema/schema-<id>`.
//!
//! Answers to `org.apache.paimon.schema.SchemaManager`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use alluvium_format::{Error, ErrorKind, Result, TableSchema, path};

use crate::table_io::{PutOutcome, TableIo};

/// How often a schema is put whose fate the store does not tell.
const PUTS_MAX: u32 = 3;

/// The schemas of a table; those that were read are kept, as they never change.
#[derive(Clone, Debug)]
pub struct SchemaStore {
    io: TableIo,
    known: Arc<Mutex<HashMap<i64, Arc<TableSchema>>>>,
}

impl SchemaStore {
    /// The schemas below a table's folder, or a branch's.
    pub fn new(io: TableIo) -> Self {
        Self { io, known: Arc::default() }
    }

    /// The schema of an id.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` or `Storage`.
    pub async fn get(&self, id: i64) -> Result<Arc<TableSchema>> {
        if let Some(schema) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(Arc::clone(schema));
        }
        let path = path::schema(id);
        let bytes = self.io.get(&path).await.map_err(|error| error.context("reading the table's schema"))?;
        let schema = Arc::new(TableSchema::from_json(&bytes, &format!("{}/{path}", self.io.base()))?);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&schema));
        Ok(schema)
    }

    /// The ids there are, ascending.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn ids(&self) -> Result<Vec<i64>> {
        let names = self.io.list_files(path::SCHEMA_FOLDER).await?;
        let mut ids: Vec<i64> = names.iter().filter_map(|name| path::number_after(name, path::SCHEMA_PREFIX)).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// The schema of the highest id; `None` when there is no table.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn latest(&self) -> Result<Option<Arc<TableSchema>>> {
        match self.ids().await?.last() {
            Some(id) => self.get(*id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Publishes a schema under its id; `false` when that id is taken by another. When the store does not say what became of a put it is
    /// put again, and a schema that is there then and is the same was put by the first.
    ///
    /// # Errors
    /// `Unknown` when the store never says; `Corrupt` or `Storage`.
    pub async fn create(&self, schema: &TableSchema) -> Result<bool> {
        let mut in_doubt = false;
        for _ in 0..PUTS_MAX {
            match self.io.put_if_absent(&path::schema(schema.id), schema.to_json()).await? {
                PutOutcome::Created => return Ok(true),
                PutOutcome::AlreadyExists if in_doubt => return Ok(*self.get(schema.id).await? == *schema),
                PutOutcome::AlreadyExists => return Ok(false),
                PutOutcome::Unknown => in_doubt = true,
            }
        }
        let message = format!("it is not known whether schema {} was written; look before you try again", schema.id);
        Err(Error::new(ErrorKind::Unknown, message))
    }
}
