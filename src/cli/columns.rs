//! Text in columns, each as wide as its widest cell.

use serde_json::Value;

/// What the lines of a row that is wider than the terminal begin with, but the first.
pub(super) const INDENT: usize = 4;

/// As much of the last column as must fit into the line.
const LEAST: usize = 24;

/// How wide each column is. At a terminal that is narrower than all of them, a row is continued on the next
/// line, at the same column in every row.
pub(super) struct Columns {
    widths: Vec<usize>,
    terminal: Option<usize>,
}

impl Columns {
    /// None yet, for what goes to stdout.
    pub(super) fn new() -> Self {
        let size = terminal_size::terminal_size_of(std::io::stdout());
        Self {
            widths: Vec::new(),
            terminal: size.map(|(width, _)| width.0.into()),
        }
    }

    /// Makes room for these rows too.
    pub(super) fn fit(&mut self, rows: &[Vec<String>]) {
        for row in rows {
            self.widths.resize(self.widths.len().max(row.len()), 0);
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
    }

    /// Cells with two spaces between, without spaces at the ends of lines.
    pub(super) fn row(&self, cells: &[String]) -> String {
        let mut text = String::new();
        let mut line = String::new();
        let mut at = 0;
        for (place, (cell, width)) in cells.iter().zip(&self.widths).enumerate() {
            // The last column is text that the terminal itself breaks.
            let is_last = place + 1 == self.widths.len();
            let least = if is_last { *width.min(&LEAST) } else { *width };
            let is_past = self.terminal.is_some_and(|terminal| at + least > terminal);
            if is_past && at > INDENT {
                text = text + line.trim_end() + "\n";
                line = " ".repeat(INDENT);
                at = INDENT;
            }
            line.push_str(&format!("{cell:width$}  "));
            at += width + 2;
        }
        text + line.trim_end() + "\n"
    }
}

/// Rows in columns, each as wide as its widest cell.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let mut columns = Columns::new();
    columns.fit(rows);
    rows.iter().map(|row| columns.row(row)).collect()
}

/// The same for programs: an object a line, with the words of the first line as names.
pub(super) fn objects(rows: &[Vec<String>]) -> Value {
    let Some((head, rows)) = rows.split_first() else {
        return Value::Array(Vec::new());
    };
    let name = |cell: &String| cell.trim().to_lowercase().replace(' ', "_");
    let object = |row: &Vec<String>| {
        let cells = head.iter().zip(row);
        let cells = cells.map(|(head, cell)| (name(head), Value::from(cell.trim())));
        Value::Object(cells.collect())
    };
    rows.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let rows = [["a", "b", "c"], ["Zürich", "", "d"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), "a       b  c\nZürich     d\n");
        assert_eq!(aligned(&[]), "");
    }

    #[test]
    fn a_row_that_is_wider_than_the_terminal_is_continued_at_the_same_column_in_each() {
        let rows = [["time", "of", "request"], ["12:00", "acme", "6c7e2a52"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let mut columns = Columns {
            widths: Vec::new(),
            terminal: Some(16),
        };
        columns.fit(&rows);
        let text: String = rows.iter().map(|row| columns.row(row)).collect();
        assert_eq!(text, "time   of\n    request\n12:00  acme\n    6c7e2a52\n");
        columns.terminal = Some(21);
        assert_eq!(columns.row(&rows[0]), "time   of    request\n");
    }
}
