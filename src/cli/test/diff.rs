//! A transcript's result for a person: what was expected and what came, by path.

use crate::problem::{Problem, counted};
use crate::transcript::{Blessing, Misfit, Played};

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// The lines of one transcript.
pub(super) fn written(played: &Played, blessing: Option<&Blessing>, colours: bool) -> String {
    let paint = Paint { colours };
    let calls = counted(played.calls, "call");
    let title = &played.title;
    let mut text = match (played.passed(), blessing) {
        (true, Some(_)) => format!("  {} {title}  ({calls})\n", paint.with(GREEN, "bless")),
        (true, None) => format!("  {}    {title}  ({calls})\n", paint.with(GREEN, "ok")),
        (false, _) => format!("  {}  {title}  ({calls})\n", paint.with(RED, "FAIL")),
    };
    if played.passed() {
        return text;
    }
    text += &format!("        {}\n", played.file);
    for (index, problem) in played.problems.iter().enumerate() {
        let line = paint.with(BOLD, &line_of(played, problem));
        match played.misfits.get(index) {
            Some(misfit) => text += &difference(&line, misfit, &paint),
            None => {
                let help = problem.help.as_deref().unwrap_or_default();
                text += &format!("        {line}{}\n          {help}\n", problem.message);
            }
        }
    }
    if let Some(left) = blessing.and_then(|blessing| blessing.left.as_ref()) {
        text += &format!("        not blessed: {left}\n");
    }
    text
}

/// `line 7  `, or nothing where there is no line.
fn line_of(played: &Played, problem: &Problem) -> String {
    let before = problem.span.and_then(|(start, _)| played.text.get(..start));
    before.map_or(String::new(), |before| {
        format!("line {}  ", before.matches('\n').count() + 1)
    })
}

fn difference(line: &str, misfit: &Misfit, paint: &Paint) -> String {
    let mut text = format!("        {line}{}\n", misfit.subject);
    let sides = [(RED, '-', &misfit.expected), (GREEN, '+', &misfit.found)];
    for (colour, sign, side) in sides {
        for shown in side.iter().flat_map(|side| side.lines()) {
            text += &format!(
                "          {}\n",
                paint.with(colour, &format!("{sign} {shown}"))
            );
        }
    }
    text
}

struct Paint {
    colours: bool,
}

impl Paint {
    fn with(&self, colour: &str, text: &str) -> String {
        match self.colours {
            true => format!("{colour}{text}{PLAIN}"),
            false => text.to_owned(),
        }
    }
}
