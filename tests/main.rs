//! The tests over the facade, and those over the tree itself: one binary.

mod tidy;
