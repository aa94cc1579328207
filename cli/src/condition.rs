//! SQL conditions, as `--where` takes them, to predicates.
//!
//! Goes in: a condition over a table's columns: comparisons of a column with a literal, either way round, IN, BETWEEN, LIKE, IS NULL, AND,
//! OR, NOT. Comes out: the predicate with the same answer under SQL's three-valued logic, its literals of the columns' own types. A
//! number that is no value of its column is not rounded: `i > 1.5` is `i > 1`, `tinyint = 1000` is false, or unknown for null. Other
//! SQL is refused by name. Invariant: however a condition is nested, it takes little of the stack.

mod literal;
#[cfg(test)]
mod tests;

use alluvium::format::{CompareOp, TypeRoot};
use alluvium::{DataField, Error, Predicate, Result, TableSchema};
use sqlparser::ast::{BinaryOperator, Expr, Ident, Spanned, UnaryOperator, Value};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use literal::{Literal, compare, in_list, unknown};

/// Words and signs that a condition may have beside its literals and commas: what bounds the depth of its tree, as `a OR b OR c …` is as
/// deep as it is long.
const WORDS_MAX: usize = 2_000;
/// The text of a condition; long lists of literals are the only honest way there.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Parentheses and NOTs in each other.
const DEPTH_MAX: usize = 100;

/// The predicate of a SQL condition over the columns of `schema`.
///
/// # Errors
/// `Invalid` that shows where, for what is no condition, names no column, or compares a column with what it cannot hold;
/// `Unsupported` by name for SQL that has no predicate.
pub(crate) fn parse_condition(text: &str, schema: &TableSchema) -> Result<Predicate> {
    let shown: String = text.chars().take(200).collect();
    parse(text, schema).map_err(|error| error.context(format!("in the condition {shown:?}")))
}

fn parse(text: &str, schema: &TableSchema) -> Result<Predicate> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::invalid(format!("it is longer than {TEXT_BYTES_MAX} bytes")));
    }
    let dialect = GenericDialect {};
    let tokens =
        Tokenizer::new(&dialect, text).tokenize_with_location().map_err(|error| Error::invalid(error.to_string()))?;
    let is_bulk = |token: &Token| {
        matches!(token, Token::Comma | Token::Number(..) | Token::SingleQuotedString(_) | Token::Whitespace(_))
    };
    if tokens.iter().filter(|token| !is_bulk(&token.token)).count() > WORDS_MAX {
        return Err(Error::invalid(format!(
            "it has more than {WORDS_MAX} words and signs: use IN for a list of values"
        )));
    }
    let mut parser = Parser::new(&dialect).with_recursion_limit(DEPTH_MAX).with_tokens_with_locations(tokens);
    let wrong = |error: sqlparser::parser::ParserError| Error::invalid(error.to_string());
    let expression = parser.parse_expr().map_err(wrong)?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        let column = rest.span.start.column;
        return Err(Error::invalid(format!("at character {column}: {} is left over after the condition", rest.token)));
    }
    Conditions { schema }.predicate(&expression)
}

/// `at character 12`, where an expression begins.
fn place(expression: &Expr) -> String {
    match expression.span().start {
        start if start.line > 1 => format!("at line {} character {}", start.line, start.column),
        start => format!("at character {}", start.column),
    }
}

fn unsupported(what: &str, expression: &Expr) -> Error {
    Error::unsupported(format!("{what}, {}", place(expression)))
}

fn not(predicate: Predicate) -> Predicate {
    match predicate {
        Predicate::Not(inner) => *inner,
        other => Predicate::Not(Box::new(other)),
    }
}

/// Turns expressions over a table's columns to predicates.
struct Conditions<'a> {
    schema: &'a TableSchema,
}

impl Conditions<'_> {
    fn predicate(&self, expression: &Expr) -> Result<Predicate> {
        match expression {
            Expr::Nested(inner) => self.predicate(inner),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => Ok(not(self.predicate(expr)?)),
            Expr::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), .. } => self.chain(expression, op),
            Expr::BinaryOp { left, op, right } => self.comparison(left, op, right, expression),
            Expr::Value(value) => match &value.value {
                Value::Boolean(true) => Ok(Predicate::True),
                Value::Boolean(false) => Ok(Predicate::False),
                other => Err(Error::invalid(format!("{}: {other} is no condition", place(expression)))),
            },
            Expr::Identifier(name) => self.truth(name, true),
            Expr::IsNull(inner) => Ok(Predicate::IsNull(self.column(inner)?.name.clone())),
            Expr::IsNotNull(inner) => Ok(Predicate::IsNotNull(self.column(inner)?.name.clone())),
            Expr::IsTrue(inner) => self.known_truth(inner, true),
            Expr::IsFalse(inner) => self.known_truth(inner, false),
            Expr::IsNotTrue(inner) => Ok(not(self.known_truth(inner, true)?)),
            Expr::IsNotFalse(inner) => Ok(not(self.known_truth(inner, false)?)),
            Expr::InList { expr, list, negated } => {
                let column = self.column(expr)?;
                let literals = list.iter().map(|item| self.literal(item)).collect::<Result<Vec<_>>>()?;
                let found = in_list(column, literals).map_err(|why| wrong(expression, why))?;
                Ok(if *negated { not(found) } else { found })
            }
            Expr::Between { expr, negated, low, high } => {
                let column = self.column(expr)?;
                let low = self.compared(column, CompareOp::GtEq, low)?;
                let high = self.compared(column, CompareOp::LtEq, high)?;
                let between = Predicate::And(vec![low, high]);
                Ok(if *negated { not(between) } else { between })
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                let like = self.like(expr, pattern, escape_char.as_ref().map(|escape| &escape.value), expression)?;
                Ok(if *negated { not(like) } else { like })
            }
            other => Err(unsupported(&named(other), other)),
        }
    }

    /// `a AND b AND c`, which is parsed as deep as it is long.
    fn chain(&self, expression: &Expr, joined: &BinaryOperator) -> Result<Predicate> {
        let mut parts = Vec::new();
        let mut rest = expression;
        loop {
            match rest {
                Expr::BinaryOp { left, op, right } if op == joined => {
                    parts.push(self.predicate(right)?);
                    rest = left;
                }
                first => {
                    parts.push(self.predicate(first)?);
                    break;
                }
            }
        }
        parts.reverse();
        Ok(if *joined == BinaryOperator::And { Predicate::And(parts) } else { Predicate::Or(parts) })
    }

    fn comparison(&self, left: &Expr, op: &BinaryOperator, right: &Expr, whole: &Expr) -> Result<Predicate> {
        let op = match op {
            BinaryOperator::Eq => CompareOp::Eq,
            BinaryOperator::NotEq => CompareOp::NotEq,
            BinaryOperator::Lt => CompareOp::Lt,
            BinaryOperator::LtEq => CompareOp::LtEq,
            BinaryOperator::Gt => CompareOp::Gt,
            BinaryOperator::GtEq => CompareOp::GtEq,
            other => return Err(unsupported(&format!("the operator {other} in a condition"), whole)),
        };
        match (is_name(left), is_name(right)) {
            (true, true) => {
                self.column(left)?;
                // A text without its quotes looks like a column, and the error of a literal says so.
                if self.column(right).is_err() {
                    self.literal(right)?;
                }
                Err(unsupported("comparing two columns", whole))
            }
            (true, false) => self.compared(self.column(left)?, op, right),
            (false, true) => self.compared(self.column(right)?, reversed(op), left),
            (false, false) => Err(unsupported("comparing what is no column of the table", whole)),
        }
    }

    fn compared(&self, column: &DataField, op: CompareOp, literal: &Expr) -> Result<Predicate> {
        match self.literal(literal)? {
            Some(value) => compare(column, op, &value).map_err(|why| wrong(literal, why)),
            None => Ok(unknown(column)),
        }
    }

    fn like(&self, expr: &Expr, pattern: &Expr, escape: Option<&Value>, whole: &Expr) -> Result<Predicate> {
        let column = self.column(expr)?;
        if !matches!(column.data_type.root, TypeRoot::Char(_) | TypeRoot::VarChar(_)) {
            let (name, root) = (&column.name, &column.data_type.root);
            return Err(wrong(whole, format!("LIKE needs a column of text, and {name} is {root}")));
        }
        let escape = match escape {
            None => None,
            Some(Value::SingleQuotedString(text)) => {
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(escape), None) => Some(escape),
                    _ => return Err(wrong(whole, format!("the escape {text:?} is not one character"))),
                }
            }
            Some(other) => return Err(wrong(whole, format!("the escape {other} is not one character in quotes"))),
        };
        match self.literal(pattern)? {
            Some(Literal::Text(pattern)) => Ok(Predicate::Like { column: column.name.clone(), pattern, escape }),
            None => Ok(unknown(column)),
            Some(_) => Err(wrong(pattern, "a pattern of LIKE is a text in quotes".to_owned())),
        }
    }

    /// A column of booleans as a condition: unknown for null.
    fn truth(&self, name: &Ident, wanted: bool) -> Result<Predicate> {
        let expression = Expr::Identifier(name.clone());
        let column = self.column(&expression)?;
        if column.data_type.root != TypeRoot::Boolean {
            let (name, root) = (&column.name, &column.data_type.root);
            return Err(wrong(
                &expression,
                format!("{name} is {root}, which is no condition: compare it with a value"),
            ));
        }
        compare(column, CompareOp::Eq, &Literal::Boolean(wanted)).map_err(|why| wrong(&expression, why))
    }

    /// `IS TRUE` and `IS FALSE`: false for null, where a comparison is unknown.
    fn known_truth(&self, expression: &Expr, wanted: bool) -> Result<Predicate> {
        match expression {
            Expr::Nested(inner) => self.known_truth(inner, wanted),
            Expr::Identifier(name) => {
                let truth = self.truth(name, wanted)?;
                Ok(Predicate::And(vec![Predicate::IsNotNull(self.column(expression)?.name.clone()), truth]))
            }
            other => Err(unsupported("IS TRUE or IS FALSE of what is no column", other)),
        }
    }

    fn column(&self, expression: &Expr) -> Result<&DataField> {
        match expression {
            Expr::Nested(inner) => self.column(inner),
            Expr::Identifier(name) => self.schema.field(&name.value).ok_or_else(|| {
                let known: Vec<&str> = self.schema.fields.iter().map(|field| field.name.as_str()).collect();
                wrong(expression, format!("there is no column {}; the columns are {}", name.value, known.join(", ")))
            }),
            Expr::CompoundIdentifier(_) => {
                Err(unsupported("a name with dots (a field of a row, or a table's name)", expression))
            }
            other => Err(unsupported(&format!("{} where a column must stand", named(other)), other)),
        }
    }

    /// The literal of an expression; `None` is NULL.
    fn literal(&self, expression: &Expr) -> Result<Option<Literal>> {
        match expression {
            Expr::Nested(inner) => self.literal(inner),
            Expr::Identifier(name) if self.schema.field(&name.value).is_none() => Err(wrong(
                expression,
                format!("there is no column {name}; a text is written in single quotes: '{}'", name.value),
            )),
            other => literal::of_expression(other).map_err(|why| match why {
                literal::NoLiteral::Wrong(why) => wrong(other, why),
                literal::NoLiteral::Other => {
                    unsupported(&format!("{} where a literal must stand", named(other)), other)
                }
            }),
        }
    }
}

fn is_name(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) => is_name(inner),
        other => matches!(other, Expr::Identifier(_) | Expr::CompoundIdentifier(_)),
    }
}

fn wrong(expression: &Expr, why: String) -> Error {
    Error::invalid(format!("{}: {why}", place(expression)))
}

fn reversed(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::LtEq => CompareOp::GtEq,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::GtEq => CompareOp::LtEq,
        same => same,
    }
}

/// What messages call an expression.
fn named(expression: &Expr) -> String {
    match expression {
        Expr::Function(function) => format!("the function {}", function.name),
        Expr::Cast { .. } => "CAST".to_owned(),
        Expr::Case { .. } => "CASE".to_owned(),
        Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. } => "a subquery".to_owned(),
        Expr::ILike { .. } => "ILIKE".to_owned(),
        Expr::RLike { .. } | Expr::SimilarTo { .. } => "a regular expression".to_owned(),
        Expr::Like { .. } => "LIKE ANY".to_owned(),
        Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..) => "IS DISTINCT FROM".to_owned(),
        Expr::IsUnknown(_) | Expr::IsNotUnknown(_) => "IS UNKNOWN".to_owned(),
        Expr::CompoundIdentifier(_) => "a name with dots".to_owned(),
        Expr::BinaryOp { op, .. } => format!("the operator {op}"),
        Expr::UnaryOp { op, .. } => format!("the operator {op}"),
        Expr::Identifier(name) => format!("the column {name}"),
        Expr::Value(value) => format!("the value {value}"),
        _ => "this expression".to_owned(),
    }
}
