//! Windows over the times of events.

pub mod assigner;
pub(crate) mod window_aggregate;
