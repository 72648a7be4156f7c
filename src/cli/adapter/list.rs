//! `scimgate adapter list`.

use serde_json::json;

use super::super::output::Form;
use super::super::{Ending, columns};
use super::{load, page, transcripts};
use crate::adapter::Adapter;
use crate::config::Config;
use crate::scim::ResourceKind;

const HEAD: [&str; 6] = [
    "NAME",
    "TITLE",
    "RESOURCES",
    "CREDENTIAL",
    "ATTRIBUTES",
    "TRANSCRIPTS",
];

/// Prints one line for each vendor.
pub(super) fn run(config: &Config, form: Form) -> Ending {
    let (catalog, broken) = load(config);
    let head = HEAD.map(str::to_owned).to_vec();
    let lines = catalog.adapters.values().map(|adapter| {
        let directory = config.catalog.transcripts.join(&adapter.name);
        line(adapter, transcripts(&directory))
    });
    let lines: Vec<_> = std::iter::once(head).chain(lines).collect();
    let json = || json!({ "adapters": columns::objects(&lines) });
    let done = form.put(|| columns::aligned(&lines), json);
    if broken { Ending::Findings } else { done }
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
