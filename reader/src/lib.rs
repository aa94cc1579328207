//! The read path: batch scans, time travel and the streaming tail.
