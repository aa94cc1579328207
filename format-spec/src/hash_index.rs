#![doc = include_str!("../hash_index.md")]

use crate::error::{Error, Result};

/// The index type of an index manifest's entry for such a file.
pub const INDEX_TYPE: &str = "HASH";

/// The bytes of the index file that holds `hashes`.
pub fn encode(hashes: &[i32]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect()
}

/// The hashes that the index file `bytes`, read from `path`, holds; [`crate::ErrorKind::Corrupt`] when its length is no multiple of 4.
pub fn decode(bytes: &[u8], path: &str) -> Result<Vec<i32>> {
    let (hashes, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        let whole = bytes.len() - rest.len();
        return Err(Error::corrupt(path, whole, format!("{} bytes left behind the last whole hash", rest.len())));
    }
    Ok(hashes.iter().map(|hash| i32::from_be_bytes(*hash)).collect())
}
