//! The adapters that come with the binary, so that the demo runs in any directory.

use std::io;
use std::path::{Path, PathBuf};

/// Path below the repository, and text.
macro_rules! files {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../", $name)))),*]
    };
}

const FILES: [(&str, &str); 12] = files![
    "adapters/sosafe.toml",
    "scripts/sosafe.rhai",
    "adapters/paloalto.toml",
    "scripts/paloalto.rhai",
    "adapters/webroot.toml",
    "scripts/webroot.rhai",
    "adapters/wedo.toml",
    "scripts/wedo.rhai",
    "adapters/wss.toml",
    "scripts/wss.rhai",
    "adapters/reference.toml",
    "scripts/reference.rhai"
];

/// Where adapters and scripts are: those of the working directory if it has both, so that an
/// edited one shows what it does; else copies of the built-in ones, written below `spare`.
pub(super) fn root(vendor: &str, spare: &Path) -> io::Result<PathBuf> {
    let here = PathBuf::from(".");
    let has = |name: String| here.join(name).is_file();
    if has(format!("adapters/{vendor}.toml")) && has(format!("scripts/{vendor}.rhai")) {
        return Ok(here);
    }
    for (name, text) in FILES {
        let path = spare.join(name);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, text)?;
    }
    Ok(spare.to_owned())
}
