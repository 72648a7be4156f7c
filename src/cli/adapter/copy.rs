//! `scimgate adapter copy`: the files of an adapter in the program, to be changed.

use super::super::output::Form;
use super::super::{Ending, Trouble, files};
use crate::catalog::built_in;
use crate::config::Config;

/// What to copy.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Options {
    /// The vendors.
    #[arg(required = true, value_parser = names())]
    vendor: Vec<String>,
    /// Only the script; the manifest in the program stays.
    #[arg(long)]
    script: bool,
}

fn names() -> clap::builder::PossibleValuesParser {
    built_in::ALL.iter().map(|adapter| adapter.name).into()
}

/// Transcripts are many and stay with the source; without them `check` would complain.
const ALLOWED: &str =
    "\n# allow: lint::no-transcripts they are part of Scimgate's source tree\ntitle = ";

/// Writes the files, which count from then on.
pub(super) fn run(config: &Config, options: &Options, form: Form) -> Result<Ending, Trouble> {
    let catalog = &config.catalog;
    let wanted = |it: &&built_in::BuiltIn| options.vendor.iter().any(|name| name == it.name);
    let mut copies = Vec::new();
    for adapter in built_in::ALL.iter().filter(wanted) {
        let name = adapter.name;
        if !options.script {
            let manifest = adapter.manifest.replacen("\ntitle = ", ALLOWED, 1);
            copies.push((catalog.adapters.join(format!("{name}.toml")), manifest));
        }
        let script = catalog.scripts.join(format!("{name}.rhai"));
        copies.push((script, adapter.script.to_owned()));
    }
    files::write(&copies).map_err(Trouble::Config)?;
    let next = "from now on the gateway uses these files instead of those in the program\n";
    Ok(files::written(form, &copies, next))
}
