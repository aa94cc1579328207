//! The peers that only read: pypaimon, and Flink SQL with Paimon's connector. Each installs itself on first use.

use crate::Peer;

/// pypaimon, in a virtual environment of its own.
pub fn pypaimon() -> Peer {
    Peer::start("pypaimon", "readers/pypaimon.sh", &[])
}

/// Flink SQL with Paimon's connector, in one JVM.
pub fn flink() -> Peer {
    Peer::start("Flink", "readers/flink.sh", &[])
}
