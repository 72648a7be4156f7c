//! A directory to run the binary in, as an operator has one.

use std::path::Path;
use std::process::{Command, Output};

use scimgate::demo::emulator::sosafe;
use tempfile::TempDir;

use crate::harness::copy_edited;

/// A directory with adapters, scripts and tenants, and the binary in it.
pub(crate) struct House {
    directory: TempDir,
}

impl House {
    /// With a vendor of its own, so that the snapshots below stay when a real
    /// vendor's files change.
    pub(crate) fn of_example() -> Self {
        let house = Self::empty();
        house.copy("tests/data/example.toml", "adapters/example.toml");
        house.copy("tests/data/example.rhai", "scripts/example.rhai");
        house
    }

    pub(crate) fn of_sosafe() -> Self {
        Self::of_vendor("sosafe")
    }

    pub(crate) fn of_vendor(name: &str) -> Self {
        let house = Self::empty();
        for file in [
            format!("adapters/{name}.toml"),
            format!("scripts/{name}.rhai"),
        ] {
            house.copy(&file, &file);
        }
        house
    }

    pub(crate) fn empty() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn copy(&self, from: &str, to: &str) {
        copy_edited(from, &self.path().join(to), |text| text);
    }

    /// Edits one place of a file.
    #[track_caller]
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A tenant of SoSafe.
    pub(crate) fn tenant(&self, name: &str, base_url: &str, key: &str) {
        let text = format!(
            "adapter = \"sosafe\"\nbase_url = \"{base_url}\"\n\
             settings = {{ idp_tenant = \"{}\" }}\n\
             credential = {{ key = {{ value = \"{key}\" }} }}\n",
            sosafe::Client::default().idp_tenant
        );
        self.write(&format!("tenants/{name}.toml"), &text);
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scimgate"));
        command.args(arguments).current_dir(self.path()).env_clear();
        // Tests run side by side, each with ports of its own.
        command.env("SCIMGATE_OPS__LISTEN", "127.0.0.1:0");
        command.env("SCIMGATE_ADMIN__LISTEN", "127.0.0.1:0");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

/// What a command printed, line by line, without spaces at the ends of lines.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}
