//! The adapters that come with the binary, so that the demo runs in any directory.

use std::io;
use std::path::{Path, PathBuf};

/// Path below the repository, and text.
const FILES: [(&str, &str); 12] = [
    (
        "adapters/sosafe.toml",
        include_str!("../../adapters/sosafe.toml"),
    ),
    (
        "scripts/sosafe.rhai",
        include_str!("../../scripts/sosafe.rhai"),
    ),
    (
        "adapters/paloalto.toml",
        include_str!("../../adapters/paloalto.toml"),
    ),
    (
        "scripts/paloalto.rhai",
        include_str!("../../scripts/paloalto.rhai"),
    ),
    (
        "adapters/webroot.toml",
        include_str!("../../adapters/webroot.toml"),
    ),
    (
        "scripts/webroot.rhai",
        include_str!("../../scripts/webroot.rhai"),
    ),
    (
        "adapters/wedo.toml",
        include_str!("../../adapters/wedo.toml"),
    ),
    ("scripts/wedo.rhai", include_str!("../../scripts/wedo.rhai")),
    ("adapters/wss.toml", include_str!("../../adapters/wss.toml")),
    ("scripts/wss.rhai", include_str!("../../scripts/wss.rhai")),
    (
        "adapters/reference.toml",
        include_str!("../../adapters/reference.toml"),
    ),
    (
        "scripts/reference.rhai",
        include_str!("../../scripts/reference.rhai"),
    ),
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
