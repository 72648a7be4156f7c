//! A transcript's result for a person: what was expected and what came, by path.

use crate::problem::{Problem, counted};
use crate::transcript::{Blessing, Misfit, Played};

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// The causes printed so far. Each is printed with the first transcript it breaks.
#[derive(Default)]
pub(super) struct Causes(Vec<(String, usize)>);

impl Causes {
    /// The lines of one transcript; none where all that is to be said was said of another one.
    pub(super) fn written(
        &mut self,
        played: &Played,
        blessing: Option<&Blessing>,
        colours: bool,
    ) -> String {
        let known = self.0.iter_mut();
        let mut known = known.filter(|(cause, _)| Some(cause) == played.cause.as_ref());
        if let (Some((_, more)), None) = (known.next(), blessing) {
            *more += 1;
            return String::new();
        }
        self.0.extend(played.cause.clone().map(|cause| (cause, 0)));
        written(played, blessing, colours)
    }

    /// How many more transcripts each cause broke.
    pub(super) fn summary(&self) -> String {
        let broke = self.0.iter().filter(|(_, more)| *more > 0);
        let line = |(cause, more): &(String, usize)| {
            let more = counted(*more, "more transcript");
            format!("  FAIL  {more} by the same cause: {cause}\n")
        };
        broke.map(line).collect()
    }
}

/// The lines of one transcript.
fn written(played: &Played, blessing: Option<&Blessing>, colours: bool) -> String {
    let paint = Paint { colours };
    let calls = counted(played.calls, "call");
    let title = &played.title;
    let mut text = match (played.passed(), blessing) {
        (true, Some(_)) => format!("  {} {title}  ({calls})\n", paint.with(GREEN, "bless")),
        (true, None) => format!("  {}    {title}  ({calls})\n", paint.with(GREEN, "ok")),
        (false, _) => format!("  {}  {title}  ({calls})\n", paint.with(RED, "FAIL")),
    };
    for line in &played.printed {
        text += &format!("        printed: {line}\n");
    }
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
