//! `scimgate diff`.

use std::fmt::Write as _;

use super::output::Form;
use super::reach::{Remote, Whereabouts};
use super::{Ending, Trouble};
use crate::catalog::Preview;
use crate::catalog::preview::{Changed, Fate};
use crate::config::Config;

/// What to compare with.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// Exit with status 1 if anything differs.
    #[arg(long)]
    exit_code: bool,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// Tells what a reload of the running gateway would change.
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let remote = Remote::of(config, &options.whereabouts)?;
    let preview: Preview = remote.get("/diff")?;
    (options.format).put(|| human(&preview), || serde_json::json!(preview));
    Ok(if options.exit_code && !preview.is_none() {
        Ending::Findings
    } else {
        Ending::Done
    })
}

fn human(preview: &Preview) -> String {
    let mut text = String::new();
    for problem in &preview.problems {
        text.push_str(&problem.text);
    }
    for (kind, parts) in [("vendor", &preview.vendors), ("tenant", &preview.tenants)] {
        for (name, changed) in parts {
            part(&mut text, kind, name, changed);
        }
    }
    if let Some(fate) = preview.certificate {
        let _written = writeln!(text, "the certificate {}", told(fate));
    }
    if preview.is_none() {
        text.push_str("What is running is what is on disk.\n");
    }
    text
}

fn part(text: &mut String, kind: &str, name: &str, changed: &Changed) {
    // Writing into a String does not fail.
    let _written = writeln!(text, "{kind} {name} {}", told(changed.fate));
    if changed.fate == Fate::Changed && changed.lines.is_empty() {
        text.push_str("  in comments, layout or transcripts only\n");
    }
    for line in &changed.lines {
        let _written = writeln!(text, "  {}", line.what);
        for (sign, side) in [('-', &line.expected), ('+', &line.found)] {
            let _written = side
                .iter()
                .try_for_each(|side| writeln!(text, "    {sign} {side}"));
        }
    }
}

fn told(fate: Fate) -> &'static str {
    match fate {
        Fate::Added => "is new",
        Fate::Changed => "changes",
        Fate::Refused => "would be refused; the last good version stays, if there is one",
        Fate::Removed => "is gone",
    }
}
