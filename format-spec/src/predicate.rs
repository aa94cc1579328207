//! Conditions on columns, as values: what `--where` and the library's filters become, and what prunes files.
//!
//! Goes in: column names and [`Datum`] literals of the columns' own types. Comes out: whether a row passes (SQL's three-valued
//! logic, where unknown does not pass), or whether a file with given statistics may hold a row that does.

use std::cmp::Ordering;

use crate::datum::{Datum, compare};

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

/// What is known of a column in some rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnRange {
    /// No value is below it; `None` when unknown.
    pub min: Option<Datum>,
    /// No value is above it; `None` when unknown.
    pub max: Option<Datum>,
    /// How many are null; `None` when unknown.
    pub null_count: Option<i64>,
    /// How many rows there are; `None` when unknown.
    pub row_count: Option<i64>,
}

impl ColumnRange {
    /// The range of one value, known exactly.
    pub fn of_value(value: Option<Datum>) -> Self {
        let null_count = Some(i64::from(value.is_none()));
        Self { min: value.clone(), max: value, null_count, row_count: Some(1) }
    }

    fn all_null(&self) -> bool {
        self.null_count.is_some() && self.null_count == self.row_count
    }

    fn no_null(&self) -> bool {
        self.null_count == Some(0)
    }
}

impl Predicate {
    /// All of the predicates.
    pub fn and(predicates: impl IntoIterator<Item = Self>) -> Self {
        let mut all: Vec<Self> = predicates.into_iter().filter(|predicate| *predicate != Self::True).collect();
        match all.len() {
            0 => Self::True,
            1 => all.swap_remove(0),
            _ => Self::And(all),
        }
    }

    /// The parts of a conjunction; the predicate itself when it is none.
    pub fn conjuncts(&self) -> Vec<&Self> {
        match self {
            Self::And(parts) => parts.iter().flat_map(Self::conjuncts).collect(),
            other => vec![other],
        }
    }

    /// The names of the columns it speaks of, each once.
    pub fn columns(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect_columns(&mut names);
        names
    }

    fn collect_columns<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::True | Self::False => {}
            Self::Compare { column, .. } | Self::In { column, .. } | Self::Like { column, .. } => {
                add_name(names, column)
            }
            Self::IsNull(column) | Self::IsNotNull(column) => add_name(names, column),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.collect_columns(names)),
            Self::Not(inner) => inner.collect_columns(names),
        }
    }

    /// Whether a row may pass, when the columns have these ranges. Wrong only in saying yes: what is not known may pass.
    pub fn may_match(&self, range: &dyn Fn(&str) -> ColumnRange) -> bool {
        match self {
            Self::True | Self::Not(_) => true,
            Self::False => false,
            Self::Compare { column, op, literal } => may_compare(&range(column), *op, literal),
            Self::In { column, literals, .. } => {
                let range = range(column);
                literals.iter().any(|literal| may_compare(&range, CompareOp::Eq, literal))
            }
            Self::Like { column, .. } => !range(column).all_null(),
            Self::IsNull(column) => !range(column).no_null(),
            Self::IsNotNull(column) => !range(column).all_null(),
            Self::And(parts) => parts.iter().all(|part| part.may_match(range)),
            Self::Or(parts) => parts.iter().any(|part| part.may_match(range)),
        }
    }
}

fn add_name<'a>(names: &mut Vec<&'a str>, name: &'a str) {
    if !names.contains(&name) {
        names.push(name);
    }
}

fn may_compare(range: &ColumnRange, op: CompareOp, literal: &Datum) -> bool {
    if range.all_null() {
        return false;
    }
    // NaN has a place in the order that statistics may not have given it.
    let is_nan = |value: &Datum| {
        matches!(value, Datum::Float(v) if v.is_nan()) || matches!(value, Datum::Double(v) if v.is_nan())
    };
    if is_nan(literal) || range.min.as_ref().is_some_and(is_nan) || range.max.as_ref().is_some_and(is_nan) {
        return true;
    }
    let min = range.min.as_ref().map(|min| compare_bound(min, -0.0, literal));
    let max = range.max.as_ref().map(|max| compare_bound(max, 0.0, literal));
    match op {
        CompareOp::Eq => min.is_none_or(Ordering::is_le) && max.is_none_or(Ordering::is_ge),
        // A file may hold NaN above its maximum, as Parquet leaves NaN out of its statistics.
        CompareOp::NotEq => is_float(literal) || !(min == Some(Ordering::Equal) && max == Some(Ordering::Equal)),
        CompareOp::Lt => min.is_none_or(Ordering::is_lt),
        CompareOp::LtEq => min.is_none_or(Ordering::is_le),
        CompareOp::Gt => is_float(literal) || max.is_none_or(Ordering::is_gt),
        CompareOp::GtEq => is_float(literal) || max.is_none_or(Ordering::is_ge),
    }
}

/// The order of a bound and a literal, where a bound of zero counts as `zero`. As keys -0.0 and 0.0 are one: a file that holds a later version of a key must not be left
/// out for the sign of its zero; and the zeros in Parquet's statistics may be either.
fn compare_bound(bound: &Datum, zero: f32, literal: &Datum) -> Ordering {
    match bound {
        Datum::Float(value) if *value == 0.0 => compare(&Datum::Float(zero), literal),
        Datum::Double(value) if *value == 0.0 => compare(&Datum::Double(f64::from(zero)), literal),
        bound => compare(bound, literal),
    }
}

fn is_float(value: &Datum) -> bool {
    matches!(value, Datum::Float(_) | Datum::Double(_))
}
