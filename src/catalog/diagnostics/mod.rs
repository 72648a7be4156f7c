//! Problems as people and tools read them.

mod allow;
mod human;
mod machine;

use std::collections::BTreeMap;

use crate::problem::{Problem, Severity};

/// How many problems of one kind are shown for a file.
const MOST: usize = 50;

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

    /// Adds problems. A file can hold thousands of one kind: further ones are only counted.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        let mut counts: BTreeMap<(&str, String), (usize, Severity)> = BTreeMap::new();
        for problem in problems {
            let kind = (problem.code, problem.file.clone());
            let (count, _) = counts.entry(kind).or_insert((0, problem.severity));
            *count += 1;
            if *count <= MOST {
                self.problems.push(problem);
            }
        }
        for ((code, file), (count, severity)) in counts {
            if let Some(more) = count.checked_sub(MOST).filter(|more| *more > 0) {
                let message = format!("{more} more of this kind");
                let problem =
                    Problem::error(code, &file, message).help("correct those above first");
                self.problems.push(Problem {
                    severity,
                    ..problem
                });
            }
        }
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

    /// How many there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        let problems = self.problems.iter();
        problems.filter(|it| it.severity == severity).count()
    }

    /// Leaves out what is not wanted.
    pub fn retain(&mut self, wanted: impl FnMut(&Problem) -> bool) {
        self.problems.retain(wanted);
    }

    /// A file's text as it was kept.
    pub fn text_of(&self, file: &str) -> Option<&str> {
        self.sources.get(file).map(String::as_str)
    }

    /// Line and column, from 1, of where a problem begins and of where it ends,
    /// if it has a place.
    pub fn place(&self, problem: &Problem) -> Option<[(usize, usize); 2]> {
        let (start, length) = problem.span?;
        let text = self.sources.get(&problem.file)?;
        Some([place_of(text, start)?, place_of(text, start + length)?])
    }
}

fn place_of(text: &str, offset: usize) -> Option<(usize, usize)> {
    let before = text.get(..offset)?;
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    Some((line, last.chars().count() + 1))
}
