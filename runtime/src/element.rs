//! What flows along the edges of a job.

use alluvium_reader::ChangeBatch;

/// The last watermark: no event follows.
pub const MAX_WATERMARK: i64 = i64::MAX;

/// What an operator takes and gives.
#[derive(Clone, Debug)]
pub enum Element {
    /// Changes of rows, in order.
    Changes(ChangeBatch),
    /// No event with this time or an earlier one follows, but late ones; milliseconds since 1970.
    Watermark(i64),
    /// Nothing may follow for a while: nobody shall wait for a watermark from here until something does.
    Idle,
}
