//! `rbm32`: a set of 32-bit numbers in the portable format of roaring bitmaps, with runs where they are shorter.
//!
//! Answers to `org.apache.paimon.utils.RoaringBitmap32`.

use alluvium_format::Result;
use roaring::RoaringBitmap;

use super::{Sketch, broken};

/// A set of 32-bit numbers.
pub(crate) struct Rbm32(RoaringBitmap);

impl Sketch for Rbm32 {
    const FUNCTION: &'static str = "rbm32";

    fn parse(bytes: &[u8]) -> Result<Self> {
        RoaringBitmap::deserialize_from(bytes).map(Self).map_err(|why| broken(Self::FUNCTION, why))
    }

    fn unite(mut self, later: Self) -> Result<Self> {
        self.0 |= later.0;
        Ok(self)
    }

    fn serialize(mut self) -> Result<Vec<u8>> {
        self.0.optimize();
        let mut bytes = Vec::with_capacity(self.0.serialized_size());
        self.0.serialize_into(&mut bytes).map_err(|why| broken(Self::FUNCTION, why))?;
        Ok(bytes)
    }
}
