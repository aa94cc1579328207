//! Whether whole numbers of a stream may be negative.

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// In zigzag form.
    Signed,
    /// As they are.
    Unsigned,
}
