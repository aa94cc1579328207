//! `$audit_log` and `$binlog`: both sides show the same rows, with the kinds as data, streamed and as they are stored.

use alluvium_interop::World;
use alluvium_interop::cases::Case;
use alluvium_interop::streams::{Log, Options, our_log, our_stored, their_log, their_stored};

use crate::streams::{Tally, cases, history, order, seeds};

#[test]
fn logs_show_the_same_rows() {
    if crate::skipped("logs_show_the_same_rows") {
        return;
    }
    let mut tally = Tally::default();
    for seed in seeds() {
        for case in cases() {
            let (world, case) = history(seed, case);
            for log in [Log::AuditLog, Log::Binlog] {
                let of = |what: &str| format!("{} {log:?} {what} seed {seed}", case.name);
                tally.take(our_stored(&world, &case, log), their_stored(&world, &case, log), || of("stored"));
                for options in starts(&world, &case, log) {
                    let (a, b) = (our_log(&world, &case, log, &options), their_log(&world, &case, log, &options));
                    let order = order(&case, &options);
                    tally.take(a.map(order), b.map(order), || of(&format!("{options:?}")));
                }
            }
        }
    }
    tally.end("logs");
}

fn starts(world: &World, case: &Case, log: Log) -> Vec<Options> {
    let ids = world.snapshots(case);
    let middle = ids[ids.len() / 2].to_string();
    let from_first: Options = vec![("scan.snapshot-id", "1".to_owned())];
    let mut starts = vec![
        vec![("scan.mode", "latest-full".to_owned())],
        vec![("scan.mode", "from-snapshot-full".to_owned()), ("scan.snapshot-id", middle)],
        from_first.clone(),
    ];
    // Paimon's binlog does not take the splits of overwrites.
    let retracts = !case.is_appended() && !case.schema["options"].to_string().contains("changelog-producer\":\"lookup");
    let is_full = case.schema["options"]["changelog-producer"] == "full-compaction";
    if log == Log::AuditLog && retracts && !is_full {
        starts.push([from_first, vec![("streaming-read-overwrite", "true".to_owned())]].concat());
    }
    starts
}
