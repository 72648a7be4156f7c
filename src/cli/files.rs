//! Writing files for people to change.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::Ending;
use super::output::Form;

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

/// Tells which files were written, and what comes next.
pub(super) fn written(form: Form, files: &[(PathBuf, String)], next: &str) -> Ending {
    let paths = || files.iter().map(|(path, _)| path.display().to_string());
    let human = || {
        let lines = paths().map(|path| format!("wrote {path}\n"));
        lines.chain([next.to_owned()]).collect()
    };
    form.put(human, || json!({ "wrote": paths().collect::<Vec<_>>() }))
}
