//! Sort compaction: the rows of a table without key, in an order that makes conditions on several columns skip files.

pub mod curve;
