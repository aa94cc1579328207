//! The write path: rows with row kinds become sorted runs and commits.
