//! File names drawn from a seed, in the form of random UUIDs.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use alluvium_store::FileNamer;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Names by seed: two namers of one seed give the same names, so each process of a simulation has a seed of its own.
pub struct SimNamer(Mutex<StdRng>);

impl SimNamer {
    /// The names of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl fmt::Debug for SimNamer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SimNamer")
    }
}

impl FileNamer for SimNamer {
    fn uuid(&self) -> String {
        let random: u128 = self.0.lock().unwrap_or_else(PoisonError::into_inner).random();
        let hex = format!("{random:032x}");
        // Version 4, variant 8: what readers of UUIDs may insist on.
        format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_uuids_and_follow_the_seed() {
        let (a, b, c) = (SimNamer::new(1), SimNamer::new(1), SimNamer::new(2));
        let names: Vec<String> = (0..100).map(|_| a.uuid()).collect();
        assert!(names.iter().all(|name| *name == b.uuid()));
        assert!(!names.contains(&c.uuid()));
        for (at, name) in names.iter().enumerate() {
            let groups: Vec<usize> = name.split('-').map(str::len).collect();
            assert_eq!(groups, [8, 4, 4, 4, 12]);
            assert!(name[14..].starts_with('4') && name[19..].starts_with('8'));
            assert!(!names[..at].contains(name));
        }
    }
}
