//! `scimgate completions` and `scimgate man`: what a package puts beside the program.

use std::io;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Ending, Trouble};

/// For which shell.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The shell.
    shell: Shell,
}

/// Writes the shell's script to standard output.
pub(super) fn run(options: &Options) -> Result<Ending, Trouble> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "scimgate", &mut script);
    put!("{}", String::from_utf8_lossy(&script));
    Ok(Ending::Done)
}

/// Where manual pages go.
#[derive(Debug, Args)]
pub(super) struct ManOptions {
    /// The directory, such as /usr/share/man/man1; it is created if it is missing.
    directory: PathBuf,
}

/// Writes `scimgate.1` and a page for each verb.
pub(super) fn man(options: &ManOptions) -> Result<Ending, Trouble> {
    let directory = &options.directory;
    let written = std::fs::create_dir_all(directory).and_then(|()| {
        pages(
            &Cli::command().disable_help_subcommand(true),
            directory.clone(),
        )
    });
    let told = |error| Trouble::Config(anyhow::anyhow!("{}: {error}", directory.display()));
    written.map(|()| Ending::Done).map_err(told)
}

fn pages(command: &Command, directory: PathBuf) -> io::Result<()> {
    let mut command = command.clone();
    command.build();
    clap_mangen::generate_to(command, directory)
}
