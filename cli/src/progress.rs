//! How far long work is: a bar on a terminal, a line now and then otherwise; on standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use crate::failure::say;
use crate::quantity::{bytes, count_of};

/// Where there is no terminal, a line comes so often.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// On a terminal, the bar moves so often.
const TICK_EVERY: Duration = Duration::from_millis(200);

/// The progress of one piece of work. Clones show the same.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
    said: Instant,
}

impl Progress {
    /// Of rows from inputs of so many bytes; `None` when nobody knows how many.
    pub(crate) fn of_rows(bytes_total: Option<u64>) -> Self {
        let template = match bytes_total {
            Some(_) => "{bar:30} {percent}%  {bytes}/{total_bytes}  {msg}  {eta} left",
            None => "{spinner} {bytes}  {msg}",
        };
        Self::new(bytes_total, template)
    }

    /// Of `what`, step by step.
    pub(crate) fn of_steps(what: &str) -> Self {
        Self::new(Some(0), &format!("{{bar:30}} {{pos}}/{{len}} {what}  {{eta}} left"))
    }

    fn new(length: Option<u64>, template: &str) -> Self {
        let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK_EVERY);
        let now = Instant::now();
        Self { bar, started: now, said: now }
    }

    /// So many rows have been read, and so many bytes for them.
    pub(crate) fn rows(&mut self, rows: u64, bytes_read: u64) {
        let seconds = self.started.elapsed().as_secs().max(1);
        let rate = count_of(rows / seconds);
        if !self.bar.is_hidden() {
            self.bar.set_position(bytes_read);
            self.bar.set_message(format!("{} rows, {rate} rows/s", count_of(rows)));
        } else if self.said.elapsed() >= LINE_EVERY {
            self.said = Instant::now();
            say(format_args!("{} rows, {}, {rate} rows/s", count_of(rows), bytes(bytes_read)));
        }
    }

    /// `done` of `all` steps are done.
    pub(crate) fn step(&self, done: usize, all: usize) {
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
