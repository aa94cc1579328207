//! Compaction: which runs to merge, and the merging.
