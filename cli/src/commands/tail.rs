//! `tail`: the changes of a table, each with its row kind, as they are committed.

use alluvium::{ChangeLog, ExpiredSnapshots, StartupMode, SystemTable, Table, Tail, TailEvent};
use clap::{Args, ValueEnum};

use crate::commands::scan::{condition, row_kind_column, shown_schema};
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::sink::{Sink, SinkArgs};
use crate::time_text;
use crate::warehouse::Warehouse;

const EXAMPLES: &str = "\
Lines carry the row kind (+I -U +U -D) and the columns, and come out snapshot by snapshot. What is printed for tables without a
changelog producer is what was written; --normalize makes of it what became of the rows, which it keeps in memory. Ctrl-C ends it; with --consumer-id the next run goes on where the last snapshot was read whole.

Examples:
  alluvium tail shop.orders                                        what comes from now on, for ever
  alluvium tail shop.orders --from earliest --to latest            what came so far, then end
  alluvium tail shop.orders --from full --where \"total > 100\"      all rows now, then their changes
  alluvium tail 'shop.orders$binlog' --from earliest               updates as one row: [before, after]
  alluvium tail shop.orders --from earliest | alluvium ingest shop.copy -";

/// Arguments of `tail`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TailArgs {
    /// The table, DATABASE.TABLE, or its changes as rows: DATABASE.TABLE$audit_log or …$binlog
    table: String,
    /// latest (the default, unless -o scan.mode=… says otherwise), earliest, full, compacted-full, snapshot:N, snapshot-full:N,
    /// timestamp:TIME, file-creation-time:TIME or creation-timestamp:TIME
    #[arg(long, value_name = "START", value_parser = start)]
    from: Option<StartupMode>,
    /// latest (when the command starts) or snapshot:N; without it: for ever
    #[arg(long, value_name = "END", value_parser = end)]
    to: Option<End>,
    /// Keep the position with the table under this name, and go on from it
    #[arg(long, value_name = "ID")]
    consumer_id: Option<String>,
    /// When the next snapshot has expired: fail, or skip to the first that is left and say which were passed over
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    on_expired: OnExpired,
    #[command(flatten)]
    sink: SinkArgs,
    /// Make changes complete where the changelog producer is none or input: -U and +U of what was and is, -D of what was
    #[arg(long)]
    normalize: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnExpired {
    Fail,
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Latest,
    Snapshot(i64),
}

pub(crate) async fn run(args: TailArgs, warehouse: &Warehouse) -> Outcome {
    let (table, system) = warehouse.shown_table(&args.table).await?;
    let log = match system {
        Some(SystemTable::Consumers) => return Err(Failure::Usage(format!("{} is no stream: scan it", args.table))),
        Some(SystemTable::ChangeLog(log)) => Some(log),
        None => None,
    };
    follow(&args, (&table, log)).await.map_err(|failure| failure.doing(format!("tailing {}", args.table)))
}

async fn follow(args: &TailArgs, (table, log): (&Table, Option<ChangeLog>)) -> Outcome {
    let schema = shown_schema(table.schema(), log)?;
    let fields = args.sink.fields(&schema)?;
    let condition = condition(&args.sink, &schema)?;
    let mut sink = args.sink.open(&fields, row_kind_column(log))?;
    let mut tail = table.tail().filter(condition).columns(fields.iter().map(|field| field.name.clone()));
    if let Some(from) = args.from {
        tail = tail.from(from);
    }
    if let Some(log) = log {
        tail = tail.shown_as(log);
    }
    if args.normalize {
        tail = tail.normalize();
    }
    if args.on_expired == OnExpired::Skip {
        tail = tail.when_expired(ExpiredSnapshots::Skip);
    }
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
            Some(event) => take(&mut sink, &mut tail, event).await?,
            None => break,
        }
    }
    sink.finish()
}

/// A snapshot is taken care of when its last row is out.
async fn take(sink: &mut Sink, tail: &mut Tail, event: TailEvent) -> Outcome {
    match event {
        TailEvent::Changes(changes) => return sink.write(&changes.rows, Some(&changes.kinds)),
        TailEvent::SnapshotEnd(_) => sink.flush()?,
        TailEvent::Expired(first, last) => {
            eprintln!("passed over snapshots {first} to {last}: they have expired, and their changes are not here");
        }
    }
    let position = tail.position().cloned();
    match position {
        Some(position) => Ok(tail.acknowledge(&position).await?),
        None => Ok(()),
    }
}

fn start(text: &str) -> Result<StartupMode, String> {
    let wrong = || {
        "it is latest, earliest, full, compacted-full, snapshot:N, snapshot-full:N, timestamp:TIME, \
         file-creation-time:TIME or creation-timestamp:TIME"
            .to_owned()
    };
    Ok(match text {
        "latest" => StartupMode::Latest,
        "earliest" => StartupMode::Earliest,
        "full" => StartupMode::LatestFull,
        "compacted-full" => StartupMode::CompactedFull,
        _ => match text.split_once(':').ok_or_else(wrong)? {
            ("snapshot", id) => StartupMode::FromSnapshot(id.parse().map_err(|_| wrong())?),
            ("snapshot-full", id) => StartupMode::FromSnapshotFull(id.parse().map_err(|_| wrong())?),
            ("timestamp", time) => StartupMode::FromTimestamp(time_text::parse(time)?),
            ("file-creation-time", time) => StartupMode::FromFileCreationTime(time_text::parse(time)?),
            ("creation-timestamp", time) => StartupMode::FromCreationTimestamp(time_text::parse(time)?),
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
