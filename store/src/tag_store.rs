//! The tags of a table: `tag/tag-<name>`, read here; making them comes with the maintenance commands.

use alluvium_format::{Error, ErrorKind, Result, Tag, path};

use crate::table_io::TableIo;

/// The tags of a table or a branch.
#[derive(Clone, Debug)]
pub struct TagStore {
    io: TableIo,
}

impl TagStore {
    /// The tags below a table's folder, or a branch's.
    pub fn new(io: TableIo) -> Self {
        Self { io }
    }

    /// The tag of a name.
    ///
    /// # Errors
    /// `NotFound` that names the tags there are; `Corrupt`; `Storage`.
    pub async fn get(&self, name: &str) -> Result<Tag> {
        if let Some(tag) = self.find(name).await? {
            return Ok(tag);
        }
        let names = self.names().await?;
        let there =
            if names.is_empty() { "there are none".to_owned() } else { format!("there are {}", names.join(", ")) };
        Err(Error::new(ErrorKind::NotFound, format!("there is no tag {name}: {there}")))
    }

    /// The tag of a name; `None` when there is none.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub async fn find(&self, name: &str) -> Result<Option<Tag>> {
        let path = path::tag(name);
        let Some(bytes) = self.io.get_if_present(&path).await? else { return Ok(None) };
        Tag::from_json(&bytes, &format!("{}/{path}", self.io.base())).map(Some)
    }

    /// The names there are, sorted.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn names(&self) -> Result<Vec<String>> {
        let files = self.io.list_files(path::TAG_FOLDER).await?;
        let mut names: Vec<String> =
            files.iter().filter_map(|name| name.strip_prefix(path::TAG_PREFIX).map(str::to_owned)).collect();
        names.sort_unstable();
        Ok(names)
    }
}
