//! `tail`: the changes of a table, each with its row kind, as they are committed.

use alluvium::{Error, StartupMode, Table, TailEvent};
use clap::Args;

use crate::commands::scan::condition;
use crate::failure::Outcome;
use crate::interrupt;
use crate::output::RowKindColumn;
use crate::sink::{Sink, SinkArgs};
use crate::time_text;
use crate::warehouse::Warehouse;

const EXAMPLES: &str = "\
Lines carry the row kind (+I -U +U -D) and the columns, and come out snapshot by snapshot. What is printed for tables without a
changelog producer is what was written. Ctrl-C ends it; with --consumer-id the next run goes on where the last snapshot was read whole.

Examples:
  alluvium tail shop.orders                                        what comes from now on, for ever
  alluvium tail shop.orders --from earliest --to latest            what came so far, then end
  alluvium tail shop.orders --from full --where \"total > 100\"      all rows now, then their changes
  alluvium tail shop.orders --from earliest | alluvium ingest shop.copy -";

/// Arguments of `tail`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TailArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// latest, earliest, full, compacted-full, snapshot:N or timestamp:TIME
    #[arg(long, default_value = "latest", value_name = "START", value_parser = start)]
    from: StartupMode,
    /// latest (when the command starts) or snapshot:N; without it: for ever
    #[arg(long, value_name = "END", value_parser = end)]
    to: Option<End>,
    /// Keep the position with the table under this name, and go on from it
    #[arg(long, value_name = "ID")]
    consumer_id: Option<String>,
    #[command(flatten)]
    sink: SinkArgs,
    /// Not built yet: complete -U/+U changes of tables without a changelog producer
    #[arg(long, hide = true)]
    normalize: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Latest,
    Snapshot(i64),
}

pub(crate) async fn run(args: TailArgs, warehouse: &Warehouse) -> Outcome {
    if args.normalize {
        return Err(Error::unsupported("tail --normalize: changes come as they were written").into());
    }
    let table = warehouse.table(&args.table).await?;
    follow(&args, &table).await.map_err(|failure| failure.doing(format!("tailing {}", table.name())))
}

async fn follow(args: &TailArgs, table: &Table) -> Outcome {
    let fields = args.sink.fields(table.schema())?;
    let condition = condition(&args.sink, table.schema())?;
    let mut sink = args.sink.open(&fields, RowKindColumn::Leading)?;
    let mut tail =
        table.tail().from(args.from).filter(condition).columns(fields.iter().map(|field| field.name.clone()));
    if let Some(id) = &args.consumer_id {
        tail = tail.consumer_id(id);
    }
    match args.to {
        None => {}
        Some(End::Snapshot(id)) => tail = tail.to(id),
        Some(End::Latest) => match table.latest_snapshot().await? {
            Some(snapshot) => tail = tail.to(snapshot.id),
            None => return sink.finish(),
        },
    }
    let mut tail = tail.execute().await?;
    let stop = interrupt::requested();
    tokio::pin!(stop);
    loop {
        let event = tokio::select! {
            () = &mut stop => break,
            event = tail.next() => event?,
        };
        match event {
            Some(event) => take(&mut sink, event)?,
            None => break,
        }
    }
    sink.finish()
}

fn take(sink: &mut Sink, event: TailEvent) -> Outcome {
    match event {
        TailEvent::Changes(changes) => sink.write(&changes.rows, Some(&changes.kinds)),
        TailEvent::SnapshotEnd(_) => sink.flush(),
    }
}

fn start(text: &str) -> Result<StartupMode, String> {
    let wrong = || "it is latest, earliest, full, compacted-full, snapshot:N or timestamp:TIME".to_owned();
    Ok(match text {
        "latest" => StartupMode::Latest,
        "earliest" => StartupMode::Earliest,
        "full" => StartupMode::LatestFull,
        "compacted-full" => StartupMode::CompactedFull,
        _ => match text.split_once(':').ok_or_else(wrong)? {
            ("snapshot", id) => StartupMode::FromSnapshot(id.parse().map_err(|_| wrong())?),
            ("timestamp", time) => StartupMode::FromTimestamp(time_text::parse(time)?),
            _ => return Err(wrong()),
        },
    })
}

fn end(text: &str) -> Result<End, String> {
    match text.strip_prefix("snapshot:").map(str::parse) {
        Some(Ok(id)) => Ok(End::Snapshot(id)),
        None if text == "latest" => Ok(End::Latest),
        _ => Err("it is latest or snapshot:N".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use alluvium::StartupMode;

    use super::{End, end, start};

    #[test]
    fn starts_and_ends_are_read() {
        assert_eq!(start("snapshot:3"), Ok(StartupMode::FromSnapshot(3)));
        assert_eq!(start("timestamp:1359626400000"), Ok(StartupMode::FromTimestamp(1_359_626_400_000)));
        assert_eq!(start("full"), Ok(StartupMode::LatestFull));
        assert_eq!(end("snapshot:7"), Ok(End::Snapshot(7)));
        for wrong in ["", "Latest", "snapshot", "snapshot:", "snapshot:x", "tag:t"] {
            assert!(start(wrong).is_err() && end(wrong).is_err(), "{wrong}");
        }
    }
}
