//! Problems for a person: the lines of the file, and what is wrong with them.

use std::collections::BTreeMap;
use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};

use super::Report;
use crate::problem::{Problem, Severity};

/// So many of each kind are shown with their lines.
const IN_FULL: usize = 3;

impl Report {
    /// The report for a person: with colours where the terminal has them. Of each kind the first
    /// few are shown with the lines they are about, the others in one line each.
    pub fn render(&self, colours: bool) -> String {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let texts = self.problems.iter().map(|problem| {
            let kind = (problem.code, problem.file.as_str());
            let count = counts.entry(kind).or_default();
            *count += 1;
            match *count <= IN_FULL {
                true => self.draw(problem, colours),
                false => self.brief(problem),
            }
        });
        texts.collect()
    }

    fn brief(&self, problem: &Problem) -> String {
        let place = self.place(problem);
        let place = place.map(|[(line, column), _]| format!(":{line}:{column}"));
        let (file, place) = (&problem.file, place.unwrap_or_default());
        format!("{}: {file}{place}: {}\n", problem.code, problem.message)
    }

    /// One of its problems for a person.
    pub fn draw(&self, problem: &Problem, colours: bool) -> String {
        let theme = if colours {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_width(100);
        let mut text = String::new();
        let drawn = Drawn {
            problem,
            source: self.named_source(problem),
        };
        // Writing into a String does not fail.
        let _written = handler.render_report(&mut text, &drawn);
        text.push('\n');
        text
    }

    fn named_source(&self, problem: &Problem) -> Option<NamedSource<String>> {
        let text = self.sources.get(&problem.file)?;
        Some(NamedSource::new(&problem.file, text.clone()))
    }
}

/// One problem in miette's terms.
struct Drawn<'p> {
    problem: &'p Problem,
    /// `None` if the file's text is not to be had.
    source: Option<NamedSource<String>>,
}

impl Drawn<'_> {
    /// Where it can be shown.
    fn place(&self) -> Option<(usize, usize)> {
        self.source.as_ref().and(self.problem.span)
    }
}

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.problem, f)
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place().is_none() {
            write!(f, "{}: ", self.problem.file)?;
        }
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let source = self.source.as_ref()?;
        self.place().map(|_| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (start, length) = self.place()?;
        let label = LabeledSpan::new(Some(self.problem.label.clone()), start, length);
        Some(Box::new(std::iter::once(label)))
    }
}
