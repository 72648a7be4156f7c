//! `scimgate init`: creates a directory to run a gateway from. The adapters in it are copies of
//! those that the program was built with.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;

use super::output::Form;
use super::{Ending, Trouble, files};

/// What to make.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The directory; it is made where it is missing.
    directory: PathBuf,
    /// Only the adapters of these vendors; all if not said.
    #[arg(long, value_name = "NAME", value_parser = names())]
    vendor: Vec<String>,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// An adapter in the program.
struct Carried {
    name: &'static str,
    manifest: &'static str,
    script: &'static str,
}

macro_rules! carried {
    ($($name:literal)*) => {
        &[$(Carried {
            name: $name,
            manifest: include_str!(concat!("../../adapters/", $name, ".toml")),
            script: include_str!(concat!("../../scripts/", $name, ".rhai")),
        }),*]
    };
}

const CARRIED: &[Carried] = carried!("paloalto" "reference" "sosafe" "webroot" "wedo" "wss");

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(CARRIED.iter().map(|adapter| adapter.name))
}

/// Writes the files and says what to do next.
pub(super) fn run(options: &Options) -> Result<Ending, Trouble> {
    let directory = &options.directory;
    let files = wanted(options);
    files::write(&files).map_err(Trouble::Config)?;
    let tenants = directory.join("tenants");
    std::fs::create_dir_all(tenants).map_err(|error| Trouble::Internal(error.into()))?;
    let next = format!(
        "\nnext, with the vendor's name and the address it gave you:\n  \
         cd {}\n  export SCIMGATE_CONFIG=scimgate.toml\n  \
         scimgate tenant add NAME --adapter VENDOR --base-url URL\n  \
         scimgate token mint --tenant NAME\n  scimgate serve\n",
        directory.display()
    );
    Ok(files::written(options.format, &files, &next))
}

/// Each file and its text.
fn wanted(options: &Options) -> Vec<(PathBuf, String)> {
    let place = |file: &str| options.directory.join(file);
    let is_named = |adapter: &&Carried| {
        options.vendor.is_empty() || options.vendor.iter().any(|name| name == adapter.name)
    };
    let mut files = vec![
        (
            place("scimgate.toml"),
            include_str!("init/scimgate.toml").to_owned(),
        ),
        (
            place(".gitignore"),
            include_str!("init/gitignore").to_owned(),
        ),
    ];
    // Transcripts are many and stay with the source; without them `check` would complain.
    let allowed =
        "\n# allow: lint::no-transcripts they are part of Scimgate's source tree\ntitle = ";
    for adapter in CARRIED.iter().filter(is_named) {
        let file = |kind: &str, ending: &str| {
            place(kind).join(Path::new(adapter.name).with_extension(ending))
        };
        files.push((
            file("adapters", "toml"),
            adapter.manifest.replacen("\ntitle = ", allowed, 1),
        ));
        files.push((file("scripts", "rhai"), adapter.script.to_owned()));
    }
    files
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_adapter_of_the_house_is_carried() {
        let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters");
        let files = std::fs::read_dir(house).unwrap().flatten();
        let paths = files.map(|file| file.path());
        let manifests = paths.filter(|path| path.extension().is_some_and(|it| it == "toml"));
        let mut there: Vec<_> = manifests
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        there.sort();
        let carried: Vec<_> = CARRIED.iter().map(|adapter| adapter.name).collect();
        assert_eq!(there, carried);
    }
}
