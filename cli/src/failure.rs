//! How a command ends when it does not end well: exit status, and words for a person.
//!
//! Goes in: an error of the library, of the arguments, or of standard output. Comes out: exit status 1 (failed) or 2 (the command line
//! was wrong) with one message on standard error, or a quiet 0 when whoever read the output has closed it. Never a backtrace.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use alluvium::{Error, ErrorKind};

/// The result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line was wrong: status 2.
    Usage(String),
    /// The operation failed, or found problems: status 1.
    Failed(Error),
    /// Some of the work failed, as was said: status 1.
    Incomplete(String),
    /// Stopped by the user before the work was done: status 1, with what was kept.
    Interrupted(String),
    /// Nobody reads the output any more: status 0.
    ClosedPipe,
}

impl Failure {
    /// An argument that is wrong, whatever the library calls it.
    pub(crate) fn usage(argument: impl Display, error: impl Display) -> Self {
        Self::Usage(format!("{argument}: {error}"))
    }

    /// Says what was being done.
    #[must_use]
    pub(crate) fn doing(self, what: impl Into<String>) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(error.context(what)),
            other => other,
        }
    }

    /// Prints the message and gives the exit status.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::ClosedPipe => ExitCode::SUCCESS,
            Self::Usage(message) => {
                say(format_args!("error: {message}\n\nFor more information, try '--help'."));
                ExitCode::from(2)
            }
            Self::Interrupted(message) => {
                say(format_args!("interrupted: {message}"));
                ExitCode::from(1)
            }
            Self::Incomplete(message) => {
                say(format_args!("error: not all was done: {message}"));
                ExitCode::from(1)
            }
            Self::Failed(error) => {
                say(format_args!("error: {error}"));
                if let Some(advice) = advice(error.kind()) {
                    say(format_args!("{advice}"));
                }
                ExitCode::from(1)
            }
        }
    }
}

/// What to do, where the message of the library cannot know it.
fn advice(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Conflict => {
            "Others changed the table at the same time; nothing of this step is visible. Run it again."
        }
        ErrorKind::Unknown => {
            "Whether the last commit is in the table is not known. Look at the snapshots (alluvium inspect) before running it again."
        }
        ErrorKind::Storage => {
            "The files could not be read or written. Check the warehouse (-w), its options (-o) and its rights."
        }
        ErrorKind::Corrupt => {
            "The table's files are damaged: restore the file named above from a backup, or read an earlier snapshot."
        }
        ErrorKind::Internal => "This is a defect of alluvium: please report it with the message above.",
        _ => return None,
    })
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::Failed(Error::new(ErrorKind::Storage, "writing the output").with_source(error)),
        }
    }
}

/// A line on standard error. Where nobody can read it there is nobody to tell.
pub(crate) fn say(line: impl Display) {
    use io::Write;
    let _ = writeln!(io::stderr().lock(), "{line}");
}
