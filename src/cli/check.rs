//! `scimgate check`.

use std::io::IsTerminal as _;

use super::{Ending, Trouble, sources};
use crate::adapter::problem::{Severity, counted};
use crate::catalog;
use crate::config::Config;

/// What to look at.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Look at adapters and scripts only; secrets of tenants are not read.
    #[arg(long)]
    no_tenants: bool,
}

/// Loads everything as `serve` would and tells what is wrong with it.
#[expect(clippy::print_stdout, reason = "the answer to the command")]
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let mut sources = sources(config);
    // A new user has adapters before he has a tenant.
    sources.tenants = sources
        .tenants
        .filter(|tenants| !options.no_tenants && tenants.exists());
    let (catalog, report) = catalog::load(&sources);
    print!("{}", report.render(std::io::stdout().is_terminal()));
    let count = |severity| {
        report
            .problems()
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    println!(
        "{}, {}: {}, {}",
        counted(catalog.adapters.len(), "adapter"),
        counted(catalog.tenants.len(), "tenant"),
        counted(errors, "error"),
        counted(warnings, "warning"),
    );
    Ok(if errors == 0 {
        Ending::Done
    } else {
        Ending::Findings
    })
}
