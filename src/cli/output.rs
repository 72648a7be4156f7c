//! How a verb gives its result: for people, or for tools. The result goes to
//! stdout, log lines to stderr.

use std::fmt::Arguments;
use std::io::{IsTerminal, Write as _};

use serde_json::Value;

use super::Ending;
use crate::catalog::diagnostics::Report;
use crate::provisioning::trace::tell::steers_a_line;

/// Prints to stdout, as `print!` does. Whoever reads it may have seen enough (`scimgate check |
/// head`): the verb goes on to its end all the same, for its exit status.
macro_rules! put {
    ($($text:tt)*) => {{ let _ = $crate::cli::output::put(format_args!($($text)*)); }};
}

/// The same with a line break.
macro_rules! put_line {
    ($($text:tt)*) => {{ put!("{}\n", format_args!($($text)*)); }};
}

/// In one piece, so that nobody reads half of a secret. Whether somebody takes it.
pub(super) fn put(text: Arguments<'_>) -> bool {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(with_directions_escaped(text.to_string()).as_bytes());
    written.and_then(|()| stdout.flush()).is_ok()
}

/// What turns the direction of writing, as vendors' values may, is written in JSON's way: a terminal would show
/// another text than there is.
fn with_directions_escaped(text: String) -> String {
    if !text.contains(steers_a_line) {
        return text;
    }
    let letter = |letter: char| match steers_a_line(letter) {
        true => format!("\\u{:04x}", u32::from(letter)),
        false => letter.to_string(),
    };
    text.chars().map(letter).collect()
}

/// The forms of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs; deploy/diagnostics.md has the members.
    Json,
    /// Workflow commands, which GitHub shows beside the lines of a change.
    Github,
}

/// The forms of a result that is about no lines of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// For people.
    #[default]
    Human,
    /// For programs: one JSON document.
    Json,
}

/// A verb that has further ones, of which each gives its result in either form.
#[derive(Debug, clap::Args)]
pub(super) struct InForm<V: clap::Subcommand> {
    #[command(subcommand)]
    pub(super) verb: V,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t, global = true)]
    pub(super) format: Form,
}

impl Form {
    /// Prints a result; each form is made only if it is asked for.
    pub(super) fn put(
        self,
        human: impl FnOnce() -> String,
        json: impl FnOnce() -> Value,
    ) -> Ending {
        match self {
            Self::Human => put!("{}", human()),
            Self::Json => put_line!("{:#}", json()),
        };
        Ending::Done
    }
}

/// Whether to colour what goes to this stream: to a terminal, unless `NO_COLOR`
/// is set (<https://no-color.org>).
pub(super) fn colours(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !refused
}

/// A report in the form asked for.
pub(super) fn written(report: &Report, format: Format) -> String {
    match format {
        Format::Human => report.render(colours(&std::io::stdout())),
        Format::Json => format!("{:#}\n", report.json()),
        Format::Github => report.github(),
    }
}

#[cfg(test)]
mod tests {
    use super::with_directions_escaped;

    #[test]
    fn no_value_turns_the_direction_of_a_line() {
        assert_eq!(
            with_directions_escaped("a\u{202e}b\u{2028}".to_owned()),
            "a\\u202eb\\u2028"
        );
        assert_eq!(
            with_directions_escaped("für \u{1b}[1mada\n".to_owned()),
            "für \u{1b}[1mada\n"
        );
    }
}
