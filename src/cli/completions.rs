//! `scimgate completions`: what a shell asks while somebody types. It is answered by the program
//! itself, which knows the tenants and the vendors.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Arg, Args, Command, CommandFactory as _, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;

use super::{Cli, Ending, Trouble, environment, stored};
use crate::catalog::built_in;
use crate::config::Config;

/// The variable by which the shell's script asks.
const VARIABLE: &str = "COMPLETE";
const PROGRAM: &str = "scimgate";

/// For which shell.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The shell.
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// Writes the shell's script to standard output.
pub(super) fn run(options: &Options) -> Result<Ending, Trouble> {
    let shell = options.shell.to_possible_value();
    let shells = Shells::builtins();
    let completer = shell.and_then(|shell| shells.completer(shell.get_name()));
    let completer =
        completer.ok_or_else(|| Trouble::Internal(anyhow::anyhow!("there is no such shell")))?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)
        .map_err(|error| Trouble::Internal(error.into()))?;
    put!("{}", String::from_utf8_lossy(&script));
    Ok(Ending::Done)
}

/// Answers a shell that asks, and ends the program.
pub fn answer_a_shell() {
    CompleteEnv::with_factory(|| knowing(Cli::command()))
        .var(VARIABLE)
        .complete();
}

/// Offers the tenants and vendors that exist.
fn knowing(command: Command) -> Command {
    let is_tenant = command.get_name() == "tenant";
    let command = command.mut_args(|arg| with_names(arg, false));
    command.mut_subcommands(|verb| {
        let is_new = verb.get_name() == "add";
        knowing(verb).mut_args(|arg| with_names(arg, is_tenant && !is_new))
    })
}

fn with_names(arg: Arg, name_is_a_tenant: bool) -> Arg {
    match arg.get_id().as_str() {
        "tenant" => arg.add(ArgValueCandidates::new(|| candidates(tenants))),
        "name" if name_is_a_tenant => arg.add(ArgValueCandidates::new(|| candidates(tenants))),
        "vendor" | "adapter" | "onboarding" => {
            arg.add(ArgValueCandidates::new(|| candidates(vendors)))
        }
        _ => arg,
    }
}

/// None where there is no configuration: a shell has no place for an error.
fn candidates(names: fn(&Config) -> BTreeSet<String>) -> Vec<CompletionCandidate> {
    let config = Config::load(configuration().as_deref(), environment());
    let names = config.map_or_else(|_| BTreeSet::new(), |config| names(&config));
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// As it is being typed, or in the environment.
fn configuration() -> Option<PathBuf> {
    let words: Vec<_> = std::env::args_os().collect();
    let mut pairs = words.windows(2);
    let typed = pairs.find_map(|pair| match pair {
        [option, file] if option == "-c" || option == "--config" => Some(file.clone()),
        _ => None,
    });
    typed
        .or_else(|| std::env::var_os("SCIMGATE_CONFIG"))
        .map(PathBuf::from)
}

fn tenants(config: &Config) -> BTreeSet<String> {
    let stored = stored::all(config).unwrap_or_default();
    let stored = stored.iter().map(|tenant| tenant.id.to_string());
    stems(&config.catalog.tenants).chain(stored).collect()
}

fn vendors(config: &Config) -> BTreeSet<String> {
    let built_in: &[_] = match config.catalog.built_in {
        true => built_in::ALL,
        false => &[],
    };
    let built_in = built_in.iter().map(|adapter| adapter.name.to_owned());
    stems(&config.catalog.adapters).chain(built_in).collect()
}

fn stems(directory: &std::path::Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    files
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
}
