//! Problems as people and tools read them.

use std::collections::BTreeMap;
use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};

use crate::adapter::problem::{Problem, Severity};

/// What loading found, with the texts it is about.
#[derive(Debug, Default)]
pub struct Report {
    problems: Vec<Problem>,
    sources: BTreeMap<String, String>,
}

impl Report {
    /// Keeps a file's text, to show its lines.
    pub fn source(&mut self, (file, text): &(String, String)) {
        self.sources.insert(file.clone(), text.clone());
    }

    /// Adds problems.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.problems.extend(problems);
    }

    /// Adds another report.
    pub fn absorb(&mut self, other: Self) {
        self.problems.extend(other.problems);
        self.sources.extend(other.sources);
    }

    /// The same, with errors told as warnings.
    pub fn as_warnings(self) -> Self {
        let problems = self.problems.into_iter().map(Problem::warning);
        Self {
            problems: problems.collect(),
            ..self
        }
    }

    /// All of them, in the order found.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether something was not loaded.
    pub fn has_errors(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }

    /// The report for a person: with colours where the terminal has them.
    pub fn render(&self, colours: bool) -> String {
        let texts = self
            .problems
            .iter()
            .map(|problem| self.draw(problem, colours));
        texts.collect()
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

    /// 1-based line and column of a problem, if it has a place.
    pub fn place(&self, problem: &Problem) -> Option<(usize, usize)> {
        let (start, _) = problem.span?;
        let before = self.sources.get(&problem.file)?.get(..start)?;
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        Some((line, column))
    }

    fn named_source(&self, problem: &Problem) -> NamedSource<String> {
        let text = self.sources.get(&problem.file).cloned().unwrap_or_default();
        NamedSource::new(&problem.file, text)
    }
}

/// One problem in miette's terms.
struct Drawn<'p> {
    problem: &'p Problem,
    source: NamedSource<String>,
}

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.problem, f)
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.problem.span.is_none() {
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
        self.problem.span.map(|_| &self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (start, length) = self.problem.span?;
        let label = LabeledSpan::new(Some(self.problem.label.clone()), start, length);
        Some(Box::new(std::iter::once(label)))
    }
}
