//! Apache Paimon's own Java library in one JVM (`paimon-java/run.sh script`).

use std::process::Command;

use crate::Peer;

/// The Java side.
pub struct PaimonJava;

impl PaimonJava {
    /// Whether there is a JDK; where not, the tests say so and skip.
    pub fn available() -> bool {
        Command::new("javac").arg("-version").output().is_ok_and(|output| output.status.success())
    }

    /// Starts the JVM, building the Java side on first use.
    pub fn start() -> Peer {
        Peer::start("Paimon Java", "paimon-java/run.sh", &["script"])
    }
}
