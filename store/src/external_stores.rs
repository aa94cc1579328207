//! The folders outside of tables where files of tables may be: those of the catalog option `allowed-external-paths`.
//!
//! Goes in: folders, each a path or URL, and then the path of a file, as a manifest or an option has it. Comes out: the store of the file. Invariant: what
//! a table says is never enough to read, write or delete a file outside of it; who opens the catalog says where that may be.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use alluvium_format::{Error, ExternalPath, Result};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::store_place::StorePlace;

/// The catalog option that names the folders, with commas between them.
pub const ALLOWED_EXTERNAL_PATHS: &str = "allowed-external-paths";

/// Folders where files outside of tables may be. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ExternalStores {
    folders: Arc<Vec<AllowedFolder>>,
}

/// One of them, with its store.
#[derive(Clone, Debug)]
pub(crate) struct AllowedFolder {
    folder: ExternalPath,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) base: Path,
    pub(crate) local_root: Option<PathBuf>,
}

impl ExternalStores {
    /// The folders of the option's text; remote ones are opened with the store's options.
    ///
    /// # Errors
    /// `Invalid` for what is no path or URL; `Unsupported` for a store that was not built in. Both name the option.
    pub fn open(text: &str, options: &BTreeMap<String, String>) -> Result<Self> {
        let folders = text.split(',').map(str::trim).filter(|folder| !folder.is_empty());
        let opened = folders.map(|folder| AllowedFolder::open(folder, options));
        let opened = opened.collect::<Result<Vec<_>>>();
        let folders = opened.map_err(|error| error.context(format!("the option {ALLOWED_EXTERNAL_PATHS}")))?;
        Ok(Self { folders: Arc::new(folders) })
    }

    /// With a folder that is `base` of this store, whatever its URL says.
    ///
    /// # Errors
    /// `Invalid` when `folder` is no path or URL.
    pub fn with(&self, folder: &str, store: Arc<dyn ObjectStore>, base: Path) -> Result<Self> {
        let mut folders = self.folders.as_ref().clone();
        folders.push(AllowedFolder { folder: folder.parse()?, store, base, local_root: None });
        Ok(Self { folders: Arc::new(folders) })
    }

    /// The folder that a path lies below, and the rest of the path; the longest when there are several.
    ///
    /// # Errors
    /// `Invalid` when there is none; it names the option.
    pub(crate) fn find(&self, path: &ExternalPath) -> Result<(&AllowedFolder, String)> {
        let below = self.folders.iter().filter_map(|allowed| Some((allowed, path.below(&allowed.folder)?)));
        below.min_by_key(|(_, rest)| rest.len()).ok_or_else(|| {
            let allowed: Vec<String> = self.folders.iter().map(|allowed| allowed.folder.to_string()).collect();
            let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(",") };
            Error::invalid(format!(
                "{path} is outside of the table's folder: where that may be is said by the catalog option \
                 {ALLOWED_EXTERNAL_PATHS}=PREFIX[,PREFIX], which is {allowed}"
            ))
        })
    }
}

impl AllowedFolder {
    fn open(text: &str, options: &BTreeMap<String, String>) -> Result<Self> {
        let has_scheme = text.contains("://") || text.starts_with("file:");
        let text = match has_scheme {
            true => text.to_owned(),
            false => format!("/{}", StorePlace::local(text)?.base),
        };
        let folder: ExternalPath = text.parse()?;
        let relative = folder.relative_to_root();
        if folder.is_local() {
            let StorePlace { store, base, local_root, .. } = StorePlace::local(&format!("/{relative}"))?;
            return Ok(Self { folder, store, base, local_root });
        }
        // The bucket is asked for alone: a URL escapes what a path holds as it is.
        let root = text.strip_suffix(&relative).map_or(text.as_str(), |root| root);
        let place = StorePlace::open(root, options)?;
        let base = format!("{}/{relative}", place.base);
        let base = Path::parse(base.trim_matches('/')).map_err(|error| Error::invalid(format!("{text}: {error}")))?;
        Ok(Self { folder, store: place.store, base, local_root: None })
    }
}
