//! Object storage: the only room that touches bytes at rest, and the only door for commits.
