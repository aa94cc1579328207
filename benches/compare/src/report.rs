//! The figures as a table for people and as a JSON list for scripts.

use serde_json::json;

use crate::peers::Who;
use crate::process::Measured;

/// One comparison: ours beside theirs.
#[derive(Clone, Debug)]
pub struct Figure {
    work: String,
    peer: &'static str,
    metric: &'static str,
    ours: f64,
    theirs: f64,
    lower_is_better: bool,
    target: Option<f64>,
}

impl Figure {
    /// Rows per CPU and per wall second, and peak memory, of ours beside each peer's.
    pub fn of_rows(work: &str, rows: u64, measured: &[(Who, &Measured)]) -> Vec<Self> {
        let rows = rows as f64;
        let Some((_, ours)) = measured.iter().find(|(who, _)| *who == Who::Alluvium) else { return Vec::new() };
        let mut out = Vec::new();
        for (who, theirs) in measured.iter().filter(|(who, _)| *who != Who::Alluvium) {
            let figure = |metric, ours, theirs, lower_is_better| Self {
                work: work.to_owned(),
                peer: who.name(),
                metric,
                ours,
                theirs,
                lower_is_better,
                target: if metric == "rows per CPU second" { target(work, *who) } else { None },
            };
            let rate = |seconds: std::time::Duration| rows / seconds.as_secs_f64();
            out.push(figure("rows per CPU second", rate(ours.cpu), rate(theirs.cpu), false));
            out.push(figure("rows per wall second", rate(ours.wall), rate(theirs.wall), false));
            out.push(figure("peak memory, MiB", mib(ours), mib(theirs), true));
        }
        out
    }

    fn ratio(&self) -> f64 {
        self.ours / self.theirs
    }
}

fn mib(measured: &Measured) -> f64 {
    measured.memory_bytes as f64 / f64::from(1 << 20)
}

/// What we hold ourselves to, as a ratio of rows per CPU second.
fn target(work: &str, peer: Who) -> Option<f64> {
    match (work, peer) {
        ("ingest, write-only", Who::Java) | ("ingest, with compaction", Who::Java) | ("full compaction", Who::Java) => {
            Some(5.0)
        }
        ("ingest, write-only", Who::Crate) => Some(2.0),
        ("scan, ten overlapping runs", Who::Java) => Some(3.0),
        ("scan, ten overlapping runs", Who::Crate) => Some(1.4),
        ("scan, compacted by Java", Who::Crate) => Some(1.2),
        _ => None,
    }
}

/// A table on standard output.
pub fn print(figures: &[Figure]) {
    println!(
        "{:<34} {:<19} {:<21} {:>13} {:>13} {:>7} {:>7}",
        "work", "peer", "metric", "ours", "theirs", "ratio", "target"
    );
    for figure in figures {
        let target = figure.target.map_or(String::new(), |target| format!("{target:.1}"));
        println!(
            "{:<34} {:<19} {:<21} {:>13.0} {:>13.0} {:>7.2} {:>7}",
            figure.work,
            figure.peer,
            figure.metric,
            figure.ours,
            figure.theirs,
            figure.ratio(),
            target
        );
    }
}

/// A JSON list, one object a figure; ratio = ours / theirs.
pub fn json(figures: &[Figure]) -> String {
    let list: Vec<serde_json::Value> = figures
        .iter()
        .map(|figure| {
            json!({
                "work": figure.work, "peer": figure.peer, "metric": figure.metric, "ours": figure.ours, "theirs": figure.theirs,
                "ratio": figure.ratio(), "lower_is_better": figure.lower_is_better, "target": figure.target,
            })
        })
        .collect();
    serde_json::Value::Array(list).to_string()
}
