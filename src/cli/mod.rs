//! The command line: one verb a file, and each only wires.

mod adapter;
mod check;
mod completions;
mod definitions;
mod demo;
mod probe;
mod serve;
mod test;
mod token;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::catalog::Sources;
use crate::config::{Config, ConfigProblem};
use crate::telemetry;

/// A SCIM 2.0 gateway: Microsoft Entra ID in front, any vendor's own user API behind.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
#[command(
    after_help = "Exit status: 0 done, 1 something to mend was found, 2 wrong usage, \
    70 the machine or a defect, 78 the configuration."
)]
pub struct Cli {
    /// Configuration file, .toml or .json; without one the defaults and SCIMGATE_* hold.
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        env = "SCIMGATE_CONFIG"
    )]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve SCIM until told to stop.
    Serve,
    /// Look for mistakes in manifests, scripts and tenants without serving.
    Check(check::Options),
    /// Run the vendors' transcripts.
    Test(test::Options),
    /// The vendors there are, and new ones.
    #[command(subcommand)]
    Adapter(adapter::Verb),
    /// Write definition files, by which editors complete and explain scripts.
    Definitions(definitions::Options),
    /// Tenants' tokens.
    #[command(subcommand)]
    Token(token::Verb),
    /// Ask any SCIM endpoint what Entra will ask it, and say whether it answers as Entra needs it.
    Probe(probe::Options),
    /// Print what lets a shell complete these words.
    Completions(completions::Options),
    /// Write manual pages into a directory.
    Man(completions::ManOptions),
    /// Watch an Entra and a vendor of our own making use the gateway; needs no configuration.
    Demo(demo::Options),
}

/// How a verb ended.
enum Ending {
    /// As it should.
    Done,
    /// It was told to stop twice.
    Cut,
    /// There is something to mend; it was told.
    Findings,
}

/// Why a verb could not do its work.
enum Trouble {
    /// The configuration, or something it names.
    Config(anyhow::Error),
    /// The machine or the gateway itself.
    Internal(anyhow::Error),
}

/// Does what was asked. Exit status: 0 done, 1 findings or cut short, 2 usage
/// (by clap), 70 internal, 78 configuration (the two of BSD's `sysexits`).
pub fn run(cli: Cli) -> ExitCode {
    let file = cli.config.as_deref();
    let result = match cli.verb {
        Verb::Serve => configured(file).and_then(|config| serve::run(&config)),
        Verb::Check(options) => read_config(file).and_then(|config| check::run(&config, &options)),
        Verb::Test(options) => read_config(file).and_then(|config| test::run(&config, &options)),
        Verb::Adapter(verb) => read_config(file).and_then(|config| adapter::run(&config, &verb)),
        Verb::Definitions(options) => definitions::run(&options),
        Verb::Token(verb) => read_config(file).and_then(|config| token::run(&config, &verb)),
        Verb::Probe(options) => probe::run(&options),
        Verb::Completions(options) => completions::run(&options),
        Verb::Man(options) => completions::man(&options),
        Verb::Demo(options) => demo::run(&options),
    };
    match result {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Cut | Ending::Findings) => ExitCode::FAILURE,
        Err(Trouble::Config(error)) => report(&error, 78),
        Err(Trouble::Internal(error)) => report(&error, 70),
    }
}

fn report(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("scimgate: {error:#}");
    ExitCode::from(code)
}

/// The configuration, and log lines as it says.
fn configured(file: Option<&Path>) -> Result<Config, Trouble> {
    let config = read_config(file)?;
    telemetry::init(&config.log)
        .map_err(|error| Trouble::Config(anyhow::anyhow!("log.filter: {error}")))?;
    Ok(config)
}

fn read_config(file: Option<&Path>) -> Result<Config, Trouble> {
    Config::load(file, environment()).map_err(|problems| listed(&problems))
}

/// Where the configuration says that everything loadable is.
fn sources(config: &Config) -> Sources {
    Sources {
        adapters: config.catalog.adapters.clone(),
        scripts: config.catalog.scripts.clone(),
        tenants: Some(config.catalog.tenants.clone()),
    }
}

/// The environment, without what is no text: none of it is meant for us.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn listed(problems: &[ConfigProblem]) -> Trouble {
    let lines = problems.iter().map(|problem| format!("\n  {problem}"));
    Trouble::Config(anyhow::anyhow!(
        "the configuration cannot be used:{}",
        lines.collect::<String>()
    ))
}
