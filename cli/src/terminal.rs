//! What standard output and standard error are connected to.

use std::io::{self, IsTerminal};

use console::Term;

/// Columns where there is no terminal to ask.
const WIDTH_DEFAULT: usize = 150;
/// A picture needs some room, however narrow the window.
const WIDTH_MIN: usize = 60;

/// Whether a person sees the output.
pub(crate) fn output_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the output.
pub(crate) fn output_width() -> usize {
    let size = Term::stdout().size_checked();
    size.map_or(WIDTH_DEFAULT, |(_, columns)| usize::from(columns)).max(WIDTH_MIN)
}
