//! Reading the directories. What is broken is left out and told; the rest is loaded.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Catalog;
use super::diagnostics::Report;
use crate::adapter::compile::Files;
use crate::adapter::problem::{Problem, nearest};
use crate::adapter::{Adapter, TenantId};
use crate::tenant::Tenant;
use crate::tenant::file::TenantFile;

/// Larger files are refused unread.
const FILE_MAX: u64 = 256 << 10;

/// Where the files are. Flat directories: a Kubernetes ConfigMap has no folders.
#[derive(Clone, Debug)]
pub struct Sources {
    /// `<vendor>.toml`.
    pub adapters: PathBuf,
    /// `<vendor>.rhai`.
    pub scripts: PathBuf,
    /// `<tenant>.toml`; `None` where no tenant is needed.
    pub tenants: Option<PathBuf>,
}

/// Loads all there is.
///
/// # Errors
/// None: problems are in the report, and what they are about is not in the catalog.
pub fn load(sources: &Sources) -> (Catalog, Report) {
    let mut report = Report::default();
    let adapters = load_adapters(sources, &mut report);
    let tenants = match &sources.tenants {
        Some(directory) => load_tenants(directory, &adapters, &mut report),
        None => BTreeMap::new(),
    };
    (Catalog { adapters, tenants }, report)
}

fn load_adapters(sources: &Sources, report: &mut Report) -> BTreeMap<String, Arc<Adapter>> {
    let mut adapters = BTreeMap::new();
    for (name, path) in files(&sources.adapters, "toml", report) {
        let script = sources.scripts.join(format!("{name}.rhai"));
        if !script.exists() {
            report.extend([without_script(&path, &script)]);
            continue;
        }
        let (Some(manifest), Some(script)) = (read(&path, report), read(&script, report)) else {
            continue;
        };
        report.source(&manifest);
        report.source(&script);
        match Adapter::compile(Files {
            name: name.clone(),
            manifest,
            script,
        }) {
            Ok(adapter) => drop(adapters.insert(name, Arc::new(adapter))),
            Err(problems) => report.extend(problems),
        }
    }
    adapters
}

fn load_tenants(
    directory: &Path,
    adapters: &BTreeMap<String, Arc<Adapter>>,
    report: &mut Report,
) -> BTreeMap<TenantId, Arc<Tenant>> {
    let mut tenants = BTreeMap::new();
    for (name, path) in files(directory, "toml", report) {
        let Some(source) = read(&path, report) else {
            continue;
        };
        report.source(&source);
        match load_tenant(&name, &source, directory, adapters) {
            Ok(tenant) => drop(tenants.insert(tenant.id.clone(), Arc::new(tenant))),
            Err(problems) => report.extend(problems),
        }
    }
    tenants
}

fn load_tenant(
    name: &str,
    (file, text): &(String, String),
    directory: &Path,
    adapters: &BTreeMap<String, Arc<Adapter>>,
) -> Result<Tenant, Vec<Problem>> {
    let id = TenantId::parse(name).ok_or_else(|| {
        let problem = Problem::error("tenant::name", file, format!("`{name}` is no tenant name"));
        vec![problem.help("a tenant name is 1 to 63 of a-z, 0-9 and '-', and not '-' at an end")]
    })?;
    let written = TenantFile::parse(file, text).map_err(|problem| vec![problem])?;
    let adapter = adapters
        .get(written.adapter.get_ref())
        .cloned()
        .ok_or_else(|| {
            let wanted = written.adapter.get_ref();
            let problem = Problem::error(
                "tenant::unknown-adapter",
                file,
                format!("there is no adapter `{wanted}`"),
            )
            .at(written.adapter.span().start, written.adapter.span().len());
            vec![match nearest(wanted, adapters.keys().map(String::as_str)) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem.help(
                    "it is missing, or it was not loaded because of the problems told about it",
                ),
            }]
        })?;
    written.check(id, file, directory, adapter)
}

/// Stem and path of the files with an extension, sorted; hidden ones (a
/// ConfigMap's `..data`) left out.
fn files(directory: &Path, extension: &str, report: &mut Report) -> Vec<(String, PathBuf)> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            report.extend([unreadable(directory, &error)
                .help("set catalog.* in the configuration, or make the directory")]);
            return Vec::new();
        }
    };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .filter(|(stem, path)| !stem.starts_with('.') && path.is_file())
        .collect();
    found.sort();
    found
}

/// A file's name for people and its text.
fn read(path: &Path, report: &mut Report) -> Option<(String, String)> {
    let size = std::fs::metadata(path).map(|metadata| metadata.len());
    let text = size.and_then(|size| {
        if size > FILE_MAX {
            Err(io::Error::other(format!(
                "it has {size} bytes; {FILE_MAX} are the most"
            )))
        } else {
            std::fs::read_to_string(path)
        }
    });
    match text {
        Ok(text) => Some((path.display().to_string(), text)),
        Err(error) => {
            report.extend([unreadable(path, &error)]);
            None
        }
    }
}

fn without_script(manifest: &Path, script: &Path) -> Problem {
    Problem::error(
        "adapter::no-script",
        &manifest.display().to_string(),
        format!("its script {} is missing", script.display()),
    )
    .help("a vendor is a manifest and a script of the same name")
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::error(
        "file::unreadable",
        &path.display().to_string(),
        format!("cannot be read: {error}"),
    )
}
