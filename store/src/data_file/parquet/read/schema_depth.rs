//! How deep the schema in a Parquet footer is, before it is decoded: the `parquet` crate goes down it by recursion without a limit,
//! so that a small hostile footer would end the process.
//!
//! Goes in: the bytes of the metadata, in Thrift's compact protocol. Comes out: nothing, or why they cannot be decoded.

/// Lists of maps of lists of rows, forty times over, are not as deep; a thread's stack holds many times as much.
const DEPTH_MAX: usize = 128;

/// Structs within structs that are skipped; the metadata has five levels.
const SKIPPED_DEPTH_MAX: usize = 32;

/// The field of the metadata that holds the schema's elements, in depth-first order.
const SCHEMA_FIELD: i64 = 2;
/// The field of an element that says how many of the following are its children.
const CHILDREN_FIELD: i64 = 5;

/// Types of the compact protocol.
mod kind {
    pub(super) const STOP: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const MAP: u8 = 11;
    pub(super) const STRUCT: u8 = 12;
}

/// Refuses a schema that is too deep.
pub(super) fn check(metadata: &[u8]) -> Result<(), String> {
    schema_fits(&mut Walker { rest: metadata }).unwrap_or_else(|| Err("its footer ends early".to_owned()))
}

/// `None` when the bytes are no Thrift.
fn schema_fits(walker: &mut Walker<'_>) -> Option<Result<(), String>> {
    let mut field = 0;
    loop {
        let (id, kind) = walker.field(field)?;
        field = id;
        match kind {
            kind::STOP => return Some(Err("its footer has no schema".to_owned())),
            kind::LIST if id == SCHEMA_FIELD => break,
            _ => walker.skip(kind, 0)?,
        }
    }
    let (elements, _) = walker.list()?;
    // How many children are still to come, of each group that is open.
    let mut open: Vec<i64> = Vec::new();
    for _ in 0..elements {
        let children = walker.children()?;
        if let Some(parent) = open.last_mut() {
            *parent -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if open.len() > DEPTH_MAX {
            return Some(Err(format!("its columns are nested more than {DEPTH_MAX} levels deep")));
        }
    }
    Some(Ok(()))
}

struct Walker<'a> {
    rest: &'a [u8],
}

impl Walker<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// The id and type of the next field behind the field `last`.
    fn field(&mut self, last: i64) -> Option<(i64, u8)> {
        let header = self.byte()?;
        let (delta, kind) = (header >> 4, header & 0x0f);
        let id = if delta == 0 && kind != kind::STOP { self.zigzag()? } else { last + i64::from(delta) };
        Some((id, kind))
    }

    /// The length of a list and the type of its elements.
    fn list(&mut self) -> Option<(u64, u8)> {
        let header = self.byte()?;
        let short = u64::from(header >> 4);
        let length = if short == 15 { self.varint()? } else { short };
        Some((length, header & 0x0f))
    }

    /// Reads one element of the schema: how many children it has.
    fn children(&mut self) -> Option<i64> {
        let (mut field, mut children) = (0, 0);
        loop {
            let (id, kind) = self.field(field)?;
            field = id;
            match kind {
                kind::STOP => return Some(children),
                kind::I32 if id == CHILDREN_FIELD => children = self.zigzag()?,
                _ => self.skip(kind, 0)?,
            }
        }
    }

    fn advance(&mut self, bytes: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(bytes).ok()?..)?;
        Some(())
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > SKIPPED_DEPTH_MAX {
            return None;
        }
        match kind {
            kind::TRUE | kind::FALSE => Some(()),
            kind::BYTE => self.advance(1),
            kind::I16 | kind::I32 | kind::I64 => self.varint().map(drop),
            kind::DOUBLE => self.advance(8),
            kind::BINARY => {
                let length = self.varint()?;
                self.advance(length)
            }
            kind::LIST | kind::SET => {
                let (length, element) = self.list()?;
                self.skip_many(length, &[element], depth)
            }
            kind::MAP => {
                let length = self.varint()?;
                let kinds = if length == 0 { 0 } else { self.byte()? };
                self.skip_many(length, &[kinds >> 4, kinds & 0x0f], depth)
            }
            kind::STRUCT => {
                let mut field = 0;
                loop {
                    let (id, kind) = self.field(field)?;
                    field = id;
                    if kind == kind::STOP {
                        return Some(());
                    }
                    self.skip(kind, depth + 1)?;
                }
            }
            _ => None,
        }
    }

    fn skip_many(&mut self, length: u64, kinds: &[u8], depth: usize) -> Option<()> {
        for _ in 0..length {
            for kind in kinds {
                match *kind {
                    // In a list a boolean is a byte.
                    kind::TRUE | kind::FALSE => self.advance(1)?,
                    kind => self.skip(kind, depth + 1)?,
                }
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metadata of nothing but a version and a schema of groups within groups.
    fn nested(groups: usize) -> Vec<u8> {
        let mut bytes = vec![0x15, 2, 0x19, 0xfc];
        let mut length = groups + 1;
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        for group in 0..=groups {
            // name: "a", and one child for all but the last.
            bytes.extend([0x48, 1, b'a']);
            bytes.extend(if group < groups { &[0x15, 2, 0][..] } else { &[0][..] });
        }
        bytes.push(0);
        bytes
    }

    #[test]
    fn depth_is_limited() {
        assert_eq!(check(&nested(DEPTH_MAX)), Ok(()));
        assert!(check(&nested(DEPTH_MAX + 1)).unwrap_err().contains("nested"));
        assert!(check(&nested(1_000_000)).unwrap_err().contains("nested"));
    }

    #[test]
    fn what_ends_early_is_an_error() {
        let bytes = nested(3);
        for length in 0..bytes.len() - 1 {
            assert!(check(&bytes[..length]).is_err(), "{length}");
        }
    }
}
