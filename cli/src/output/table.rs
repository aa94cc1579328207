//! Rows as a table for people: a page at a time, aligned, cut to the width of the terminal.
//!
//! Goes in: rows, and how wide the table may be. Comes out: a page when it is full or asked for, each under its own header. Memory is
//! bounded: so many rows a page, so many characters a value. Values are shown on one line, control characters as escapes, so that no
//! value moves the cursor.

use alluvium::{DataField, Result, RowKind};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, modifiers, presets};

use super::column::Column;
use super::{ROWKIND, RowKindColumn};

/// Rows a page holds.
const PAGE_ROWS: usize = 1000;
/// Characters a value is cut to where no terminal is narrower.
const CELL_CHARS_MAX: usize = 200;
/// Characters below which no column is cut; rather are columns left out.
const NARROW_CHARS: usize = 10;
/// What a column takes beside its characters: two spaces and a line.
const COLUMN_FRAME_CHARS: usize = 3;
const CUT: char = '…';
const NULL: &str = "NULL";

/// A page in the making.
#[derive(Debug)]
pub(super) struct TablePage {
    names: Vec<String>,
    right: Vec<bool>,
    kinds: RowKindColumn,
    width: Option<u16>,
    rows: Vec<Vec<String>>,
    begun: bool,
    scratch: Vec<u8>,
}

impl TablePage {
    /// The first page of a table of `fields`.
    pub(super) fn new(fields: &[DataField], kinds: RowKindColumn, width: Option<u16>) -> Self {
        let kind_name = (kinds == RowKindColumn::Leading).then(|| ROWKIND.to_owned());
        let names = kind_name.into_iter().chain(fields.iter().map(|field| shown(&field.name))).collect();
        let kind_right = (kinds == RowKindColumn::Leading).then_some(false);
        let right = kind_right.into_iter().chain(fields.iter().map(Column::is_number)).collect();
        Self { names, right, kinds, width, rows: Vec::new(), begun: false, scratch: Vec::new() }
    }

    /// Adds a row, and the page to `out` when it is full.
    ///
    /// # Errors
    /// As [`Column::write_text`].
    pub(super) fn write_row(
        &mut self,
        columns: &[Column<'_>],
        row: usize,
        kind: RowKind,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut cells = Vec::with_capacity(self.names.len());
        if self.kinds == RowKindColumn::Leading {
            cells.push(kind.short_string().to_owned());
        }
        for column in columns {
            if column.is_null(row) {
                cells.push(NULL.to_owned());
                continue;
            }
            self.scratch.clear();
            column.write_text(row, &mut self.scratch)?;
            cells.push(shown(&String::from_utf8_lossy(&self.scratch)));
        }
        self.rows.push(cells);
        if self.rows.len() >= PAGE_ROWS {
            self.flush(out);
        }
        Ok(())
    }

    /// Adds the rows so far to `out` as a page.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        if !self.rows.is_empty() {
            self.draw(out);
        }
    }

    /// Adds what is left to `out`; the header alone when there were no rows.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        if !self.begun || !self.rows.is_empty() {
            self.draw(out);
        }
    }

    fn draw(&mut self, out: &mut Vec<u8>) {
        self.begun = true;
        let natural: Vec<usize> = (0..self.names.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
                cells.max().unwrap_or(0).max(self.names[column].chars().count())
            })
            .collect();
        let layout = layout(&natural, self.width.map(usize::from));
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED).apply_modifier(modifiers::UTF8_ROUND_CORNERS);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(line(&self.names, &layout));
        for row in &self.rows {
            table.add_row(line(row, &layout).into_iter().map(Cell::new));
        }
        for (drawn, shown) in layout.iter().enumerate() {
            let right = matches!(shown, Shown::Column { index, .. } if self.right.get(*index) == Some(&true));
            if let (true, Some(column)) = (right, table.column_mut(drawn)) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        out.extend_from_slice(table.to_string().as_bytes());
        out.push(b'\n');
        self.rows.clear();
    }
}

/// What stands in a place of a drawn line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// A column, cut to so many characters.
    Column { index: usize, chars: usize },
    /// Columns that are left out.
    Gap,
}

/// Which columns are drawn and how wide, when they are so wide by nature. Wide ones are cut first; where that is not enough, those in the
/// middle are left out.
fn layout(natural: &[usize], width: Option<usize>) -> Vec<Shown> {
    let mut chars: Vec<usize> = natural.to_vec();
    let mut left_out = 0;
    if let Some(width) = width {
        let taken = |chars: &[usize]| 1 + chars.iter().map(|chars| chars + COLUMN_FRAME_CHARS).sum::<usize>();
        while taken(&chars) > width {
            let widest = chars.iter().copied().max().unwrap_or(0);
            if widest <= NARROW_CHARS {
                break;
            }
            let next = chars.iter().copied().filter(|chars| *chars < widest).max().unwrap_or(0).max(NARROW_CHARS);
            let count = chars.iter().filter(|chars| **chars == widest).count();
            let over = (taken(&chars) - width).div_ceil(count);
            let cut = widest.saturating_sub(over).max(next);
            chars.iter_mut().filter(|chars| **chars == widest).for_each(|chars| *chars = cut);
        }
        let gap = 1 + COLUMN_FRAME_CHARS;
        while chars.len() > 2 && taken(&chars) + if left_out > 0 { gap } else { 0 } > width {
            chars.remove(chars.len() / 2);
            left_out += 1;
        }
    }
    let before = if left_out == 0 { chars.len() } else { chars.len().div_ceil(2) };
    let mut shown = Vec::with_capacity(chars.len() + 1);
    for (place, chars) in chars.into_iter().enumerate() {
        if place == before {
            shown.push(Shown::Gap);
        }
        let index = if place < before { place } else { place + left_out };
        shown.push(Shown::Column { index, chars });
    }
    shown
}

fn line(cells: &[String], layout: &[Shown]) -> Vec<String> {
    let cell = |shown: &Shown| match shown {
        Shown::Gap => CUT.to_string(),
        Shown::Column { index, chars } => cells.get(*index).map(|cell| cut(cell, *chars)).unwrap_or_default(),
    };
    layout.iter().map(cell).collect()
}

/// At most so many characters, the last of which says that there are more.
fn cut(text: &str, chars: usize) -> String {
    if text.chars().nth(chars).is_none() {
        return text.to_owned();
    }
    text.chars().take(chars.saturating_sub(1)).chain([CUT]).collect()
}

/// A value on one line, within bounds.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (count, char) in text.chars().enumerate() {
        if count == CELL_CHARS_MAX {
            shown.push(CUT);
            break;
        }
        if char.is_control() { shown.extend(char.escape_default()) } else { shown.push(char) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{Shown, cut, layout, shown};

    #[test]
    fn wide_columns_are_cut_before_any_is_left_out() {
        let column = |index, chars| Shown::Column { index, chars };
        assert_eq!(layout(&[5, 50], None), [column(0, 5), column(1, 50)]);
        assert_eq!(layout(&[5, 50], Some(62)), [column(0, 5), column(1, 50)]);
        assert_eq!(layout(&[5, 50], Some(40)), [column(0, 5), column(1, 28)]);
        assert_eq!(layout(&[5, 30, 50], Some(60)), [column(0, 5), column(1, 22), column(2, 22)]);
        let drawn = layout(&[10, 10, 10, 10, 10], Some(45));
        assert_eq!(drawn, [column(0, 10), column(1, 10), Shown::Gap, column(4, 10)]);
        assert_eq!(layout(&[10, 10], Some(1)), [column(0, 10), column(1, 10)]);
    }

    #[test]
    fn no_value_leaves_its_line() {
        assert_eq!(shown("a\nb\u{1b}[2J"), "a\\nb\\u{1b}[2J");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}
