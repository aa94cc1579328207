//! Conditions on columns, as values: what `--where` and the library's filters become, and what prunes files.
//!
//! Goes in: column names and [`Datum`] literals of the columns' own types. Comes out: whether a row passes (SQL's three-valued
//! logic, where unknown does not pass), or whether a file with given statistics may hold a row that does.

use crate::datum::Datum;

/// A condition on the columns of a table, by name.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// Always true.
    True,
    /// Always false.
    False,
    /// A comparison of a column with a literal; unknown when the column is null.
    Compare {
        /// The column's name.
        column: String,
        /// How.
        op: CompareOp,
        /// With what; of the column's type.
        literal: Datum,
    },
    /// The column is one of the literals; unknown when it is null (or when a null is in the list and none matches).
    In {
        /// The column's name.
        column: String,
        /// Of the column's type.
        literals: Vec<Datum>,
        /// Whether NULL was in the list.
        has_null: bool,
    },
    /// SQL LIKE with `%`, `_` and an escape character.
    Like {
        /// The column's name; CHAR, VARCHAR or STRING.
        column: String,
        /// The pattern.
        pattern: String,
        /// The escape character.
        escape: Option<char>,
    },
    /// The column is null.
    IsNull(String),
    /// The column is not null.
    IsNotNull(String),
    /// All of them.
    And(Vec<Predicate>),
    /// Any of them.
    Or(Vec<Predicate>),
    /// SQL NOT: unknown stays unknown.
    Not(Box<Predicate>),
}

/// How a column is compared with a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum CompareOp {
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
}
