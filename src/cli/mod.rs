//! The command line: one verb a file, and each only wires. `deploy/walk-through.md` has those by
//! which a mapping is changed at work.

#[macro_use]
mod output;

mod adapter;
mod admin;
mod check;
mod columns;
mod completions;
mod config;
mod definitions;
#[cfg(feature = "demo")]
mod demo;
mod diff;
mod dry_run;
mod events;
mod explain;
mod files;
mod init;
mod log;
mod man;
mod named;
mod probe;
mod reach;
mod reload;
mod serve;
mod status;
mod stored;
mod tenant;
mod test;
mod token;

pub use completions::answer_a_shell;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::catalog::Sources;
use crate::catalog::diagnostics::Report;
use crate::config::Config;
use crate::problem::file::without_numbers;
use crate::problem::{Problem, counted};
use output::InForm;

/// A SCIM 2.0 gateway: Microsoft Entra ID in front, any vendor's own user API behind.
#[derive(Debug, Parser)]
#[command(version = env!("SCIMGATE_VERSION"), arg_required_else_help = true)]
#[command(
    after_help = "Exit status: 0 done, 1 a problem was found or the gateway refused, \
    2 wrong usage, 69 no gateway answers, 70 the machine or a defect, \
    78 a mistake in the configuration or in a file that it or the command line names."
)]
pub struct Cli {
    /// Configuration file, .toml or .json; without one, the defaults and the variables SCIMGATE_* apply.
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
    /// Demonstrate the gateway between an emulated Entra and an emulated vendor; needs no configuration.
    #[cfg(feature = "demo")]
    Demo(demo::Options),
    /// Create a directory to run a gateway from: configuration, a place for tenants.
    Init(init::Options),
    /// Serve SCIM until SIGTERM or Ctrl-C.
    Serve,
    /// Check all files that `serve` would load, and list every mistake.
    Check(check::Options),
    /// Test the vendors' scripts against their transcripts.
    Test(test::Options),
    /// Show what requests from Entra would do; nothing is sent and nothing is stored.
    DryRun(dry_run::Options),
    /// Show whether the files on disk are what is running, and how every tenant is doing.
    Status(status::Options),
    /// Show what a reload would change.
    Diff(diff::Options),
    /// Make the running gateway load all files again.
    Reload(reload::Options),
    /// Print the provisioning log: the result of each request, in Entra's terms.
    Log(log::Options),
    /// Explain one request: what happened and why, what Entra does next, and what to do.
    Explain(explain::Options),
    /// List, show or copy the vendors, or create the files of a new one.
    Adapter(InForm<adapter::Verb>),
    /// Write definition files that let editors complete and explain scripts.
    Definitions(definitions::Options),
    /// Create, list and revoke tokens of administrators and of vendors' consoles.
    Admin(InForm<admin::Verb>),
    /// Add, change, list, show, test and remove tenants.
    Tenant(InForm<tenant::Verb>),
    /// Create, list and revoke tenants' tokens, which Entra sends.
    Token(InForm<token::Verb>),
    /// Test whether Entra can work with a SCIM endpoint, by sending what Entra sends.
    Probe(probe::Options),
    /// Print the effective configuration, the reference of all keys, or their schema.
    Config(InForm<config::Verb>),
    /// Print completions for a shell.
    Completions(completions::Options),
    /// Write manual pages into a directory.
    Man(man::Options),
}

/// How a verb ended.
enum Ending {
    /// As it should.
    Done,
    /// It was told to stop twice.
    Cut,
    /// There is something to correct, and it was printed.
    Findings,
}

/// Why a verb could not do its work.
enum Trouble {
    /// The configuration, or something it names.
    Config(anyhow::Error),
    /// No gateway answers.
    Unreachable(anyhow::Error),
    /// The gateway does not do it.
    Refused(anyhow::Error),
    /// The command line, beyond what clap sees.
    Usage(anyhow::Error),
    /// The machine or the gateway itself.
    Internal(anyhow::Error),
}

/// Carries a verb out as configured.
type Run<'r> = &'r dyn Fn(&Config) -> Result<Ending, Trouble>;

/// Does what was asked. Exit status: 0 done, 1 findings, refused or cut short, 2
/// usage (by clap), 69 unreachable, 70 internal, 78 configuration (those of BSD's `sysexits`).
pub fn run(cli: Cli) -> ExitCode {
    let file = cli.config.as_deref();
    let with = |run: Run<'_>| run(&read_config(file)?);
    let result = match cli.verb {
        Verb::Serve => with(&serve::run),
        Verb::Check(options) => checked(file, &options),
        Verb::Test(options) => with(&|config| test::run(config, &options)),
        Verb::Status(options) => with(&|config| status::run(config, &options)),
        Verb::Diff(options) => with(&|config| diff::run(config, &options)),
        Verb::Reload(options) => with(&|config| reload::run(config, &options)),
        Verb::Admin(admin) => with(&|config| admin::run(config, &admin.verb, admin.format)),
        Verb::DryRun(options) => with(&|config| dry_run::run(config, &options)),
        Verb::Adapter(of) => with(&|config| adapter::run(config, &of.verb, of.format)),
        Verb::Definitions(options) => definitions::run(&options),
        Verb::Token(of) => with(&|config| token::run(config, &of.verb, of.format)),
        Verb::Tenant(of) => with(&|config| tenant::run(config, &of.verb, of.format)),
        Verb::Probe(options) => probe::run(&options),
        Verb::Init(options) => init::run(&options),
        Verb::Config(of) => config::run(file, &of.verb, of.format),
        Verb::Completions(options) => completions::run(&options),
        Verb::Man(options) => man::run(&options),
        Verb::Log(options) => with(&|config| log::run(config, &options)),
        Verb::Explain(options) => with(&|config| explain::run(config, &options)),
        #[cfg(feature = "demo")]
        Verb::Demo(options) => demo::run(&options),
    };
    match result {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Cut | Ending::Findings) => ExitCode::FAILURE,
        Err(Trouble::Config(error)) => report(&error, 78),
        Err(Trouble::Refused(error)) => report(&error, 1),
        Err(Trouble::Unreachable(error)) => report(&error, 69),
        Err(Trouble::Usage(error)) => report(&error, 2),
        Err(Trouble::Internal(error)) => report(&error, 70),
    }
}

fn report(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("scimgate: {}", without_numbers(&format!("{error:#}")));
    ExitCode::from(code)
}

/// Carries out what a verb waits for.
fn event_loop() -> Result<Runtime, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.context("no event loop").map_err(Trouble::Internal)
}

fn read_config(file: Option<&Path>) -> Result<Config, Trouble> {
    Config::load(file, environment()).map_err(|problems| unusable(&told(file, problems)))
}

/// `check` tells of the configuration in the form it was asked for.
fn checked(file: Option<&Path>, options: &check::Options) -> Result<Ending, Trouble> {
    if let Some(code) = &options.explain {
        return check::explain(code);
    }
    match Config::load(file, environment()) {
        Ok(config) => check::run(&config, options),
        Err(problems) => {
            let report = told(file, problems);
            check::unusable(&report, options);
            Err(unusable(&report))
        }
    }
}

/// What is wrong with a configuration, with its text.
fn told(file: Option<&Path>, problems: Vec<Problem>) -> Report {
    let mut report = Report::default();
    let text = file.and_then(|file| {
        Some((
            file.display().to_string(),
            std::fs::read_to_string(file).ok()?,
        ))
    });
    text.iter().for_each(|source| report.source(source));
    report.extend(problems);
    report
}

fn unusable(report: &Report) -> Trouble {
    let problems = report.render(output::colours(&std::io::stderr()));
    let count = counted(report.problems().len(), "problem");
    Trouble::Config(anyhow::anyhow!(
        "the configuration cannot be used: {count}\n\n{}",
        problems.trim_end()
    ))
}

/// Where the configuration says that adapters are.
fn adapters_only(config: &Config) -> Sources {
    Sources {
        tenants: None,
        ..config.catalog.sources()
    }
}

/// The environment, without what is no text: none of it is meant for us.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
