//! Errors of the object store, with the path and the operation, as errors of this project.

use alluvium_format::{Error, ErrorKind};
use object_store::Error as StoreError;

/// The error of an operation on a path. Never shows the store's options, which may hold secrets.
pub(crate) fn convert(error: StoreError, operation: &str, path: &str) -> Error {
    let kind = match &error {
        StoreError::NotFound { .. } => ErrorKind::NotFound,
        StoreError::AlreadyExists { .. } | StoreError::Precondition { .. } => ErrorKind::AlreadyExists,
        StoreError::NotImplemented { .. } | StoreError::NotSupported { .. } => ErrorKind::Unsupported,
        StoreError::InvalidPath { .. } => ErrorKind::Invalid,
        _ => ErrorKind::Storage,
    };
    let message = match &error {
        StoreError::NotFound { .. } => format!("{operation} {path}: there is no such file"),
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
            format!("{operation} {path}: permission denied; check who may access it")
        }
        _ if is_permission(&error) => format!("{operation} {path}: permission denied; is the warehouse read-only?"),
        _ => return Error::new(kind, format!("{operation} {path} failed")).with_source(error),
    };
    Error::new(kind, message)
}

fn is_permission(error: &StoreError) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return matches!(io.kind(), std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem);
        }
        source = error.source();
    }
    false
}
