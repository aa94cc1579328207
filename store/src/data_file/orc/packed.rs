//! Numbers of as many bits each as the largest of them needs, one behind the other, the highest bit first.

/// How many bits the numbers of a code have, of those that a run can say.
pub(super) fn width_of_code(code: u8) -> u32 {
    match code {
        0..=23 => u32::from(code) + 1,
        24 => 26,
        25 => 28,
        26 => 30,
        27 => 32,
        28 => 40,
        29 => 48,
        30 => 56,
        _ => 64,
    }
}

/// The fewest bits that a run can say for numbers of `bits` bits.
pub(super) fn closest_width(bits: u32) -> u32 {
    match bits {
        0 => 1,
        1..=24 => bits,
        25..=26 => 26,
        27..=28 => 28,
        29..=30 => 30,
        31..=32 => 32,
        33..=40 => 40,
        41..=48 => 48,
        49..=56 => 56,
        _ => 64,
    }
}

/// The code of a width that a run can say.
pub(super) fn code_of_width(width: u32) -> u8 {
    match width {
        // At most 23.
        0..=24 => width.saturating_sub(1) as u8,
        25..=26 => 24,
        27..=28 => 25,
        29..=30 => 26,
        31..=32 => 27,
        33..=40 => 28,
        41..=48 => 29,
        49..=56 => 30,
        _ => 31,
    }
}

/// Bytes that `count` numbers of `width` bits take.
pub(super) fn packed_bytes(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

/// Calls `each` with the numbers of `width` bits in `bytes`, of which there are `count`; the bits behind `bytes` are 0.
pub(super) fn unpack(bytes: &[u8], count: usize, width: u32, mut each: impl FnMut(u64)) {
    if width == 64 {
        bytes.chunks_exact(8).take(count).for_each(|chunk| {
            each(chunk.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        });
        return;
    }
    let mask = (1_u64 << width) - 1;
    let (mut window, mut bits) = (0_u128, 0);
    let mut bytes = bytes.iter();
    for _ in 0..count {
        while bits < width {
            window = window << 8 | u128::from(bytes.next().copied().unwrap_or_default());
            bits += 8;
        }
        bits -= width;
        // The mask leaves fewer than 64 bits.
        each((window >> bits) as u64 & mask);
    }
}

/// Appends numbers of `width` bits; the last byte is filled up with 0.
pub(super) fn pack(numbers: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let (mut window, mut bits) = (0_u128, 0);
    for number in numbers {
        window = window << width | u128::from(number);
        bits += width;
        while bits >= 8 {
            bits -= 8;
            // The lowest eight of the bits that are shown.
            out.push((window >> bits) as u8);
        }
    }
    if bits > 0 {
        out.push((window << (8 - bits)) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_from_the_highest_bit_on() {
        let all = |bytes: &[u8], count, width| {
            let mut out = Vec::new();
            unpack(bytes, count, width, |number| out.push(number));
            out
        };
        assert_eq!(all(&[0b1011_0001, 0b1000_0000], 3, 3), [5, 4, 3]);
        assert_eq!(all(&[0xff; 16], 2, 64), [u64::MAX; 2]);
        assert_eq!(all(&[0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde], 1, 56), [0x12_3456_789a_bcde]);
        assert_eq!(packed_bytes(3, 3), 2);
    }

    #[test]
    fn every_width_is_the_closest_to_itself() {
        for code in 0..32 {
            let width = width_of_code(code);
            assert_eq!(closest_width(width), width);
            assert_eq!(code_of_width(width), code);
        }
    }
}
