//! `hll_sketch`: estimates of how many different values there are, as Apache DataSketches has them.
//!
//! Answers to `org.apache.paimon.utils.HllSketchUtil`.

use alluvium_format::Result;
use datasketches::hll::{HllSketch, HllType, HllUnion};

use super::{Sketch, broken};

/// A HyperLogLog sketch.
pub(crate) struct Hll(HllSketch);

impl Sketch for Hll {
    const FUNCTION: &'static str = "hll_sketch";

    fn parse(bytes: &[u8]) -> Result<Self> {
        HllSketch::deserialize(bytes).map(Self).map_err(|why| broken(Self::FUNCTION, why))
    }

    /// As in Java the later sketch gives the union its precision and comes first, and the union has four bits for a register.
    fn unite(self, later: Self) -> Result<Self> {
        let mut union = HllUnion::new(later.0.lg_config_k()).map_err(|why| broken(Self::FUNCTION, why))?;
        union.update(&later.0);
        union.update(&self.0);
        Ok(Self(union.to_sketch(HllType::Hll4)))
    }

    fn serialize(self) -> Result<Vec<u8>> {
        Ok(self.0.serialize())
    }
}
