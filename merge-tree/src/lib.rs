//! The LSM tree as pure values: sorted runs, levels, sections, the merge.
