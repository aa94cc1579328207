//! The place of a column, or of a field nested in one: `address.city`, `tags.element`, `totals.value.amount`.
//!
//! The elements of a list are called `element` and the values of a map `value`, as in Flink's catalogue. A name that has points is put
//! between backquotes. Answers to the `fieldNames` of `SchemaChange`.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Names from a column down. Invariant: there is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnPath {
    above: Vec<String>,
    last: String,
}

impl ColumnPath {
    /// The path of a column.
    pub fn of_column(name: impl Into<String>) -> Self {
        Self { above: Vec::new(), last: name.into() }
    }

    /// The column, where the path is that of one and not of something nested.
    pub fn column(&self) -> Option<&str> {
        if self.above.is_empty() { Some(&self.last) } else { None }
    }

    /// The last name.
    pub fn last(&self) -> &str {
        &self.last
    }

    /// The names from the column down to the one before the last.
    pub fn above(&self) -> &[String] {
        &self.above
    }
}

impl FromStr for ColumnPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::invalid(format!("{text:?} is no column: {why}"));
        let mut names = vec![String::new()];
        let mut quoted = false;
        for c in text.chars() {
            match (c, names.last_mut()) {
                ('`', _) => quoted = !quoted,
                ('.', _) if !quoted => names.push(String::new()),
                (c, Some(name)) => name.push(c),
                (_, None) => {}
            }
        }
        if quoted {
            return Err(wrong("a backquote is not closed"));
        }
        if names.iter().any(|name| name.trim().is_empty()) {
            return Err(wrong("a name is missing; write it like address.city"));
        }
        let last = names.pop().ok_or_else(|| wrong("it is empty"))?;
        Ok(Self { above: names, last })
    }
}

impl fmt::Display for ColumnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.above {
            write!(f, "{}.", Quoted(name))?;
        }
        Quoted(&self.last).fmt(f)
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains('.') { write!(f, "`{}`", self.0) } else { f.write_str(self.0) }
    }
}
