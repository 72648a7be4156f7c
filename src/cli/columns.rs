//! Text in columns, each as wide as its widest cell.

use serde_json::Value;

/// Lines of cells with two spaces between, without spaces at their ends.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row: &Vec<String>| row.get(column));
        cells
            .map(|cell: &String| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
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
}
