//! From files as read to adapters and tenants. What is broken is left out and told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::Catalog;
use super::diagnostics::Report;
use super::disk::{Disk, Text, VendorFiles};
use super::held::{Held, Look};
use super::reload::Plan;
use super::shelf::Shelf;
use crate::adapter::Adapter;
use crate::adapter::compile::Files;
use crate::adapter::keys::TenantId;
use crate::problem::{Problem, nearest};
use crate::tenant::file::TenantFile;
use crate::tenant::secret::{Secrets, Vault};
use crate::tenant::stored::StoredTenant;
use crate::tenant::{Tenant, redacted};

/// Where the files are. Flat directories: a Kubernetes ConfigMap has no folders.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Whether the adapters in the program count where no file takes their place.
    pub has_built_in: bool,
    /// `<vendor>.toml`.
    pub adapters: PathBuf,
    /// `<vendor>.rhai`.
    pub scripts: PathBuf,
    /// `<tenant>.toml`; `None` where no tenant is needed.
    pub tenants: Option<PathBuf>,
}

/// Loads all there is, as `serve` does when it starts.
///
/// # Errors
/// None: problems are in the report, and what they are about is not in the catalog.
pub fn load(sources: &Sources) -> (Catalog, Report) {
    load_with(sources, Arc::default(), Vec::new())
}

/// The same with tenants of the store, whose secrets are in `vault`.
///
/// # Errors
/// As [`load()`].
pub fn load_with(
    sources: &Sources,
    vault: Arc<Vault>,
    stored: Vec<StoredTenant>,
) -> (Catalog, Report) {
    let plan = Plan {
        sources: sources.clone(),
        vault,
        transcripts: None,
        certificate: None,
        removal_grace: std::time::Duration::ZERO,
    };
    let mut shelf = Shelf::default();
    shelf.take(stored);
    let mut held = Held::default();
    let changes = held.advance(&Disk::read(&plan, &shelf), &plan, &Look::first());
    (held.catalog(), changes.problems())
}

/// Compiles a vendor.
pub(super) fn adapter(name: &str, files: &VendorFiles, report: &mut Report) -> Option<Adapter> {
    let unread = [&files.manifest, &files.script]
        .into_iter()
        .filter_map(|file| file.as_ref().err());
    report.extend(unread.cloned());
    let (Ok(manifest), Ok(script)) = (&files.manifest, &files.script) else {
        return None;
    };
    report.source(manifest);
    report.source(script);
    if !Adapter::is_name(name) {
        let message = format!("`{name}` cannot be the name of an adapter");
        let problem = Problem::error("adapter::name", &manifest.0, message);
        report.extend([problem.help(Adapter::NAME_FORM)]);
        return None;
    }
    let compiled = Adapter::compile(Files {
        name: name.to_owned(),
        manifest: manifest.clone(),
        script: script.clone(),
    });
    compiled.map_err(|problems| report.extend(problems)).ok()
}

/// Checks a tenant's file against its adapter; its secrets are read where `secrets` says.
pub(super) fn tenant(
    id: &TenantId,
    (file, text): &Text,
    secrets: Secrets<'_>,
    adapters: &BTreeMap<String, Arc<Adapter>>,
    report: &mut Report,
) -> Option<Tenant> {
    let (written, mut problems) = TenantFile::read(file, text);
    let checked = written.map(|written| {
        let adapter = adapter_of(&written, file, adapters).map_err(|problem| vec![problem])?;
        written.check(id.clone(), file, secrets, adapter)
    });
    match checked {
        Some(Ok(tenant)) if problems.is_empty() => return Some(tenant),
        Some(Err(found)) => problems.extend(found),
        _ => {}
    }
    report.source(&(file.clone(), redacted(text)));
    report.extend(problems);
    None
}

/// Checks the text of a tenant for the store.
///
/// # Errors
/// What is wrong with it.
pub fn check_stored(
    id: &TenantId,
    text: &str,
    vault: &Vault,
    adapters: &BTreeMap<String, Arc<Adapter>>,
) -> Result<Tenant, Report> {
    let mut report = Report::default();
    let text = (id.to_string(), text.to_owned());
    tenant(id, &text, Secrets::OfStore(vault), adapters, &mut report).ok_or(report)
}

fn adapter_of(
    written: &TenantFile,
    file: &str,
    adapters: &BTreeMap<String, Arc<Adapter>>,
) -> Result<Arc<Adapter>, Problem> {
    let wanted = written.adapter.get_ref();
    adapters.get(wanted).cloned().ok_or_else(|| {
        let message = format!("there is no adapter `{wanted}`");
        let span = written.adapter.span();
        let problem =
            Problem::error("tenant::unknown-adapter", file, message).at(span.start, span.len());
        match nearest(wanted, adapters.keys().map(String::as_str)) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => {
                problem.help("it is missing, or it was not loaded because of the problems listed")
            }
        }
    })
}
