//! What works and is probably not what was meant. Only `check` asks for it: whoever serves has
//! seen it.

mod tenant;
mod transcripts;

pub use transcripts::unplayed;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::adapter::Adapter;
use crate::catalog::diagnostics::Report;
use crate::catalog::{Catalog, Sources};
use crate::problem::{Problem, file};
use crate::tenant::file::TenantFile;
use crate::tenant::redacted;

/// Adds the warnings about all that was loaded; the files that were looked at.
pub fn catalog(catalog: &Catalog, sources: &Sources, report: &mut Report) -> BTreeSet<String> {
    let mut problems = Vec::new();
    let mut files = BTreeSet::new();
    let own = |adapter: &&Arc<Adapter>| !sources.is_built_in(adapter);
    for adapter in catalog.adapters.values().filter(own) {
        let file = sources.manifest(&adapter.name).name();
        let text = report.text_of(&file).unwrap_or_default();
        problems.extend(adapter.lints(&file, text));
        files.extend([file, adapter.script.file.clone()]);
    }
    for (id, directory) in catalog.tenants.keys().zip(sources.tenants.iter().cycle()) {
        let file = named(directory, id.as_str());
        problems.extend(tenant_file(&file, report));
        files.insert(file);
    }
    report.extend(problems);
    files
}

/// The report has texts only of files with mistakes, so this one is read once more.
fn tenant_file(file: &str, report: &mut Report) -> Vec<Problem> {
    let text = file::text(Path::new(file)).unwrap_or_default();
    let written = TenantFile::parse(file, &text);
    let found = written.map_or_else(|_| Vec::new(), |written| tenant::lints(&written, file));
    if !found.is_empty() {
        report.source(&(file.to_owned(), redacted(&text)));
    }
    found
}

fn named(directory: &Path, name: &str) -> String {
    directory.join(format!("{name}.toml")).display().to_string()
}
