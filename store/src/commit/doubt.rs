//! Commits whose outcome is not known yet: what is looked for before they are tried again.
//!
//! Goes in: a commit before its snapshot is put, and what came of it. Comes out: from which snapshot on it may be there. A commit is
//! entered before its put and leaves when all of it is done, so that a call that fails or is given up midway stays in doubt too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use alluvium_format::CommitKind;

/// What a commit user knows a snapshot of theirs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CommitKey {
    pub(crate) identifier: i64,
    pub(crate) kind: CommitKind,
}

/// Whether a commit was in doubt before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    New,
    Older,
}

/// The commits in doubt, each with the lowest snapshot id it may have. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doubts(Arc<Mutex<HashMap<CommitKey, i64>>>);

impl Doubts {
    /// A commit may become this snapshot.
    pub(crate) fn enter(&self, key: CommitKey, id: i64) -> Doubt {
        let mut doubts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = doubts.get(&key).copied();
        doubts.insert(key, known.map_or(id, |lowest| lowest.min(id)));
        if known.is_some() { Doubt::Older } else { Doubt::New }
    }

    /// The lowest snapshot that a commit may be; `None` when it is not in doubt.
    pub(crate) fn lowest(&self, key: CommitKey) -> Option<i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied()
    }

    /// All of a commit is done, or it is certain that nothing is.
    pub(crate) fn settle(&self, key: CommitKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}
