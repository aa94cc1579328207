//! The messages of ORC files, in the encoding of Protocol Buffers.
//!
//! Goes in: bytes that nobody vouches for. Comes out: the fields of a message, one by one; and from fields, bytes. Fields that are not
//! known are the caller's to skip.

use super::Decoded;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Number(u64),
    /// A number of fixed width.
    Fixed(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message that are still to come.
#[derive(Debug)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// The next field, by its number; `None` behind the last.
    pub(super) fn next(&mut self) -> Decoded<Option<(u64, Value<'a>)>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => Value::Fixed(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = self.number()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed(u64::from(u32::from_le_bytes(self.fixed()?))),
            other => return Err(format!("a field of the unknown wire type {other}").into()),
        };
        Ok(Some((tag >> 3, value)))
    }

    fn number(&mut self) -> Decoded<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or("a message that ends within a number")?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a number of more than 64 bits".into())
    }

    fn fixed<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or("a message that ends within a number")?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn take(&mut self, length: u64) -> Decoded<&'a [u8]> {
        let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
        let (bytes, rest) = split.ok_or("a message that ends within a field")?;
        self.0 = rest;
        Ok(bytes)
    }
}

impl<'a> Value<'a> {
    pub(super) fn number(self) -> Decoded<u64> {
        match self {
            Self::Number(number) | Self::Fixed(number) => Ok(number),
            Self::Bytes(_) => Err("bytes where a number should be".into()),
        }
    }

    /// A number in zigzag form.
    pub(super) fn signed(self) -> Decoded<i64> {
        self.number().map(unzigzag)
    }

    pub(super) fn double(self) -> Decoded<f64> {
        self.number().map(f64::from_bits)
    }

    pub(super) fn bytes(self) -> Decoded<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) | Self::Fixed(_) => Err("a number where bytes should be".into()),
        }
    }

    pub(super) fn text(self) -> Decoded<String> {
        Ok(std::str::from_utf8(self.bytes()?)?.to_owned())
    }

    pub(super) fn message(self) -> Decoded<Fields<'a>> {
        self.bytes().map(Fields::of)
    }

    /// Appends the numbers of a repeated field, which come packed or one by one.
    pub(super) fn append_numbers(self, numbers: &mut Vec<u64>) -> Decoded<()> {
        match self {
            Self::Number(number) | Self::Fixed(number) => numbers.push(number),
            Self::Bytes(bytes) => {
                let mut packed = Fields::of(bytes);
                while !packed.0.is_empty() {
                    numbers.push(packed.number()?);
                }
            }
        }
        Ok(())
    }
}

/// The signed number of a zigzag form.
pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// The zigzag form of a signed number.
pub(super) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// A message on its way.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn number(&mut self, field: u64, number: u64) {
        self.tag(field, 0);
        append_varint(&mut self.0, number);
    }

    /// A number in zigzag form.
    pub(super) fn signed(&mut self, field: u64, number: i64) {
        self.number(field, zigzag(number));
    }

    pub(super) fn double(&mut self, field: u64, number: f64) {
        self.tag(field, 1);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.tag(field, 2);
        append_varint(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn message(&mut self, field: u64, message: &Self) {
        self.bytes(field, &message.0);
    }

    /// A repeated field, packed; nothing when there are no numbers.
    pub(super) fn numbers(&mut self, field: u64, numbers: impl IntoIterator<Item = u64>) {
        let mut packed = Vec::new();
        numbers.into_iter().for_each(|number| append_varint(&mut packed, number));
        if !packed.is_empty() {
            self.bytes(field, &packed);
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn tag(&mut self, field: u64, wire_type: u64) {
        append_varint(&mut self.0, field << 3 | wire_type);
    }
}

/// Appends a number, seven bits a byte, lowest first.
pub(super) fn append_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        // The lowest seven bits, and that more follow.
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut message = Message::default();
        message.number(1, u64::MAX);
        message.signed(2, i64::MIN);
        message.double(3, -0.5);
        message.bytes(4, b"ORC");
        message.numbers(5, [0, 127, 128]);
        let bytes = message.into_bytes();
        let mut fields = Fields::of(&bytes);
        let mut next = || fields.next().unwrap().unwrap();
        assert_eq!(next().1.number().unwrap(), u64::MAX);
        assert_eq!(next().1.signed().unwrap(), i64::MIN);
        assert_eq!(next().1.double().unwrap(), -0.5);
        assert_eq!(next().1.text().unwrap(), "ORC");
        let mut numbers = Vec::new();
        next().1.append_numbers(&mut numbers).unwrap();
        assert_eq!(numbers, [0, 127, 128]);
        assert!(fields.next().unwrap().is_none());
    }

    #[test]
    fn cut_messages_are_errors() {
        for bytes in [&[0x80][..], &[0x0a, 5, 1], &[0x09, 1], &[0x0b], &[0x08]] {
            assert!(Fields::of(bytes).next().is_err(), "{bytes:?}");
        }
    }
}
