//! Writing files for people to change.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

/// Writes all of them with their directories, or none where one is there already.
pub(super) fn write(files: &[(PathBuf, String)]) -> anyhow::Result<()> {
    if let Some((there, _)) = files.iter().find(|(path, _)| path.exists()) {
        bail!("{} is there already; nothing was written", there.display());
    }
    for (path, text) in files {
        let name = || path.display().to_string();
        let directory = path.parent().unwrap_or(path);
        std::fs::create_dir_all(directory).with_context(name)?;
        std::fs::write(path, text).with_context(name)?;
    }
    Ok(())
}
