//! Type strings: `DECIMAL(10, 2) NOT NULL` to a [`DataType`].
//!
//! Answers to `org.apache.paimon.types.DataTypeJsonParser`: ignores case, takes the SQL synonyms, refuses inlined nested types.

use super::{DataType, TypeRoot};
use crate::error::{Error, Result};

/// The longest type string that is looked at; real ones are below 60 characters.
const TEXT_BYTES_MAX: usize = 4096;

impl DataType {
    /// The type that `text` names.
    ///
    /// # Errors
    /// `Invalid` with the position at which the text stops being a type.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Error::invalid(format!("a type of {} bytes is no type", text.len())));
        }
        let tokens = tokens(text)?;
        let mut parser = Parser { text, tokens: &tokens, next: 0 };
        let data_type = parser.suffixed_type()?;
        match parser.tokens.get(parser.next) {
            None => Ok(data_type),
            Some(token) => Err(parser.error(token.at, format!("unexpected token: {}", token.word))),
        }
    }
}

struct Token {
    at: usize,
    word: String,
}

/// Words in upper case, numbers, and the signs `( ) ,`.
fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut out: Vec<Token> = Vec::new();
    let mut open: Option<Token> = None;
    for (at, c) in text.char_indices() {
        if c.is_ascii_alphanumeric() || c == '_' {
            open.get_or_insert_with(|| Token { at, word: String::new() }).word.push(c.to_ascii_uppercase());
            continue;
        }
        out.extend(open.take());
        match c {
            '(' | ')' | ',' => out.push(Token { at, word: c.to_string() }),
            c if c.is_whitespace() => {}
            '<' | '>' => {
                return Err(Error::invalid(format!(
                    "{text:?} is no type: nested types are written as objects, like {{\"type\":\"ARRAY\",\"element\":\"INT\"}}"
                )));
            }
            c => return Err(Error::invalid(format!("{text:?} is no type: unexpected {c:?} at position {at}"))),
        }
    }
    out.extend(open);
    Ok(out)
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    next: usize,
}

impl Parser<'_> {
    fn error(&self, at: usize, why: impl std::fmt::Display) -> Error {
        Error::invalid(format!("{:?} is no type: {why} at position {at}", self.text))
    }

    fn eat(&mut self, word: &str) -> bool {
        let there = self.tokens.get(self.next).is_some_and(|token| token.word == word);
        self.next += usize::from(there);
        there
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        if self.eat(word) { Ok(()) } else { Err(self.error(self.at(), format!("{word} expected"))) }
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |token| token.at)
    }

    /// An atomic type with nullability, then any number of `ARRAY` and `MULTISET`, each with its own.
    fn suffixed_type(&mut self) -> Result<DataType> {
        let root = self.atomic()?;
        let mut data_type = DataType { root, nullable: self.nullability()? };
        loop {
            let root = if self.eat("ARRAY") {
                TypeRoot::Array(Box::new(data_type))
            } else if self.eat("MULTISET") {
                TypeRoot::Multiset(Box::new(data_type))
            } else {
                return Ok(data_type);
            };
            data_type = DataType { root, nullable: self.nullability()? };
        }
    }

    fn nullability(&mut self) -> Result<bool> {
        if self.eat("NOT") {
            self.expect("NULL")?;
            return Ok(false);
        }
        self.eat("NULL");
        Ok(true)
    }

    fn atomic(&mut self) -> Result<TypeRoot> {
        let at = self.at();
        let Some(token) = self.tokens.get(self.next) else {
            return Err(self.error(at, "a type expected"));
        };
        self.next += 1;
        Ok(match token.word.as_str() {
            "BOOLEAN" => TypeRoot::Boolean,
            "TINYINT" => TypeRoot::TinyInt,
            "SMALLINT" => TypeRoot::SmallInt,
            "INT" | "INTEGER" => TypeRoot::Int,
            "BIGINT" => TypeRoot::BigInt,
            "FLOAT" => TypeRoot::Float,
            "DOUBLE" => {
                self.eat("PRECISION");
                TypeRoot::Double
            }
            "DATE" => TypeRoot::Date,
            "VARIANT" => TypeRoot::Variant,
            "BLOB" => TypeRoot::Blob,
            "STRING" => TypeRoot::VarChar(TypeRoot::STRING_LENGTH),
            "BYTES" => TypeRoot::VarBinary(TypeRoot::STRING_LENGTH),
            "DECIMAL" | "DEC" | "NUMERIC" => self.decimal()?,
            "CHAR" => TypeRoot::Char(self.length()?),
            "VARCHAR" => TypeRoot::VarChar(self.length()?),
            "BINARY" => TypeRoot::Binary(self.length()?),
            "VARBINARY" => TypeRoot::VarBinary(self.length()?),
            "TIME" => {
                let precision = self.precision(0)?;
                self.without_time_zone()?;
                TypeRoot::Time(precision)
            }
            "TIMESTAMP" => self.timestamp()?,
            "TIMESTAMP_LTZ" => TypeRoot::TimestampLtz(self.precision(6)?),
            other => return Err(self.error(at, format!("unsupported type: {other}"))),
        })
    }

    /// `(a)` or `(a, b)`, where there is one.
    fn arguments(&mut self) -> Result<(Option<u64>, Option<u64>)> {
        if !self.eat("(") {
            return Ok((None, None));
        }
        let first = self.number()?;
        let second = if self.eat(",") { Some(self.number()?) } else { None };
        self.expect(")")?;
        Ok((Some(first), second))
    }

    fn number(&mut self) -> Result<u64> {
        let at = self.at();
        let number = self.tokens.get(self.next).and_then(|token| token.word.parse().ok());
        self.next += 1;
        number.ok_or_else(|| self.error(at, "a number expected"))
    }

    fn decimal(&mut self) -> Result<TypeRoot> {
        let at = self.at();
        let (precision, scale) = self.arguments()?;
        let (precision, scale) = (precision.unwrap_or(10), scale.unwrap_or(0));
        if !(1..=38).contains(&precision) {
            return Err(self.error(at, "decimal precision must be from 1 to 38"));
        }
        if scale > precision {
            return Err(self.error(at, format!("decimal scale must be from 0 to the precision {precision}")));
        }
        let small = |n: u64| u8::try_from(n).map_err(|_| Error::internal("a checked number does not fit"));
        Ok(TypeRoot::Decimal { precision: small(precision)?, scale: small(scale)? })
    }

    fn length(&mut self) -> Result<u32> {
        let at = self.at();
        let length = self.single(1)?;
        match u32::try_from(length) {
            Ok(n @ 1..=TypeRoot::STRING_LENGTH) => Ok(n),
            _ => Err(self.error(at, "length must be from 1 to 2147483647")),
        }
    }

    fn precision(&mut self, default: u64) -> Result<u8> {
        let at = self.at();
        let precision = self.single(default)?;
        match u8::try_from(precision) {
            Ok(p @ 0..=9) => Ok(p),
            _ => Err(self.error(at, "precision must be from 0 to 9")),
        }
    }

    fn single(&mut self, default: u64) -> Result<u64> {
        let at = self.at();
        match self.arguments()? {
            (first, None) => Ok(first.unwrap_or(default)),
            (_, Some(_)) => Err(self.error(at, "one number expected")),
        }
    }

    fn timestamp(&mut self) -> Result<TypeRoot> {
        let precision = self.precision(6)?;
        if self.eat("WITH") {
            for word in ["LOCAL", "TIME", "ZONE"] {
                self.expect(word)?;
            }
            return Ok(TypeRoot::TimestampLtz(precision));
        }
        self.without_time_zone()?;
        Ok(TypeRoot::Timestamp(precision))
    }

    fn without_time_zone(&mut self) -> Result<()> {
        if self.eat("WITHOUT") {
            self.expect("TIME")?;
            self.expect("ZONE")?;
        }
        Ok(())
    }
}
