//! A fence around decoders that are not ours: the `parquet` crate panics on some damaged pages.
//!
//! Goes in: work of the decoder. Comes out: its result, or its panic as an error. What panicked must not be used again.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the decoder says when it fails.
pub(in crate::data_file) type DecoderError = Box<dyn Error + Send + Sync>;

/// Runs a piece of the decoder's work.
pub(in crate::data_file) fn guarded<T>(work: impl FnOnce() -> Result<T, DecoderError>) -> Result<T, DecoderError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(words(panic.as_ref()).into()))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
    format!("the decoder gave up: {words}")
}
