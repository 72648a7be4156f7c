//! What was measured, in Markdown.

use std::fmt::Write as _;

use super::rounds::{Cost, Measured};

/// CPU of all threads for a request, and the first side's in units of each other's.
pub(crate) fn cpu(measured: &Measured) -> String {
    let names = &measured.names;
    let mut head = case_head();
    head.extend(names.iter().map(|name| format!("{name}, µs")));
    head.extend(names.iter().skip(1).map(|name| format!("of {name}")));
    let rows = (0..measured.cases.len()).map(|case| {
        let mut row = case_cells(measured, case);
        row.extend((0..names.len()).map(|side| micros(measured.cost(case, side, |it| it.cpu))));
        row.extend(
            (1..names.len()).map(|other| ratio(measured.ratio(case, (0, other), |it| it.cpu))),
        );
        row
    });
    table(&head, rows)
}

/// How long an answer took. The last column is the p99 of the first side in units of the second's.
pub(crate) fn latency(measured: &Measured) -> String {
    let names = &measured.names;
    let mut head = case_head();
    head.extend(names.iter().map(|name| format!("{name}, p50 and p99, ms")));
    head.extend(names.get(1).map(|name| format!("p99, of {name}")));
    let rows = (0..measured.cases.len()).map(|case| {
        let mut row = case_cells(measured, case);
        row.extend((0..names.len()).map(|side| {
            let millis = |of| measured.cost(case, side, of) / 1e3;
            format!("{:.2}, {:.2}", millis(|it| it.p50), millis(|it| it.p99))
        }));
        row.extend(
            names
                .get(1)
                .map(|_| ratio(measured.ratio(case, (0, 1), |it| it.p99))),
        );
        row
    });
    table(&head, rows)
}

/// How often a thread waited, and the vendor was called, for a request.
pub(crate) fn waits(measured: &Measured) -> String {
    let names = &measured.names;
    let mut head = case_head();
    head.extend(names.iter().map(|name| format!("{name}, waits")));
    head.extend(names.iter().map(|name| format!("{name}, calls")));
    let rows = (0..measured.cases.len()).map(|case| {
        let cells = |of, digits| {
            let sides = 0..names.len();
            sides.map(move |side| format!("{:.digits$}", measured.cost(case, side, of)))
        };
        let mut row = case_cells(measured, case);
        row.extend(cells(|it: &Cost| it.waits, 3));
        row.extend(cells(|it: &Cost| it.calls, 1));
        row
    });
    table(&head, rows)
}

/// Memory, and the time until the first answer.
pub(crate) fn starts(measured: &Measured) -> String {
    let head = ["", "ready, ms", "memory at rest, MB", "at most, MB"];
    let rows = (0..measured.names.len()).map(|side| {
        vec![
            measured.names[side].to_owned(),
            format!("{:.0}", measured.start(side, |it| it.ready)),
            format!("{:.1}", measured.start(side, |it| it.at_rest)),
            format!("{:.1}", measured.start(side, |it| it.at_most)),
        ]
    });
    table(&head.map(str::to_owned), rows)
}

/// CPU for a request, and for each further user or member since the row above: the same in all rows, if
/// the cost is linear.
pub(crate) fn growth(measured: &Measured) -> String {
    let names = &measured.names;
    let mut head = vec![String::new()];
    head.extend(names.iter().map(|name| format!("{name}, µs")));
    head.extend(names.iter().map(|name| format!("{name}, µs each further")));
    let rows = (0..measured.cases.len()).map(|case| {
        let cpu = |case, side| measured.cost(case, side, |it| it.cpu);
        let count = |case: usize| measured.cases[case].0.count() as f64;
        let mut row = vec![measured.cases[case].0.to_string()];
        row.extend((0..names.len()).map(|side| micros(cpu(case, side))));
        row.extend((0..names.len()).map(|side| match case.checked_sub(1) {
            Some(above) if count(above) < count(case) => {
                let more = cpu(case, side) - cpu(above, side);
                format!("{:.2}", more / (count(case) - count(above)))
            }
            _ => String::new(),
        }));
        row
    });
    table(&head, rows)
}

/// CPU for a request of the same sides in two ways of measuring.
pub(crate) fn two_ways(ways: [(&str, &Measured); 2]) -> String {
    let names = &ways[0].1.names;
    let mut head = case_head();
    for (way, _) in ways {
        head.extend(names.iter().map(|name| format!("{name}, {way}, µs")));
        head.extend(names.iter().skip(1).map(|name| format!("of {name}, {way}")));
    }
    let rows = (0..ways[0].1.cases.len()).map(|case| {
        let mut row = case_cells(ways[0].1, case);
        for (_, measured) in ways {
            let (cpu, ratios) = (0..names.len(), 1..names.len());
            row.extend(cpu.map(|side| micros(measured.cost(case, side, |it| it.cpu))));
            row.extend(ratios.map(|other| ratio(measured.ratio(case, (0, other), |it| it.cpu))));
        }
        row
    });
    table(&head, rows)
}

fn case_head() -> Vec<String> {
    vec![String::new(), "at once".to_owned()]
}

fn case_cells(measured: &Measured, case: usize) -> Vec<String> {
    let (deed, together) = measured.cases[case];
    vec![deed.to_string(), together.to_string()]
}

pub(crate) fn micros(value: f64) -> String {
    let digits = usize::from(value < 100.0);
    format!("{value:.digits$}")
}

pub(crate) fn ratio(value: f64) -> String {
    format!("{value:.2}")
}

pub(crate) fn table(head: &[String], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = format!(
        "| {} |\n|---|{}\n",
        head.join(" | "),
        "---:|".repeat(head.len() - 1)
    );
    for row in rows {
        writeln!(text, "| {} |", row.join(" | ")).unwrap();
    }
    text
}
