//! `scimgate init`: creates a directory to run a gateway from.

use std::path::PathBuf;

use super::output::Form;
use super::{Ending, Trouble, files};

/// What to make.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The directory; it is created if it is missing.
    directory: PathBuf,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// Writes the files and says what to do next.
pub(super) fn run(options: &Options) -> Result<Ending, Trouble> {
    let directory = &options.directory;
    let file = |name: &str, text: &str| (directory.join(name), text.to_owned());
    let files = [
        file("scimgate.toml", include_str!("init/scimgate.toml")),
        file(".gitignore", include_str!("init/gitignore")),
    ];
    files::write(&files).map_err(Trouble::Config)?;
    let tenants = directory.join("tenants");
    std::fs::create_dir_all(tenants).map_err(|error| Trouble::Internal(error.into()))?;
    let enter = match directory.as_os_str() == "." {
        true => String::new(),
        false => format!("  cd {}\n", directory.display()),
    };
    let next = format!(
        "\nnext, with a vendor of `scimgate adapter list` and the address it gave you:\n\
         {enter}  export SCIMGATE_CONFIG=scimgate.toml\n  \
         scimgate tenant add NAME --adapter VENDOR --base-url URL\n  \
         scimgate token mint --tenant NAME\n  scimgate serve\n"
    );
    Ok(files::written(options.format, &files, &next))
}
