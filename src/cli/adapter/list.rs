//! `scimgate adapter list`.

use std::path::Path;

use serde_json::json;

use super::super::output::Form;
use super::super::{Ending, columns};
use super::{load, page, transcripts};
use crate::adapter::Adapter;
use crate::catalog::{Sources, built_in};
use crate::config::Config;
use crate::scim::ResourceKind;

const HEAD: [&str; 7] = [
    "NAME",
    "TITLE",
    "RESOURCES",
    "CREDENTIAL",
    "ATTRIBUTES",
    "TRANSCRIPTS",
    "SERVED FROM",
];

/// Prints one line for each vendor.
pub(super) fn run(config: &Config, form: Form) -> Ending {
    let (catalog, broken) = load(config);
    let sources = config.catalog.sources();
    let head = HEAD.map(str::to_owned).to_vec();
    let lines = catalog.adapters.values().map(|adapter| {
        let directory = config.catalog.transcripts.join(&adapter.name);
        let mut line = line(adapter, transcripts(&directory));
        line.push(served_from(adapter, &sources));
        line
    });
    let lines: Vec<_> = std::iter::once(head).chain(lines).collect();
    let json = || json!({ "adapters": columns::objects(&lines) });
    let done = form.put(|| columns::aligned(&lines), json);
    if broken { Ending::Findings } else { done }
}

/// Whether files or the program serve it.
fn served_from(adapter: &Adapter, sources: &Sources) -> String {
    let script = built_in::vendor_of(Path::new(&adapter.script.file)).is_some();
    let told = match (sources.manifest(&adapter.name).is_built_in(), script) {
        (true, true) => "the program",
        (false, false) => "files",
        (true, false) => "a script file, manifest built in",
        (false, true) => "a manifest file, script built in",
    };
    told.to_owned()
}

fn line(adapter: &Adapter, transcripts: usize) -> Vec<String> {
    let kinds = [ResourceKind::User, ResourceKind::Group];
    let tables: Vec<_> = kinds
        .iter()
        .filter_map(|kind| adapter.mapping(*kind))
        .collect();
    let names: Vec<_> = (tables.iter())
        .map(|table| table.resource_type.name.as_str())
        .collect();
    let counts = tables
        .iter()
        .map(|table| page::told(table).count().to_string());
    vec![
        adapter.name.clone(),
        adapter.manifest.title.clone(),
        names.join(", "),
        adapter.manifest.credential.kind().to_owned(),
        counts.collect::<Vec<_>>().join(" + "),
        transcripts.to_string(),
    ]
}
