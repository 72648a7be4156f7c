//! What is not as a transcript has it.

use std::fmt;

use crate::problem::{Problem, line_span};

/// One difference between what a transcript expects and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The kind, as in `deploy/diagnostics.md`.
    pub code: &'static str,
    /// The line of the transcript it is about, from 1.
    pub line: usize,
    /// What it is about: `status`, `userName`, `the call PATCH /users/1: address.city`.
    pub subject: String,
    /// What is written; `None` for nothing.
    pub expected: Option<String>,
    /// What came; `None` for nothing.
    pub found: Option<String>,
}

impl Misfit {
    /// As a problem of the transcript's file, whose text shows the line.
    pub fn problem(&self, file: &str, text: &str) -> Problem {
        let (start, length) = line_span(text, self.line);
        Problem::error(self.code, file, self.sentence())
            .at(start, length)
            .label("not as written")
            .help(self.remedy())
    }

    fn sentence(&self) -> String {
        let or_nothing = |side: &Option<String>| side.clone().unwrap_or("nothing".to_owned());
        let (expected, found) = (or_nothing(&self.expected), or_nothing(&self.found));
        format!("{}: expected {expected}, got {found}", self.subject)
    }

    fn remedy(&self) -> &'static str {
        match self.code {
            "transcript::extra-call" => {
                "mend the script, or write this call and what the vendor answers to it"
            }
            _ => "mend the script, or take over what came with `scimgate test --bless`",
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.sentence())
    }
}
