//! A seeded faulty object store, clock, names, model table and random work, for tests.
//!
//! Goes in: a seed. Comes out: the same faults, times, names and changes whenever the seed is the same. Nothing here decides what is
//! right but [`ModelTable`], which says what rows a table has after changes, and does so without any of the code under test.

pub mod clock;
pub mod faulty_store;
pub mod model_table;
pub mod namer;
pub mod ops;
pub mod seeds;

pub use clock::SimClock;
pub use faulty_store::{Fault, FaultMode, Faults, FaultyStore, Operation, OperationKind};
pub use model_table::{Change, ModelTable, RowKey};
pub use namer::SimNamer;
pub use ops::{Step, Workload, WorkloadOptions};
pub use seeds::{Replay, seeds};
