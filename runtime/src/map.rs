//! An operator without state: what it makes of each batch.

use std::sync::Arc;

use alluvium_format::Result;
use alluvium_reader::ChangeBatch;

use crate::operator::{Collector, Operator};

type MapChanges = dyn Fn(ChangeBatch) -> Result<ChangeBatch> + Send + Sync;

/// Maps batches.
pub(crate) struct Map {
    map: Arc<MapChanges>,
}

impl Map {
    pub(crate) fn new(map: Arc<MapChanges>) -> Self {
        Self { map }
    }
}

impl Operator for Map {
    fn on_changes(&mut self, _: usize, changes: ChangeBatch, out: &mut Collector) -> Result<()> {
        out.changes((self.map)(changes)?);
        Ok(())
    }
}
