//! A JSON object a record, taken apart into its members without building values.
//!
//! Goes in: the text of a record. Comes out: each member's name and [`Cell`]. Numbers keep their digits, so that a decimal is not
//! bent to a double. What nested values hold is not looked into here, only where they end; whoever takes them parses them.
//! Accepts what RFC 8259 accepts at the level of the record's members.

use super::cell::{Cell, CellKind};

/// How deep lists and objects may be in each other; what `serde_json` takes as well.
const DEPTH_MAX: usize = 128;

/// A place in the text of a record.
pub(super) struct JsonScan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

type Scanned<T> = Result<T, String>;

impl<'a> JsonScan<'a> {
    /// The beginning of a record.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
    }

    /// The beginning of an object or list of a record; places stay those of the record.
    pub(super) fn within(record: &'a str, nested: Cell) -> Self {
        let text = record.get(..nested.end).unwrap_or_default();
        Self { text, bytes: text.as_bytes(), at: nested.start }
    }

    /// Calls `member` with each member's name and value.
    ///
    /// # Errors
    /// Why the record is no JSON object and where, or what `member` refuses.
    pub(super) fn members<E: From<String>>(
        mut self,
        mut member: impl FnMut(Cell, Cell) -> Result<(), E>,
    ) -> Result<(), E> {
        self.skip_space();
        if self.peek() != Some(b'{') {
            return Err(E::from("it is no JSON object: write one object a line, like {\"id\": 1}".to_owned()));
        }
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                let name = self.name()?;
                let value = self.value()?;
                member(name, value)?;
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return Err(E::from(self.expected("a comma or }"))),
                }
                self.skip_space();
            }
            self.at += 1;
        }
        Ok(self.end("the end of the line after the object")?)
    }

    /// Calls `item` with each item of a list.
    ///
    /// # Errors
    /// Why the text is no JSON list and where, or what `item` refuses.
    pub(super) fn items(mut self, mut item: impl FnMut(Cell) -> Result<(), String>) -> Result<(), String> {
        self.skip_space();
        if self.peek() != Some(b'[') {
            return Err(self.expected("a list"));
        }
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                item(self.value()?)?;
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    _ => return Err(self.expected("a comma or ]")),
                }
                self.skip_space();
            }
            self.at += 1;
        }
        self.end("the end after the list")
    }

    fn end(&mut self, what: &str) -> Scanned<()> {
        self.skip_space();
        if self.at < self.bytes.len() { Err(self.expected(what)) } else { Ok(()) }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expected(&self, what: &str) -> String {
        let found = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        let found = found.map_or_else(|| "the end of the line".to_owned(), |found| format!("{found:?}"));
        format!("it is no JSON: at byte {} there is {found} instead of {what}", self.at + 1)
    }

    fn name(&mut self) -> Scanned<Cell> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a member's name in quotes"));
        }
        let name = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.expected("a colon"));
        }
        self.at += 1;
        self.skip_space();
        Ok(name)
    }

    fn value(&mut self) -> Scanned<Cell> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'n') => self.word("null", CellKind::Null),
            Some(b't') => self.word("true", CellKind::True),
            Some(b'f') => self.word("false", CellKind::False),
            Some(b'{' | b'[') => self.nested(),
            _ => Err(self.expected("a value")),
        }
    }

    fn word(&mut self, word: &str, kind: CellKind) -> Scanned<Cell> {
        let start = self.at;
        if !self.bytes[start..].starts_with(word.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(Cell { kind, start, end: self.at })
    }

    /// A text; the place is on its first quote. Escapes are checked where they are undone.
    fn string(&mut self) -> Scanned<Cell> {
        self.at += 1;
        let start = self.at;
        let mut kind = CellKind::Text;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    kind = CellKind::EscapedText;
                    self.at += 2;
                }
                Some(0..=0x1f) => {
                    return Err(self.expected("a closing quote; control characters are written as \\u00XX"));
                }
                Some(_) => self.at += 1,
                None => return Err("it is no JSON: a text is not closed before the end of the line".to_owned()),
            }
        }
        self.at += 1;
        Ok(Cell { kind, start, end: self.at - 1 })
    }

    fn digits(&mut self) -> Scanned<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Scanned<Cell> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Cell { kind: CellKind::Number, start, end: self.at })
    }

    /// Passes an object or a list.
    fn nested(&mut self) -> Scanned<Cell> {
        let start = self.at;
        let mut depth = 0;
        loop {
            match self.peek() {
                Some(b'{' | b'[') => {
                    depth += 1;
                    if depth > DEPTH_MAX {
                        return Err(format!("values are nested deeper than {DEPTH_MAX}"));
                    }
                    self.at += 1;
                }
                Some(b'}' | b']') => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return Ok(Cell { kind: CellKind::Nested, start, end: self.at });
                    }
                }
                Some(b'"') => {
                    self.string()?;
                }
                Some(_) => self.at += 1,
                None => {
                    return Err("it is no JSON: an object or list is not closed before the end of the line".to_owned());
                }
            }
        }
    }
}

/// Undoes the escapes of a text's inside.
///
/// # Errors
/// Why an escape stands for nothing.
pub(super) fn unescape(text: &str, out: &mut String) -> Scanned<()> {
    out.clear();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let mut chars = rest[at + 1..].chars();
        let escaped = match chars.next() {
            Some(plain @ ('"' | '\\' | '/')) => plain,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (code, after) = code_point(chars.as_str()).ok_or_else(|| wrong_escape(&rest[at..]))?;
                chars = after.chars();
                code
            }
            _ => return Err(wrong_escape(&rest[at..])),
        };
        out.push(escaped);
        rest = chars.as_str();
    }
    out.push_str(rest);
    Ok(())
}

fn wrong_escape(text: &str) -> String {
    let shown: String = text.chars().take(6).collect();
    format!("it is no JSON: {shown:?} is no escape")
}

/// The character of `XXXX`, or of two halves `XXXX\uXXXX`, and what follows.
fn code_point(text: &str) -> Option<(char, &str)> {
    let (first, rest) = four_digits(text)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, rest));
    }
    let (second, rest) = four_digits(rest.strip_prefix("\\u")?)?;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    Some((char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))?, rest))
}

fn four_digits(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}
