//! `theta_sketch`: samples of the hashes of a set, as Apache DataSketches has them.
//!
//! A sketch keeps the hashes below a bound, theta: all of them while there are few, the 4096 smallest in a union of more. It is
//! read in its compact and its updatable form (serial version 3) and compressed (4), and written compact and ordered, byte for byte as
//! Java writes it. Answers to `org.apache.paimon.utils.ThetaSketch` and `org.apache.datasketches.theta.UnionImpl`.

use alluvium_format::{Error, Result};

use super::{ByteReader, Sketch, broken};

/// How many hashes a union keeps at most: the default of Java's builder.
const NOMINAL_ENTRIES: usize = 4096;
/// The bound of a sketch that kept everything.
const THETA_MAX: u64 = i64::MAX.cast_unsigned();
/// What Java's default seed, 9001, hashes to.
const SEED_HASH: u16 = 0x93cc;
/// Shorter ones are empty, whatever they hold.
const BYTES_MIN: usize = 16;

const SERIAL_VERSION: u8 = 3;
const COMPRESSED_VERSION: u8 = 4;
const COMPACT_FAMILY: u8 = 3;

const READ_ONLY: u8 = 2;
const EMPTY: u8 = 4;
const COMPACT: u8 = 8;
const ORDERED: u8 = 16;
const SINGLE_ITEM: u8 = 32;

/// A theta sketch: its bound, and the hashes below it in ascending order.
pub(crate) struct Theta {
    theta: u64,
    hashes: Vec<u64>,
}

/// The eight bytes that all forms begin with.
struct Preamble {
    longs: u8,
    family: u8,
    /// How many hashes the table of an updatable sketch has room for, as a power of two; how many bytes count in the compressed form.
    table_size: u8,
    /// Bits of a hash in the compressed form.
    entry_bits: u8,
    flags: u8,
    seed_hash: u16,
}

impl Sketch for Theta {
    const FUNCTION: &'static str = "theta_sketch";

    fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() < BYTES_MIN {
            return Ok(Self::of(THETA_MAX, Vec::new()));
        }
        let mut bytes = ByteReader::new(Self::FUNCTION, bytes);
        let longs = bytes.u8()? & 0x3f;
        let version = bytes.u8()?;
        let family = bytes.u8()?;
        let entry_bits = bytes.u8()?;
        let table_size = bytes.u8()?;
        let flags = bytes.u8()?;
        let seed_hash = bytes.u16()?;
        let preamble = Preamble { longs, family, table_size, entry_bits, flags, seed_hash };
        match version {
            SERIAL_VERSION => preamble.plain(&mut bytes),
            COMPRESSED_VERSION => preamble.compressed(&mut bytes),
            _ => Err(Error::unsupported(format!("a theta_sketch of serial version {version}"))),
        }
    }

    fn unite(self, later: Self) -> Result<Self> {
        let mut hashes = self.hashes;
        hashes.extend(later.hashes);
        let mut union = Self::of(self.theta.min(later.theta), hashes);
        if let Some(bound) = union.hashes.get(NOMINAL_ENTRIES) {
            union.theta = *bound;
            union.hashes.truncate(NOMINAL_ENTRIES);
        }
        Ok(union)
    }

    fn serialize(self) -> Result<Vec<u8>> {
        let count =
            u32::try_from(self.hashes.len()).map_err(|_| Error::internal("a theta sketch has over 2^32 hashes"))?;
        let all = self.theta == THETA_MAX;
        let (longs, flags, seed_hash) = match (all, count) {
            (true, 0) => (1, READ_ONLY | EMPTY | COMPACT | ORDERED, 0),
            (true, 1) => (1, READ_ONLY | COMPACT | ORDERED | SINGLE_ITEM, SEED_HASH),
            (true, _) => (2, READ_ONLY | COMPACT | ORDERED, SEED_HASH),
            (false, _) => (3, READ_ONLY | COMPACT | ORDERED, SEED_HASH),
        };
        let mut out = vec![longs, SERIAL_VERSION, COMPACT_FAMILY, 0, 0, flags];
        out.extend_from_slice(&seed_hash.to_le_bytes());
        if longs > 1 {
            out.extend_from_slice(&count.to_le_bytes());
            // The probability of sampling: nothing is left out.
            out.extend_from_slice(&1_f32.to_le_bytes());
        }
        if longs > 2 {
            out.extend_from_slice(&self.theta.to_le_bytes());
        }
        out.extend(self.hashes.into_iter().flat_map(u64::to_le_bytes));
        Ok(out)
    }
}

impl Theta {
    /// Those of `hashes` that are below `theta`, in order, each once.
    fn of(theta: u64, mut hashes: Vec<u64>) -> Self {
        hashes.retain(|hash| *hash > 0 && *hash < theta);
        hashes.sort_unstable();
        hashes.dedup();
        Self { theta, hashes }
    }
}

impl Preamble {
    fn plain(&self, bytes: &mut ByteReader<'_>) -> Result<Theta> {
        if !(1..=COMPACT_FAMILY).contains(&self.family) {
            return Err(broken(Theta::FUNCTION, format!("family {} is no theta sketch", self.family)));
        }
        if self.longs == 1 {
            let ordered_compact = self.flags & 0x1f == READ_ONLY | COMPACT | ORDERED && self.family == COMPACT_FAMILY;
            let single = ordered_compact || self.flags & SINGLE_ITEM != 0;
            return Ok(Theta::of(THETA_MAX, if single { vec![bytes.u64()?] } else { Vec::new() }));
        }
        self.check_seed()?;
        let count = bytes.u32()? as usize;
        bytes.u32()?;
        let theta = if self.longs > 2 { bytes.u64()?.min(THETA_MAX) } else { THETA_MAX };
        if self.longs == 2 && count == 0 {
            return Ok(Theta::of(THETA_MAX, Vec::new()));
        }
        bytes.take(usize::from(self.longs.saturating_sub(3)) * 8)?;
        let in_table = self.flags & (ORDERED | COMPACT) == 0;
        let entries = if in_table { 1_usize.checked_shl(self.table_size.into()).unwrap_or(usize::MAX) } else { count };
        if entries > bytes.remaining() / 8 {
            return Err(broken(Theta::FUNCTION, format!("it has no room for {entries} hashes")));
        }
        let hashes = (0..entries).map(|_| bytes.u64()).collect::<Result<_>>()?;
        Ok(Theta::of(theta, hashes))
    }

    /// Differences of ascending hashes, of a fixed number of bits each, the highest bit first.
    fn compressed(&self, bytes: &mut ByteReader<'_>) -> Result<Theta> {
        self.check_seed()?;
        let theta = if self.longs > 1 { bytes.u64()?.min(THETA_MAX) } else { THETA_MAX };
        let mut count = 0_usize;
        for at in 0..u32::from(self.table_size) {
            let byte = usize::from(bytes.u8()?);
            count |= byte.checked_shl(8 * at).ok_or_else(|| broken(Theta::FUNCTION, "its count is too long"))?;
        }
        if self.flags & EMPTY != 0 {
            return Ok(Theta::of(THETA_MAX, Vec::new()));
        }
        let width = usize::from(self.entry_bits);
        let packed_bytes = count.checked_mul(width).map_or(usize::MAX, |bits| bits.div_ceil(8));
        if width == 0 && count > 0 || width > 63 {
            return Err(broken(Theta::FUNCTION, format!("hashes have {width} bits")));
        }
        let packed = bytes.take(packed_bytes)?;
        let bit = |at: usize| u64::from(packed[at / 8] >> (7 - at % 8) & 1);
        let mut hash = 0_u64;
        let hashes = (0..count).map(|entry| {
            let start = entry * width;
            let delta = (start..start + width).fold(0, |delta, at| delta << 1 | bit(at));
            hash = hash.saturating_add(delta);
            hash
        });
        Ok(Theta::of(theta, hashes.collect()))
    }

    fn check_seed(&self) -> Result<()> {
        if self.seed_hash != SEED_HASH {
            return Err(broken(Theta::FUNCTION, format!("it was made with another seed: {:#x}", self.seed_hash)));
        }
        Ok(())
    }
}
