//! Which rows of a column have a value, and its values spread over them.
//!
//! A file has no bit and no value for a row whose parent is null. Goes in: what the file has, and the nulls of the parent. Comes out:
//! nulls and values of every row.

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, NullBuffer};

use super::byte_runs::Bits;
use crate::data_file::orc::Decoded;

/// The nulls of the next `rows` rows; those of the parent are among them.
pub(super) fn nulls(
    present: Option<&mut Bits>,
    rows: usize,
    parent: Option<&NullBuffer>,
) -> Decoded<Option<NullBuffer>> {
    let Some(present) = present else { return Ok(parent.cloned()) };
    let Some(parent) = parent.filter(|parent| parent.null_count() > 0) else {
        return Ok(Some(NullBuffer::new(present.read(rows)?)));
    };
    let bits = present.read(rows - parent.null_count())?;
    Ok(Some(NullBuffer::new(spread_bits(&bits, Some(parent)))))
}

/// Bits of rows that have one, with something for those between.
pub(super) fn spread_bits(bits: &BooleanBuffer, nulls: Option<&NullBuffer>) -> BooleanBuffer {
    let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) else { return bits.clone() };
    let mut out = BooleanBufferBuilder::new(nulls.len());
    let mut at = 0;
    for (start, end) in nulls.valid_slices() {
        out.append_n(start - out.len(), false);
        out.append_buffer(&bits.slice(at, end - start));
        at += end - start;
    }
    out.append_n(nulls.len() - out.len(), false);
    out.finish()
}

/// How many of `rows` rows have a value.
pub(super) fn count(nulls: Option<&NullBuffer>, rows: usize) -> usize {
    rows - nulls.map_or(0, NullBuffer::null_count)
}

/// Values of rows that have one, with something for those between.
pub(super) fn spread<T: Copy + Default>(values: Vec<T>, nulls: Option<&NullBuffer>) -> Vec<T> {
    let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) else { return values };
    let mut out = Vec::with_capacity(nulls.len());
    let mut values = values.into_iter();
    for (start, end) in nulls.valid_slices() {
        out.resize(start, T::default());
        out.extend(values.by_ref().take(end - start));
    }
    out.resize(nulls.len(), T::default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_file::orc::compression::Codec;
    use crate::data_file::orc::read::byte_stream::{ByteStream, Chunks};

    #[test]
    fn rows_of_null_parents_have_neither_bit_nor_value() {
        let parent = NullBuffer::from(vec![true, false, true, true, false]);
        let bytes = ByteStream::of(vec![0xff, 0b1010_0000].into(), Chunks { codec: Codec::None, bytes: 0 });
        let nulls = nulls(Some(&mut Bits::of(bytes)), 5, Some(&parent)).unwrap().unwrap();
        assert_eq!(nulls, NullBuffer::from(vec![true, false, false, true, false]));
        assert_eq!(count(Some(&nulls), 5), 2);
        assert_eq!(spread(vec![7, 8], Some(&nulls)), [7, 0, 0, 8, 0]);
    }
}
