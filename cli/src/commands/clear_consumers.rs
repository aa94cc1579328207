//! `clear-consumers`: Paimon's procedure of the same name.

use clap::Args;
use regex::Regex;
use serde_json::json;

use crate::args::ReportArgs;
use crate::failure::{Failure, Outcome, say};
use crate::report;
use crate::warehouse::Warehouse;

const EXAMPLES: &str = "\
Snapshots that a forgotten consumer still needed may expire then, and its next reader starts anew.

Examples:
  alluvium clear-consumers shop.orders --dry-run                        which there are
  alluvium clear-consumers shop.orders --including-consumers 'test-.*'
  alluvium clear-consumers shop.orders --excluding-consumers 'audit|billing'";

/// Arguments of `clear-consumers`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ClearConsumersArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// Only consumers whose whole id matches this regular expression; without it all
    #[arg(long, value_name = "REGEX", value_parser = whole)]
    including_consumers: Option<Regex>,
    /// But not those whose whole id matches this one
    #[arg(long, value_name = "REGEX", value_parser = whole)]
    excluding_consumers: Option<Regex>,
    /// Say which would be forgotten, and forget none
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    report: ReportArgs,
}

pub(crate) async fn run(args: ClearConsumersArgs, warehouse: &Warehouse) -> Outcome {
    let table = warehouse.table(&args.table).await?;
    let is_meant = |id: &str| {
        args.including_consumers.as_ref().is_none_or(|regex| regex.is_match(id))
            && !args.excluding_consumers.as_ref().is_some_and(|regex| regex.is_match(id))
    };
    let mut cleared = Vec::new();
    for (id, next_snapshot) in table.consumers().await?.into_iter().filter(|(id, _)| is_meant(id)) {
        if !args.dry_run {
            let done = table.delete_consumer(&id).await;
            done.map_err(|error| Failure::from(error).doing(format!("forgetting the consumer {id}")))?;
        }
        cleared.push((id, next_snapshot));
    }
    if args.report.json {
        let cleared = cleared.iter().map(|(id, next)| json!({ "id": id, "nextSnapshot": next }));
        return report::print_json(&json!({
            "table": table.name(),
            "cleared": cleared.collect::<Vec<_>>(),
            "dryRun": args.dry_run,
        }));
    }
    report::print_lines(cleared.iter().map(|(id, next)| format!("{id} (next snapshot {next})")))?;
    let done = if args.dry_run { "would be forgotten" } else { "forgotten" };
    say(format!("{}: {} consumers {done}", table.name(), cleared.len()));
    Ok(())
}

/// A regular expression that must match all of a text, as Java's `matches`.
fn whole(text: &str) -> Result<Regex, String> {
    Regex::new(&format!("^(?:{text})$")).map_err(|error| error.to_string())
}
