//! Both ways with real Paimon: each reads, streams and compacts what the other wrote.
//!
//! Needs a JDK and Maven (the first run fetches Paimon 1.4.2) and a built `alluvium` binary.

mod alternate;
mod both_ways;
mod differences;
mod differential;
mod every_table;
mod evolution;
mod readers;
mod selected_rows;
mod sorted;
mod streams;
mod streams_of_logs;
mod streams_under_changes;

/// Prints why and gives `true` where there is no JDK to compare with.
fn skipped(test: &str) -> bool {
    let skip = !alluvium_interop::PaimonJava::available();
    if skip {
        println!("{test}: skipped, there is no JDK on this machine");
    }
    skip
}
