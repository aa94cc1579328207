//! A folder of an object store, found by its path or URL.
//!
//! Goes in: a path, or a URL (`file://`, `memory:`, and with their features `s3://`, `gs://`, `az://`), and the store's options by
//! `object_store`'s names. Comes out: the store, and the folder as the store names it. The options may be secrets: no error shows them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use alluvium_format::{Error, Result};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;

use crate::announcements::Announcements;
use crate::table_io::Publish;

/// A folder of a store.
#[derive(Clone, Debug)]
pub(crate) struct StorePlace {
    /// The store.
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The folder, as the store names it.
    pub(crate) base: Path,
    /// How the store creates a file only if it is not there.
    pub(crate) publish: Publish,
    /// Where the store's root is on this machine, when it is.
    pub(crate) local_root: Option<PathBuf>,
    /// The bells of new snapshots: stores of one name share them in this process, but each store in memory has its own.
    pub(crate) announcements: Announcements,
}

impl StorePlace {
    /// The folder at a path or URL.
    ///
    /// # Errors
    /// `Invalid` for a path or URL that is none; `Unsupported` for a store that was not built in.
    pub(crate) fn open(text: &str, options: &BTreeMap<String, String>) -> Result<Self> {
        if text == "memory:" || text.starts_with("memory://") {
            let (store, publish) = (Arc::new(InMemory::new()), Publish::ConditionalPut);
            let announcements = Announcements::default();
            return Ok(Self { store, base: Path::default(), publish, local_root: None, announcements });
        }
        match text.split_once("://") {
            None => Self::local(text),
            Some(("file", path)) => Self::local(path),
            Some((scheme, _)) => Self::remote(text, scheme, options),
        }
    }

    /// A folder of this machine.
    ///
    /// # Errors
    /// `Invalid` for what is no path.
    pub(crate) fn local(folder: &str) -> Result<Self> {
        let wrong = |why: String| Error::invalid(format!("{folder:?} is no path of a folder: {why}"));
        let absolute = std::path::absolute(folder).map_err(|error| wrong(error.to_string()))?;
        let text = absolute.to_str().ok_or_else(|| wrong("it is not UTF-8".to_owned()))?;
        let base = Path::parse(text.trim_matches('/')).map_err(|error| wrong(error.to_string()))?;
        let store = Arc::new(LocalFileSystem::new());
        let announcements = Announcements::of_process("file:");
        Ok(Self { store, base, publish: Publish::Link, local_root: Some("/".into()), announcements })
    }

    #[cfg(not(any(feature = "aws", feature = "gcp", feature = "azure")))]
    fn remote(_url: &str, scheme: &str, _options: &BTreeMap<String, String>) -> Result<Self> {
        Err(Error::unsupported(format!("files at {scheme}://: build with the feature aws, gcp or azure")))
    }

    #[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
    fn remote(url: &str, scheme: &str, options: &BTreeMap<String, String>) -> Result<Self> {
        let bucket = url.split('/').nth(2).unwrap_or_default();
        let announcements = Announcements::of_process(&format!("{scheme}://{bucket}"));
        let url = url.parse().map_err(|_| Error::invalid(format!("the URL {scheme}://… is wrong")))?;
        // The error of the store may show its options.
        let (store, base) = object_store::parse_url_opts(&url, options).map_err(|_| {
            Error::unsupported(format!("files at {scheme}:// with these options, or this store is not built in"))
        })?;
        let publish = Publish::ConditionalPut;
        Ok(Self { store: store.into(), base, publish, local_root: None, announcements })
    }
}
