//! `hll_sketch`: estimates of how many different values there are, as Apache DataSketches has them.
//!
//! A small sketch is a hash set of coupons. How they lie in its table decides in which order they go into a union, and so the last
//! digits of the estimate; so a set is given the table that Java gives it. Answers to `org.apache.paimon.utils.HllSketchUtil`.

use std::borrow::Cow;

use alluvium_format::Result;
use datasketches::hll::{HllSketch, HllType, HllUnion};

use super::{ByteReader, Sketch, broken};

const SET_MODE: u8 = 1;
const ARRAY_MODE: u8 = 2;
const FOUR_BITS: u8 = 0;
const EIGHT_BITS: u8 = 2;
const COMPACT: u8 = 8;
/// What is before the registers.
const PREAMBLE_BYTES: usize = 40;
const REGISTER_MAX: u8 = 63;
/// Four bits that say that the register is elsewhere.
const EXCEPTION: u8 = 15;
/// A set of coupons begins with a table of 32.
const LG_TABLE_MIN: u8 = 5;
/// The largest table of the most precise sketch.
const LG_TABLE_MAX: u8 = 18;
/// By the precision of a sketch, how large the table of the registers begins that four bits do not hold.
const LG_EXCEPTIONS_MIN: [u8; 22] = [0, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 13];
/// The bits of a coupon that are its address.
const ADDRESS: u32 = (1 << 26) - 1;

/// A HyperLogLog sketch, serialised: each union begins from bytes, as in Java.
pub(crate) struct Hll(Vec<u8>);

impl Sketch for Hll {
    const FUNCTION: &'static str = "hll_sketch";

    fn parse(bytes: &[u8]) -> Result<Self> {
        Ok(Self(bytes.to_vec()))
    }

    /// As in Java the later sketch gives the union its precision and comes first, and the union has four bits for a register.
    fn unite(self, later: Self) -> Result<Self> {
        let broken = |why: datasketches::error::Error| broken(Self::FUNCTION, why);
        check_registers(&self.0)?;
        check_registers(&later.0)?;
        let earlier = HllSketch::deserialize(&with_table(&self.0)?).map_err(broken)?;
        let later = HllSketch::deserialize(&with_table(&later.0)?).map_err(broken)?;
        let mut union = HllUnion::new(later.lg_config_k()).map_err(broken)?;
        union.update(&later);
        union.update(&earlier);
        let mut bytes = union.to_sketch(HllType::Hll4).serialize();
        put_table_size(&mut bytes);
        Ok(Self(bytes))
    }

    fn serialize(self) -> Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// Registers are below 64: what reads sketches takes that for granted.
fn check_registers(bytes: &[u8]) -> Result<()> {
    let Some((preamble, registers)) = bytes.split_first_chunk::<PREAMBLE_BYTES>() else { return Ok(()) };
    let [_, _, _, lg_k, _, _, least, mode, ..] = *preamble;
    if mode & 3 != ARRAY_MODE {
        return Ok(());
    }
    let count = 1_usize.checked_shl(lg_k.into()).unwrap_or(usize::MAX);
    let is_high = match mode >> 2 & 3 {
        FOUR_BITS => {
            let is_high = |value: u8| value != EXCEPTION && least.saturating_add(value) > REGISTER_MAX;
            registers.iter().take(count / 2).any(|pair| is_high(pair & 15) || is_high(pair >> 4))
        }
        EIGHT_BITS => registers.iter().take(count).any(|register| *register > REGISTER_MAX),
        _ => false,
    };
    if is_high || least > REGISTER_MAX { Err(broken(Hll::FUNCTION, "a register is above 63")) } else { Ok(()) }
}

/// A set of coupons that is written without the gaps of its table, with the table that Java makes of it, coupon by coupon; other sketches
/// as they are.
fn with_table(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    let [_, _, _, _, _, flags, _, mode, ..] = bytes else { return Ok(Cow::Borrowed(bytes)) };
    if mode & 3 != SET_MODE || flags & COMPACT == 0 {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut reader = ByteReader::new(Hll::FUNCTION, bytes);
    let mut header = reader.take(8)?.to_vec();
    let count = reader.u32()?;
    if count as usize > reader.remaining() / 4 {
        return Err(broken(Hll::FUNCTION, format!("it has no room for {count} coupons")));
    }
    let mut table = CouponTable { lg: LG_TABLE_MIN, slots: vec![0; 1 << LG_TABLE_MIN], count: 0 };
    for _ in 0..count {
        table.add(reader.u32()?)?;
    }
    header[4] = table.lg;
    header[5] = flags & !COMPACT;
    header.extend_from_slice(&table.count.to_le_bytes());
    header.extend(table.slots.into_iter().flat_map(u32::to_le_bytes));
    Ok(Cow::Owned(header))
}

/// Writes, as Java does, how large the table was of the registers that four bits do not hold, though it is written without its gaps.
fn put_table_size(bytes: &mut [u8]) {
    let Some(preamble) = bytes.first_chunk_mut::<PREAMBLE_BYTES>() else { return };
    let exceptions = u32::from_le_bytes([preamble[36], preamble[37], preamble[38], preamble[39]]);
    if preamble[7] & 3 == ARRAY_MODE && exceptions > 0 {
        let initial = LG_EXCEPTIONS_MIN.get(usize::from(preamble[3])).copied().unwrap_or(0);
        let fits = |lg: &u8| u64::from(exceptions) * 4 <= 3 << lg;
        preamble[4] = (initial..u8::MAX / 8).find(fits).unwrap_or(initial);
    }
}

/// Java's `CouponHashSet`: open addressing, at most three quarters full.
struct CouponTable {
    lg: u8,
    slots: Vec<u32>,
    count: u32,
}

impl CouponTable {
    fn add(&mut self, coupon: u32) -> Result<()> {
        if !put(&mut self.slots, self.lg, coupon) {
            return Ok(());
        }
        self.count += 1;
        if u64::from(self.count) * 4 > (3 << self.lg) {
            if self.lg == LG_TABLE_MAX {
                return Err(broken(Hll::FUNCTION, "it has too many coupons for a set"));
            }
            self.lg += 1;
            let mut slots = vec![0; 1 << self.lg];
            for coupon in self.slots.drain(..).filter(|coupon| *coupon != 0) {
                put(&mut slots, self.lg, coupon);
            }
            self.slots = slots;
        }
        Ok(())
    }
}

/// Puts a coupon into a table that has a free slot; `false` when it is there, or is none.
fn put(slots: &mut [u32], lg: u8, coupon: u32) -> bool {
    let mask = slots.len() - 1;
    let stride = ((coupon & ADDRESS) >> lg | 1) as usize;
    let mut at = coupon as usize & mask;
    loop {
        match slots[at] {
            0 => {
                slots[at] = coupon;
                return coupon != 0;
            }
            there if there == coupon => return false,
            _ => at = (at + stride) & mask,
        }
    }
}
