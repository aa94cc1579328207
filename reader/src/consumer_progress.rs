//! The position of a consumer, kept with the table: expiry leaves what comes behind it.
//!
//! Goes in: where a stream starts, what it yielded, and what its caller took care of. Comes out: the consumer's file. Invariants: it is
//! there before the first read; it moves past nothing that the caller may still be busy with: with `consumer.mode = exactly-once` when the
//! caller says so, with `at-least-once` when the caller asks for more behind the end of a snapshot. Answers to
//! `StreamTableScan.notifyCheckpointComplete` and `ConsumerManager`.

use alluvium_format::options::scan::ConsumerMode;
use alluvium_format::{Consumer, Error, Result};
use alluvium_store::TableStore;

use crate::stream_position::{Phase, StreamPosition};

/// Whose position is kept, and how far that is.
#[derive(Debug)]
pub(crate) struct ConsumerProgress {
    id: String,
    mode: ConsumerMode,
    /// What the file says.
    saved: Option<Consumer>,
    /// What it is to say soon.
    unsaved: Option<StreamPosition>,
    /// Whether the position in the file counts.
    continues: bool,
}

impl ConsumerProgress {
    /// The consumer of an id, by the options of the table.
    ///
    /// # Errors
    /// `Invalid` for the id or an option; `Corrupt` or `Storage`.
    pub(crate) async fn open(table: &TableStore, id: &str) -> Result<Self> {
        check_id(id)?;
        let saved = table.consumers().find(id).await?;
        let continues = !table.options().consumer_ignore_progress()?;
        Ok(Self { id: id.to_owned(), mode: table.options().consumer_mode()?, saved, unsaved: None, continues })
    }

    /// The snapshot to go on with; `None` for one that starts anew.
    pub(crate) fn next_snapshot(&self) -> Option<i64> {
        let saved = self.saved.as_ref().filter(|saved| self.continues && !saved.full_read)?;
        Some(saved.next_snapshot)
    }

    /// Keeps `next_snapshot` from expiry, before anything is read of it.
    ///
    /// # Errors
    /// `Storage`.
    pub(crate) async fn register(&mut self, table: &TableStore, next_snapshot: i64, phase: Phase) -> Result<()> {
        self.put(table, Consumer { next_snapshot, full_read: phase == Phase::Full }).await
    }

    /// A snapshot was yielded to its end, or holds nothing.
    pub(crate) fn yielded(&mut self, position: StreamPosition) {
        if self.mode == ConsumerMode::AtLeastOnce {
            self.unsaved = Some(position);
        }
    }

    /// The caller asks for more: what was yielded is taken care of.
    ///
    /// # Errors
    /// `Storage`.
    pub(crate) async fn save(&mut self, table: &TableStore) -> Result<()> {
        if let Some(position) = self.unsaved.clone() {
            self.acknowledge(table, &position).await?;
            self.unsaved = None;
        }
        Ok(())
    }

    /// All before a position is taken care of.
    ///
    /// # Errors
    /// `Storage`.
    pub(crate) async fn acknowledge(&mut self, table: &TableStore, position: &StreamPosition) -> Result<()> {
        let is_full = |phase| phase == Phase::Full;
        let full_read = position.unfinished.as_ref().is_some_and(|unfinished| is_full(unfinished.phase));
        self.put(table, Consumer { next_snapshot: position.next_snapshot, full_read }).await
    }

    async fn put(&mut self, table: &TableStore, consumer: Consumer) -> Result<()> {
        if self.saved.as_ref() != Some(&consumer) {
            table.consumers().put(&self.id, &consumer).await?;
            self.saved = Some(consumer);
        }
        Ok(())
    }
}

/// Whether `id` can be part of a file's name.
///
/// # Errors
/// `Invalid` when it cannot.
pub(crate) fn check_id(id: &str) -> Result<()> {
    if id.is_empty() || id.contains(['/', '\\']) || id.starts_with('.') {
        return Err(Error::invalid(format!("{id:?} is no id of a consumer: it is part of a file's name")));
    }
    Ok(())
}
