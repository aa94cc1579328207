//! The consumers of a table: `consumer/consumer-<id>`, each a reader's next snapshot.

use alluvium_format::{Consumer, Result, path};

use crate::table_io::TableIo;

/// The consumers of a table or a branch.
#[derive(Clone, Debug)]
pub struct ConsumerStore {
    io: TableIo,
}

impl ConsumerStore {
    /// The consumers below a table's folder, or a branch's.
    pub fn new(io: TableIo) -> Self {
        Self { io }
    }

    /// The consumer of an id; `None` when there is none.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn find(&self, id: &str) -> Result<Option<Consumer>> {
        let path = path::consumer(id);
        let Some(bytes) = self.io.get_if_present(&path).await? else { return Ok(None) };
        Consumer::from_json(&bytes, &format!("{}/{path}", self.io.base())).map(Some)
    }

    /// Writes a consumer's position.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn put(&self, id: &str, consumer: &Consumer) -> Result<()> {
        self.io.put(&path::consumer(id), consumer.to_json()).await
    }

    /// Forgets a consumer, if there is one.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.io.delete(&path::consumer(id)).await
    }

    /// Forgets the consumers whose files were last written before a time in milliseconds since 1970, and gives their ids.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn expire(&self, before_millis: i64) -> Result<Vec<String>> {
        let mut expired = Vec::new();
        for file in self.io.list_all(path::CONSUMER_FOLDER).await? {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            let Some(id) = name.strip_prefix(path::CONSUMER_PREFIX) else { continue };
            if file.modified_millis < before_millis {
                self.delete(id).await?;
                expired.push(id.to_owned());
            }
        }
        Ok(expired)
    }

    /// The ids there are, sorted.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn ids(&self) -> Result<Vec<String>> {
        let files = self.io.list_files(path::CONSUMER_FOLDER).await?;
        let mut ids: Vec<String> =
            files.iter().filter_map(|name| name.strip_prefix(path::CONSUMER_PREFIX).map(str::to_owned)).collect();
        ids.sort_unstable();
        Ok(ids)
    }
}
