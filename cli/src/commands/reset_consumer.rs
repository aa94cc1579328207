//! `reset-consumer`: Paimon's procedure of the same name.

use clap::Args;
use serde_json::json;

use crate::args::ReportArgs;
use crate::failure::{Failure, Outcome, say};
use crate::report;
use crate::warehouse::Warehouse;

const EXAMPLES: &str = "\
A consumer is the position of a reader, kept with the table: snapshots from there on do not expire. End its reader before: one that is
running writes its own position again.

Examples:
  alluvium reset-consumer shop.orders --consumer-id audit --next-snapshot-id 7
  alluvium reset-consumer shop.orders --consumer-id audit              forgets it: its next reader starts anew
  alluvium inspect shop.orders                                         which consumers there are";

/// Arguments of `reset-consumer`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ResetConsumerArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// The consumer
    #[arg(long, value_name = "ID")]
    consumer_id: String,
    /// The snapshot whose changes it reads next; without it the consumer is forgotten
    #[arg(long, value_name = "N")]
    next_snapshot_id: Option<i64>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    report: ReportArgs,
}

pub(crate) async fn run(args: ResetConsumerArgs, warehouse: &Warehouse) -> Outcome {
    let table = warehouse.table(&args.table).await?;
    let id = &args.consumer_id;
    let consumers = table.consumers().await?;
    let before = consumers.into_iter().find(|(other, _)| other == id).map(|(_, next)| next);
    let done = match (args.next_snapshot_id, args.dry_run) {
        (Some(next), false) => table.reset_consumer(id, next).await,
        (Some(next), true) => table.check_consumer_position(next).await,
        (None, false) => table.delete_consumer(id).await,
        (None, true) => Ok(()),
    };
    done.map_err(|error| Failure::from(error).doing(format!("resetting the consumer {id} of {}", table.name())))?;
    if args.report.json {
        return report::print_json(&json!({
            "table": table.name(),
            "consumer": id,
            "before": before,
            "nextSnapshot": args.next_snapshot_id,
            "dryRun": args.dry_run,
        }));
    }
    let was = before.map_or_else(|| "was not there".to_owned(), |before| format!("was at snapshot {before}"));
    let would = if args.dry_run { "would be" } else { "is" };
    say(match args.next_snapshot_id {
        Some(next) => format!("{}: the consumer {id} {was} and {would} at snapshot {next} now", table.name()),
        None => format!("{}: the consumer {id} {was} and {would} forgotten", table.name()),
    });
    Ok(())
}
