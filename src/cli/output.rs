//! How a verb gives its result: for people, or for tools. The result goes to
//! stdout, log lines to stderr.

use std::io::IsTerminal;

use crate::catalog::diagnostics::Report;

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
