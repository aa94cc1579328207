//! How far long work is: a bar on a terminal, a line now and then otherwise; on standard error.

use std::sync::{Arc, Mutex, PoisonError};
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
    /// What the steps are.
    steps: String,
    said: Arc<Mutex<Instant>>,
}

impl Progress {
    /// Of rows from inputs of so many bytes; `None` when nobody knows how many.
    pub(crate) fn of_rows(bytes_total: Option<u64>) -> Self {
        let template = match bytes_total {
            Some(_) => "{bar:30} {percent}%  {bytes}/{total_bytes}  {msg}  {eta} left",
            None => "{spinner} {bytes}  {msg}",
        };
        Self::new(bytes_total, template, "rows")
    }

    /// Of `what`, step by step.
    pub(crate) fn of_steps(what: &str) -> Self {
        Self::new(Some(0), &format!("{{bar:30}} {{human_pos}}/{{human_len}} {what}  {{eta}} left"), what)
    }

    fn new(length: Option<u64>, template: &str, steps: &str) -> Self {
        let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK_EVERY);
        let now = Instant::now();
        Self { bar, started: now, steps: steps.to_owned(), said: Arc::new(Mutex::new(now)) }
    }

    /// So many rows have been read, and so many bytes for them.
    pub(crate) fn rows(&self, rows: u64, bytes_read: u64) {
        let seconds = self.started.elapsed().as_secs().max(1);
        let rate = count_of(rows / seconds);
        if !self.bar.is_hidden() {
            self.bar.set_position(bytes_read);
            self.bar.set_message(format!("{} rows, {rate} rows/s", count_of(rows)));
        } else if self.is_time_for_a_line() {
            say(format_args!("{} rows, {}, {rate} rows/s", count_of(rows), bytes(bytes_read)));
        }
    }

    /// `done` of `all` steps are done.
    pub(crate) fn step(&self, done: usize, all: usize) {
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
        if self.bar.is_hidden() && done < all && self.is_time_for_a_line() {
            say(format_args!("{} of {} {}", count_of(done as u64), count_of(all as u64), self.steps));
        }
    }

    fn is_time_for_a_line(&self) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = said.elapsed() >= LINE_EVERY;
        if is_time {
            *said = Instant::now();
        }
        is_time
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
