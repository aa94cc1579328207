//! The lower 16 bits of the numbers that share their upper 48.
//!
//! Goes in: one of three forms (runs, bits, an array). Comes out: mostly the shortest of them. Invariants: runs that nothing is added to
//! stay runs, however long; where an array would be as long, what was runs becomes runs, and what was none does not.
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
const ARRAY_VALUES_MAX: usize = 4096;

/// Some of the numbers below 65536.
pub(super) struct Container {
    form: Form,
    set: RoaringBitmap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Runs,
    Bits,
    Array,
}

impl Container {
    pub(super) fn read(bytes: &mut ByteReader<'_>) -> Result<Self> {
        let kind = bytes.u8()?;
        let values = bytes.u32()?;
        let mut set = RoaringBitmap::new();
        let form = match kind {
            RUNS => {
                for _ in 0..bytes.u16()? {
                    let start = u32::from(bytes.u16()?);
                    let last = start + u32::from(bytes.u16()?);
                    if last > u32::from(u16::MAX) {
                        return Err(broken(Rbm64::FUNCTION, "a run ends behind its container"));
                    }
                    set.insert_range(start..=last);
                }
                Form::Runs
            }
            BITS => {
                for (at, byte) in (0_u32..).zip(bytes.take(BITS_BYTES)?) {
                    set.extend((0..8).filter(|bit| byte >> bit & 1 == 1).map(|bit| at * 8 + bit));
                }
                Form::Bits
            }
            ARRAY => {
                for _ in 0..values {
                    set.insert(u32::from(bytes.u16()?));
                }
                Form::Array
            }
            _ => return Err(broken(Rbm64::FUNCTION, format!("there is no container of kind {kind}"))),
        };
        Ok(Self { form, set })
    }

    pub(super) fn unite(&mut self, other: Self) {
        self.set |= other.set;
        let forms = [self.form, other.form];
        self.form = if forms.contains(&Form::Bits) {
            Form::Bits
        } else if forms.contains(&Form::Runs) && self.runs_bytes() <= BITS_BYTES.min(2 + 2 * self.values()) {
            Form::Runs
        } else {
            self.flat()
        };
    }

    /// Takes the form of runs where they are shorter: Java's `runOptimize`.
    pub(super) fn optimize(&mut self) {
        let bytes = match self.form {
            Form::Runs => return,
            Form::Bits => BITS_BYTES,
            Form::Array => 2 * self.values(),
        };
        if bytes > self.runs_bytes() {
            self.form = Form::Runs;
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(match self.form {
            Form::Runs => RUNS,
            Form::Bits => BITS,
            Form::Array => ARRAY,
        });
        out.extend_from_slice(&u32::try_from(self.values()).unwrap_or(u32::MAX).to_le_bytes());
        match self.form {
            Form::Runs => {
                let runs = self.runs();
                out.extend_from_slice(&low(u32::try_from(runs.len()).unwrap_or(u32::MAX)));
                for (start, last) in runs {
                    out.extend_from_slice(&low(start));
                    out.extend_from_slice(&low(last - start));
                }
            }
            Form::Bits => {
                let mut bits = vec![0_u8; BITS_BYTES];
                for value in &self.set {
                    if let Some(byte) = bits.get_mut(value as usize / 8) {
                        *byte |= 1 << (value % 8);
                    }
                }
                out.extend_from_slice(&bits);
            }
            Form::Array => out.extend(self.set.iter().flat_map(low)),
        }
    }

    fn values(&self) -> usize {
        usize::try_from(self.set.len()).unwrap_or(usize::MAX)
    }

    fn flat(&self) -> Form {
        if self.values() > ARRAY_VALUES_MAX { Form::Bits } else { Form::Array }
    }

    fn runs_bytes(&self) -> usize {
        2 + 4 * self.runs().len()
    }

    /// The first and the last value of each run.
    fn runs(&self) -> Vec<(u32, u32)> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for value in &self.set {
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
