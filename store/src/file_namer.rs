//! Names of new files: random, and an argument of whatever makes files, so that tests can fix them.

use std::fmt;

/// Makes the unique part of file names.
pub trait FileNamer: fmt::Debug + Send + Sync {
    /// A name that nobody ever had, in the form of a UUID.
    fn uuid(&self) -> String;
}

/// Random UUIDs, version 4.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomNamer;

impl FileNamer for RandomNamer {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where names are drawn")]
    fn uuid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}
