//! CPU for a request as bars, in SVG.

use std::fmt::Write as _;

use super::rounds::Measured;
use super::tables::{micros, ratio};

const COLOURS: [&str; 4] = ["#1f77b4", "#7f7f7f", "#2ca02c", "#ff7f0e"];
const WIDTH: f64 = 760.0;
/// Where the bars begin, and how far they may reach.
const LEFT: f64 = 130.0;
const REACH: f64 = 470.0;
const BAR: f64 = 16.0;
const TOP: f64 = 70.0;

/// The cases with so many requests at once. A bar is as long as its CPU in units of the second side's,
/// because a page costs so much more than a user.
pub(crate) fn bars(measured: &Measured, together: usize) -> String {
    let cases = 0..measured.cases.len();
    let cases: Vec<usize> = cases
        .filter(|case| measured.cases[*case].1 == together)
        .collect();
    let sides = measured.names.len();
    let cpu = |case, side| measured.cost(case, side, |it| it.cpu);
    let units = |case, side| measured.ratio(case, (side, 1), |it| it.cpu);
    let all = cases
        .iter()
        .flat_map(|&case| (0..sides).map(move |side| units(case, side)));
    let unit = REACH / all.fold(1.0, f64::max);
    let group = BAR * (sides as f64 + 1.0);
    let height = TOP + group * cases.len() as f64 + 10.0;
    let mut svg = opened(measured, together, height);
    for (place, &case) in cases.iter().enumerate() {
        let top = TOP + group * place as f64;
        let middle = top + BAR * (sides as f64 / 2.0 + 0.25);
        let deed = measured.cases[case].0;
        let right = LEFT - 10.0;
        writeln!(
            svg,
            r#"<text x="{right}" y="{middle:.1}" text-anchor="end">{deed}</text>"#
        )
        .unwrap();
        for side in 0..sides {
            let (y, long) = (top + BAR * side as f64, unit * units(case, side));
            let words = format!(
                "{} µs ({})",
                micros(cpu(case, side)),
                ratio(units(case, side))
            );
            svg += &bar(y, long, COLOURS[side % COLOURS.len()], &words);
        }
    }
    svg + "</svg>\n"
}

fn opened(measured: &Measured, together: usize, height: f64) -> String {
    let second = measured.names[1];
    let title = format!("CPU for a request, with {together} at once");
    let about = format!(
        "In microseconds; in brackets, and as length of the bar: how many times what “{second}” needs."
    );
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" font-family="sans-serif" font-size="12">
<title>{title}</title>
<desc>{about}</desc>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="10" y="20" font-size="15">{title}</text>
<text x="10" y="38">{about}</text>
"##
    );
    for (side, name) in measured.names.iter().enumerate() {
        let (x, colour) = (LEFT + 120.0 * side as f64, COLOURS[side % COLOURS.len()]);
        writeln!(
            svg,
            r#"<rect x="{x}" y="48" width="11" height="11" fill="{colour}"/>"#
        )
        .unwrap();
        writeln!(svg, r#"<text x="{}" y="58">{name}</text>"#, x + 16.0).unwrap();
    }
    svg
}

fn bar(y: f64, long: f64, colour: &str, words: &str) -> String {
    let (high, after, base) = (BAR - 3.0, LEFT + long + 6.0, y + BAR - 6.0);
    format!(
        r#"<rect x="{LEFT}" y="{y}" width="{long:.1}" height="{high}" fill="{colour}"/>
<text x="{after:.1}" y="{base}" font-size="11">{words}</text>
"#
    )
}
