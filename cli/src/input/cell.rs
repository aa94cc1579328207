//! A value of a text record before its type is known: where it is in the record and what it looks like.

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    /// It is not there.
    Absent,
    /// JSON `null`, or an empty CSV field.
    Null,
    /// JSON `true`.
    True,
    /// JSON `false`.
    False,
    /// A JSON number.
    Number,
    /// A JSON text without escapes, its quotes left out.
    Text,
    /// A JSON text with escapes, its quotes left out.
    EscapedText,
    /// A JSON object or list.
    Nested,
    /// A CSV field as it is meant.
    Field,
    /// A CSV field with doubled quotes, its outer quotes left out.
    QuotedField,
}

/// A value of a record: what it looks like, and its bytes `start..end` there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// What it looks like.
    pub(super) kind: CellKind,
    /// Where it begins in the record.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Cell {
    /// A value that is not there.
    pub(super) const ABSENT: Self = Self { kind: CellKind::Absent, start: 0, end: 0 };

    /// The text of the cell in its record.
    pub(super) fn text<'a>(&self, record: &'a str) -> &'a str {
        record.get(self.start..self.end).unwrap_or_default()
    }
}

/// Why a row cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowFailure {
    /// The column, when it is one.
    pub(super) column: Option<String>,
    /// What is there, and why it cannot be taken.
    pub(super) why: String,
}

impl RowFailure {
    /// The whole row cannot be read.
    pub(super) fn of_row(why: impl Into<String>) -> Self {
        Self { column: None, why: why.into() }
    }

    /// A column's value cannot be read.
    pub(super) fn of_column(column: &str, why: impl Into<String>) -> Self {
        Self { column: Some(column.to_owned()), why: why.into() }
    }
}
