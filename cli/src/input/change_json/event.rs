//! What one line of a change log says: which rows came, changed or went.
//!
//! Goes in: the text of a line. Comes out: an [`Event`]. What changes no rows (a new or altered table, a marker, a tombstone) gives none.
//! A TRUNCATE is refused: it cannot be said in rows.

use alluvium::RowKind;

use super::super::cell::{Cell, CellKind, RowFailure};
use super::super::json_scan::JsonScan;
use super::super::value::shortened;

/// Who wrote the change log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeFormat {
    /// Debezium, with or without its schema beside the payload.
    Debezium,
    /// Alibaba Canal.
    Canal,
    /// Maxwell's daemon.
    Maxwell,
    /// Oracle GoldenGate.
    Ogg,
}

impl ChangeFormat {
    const ALL: [Self; 4] = [Self::Debezium, Self::Canal, Self::Maxwell, Self::Ogg];

    /// The one that is called so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// As it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debezium => "debezium-json",
            Self::Canal => "canal-json",
            Self::Maxwell => "maxwell-json",
            Self::Ogg => "ogg-json",
        }
    }
}

/// A row of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image {
    /// Its members.
    pub(super) row: Cell,
    /// Members that stand above those of `row`: what an update replaced.
    pub(super) over: Option<Cell>,
}

/// What a line says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// The changes in order.
    pub(super) changes: Vec<(RowKind, Image)>,
    /// Debezium's schema of the payload.
    pub(super) schema: Option<Cell>,
}

impl Event {
    fn push(&mut self, kind: RowKind, row: Cell) {
        self.changes.push((kind, Image { row, over: None }));
    }
}

/// What a line of `format` says.
///
/// # Errors
/// Why it is no event.
pub(super) fn of(format: ChangeFormat, record: &str) -> Result<Event, RowFailure> {
    // What Kafka keeps of a deleted key.
    if record.trim_ascii() == "null" {
        return Ok(Event::default());
    }
    match format {
        ChangeFormat::Debezium => debezium(record),
        ChangeFormat::Canal => canal(record),
        ChangeFormat::Maxwell => maxwell(record),
        ChangeFormat::Ogg => ogg(record),
    }
}

/// The members of these names of an object of the record.
fn members<const N: usize>(record: &str, object: Option<Cell>, names: [&str; N]) -> Result<[Cell; N], RowFailure> {
    let mut cells = [Cell::ABSENT; N];
    let scan = object.map_or_else(|| JsonScan::new(record), |object| JsonScan::within(record, object));
    scan.members(|name, value| {
        if let Some(index) = names.iter().position(|wanted| *wanted == name.text(record)) {
            cells[index] = value;
        }
        Ok::<(), RowFailure>(())
    })?;
    Ok(cells)
}

fn is_there(cell: Cell) -> bool {
    !matches!(cell.kind, CellKind::Absent | CellKind::Null)
}

/// A member that an event of this type has to have.
fn needed(cell: Cell, name: &str, of: &str) -> Result<Cell, RowFailure> {
    if cell.kind == CellKind::Nested {
        return Ok(cell);
    }
    Err(RowFailure::of_row(format!("an event of the type {of} has no {name}")))
}

fn unknown(format: ChangeFormat, member: &str, text: &str) -> RowFailure {
    let (name, shown) = (format.name(), shortened(text));
    RowFailure::of_row(match text {
        "" => format!("it is no event of {name}: it has no {member}"),
        _ => format!("{shown:?} is no {member} of {name}"),
    })
}

fn truncate() -> RowFailure {
    RowFailure::of_row(
        "a TRUNCATE cannot be applied as changes of rows: empty the table with `ingest --overwrite`, or skip it with --on-error skip",
    )
}

fn debezium(record: &str) -> Result<Event, RowFailure> {
    let names = ["op", "before", "after", "schema", "payload", "ddl", "tableChanges"];
    let [mut op, mut before, mut after, schema, payload, mut ddl, mut changes] = members(record, None, names)?;
    let mut event = Event::default();
    if payload.kind == CellKind::Nested {
        [op, before, after, ddl, changes] =
            members(record, Some(payload), ["op", "before", "after", "ddl", "tableChanges"])?;
        event.schema = Some(schema).filter(|schema| schema.kind == CellKind::Nested);
    } else if payload.kind == CellKind::Null && !is_there(op) {
        return Ok(Event::default());
    }
    match op.text(record) {
        "c" | "r" => event.push(RowKind::Insert, needed(after, "after", op.text(record))?),
        "u" => {
            if is_there(before) {
                event.push(RowKind::UpdateBefore, needed(before, "before", "u")?);
            }
            event.push(RowKind::UpdateAfter, needed(after, "after", "u")?);
        }
        "d" => event.push(RowKind::Delete, needed(before, "before", "d")?),
        "t" => return Err(truncate()),
        // A message of the database's log.
        "m" => {}
        "" if is_there(ddl) || is_there(changes) => {}
        other => return Err(unknown(ChangeFormat::Debezium, "op", other)),
    }
    Ok(event)
}

fn canal(record: &str) -> Result<Event, RowFailure> {
    let [of, data, old, is_ddl] = members(record, None, ["type", "data", "old", "isDdl"])?;
    let of = of.text(record);
    let mut event = Event::default();
    match of {
        "TRUNCATE" => return Err(truncate()),
        "INSERT" => {
            images(record, needed(data, "data", of)?)?.into_iter().for_each(|row| event.push(RowKind::Insert, row))
        }
        "DELETE" => {
            images(record, needed(data, "data", of)?)?.into_iter().for_each(|row| event.push(RowKind::Delete, row))
        }
        "UPDATE" => {
            let rows = images(record, needed(data, "data", of)?)?;
            let olds = if is_there(old) { images(record, old)? } else { Vec::new() };
            if !olds.is_empty() && olds.len() != rows.len() {
                let (rows, olds) = (rows.len(), olds.len());
                return Err(RowFailure::of_row(format!("an UPDATE has {rows} rows in data and {olds} in old")));
            }
            for (index, row) in rows.into_iter().enumerate() {
                if let Some(old) = olds.get(index) {
                    event.changes.push((RowKind::UpdateBefore, Image { row, over: Some(*old) }));
                }
                event.push(RowKind::UpdateAfter, row);
            }
        }
        "CREATE" | "ALTER" | "ERASE" | "RENAME" | "QUERY" | "CINDEX" | "DINDEX" => {}
        _ if is_ddl.kind == CellKind::True => {}
        other => return Err(unknown(ChangeFormat::Canal, "type", other)),
    }
    Ok(event)
}

/// The objects of a list.
fn images(record: &str, list: Cell) -> Result<Vec<Cell>, RowFailure> {
    let mut images = Vec::new();
    JsonScan::within(record, list).items(|cell| {
        if cell.kind != CellKind::Nested {
            return Err(format!("{} is no row of an event", shortened(cell.text(record))));
        }
        images.push(cell);
        Ok(())
    })?;
    Ok(images)
}

fn maxwell(record: &str) -> Result<Event, RowFailure> {
    let [of, data, old] = members(record, None, ["type", "data", "old"])?;
    let of = of.text(record);
    let mut event = Event::default();
    match of {
        "insert" | "bootstrap-insert" => event.push(RowKind::Insert, needed(data, "data", of)?),
        "delete" => event.push(RowKind::Delete, needed(data, "data", of)?),
        "update" => {
            let row = needed(data, "data", of)?;
            if is_there(old) {
                event.changes.push((RowKind::UpdateBefore, Image { row, over: Some(needed(old, "old", of)?) }));
            }
            event.push(RowKind::UpdateAfter, row);
        }
        "bootstrap-start" | "bootstrap-complete" => {}
        _ if ["table-", "database-"].iter().any(|prefix| of.starts_with(prefix)) => {}
        other => return Err(unknown(ChangeFormat::Maxwell, "type", other)),
    }
    Ok(event)
}

fn ogg(record: &str) -> Result<Event, RowFailure> {
    let [of, before, after] = members(record, None, ["op_type", "before", "after"])?;
    let of = of.text(record);
    let mut event = Event::default();
    match of {
        "I" => event.push(RowKind::Insert, needed(after, "after", of)?),
        "D" => event.push(RowKind::Delete, needed(before, "before", of)?),
        "U" => {
            let row = needed(after, "after", of)?;
            if is_there(before) {
                // OGG may leave out of either image what did not change.
                event.changes.push((RowKind::UpdateBefore, Image { row, over: Some(needed(before, "before", of)?) }));
            }
            event.push(RowKind::UpdateAfter, row);
        }
        "T" => return Err(truncate()),
        other => return Err(unknown(ChangeFormat::Ogg, "op_type", other)),
    }
    Ok(event)
}
