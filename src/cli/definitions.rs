//! `scimgate definitions`.

use std::path::PathBuf;

use anyhow::Context as _;

use super::{Ending, Trouble};
use crate::script::definitions::definitions;

/// Where to write.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The directory to write to; it is created if it is missing.
    #[arg(default_value = "definitions")]
    directory: PathBuf,
}

/// Writes what an editor's language server must know of scripts.
#[expect(clippy::print_stdout, reason = "the answer to the command")]
pub(super) fn run(options: &Options) -> Result<Ending, Trouble> {
    let directory = &options.directory;
    for (name, text) in definitions() {
        let path = directory.join(name);
        std::fs::create_dir_all(directory)
            .and_then(|()| std::fs::write(&path, text))
            .with_context(|| path.display().to_string())
            .map_err(Trouble::Internal)?;
        println!("wrote {}", path.display());
    }
    Ok(Ending::Done)
}
