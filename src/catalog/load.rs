//! Reading the directories. What is broken is left out and told; the rest is loaded.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Catalog;
use super::diagnostics::Report;
use crate::adapter::compile::Files;
use crate::adapter::{Adapter, TenantId};
use crate::problem::{Problem, nearest};
use crate::tenant::file::TenantFile;
use crate::tenant::{Tenant, redacted};

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
    let mut catalog = Catalog {
        adapters: load_adapters(sources, &mut report),
        ..Catalog::default()
    };
    if let Some(directory) = &sources.tenants {
        load_tenants(directory, &mut catalog, &mut report);
    }
    (catalog, report)
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

fn load_tenants(directory: &Path, catalog: &mut Catalog, report: &mut Report) {
    for (name, path) in files(directory, "toml", report) {
        let Some(id) = TenantId::parse(&name) else {
            report.extend([misnamed(&name, &path)]);
            continue;
        };
        match load_tenant(&id, &path, directory, &catalog.adapters, report) {
            Some(tenant) => drop(catalog.tenants.insert(id, Arc::new(tenant))),
            None => drop(catalog.unusable.insert(id)),
        }
    }
}

fn load_tenant(
    id: &TenantId,
    path: &Path,
    directory: &Path,
    adapters: &BTreeMap<String, Arc<Adapter>>,
    report: &mut Report,
) -> Option<Tenant> {
    let source = read(path, report)?;
    let (file, text) = &source;
    report.source(&(file.clone(), redacted(text)));
    let tenant = TenantFile::parse(file, text)
        .map_err(|problem| vec![problem])
        .and_then(|written| {
            let adapter = adapter_of(&written, file, adapters).map_err(|problem| vec![problem])?;
            written.check(id.clone(), file, directory, adapter)
        });
    tenant.map_err(|problems| report.extend(problems)).ok()
}

fn misnamed(name: &str, path: &Path) -> Problem {
    Problem::error(
        "tenant::name",
        &path.display().to_string(),
        format!("`{name}` is no tenant name"),
    )
    .help(TenantId::FORM)
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
            None => problem
                .help("it is missing, or it was not loaded because of the problems told about it"),
        }
    })
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
    .help("correct the file's permissions or its content, which is UTF-8 text; or remove it")
}
