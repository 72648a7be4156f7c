//! What is not as a transcript has it.

use std::fmt;
use std::ops::Range;

use super::tree::Tree;
use crate::problem::{Problem, line_span, offset_of};

/// A longer value stands in the message only.
const LABEL_MAX: usize = 60;

/// One difference between what a transcript expects and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The kind, as in `deploy/diagnostics.md`.
    pub code: &'static str,
    /// The line of the transcript it is about, from 1.
    pub line: usize,
    /// What it is about: `status`, `userName`, `the call PATCH /users/1: address.city`.
    pub subject: String,
    /// Where in a body: `addresses[0].locality`; `body` for the whole; else empty.
    pub path: String,
    /// What is written; `None` for nothing.
    pub expected: Option<String>,
    /// What came; `None` for nothing.
    pub found: Option<String>,
}

impl Misfit {
    /// As a problem of the transcript's file, whose text shows the place.
    pub fn problem(&self, file: &str, text: &str) -> Problem {
        let place = self.place(text);
        let found = self.found.as_deref().unwrap_or("nothing");
        let label = match found.chars().count() > LABEL_MAX {
            true => "the actual result differs".to_owned(),
            false => format!("got {found}"),
        };
        Problem::error(self.code, file, self.sentence())
            .at(place.start, place.len())
            .label(label)
            .help(self.remedy())
    }

    /// What of the section it is about: a value of the body, a header, the line
    /// below the section's name, or the name.
    fn place(&self, text: &str) -> Range<usize> {
        let line = |number| {
            let (start, length) = line_span(text, number);
            start..start + length
        };
        match self.code {
            "transcript::extra-call" => return line(self.line),
            "transcript::header" => {
                let headers = text.lines().enumerate().skip(self.line + 1);
                let mut headers = headers.take_while(|(_, line)| !line.trim().is_empty());
                let is_it = |line: &str| {
                    let (name, _) = line.split_once(':').unwrap_or_default();
                    name.trim().eq_ignore_ascii_case(&self.subject)
                };
                if let Some((index, _)) = headers.find(|(_, line)| is_it(line)) {
                    return line(index + 1);
                }
            }
            _ => {}
        }
        self.place_in_body(text)
            .unwrap_or_else(|| line(self.line + 1))
    }

    fn place_in_body(&self, text: &str) -> Option<Range<usize>> {
        let start = offset_of(text, self.line + 1, 1);
        let section = text.get(start..).filter(|_| !self.path.is_empty())?;
        let section = section.split("\n### ").next()?;
        let (head, body) = section.split_once("\n\n")?;
        let indent = body.len() - body.trim_start().len();
        let start = start + head.len() + 2 + indent;
        let found = Tree::read(body.trim())?.find(&self.path);
        Some(start + found.start..start + found.end)
    }

    fn sentence(&self) -> String {
        let or_nothing = |side: &Option<String>| side.clone().unwrap_or("nothing".to_owned());
        let (expected, found) = (or_nothing(&self.expected), or_nothing(&self.found));
        format!("{}: expected {expected}, got {found}", self.subject)
    }

    fn remedy(&self) -> &'static str {
        match self.code {
            "transcript::extra-call" => {
                "fix the script, or write this call and what the vendor answers to it"
            }
            _ => "fix the script, or accept the new result with `scimgate test --bless`",
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.sentence())
    }
}
