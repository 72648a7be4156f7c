//! `scimgate definitions`.

use std::path::PathBuf;

use anyhow::Context as _;

use super::output::Form;
use super::{Ending, Trouble, files};
use crate::script::definitions::definitions;

/// Where to write.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The directory to write to; it is created if it is missing.
    #[arg(default_value = "definitions")]
    directory: PathBuf,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// Writes what an editor's language server must know of scripts.
pub(super) fn run(options: &Options) -> Result<Ending, Trouble> {
    let directory = &options.directory;
    let mut files = Vec::new();
    for (name, text) in definitions() {
        let path = directory.join(name);
        std::fs::create_dir_all(directory)
            .and_then(|()| std::fs::write(&path, &text))
            .with_context(|| path.display().to_string())
            .map_err(Trouble::Internal)?;
        files.push((path, text));
    }
    Ok(files::written(options.format, &files, ""))
}
