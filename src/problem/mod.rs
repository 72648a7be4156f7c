//! What is wrong with a file an operator wrote: place, reason, remedy. Plain
//! data, the same for the configuration, manifests, tenants, scripts and
//! transcripts; `catalog::diagnostics` draws it.
//!
//! Each kind has a stable code, `area::kind`; `deploy/diagnostics.md` explains
//! them all ([`manual`]).

mod difference;
pub mod file;
pub mod manual;
pub mod version;
pub mod wording;

pub use difference::{Difference, differences};

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works, and is probably not what was meant.
    Warning,
    /// It is not loaded.
    Error,
}

/// One finding in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// Stable name of the kind, e.g. `script::unknown-attribute`.
    pub code: &'static str,
    /// The file as it was named on load, or whatever else holds it: an
    /// environment variable, say.
    pub file: String,
    /// Bytes of the file it is about: start and length.
    pub span: Option<(usize, usize)>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to say at the place.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

impl Problem {
    /// An error in `file` without a place yet.
    pub fn error(code: &'static str, file: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            file: file.to_owned(),
            span: None,
            message: message.into(),
            label: "here".to_owned(),
            help: None,
        }
    }

    /// The same as a warning.
    pub fn warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }

    /// At this span.
    pub fn at(self, start: usize, length: usize) -> Self {
        Self {
            span: Some((start, length)),
            ..self
        }
    }

    /// With a remedy.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// With the name in `known` that `wrong` is probably meant for, if there is one.
    pub fn meant<'k>(self, wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Self {
        match nearest(wrong, known) {
            Some(meant) => self.help(format!("did you mean `{meant}`?")),
            None => self.help("correct the name, or declare it"),
        }
    }

    /// With words at the place.
    pub fn label(self, label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..self
        }
    }
}

/// A number of things: `1 error`, `2 errors`.
pub fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.message)?;
        self.help.iter().try_for_each(|help| write!(f, " ({help})"))
    }
}

/// The name in `known` nearest to `wrong`, if it is near enough to be meant.
pub fn nearest<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|name| {
            (
                strsim::jaro_winkler(&wrong.to_lowercase(), &name.to_lowercase()),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The byte span of a 1-based line, without the white space around it.
pub fn line_span(text: &str, line: usize) -> (usize, usize) {
    let start = offset_of(text, line, 1);
    let rest = text.get(start..).unwrap_or_default();
    let words = rest.lines().next().unwrap_or_default();
    let indent = words.len() - words.trim_start().len();
    (start + indent, words.trim().len())
}

/// What is meant by a key or word that TOML's reader does not know: it says
/// "unknown field `x`, expected one of `y`, `z`".
pub fn meant_by(message: &str) -> Option<&str> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next().filter(|_| message.starts_with("unknown"))?;
    nearest(wrong, quoted)
}

/// Byte offset of a 1-based line and column (in characters) in `text`.
pub fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let rest = text.get(start..).unwrap_or_default();
    start
        + rest
            .chars()
            .take(column.saturating_sub(1))
            .map(char::len_utf8)
            .sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_near_enough_is_meant() {
        for (message, meant) in [
            (
                "unknown field `per_secnd`, expected one of `burst`, `per_second`",
                Some("per_second"),
            ),
            (
                "unknown variant `vendr`, expected `vendor` or `exclusive`",
                Some("vendor"),
            ),
            (
                "unknown field `x`, expected one of `burst`, `per_second`",
                None,
            ),
            ("missing field `title`", None),
        ] {
            assert_eq!(meant_by(message), meant, "{message}");
        }
    }

    #[test]
    fn a_line_is_found_without_the_white_space_around_it() {
        let text = "a\n  b\u{e9} \n\nd";
        let line = |number| {
            let (start, length) = line_span(text, number);
            &text[start..start + length]
        };
        assert_eq!(
            [line(1), line(2), line(3), line(4), line(9)],
            ["a", "b\u{e9}", "", "d", ""]
        );
    }
}
