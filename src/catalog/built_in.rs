//! The adapters that the program was built with. Each of their files gives way to one of its name
//! on disk, so that a script may be changed and its manifest left as it is.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::disk::{Text, read};
use super::load::Sources;
use crate::adapter::Adapter;
use crate::problem::Problem;

/// An adapter in the program.
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// Its manifest, `<name>.toml`.
    pub manifest: &'static str,
    /// Its script, `<name>.rhai`.
    pub script: &'static str,
}

macro_rules! built_in {
    ($($name:literal)*) => {
        &[$(BuiltIn {
            name: $name,
            manifest: include_str!(concat!("../../adapters/", $name, ".toml")),
            script: include_str!(concat!("../../scripts/", $name, ".rhai")),
        }),*]
    };
}

/// All of them, by name.
pub const ALL: &[BuiltIn] = built_in!("paloalto" "reference" "sosafe" "webroot" "wedo" "wss");

/// Ends what messages call a file that is in the program.
const MARK: &str = " (built in)";

/// The adapter that a file in the program belongs to, by what messages call it.
pub fn vendor_of(file: &Path) -> Option<&str> {
    let file = file.to_str()?.strip_suffix(MARK)?;
    Path::new(file).file_stem()?.to_str()
}

/// Where an adapter's manifest or script is.
#[derive(Debug)]
pub enum Place {
    /// Here, or nowhere.
    Disk(PathBuf),
    /// In the program: what messages call it, and its text.
    BuiltIn(Text),
}

impl Place {
    /// What messages call it.
    pub fn name(&self) -> String {
        match self {
            Self::Disk(path) => path.display().to_string(),
            Self::BuiltIn((name, _)) => name.clone(),
        }
    }

    /// Whether it is in the program.
    pub fn is_built_in(&self) -> bool {
        matches!(self, Self::BuiltIn(_))
    }

    /// Its name and its text.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn text(&self) -> Result<Text, Problem> {
        match self {
            Self::Disk(path) => read(path),
            Self::BuiltIn(text) => Ok(text.clone()),
        }
    }
}

impl Sources {
    /// The adapters in the program that count.
    pub fn built_in(&self) -> &'static [BuiltIn] {
        if self.has_built_in { ALL } else { &[] }
    }

    /// Where a vendor's manifest is.
    pub fn manifest(&self, name: &str) -> Place {
        let path = self.adapters.join(format!("{name}.toml"));
        self.place(name, path, "adapters", |it| it.manifest)
    }

    /// Whether nothing of an adapter is on disk.
    pub fn is_built_in(&self, adapter: &Adapter) -> bool {
        let script = vendor_of(Path::new(&adapter.script.file));
        self.manifest(&adapter.name).is_built_in() && script.is_some()
    }

    /// Where a script is.
    pub fn script(&self, name: &str) -> Place {
        let path = self.scripts.join(format!("{name}.rhai"));
        self.place(name, path, "scripts", |it| it.script)
    }

    fn place(
        &self,
        name: &str,
        path: PathBuf,
        kind: &str,
        text: fn(&BuiltIn) -> &'static str,
    ) -> Place {
        // What is there and cannot be read, a link to nowhere too, is no reason to serve another.
        let found = path.symlink_metadata();
        let is_absent = found.is_err_and(|error| error.kind() == ErrorKind::NotFound);
        let built_in = self.built_in().iter().find(|it| it.name == name);
        match (built_in.filter(|_| is_absent), path.extension()) {
            (Some(built_in), Some(ending)) => {
                let called = format!("{kind}/{name}.{}{MARK}", ending.display());
                Place::BuiltIn((called, text(built_in).to_owned()))
            }
            _ => Place::Disk(path),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_adapter_of_the_house_is_built_in() {
        let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters");
        let files = std::fs::read_dir(house).unwrap().flatten();
        let paths = files.map(|file| file.path());
        let manifests = paths.filter(|path| path.extension().is_some_and(|it| it == "toml"));
        let mut there: Vec<_> = manifests
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        there.sort();
        let built_in: Vec<_> = ALL.iter().map(|adapter| adapter.name).collect();
        assert_eq!(there, built_in);
    }

    #[test]
    fn a_file_on_disk_counts_instead_also_one_that_cannot_be_read() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        let sources = |has_built_in| Sources {
            has_built_in,
            adapters: path("adapters"),
            scripts: path("scripts"),
            tenants: None,
        };
        let script = sources(true).script("wedo");
        assert_eq!(script.name(), "scripts/wedo.rhai (built in)");
        assert_eq!(vendor_of(Path::new(&script.name())), Some("wedo"));
        assert!(sources(true).script("other").text().is_err());
        assert!(sources(false).script("wedo").text().is_err());
        std::fs::create_dir(path("scripts")).unwrap();
        let file = path("scripts/wedo.rhai");
        std::os::unix::fs::symlink(path("nowhere"), &file).unwrap();
        assert!(sources(true).script("wedo").text().is_err());
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, "mine").unwrap();
        assert_eq!(sources(true).script("wedo").text().unwrap().1, "mine");
        assert!(sources(true).manifest("wedo").is_built_in());
    }
}
