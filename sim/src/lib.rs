//! A seeded faulty object store, clock and model table for tests.
