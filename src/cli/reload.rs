//! `scimgate reload`.

use super::output::Form;
use super::reach::{Remote, Whereabouts};
use super::{Ending, Trouble};
use crate::catalog::Outcome;
use crate::catalog::standing::{Finding, Part};
use crate::config::Config;

/// How far to go.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    whereabouts: Whereabouts,
    /// Reload even if more than half of the tenants' files are gone at once.
    #[arg(long)]
    force: bool,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// Has the running gateway load everything again and tells what became of it.
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let remote = Remote::of(config, &options.whereabouts)?;
    let path = if options.force {
        "/reload/forced"
    } else {
        "/reload"
    };
    let outcome: Outcome = remote.post(path, None)?;
    (options.format).put(|| human(&outcome), || serde_json::json!(outcome));
    Ok(if outcome.standing.is_well() {
        Ending::Done
    } else {
        Ending::Findings
    })
}

fn human(outcome: &Outcome) -> String {
    let mut text: String = problems(outcome)
        .map(|problem| problem.text.as_str())
        .collect();
    let mut tell = |what: &str, names: &[String]| {
        if !names.is_empty() {
            text.push_str(&format!("{what}: {}\n", names.join(", ")));
        }
    };
    tell("live now", &outcome.taken);
    tell(
        "refused; the last good version stays, if there is one",
        &outcome.refused,
    );
    tell(
        "removed, answered 503 for a while and then 401",
        &outcome.leaving,
    );
    tell("gone", &outcome.removed);
    let Outcome {
        taken,
        refused,
        leaving,
        removed,
        ..
    } = outcome;
    if [taken, refused, leaving, removed]
        .iter()
        .all(|names| names.is_empty())
    {
        text.push_str("nothing has changed\n");
    }
    let (running, millis) = (&outcome.standing.running, outcome.millis);
    text.push_str(&format!("catalog {running}, after {millis} ms\n"));
    text
}

/// All that is wrong, wherever it belongs.
fn problems(outcome: &Outcome) -> impl Iterator<Item = &Finding> {
    let standing = &outcome.standing;
    let tenants = standing.tenants.values().map(|tenant| &tenant.part);
    let parts: Vec<&Part> = standing
        .vendors
        .values()
        .chain(tenants)
        .chain(&standing.certificate)
        .collect();
    let of_parts = parts.into_iter().flat_map(|part| &part.problems);
    of_parts.chain(&standing.problems)
}
