//! `scimgate adapter`: the vendors there are, one of them in full, copies, and a new one.

mod copy;
mod list;
mod new;
mod page;
mod show;

use std::io::IsTerminal as _;
use std::path::Path;

use super::output::Form;
use super::{Ending, Trouble, adapters_only};
use crate::catalog::{self, Catalog};
use crate::config::Config;

/// What to do with adapters.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List the vendors.
    List,
    /// Show one vendor: settings, abilities, attributes.
    Show(show::Options),
    /// Copy files of an adapter in the program, to change them.
    Copy(copy::Options),
    /// Write the files of a new vendor: manifest, script, page and a transcript.
    New(new::Options),
}

pub(super) fn run(config: &Config, verb: &Verb, form: Form) -> Result<Ending, Trouble> {
    match verb {
        Verb::List => Ok(list::run(config, form)),
        Verb::Show(options) => show::run(config, options, form),
        Verb::Copy(options) => copy::run(config, options, form),
        Verb::New(options) => new::run(config, options, form),
    }
}

/// The adapters that can be used. Problems of the others go to standard error, and `true` says
/// that there were some.
fn load(config: &Config) -> (Catalog, bool) {
    let (catalog, report) = catalog::load(&adapters_only(config));
    eprint!("{}", report.render(std::io::stderr().is_terminal()));
    (catalog, report.has_errors())
}

/// How many transcripts a vendor has.
fn transcripts(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "http")
        })
        .count()
}
