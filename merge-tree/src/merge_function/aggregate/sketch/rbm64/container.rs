//! The lower 16 bits of the numbers that share their upper 48.
//!
//! Goes in: one of three forms (runs, bits, an array). Comes out: the shortest of them; of an array and as long runs the array.
//! Answers to `org.roaringbitmap.Container`.

use alluvium_format::Result;
use roaring::RoaringBitmap;

use super::super::{ByteReader, Sketch, broken};
use super::Rbm64;

const RUNS: u8 = 0;
const BITS: u8 = 1;
const ARRAY: u8 = 2;

const BITS_BYTES: usize = 8192;
/// More values are bits rather than an array.
const ARRAY_VALUES_MAX: u64 = 4096;

/// Some of the numbers below 65536.
#[derive(Clone)]
pub(super) struct Container(RoaringBitmap);

impl Container {
    pub(super) fn read(bytes: &mut ByteReader<'_>) -> Result<Self> {
        let kind = bytes.u8()?;
        let values = bytes.u32()?;
        let mut set = RoaringBitmap::new();
        match kind {
            RUNS => {
                for _ in 0..bytes.u16()? {
                    let start = u32::from(bytes.u16()?);
                    let last = start + u32::from(bytes.u16()?);
                    if last > u32::from(u16::MAX) {
                        return Err(broken(Rbm64::FUNCTION, "a run ends behind its container"));
                    }
                    set.insert_range(start..=last);
                }
            }
            BITS => {
                for (at, byte) in (0_u32..).zip(bytes.take(BITS_BYTES)?) {
                    set.extend((0..8).filter(|bit| byte >> bit & 1 == 1).map(|bit| at * 8 + bit));
                }
            }
            ARRAY => {
                for _ in 0..values {
                    set.insert(u32::from(bytes.u16()?));
                }
            }
            _ => return Err(broken(Rbm64::FUNCTION, format!("there is no container of kind {kind}"))),
        }
        Ok(Self(set))
    }

    pub(super) fn unite(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let runs = self.runs();
        let values = self.0.len();
        let flat_bytes = if values > ARRAY_VALUES_MAX { BITS_BYTES as u64 } else { 2 * values };
        let kind = match flat_bytes {
            flat if flat > 2 + 4 * runs.len() as u64 => RUNS,
            _ if values > ARRAY_VALUES_MAX => BITS,
            _ => ARRAY,
        };
        out.push(kind);
        out.extend_from_slice(&u32::try_from(values).unwrap_or(u32::MAX).to_le_bytes());
        match kind {
            RUNS => {
                out.extend_from_slice(&low(u32::try_from(runs.len()).unwrap_or(u32::MAX)));
                for (start, last) in runs {
                    out.extend_from_slice(&low(start));
                    out.extend_from_slice(&low(last - start));
                }
            }
            BITS => {
                let mut bits = vec![0_u8; BITS_BYTES];
                for value in &self.0 {
                    if let Some(byte) = bits.get_mut(value as usize / 8) {
                        *byte |= 1 << (value % 8);
                    }
                }
                out.extend_from_slice(&bits);
            }
            _ => out.extend(self.0.iter().flat_map(low)),
        }
    }

    /// The first and the last value of each run.
    fn runs(&self) -> Vec<(u32, u32)> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for value in &self.0 {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == value => *last = value,
                _ => runs.push((value, value)),
            }
        }
        runs
    }
}

/// A value of 16 bits.
fn low(value: u32) -> [u8; 2] {
    u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes()
}
