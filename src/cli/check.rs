//! `scimgate check`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::ensure;
use clap::ValueEnum;

use super::output::{Format, written};
use super::{Ending, Trouble, named};
use crate::adapter::Adapter;
use crate::catalog::diagnostics::Report;
use crate::catalog::{self, Sources, built_in};
use crate::config::Config;
use crate::gateway::{self, Gateway, OpenFault, SidePorts};
use crate::lint;
use crate::problem::{Severity, counted, manual};
use crate::telemetry;
use crate::transcript;

/// What to look at, and how to tell of it.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Check only these files, and the vendors they belong to.
    paths: Vec<PathBuf>,
    /// Check only this vendor.
    #[arg(long, value_name = "NAME")]
    vendor: Option<String>,
    /// Check adapters and scripts only; tenants' secrets and the certificate are not read.
    #[arg(long)]
    no_tenants: bool,
    /// Do not play the vendors' transcripts.
    #[arg(long)]
    no_transcripts: bool,
    /// `warnings`: fail on warnings too.
    #[arg(long, value_name = "WHAT")]
    deny: Option<Deny>,
    /// Also try what `serve` needs to start: the store, its keys, `log.filter`, and the addresses to listen on. Run
    /// it as the user who will run the gateway, because missing files are created. While a gateway
    /// runs, its store and its addresses are in use, and this says so.
    #[arg(long, conflicts_with_all = ["paths", "vendor", "no_tenants"])]
    start: bool,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Explain a code such as script::syntax, and check nothing.
    #[arg(long, value_name = "CODE")]
    pub(super) explain: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Deny {
    Warnings,
}

/// Loads everything as `serve` would and tells what is wrong with it.
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let mut sources = config.catalog.sources();
    // A new user has adapters before he has a tenant.
    sources.tenants = sources
        .tenants
        .filter(|tenants| !options.no_tenants && tenants.exists());
    all_there(&sources, options).map_err(Trouble::Config)?;
    let selection = Selection::new(config, &sources, options);
    let (catalog, mut report) = catalog::load(&sources);
    if !options.no_tenants {
        report.extend(gateway::certificate_problem(config));
        report.extend(gateway::public_url_problem(config));
    }
    let looked_at = lint::catalog(&catalog, &sources, &mut report);
    let mut played = 0;
    for adapter in catalog.adapters.values() {
        if !options.no_transcripts && selection.has(&adapter.name) {
            played += play(adapter, config, &sources, &mut report);
        }
    }
    let left_out: &[&str] = match options.no_transcripts {
        true => &["lint::no-transcripts", "lint::unplayed-operation"],
        false => &[],
    };
    report.allow(&looked_at, left_out);
    report.retain(|problem| selection.shows(Path::new(&problem.file)));
    put!("{}", written(&report, options.format));
    if options.format == Format::Human {
        put_line!("{}", summary(&catalog, &sources, played, &report));
    }
    if options.start {
        telemetry::check_filter(&config.log).map_err(|fault| Trouble::Config(fault.into()))?;
        try_to_start(config).map_err(|fault| Trouble::Config(fault.into()))?;
    }
    Ok(ending(&report, options.deny))
}

/// Opens what `serve` would open, and lets go of it.
fn try_to_start(config: &Config) -> Result<(), OpenFault> {
    let gateway = Gateway::open(config)?;
    let (reloader, _) = gateway.load(config);
    SidePorts::open(config, &gateway, reloader)?;
    gateway.log().close();
    Ok(())
}

/// Tells of a configuration that cannot be used, as of anything else that is wrong.
pub(super) fn unusable(report: &Report, options: &Options) {
    if options.format != Format::Human {
        put!("{}", written(report, options.format));
    }
}

/// Prints what a code means.
pub(super) fn explain(code: &str) -> Result<Ending, Trouble> {
    let Some(text) = manual::explain(code) else {
        let meant = crate::problem::nearest(code, manual::codes());
        let remedy = match meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => "deploy/diagnostics.md lists them all".to_owned(),
        };
        return Err(Trouble::Usage(anyhow::anyhow!(
            "there is no code {code}; {remedy}"
        )));
    };
    put_line!("{code}\n\n{text}");
    Ok(Ending::Done)
}

/// Plays a vendor's transcripts into the report; how many there were.
fn play(adapter: &Arc<Adapter>, config: &Config, sources: &Sources, report: &mut Report) -> usize {
    let played = transcript::play_all(adapter, &config.catalog.transcripts.join(&adapter.name));
    let manifest = sources.manifest(&adapter.name).name();
    let text = report.text_of(&manifest).unwrap_or_default();
    let idle = lint::unplayed(adapter, &played, (&manifest, text));
    // The program's own were tested with it, and their transcripts are elsewhere.
    let idle = idle.filter(|_| !sources.is_built_in(adapter));
    for one in &played {
        report.source(&(one.file.clone(), one.text.clone()));
    }
    report.extend(transcript::problems(&played));
    report.extend(idle);
    played.len()
}

/// Counts the adapters that have a file, or a tenant.
fn summary(
    catalog: &catalog::Catalog,
    sources: &Sources,
    played: usize,
    report: &Report,
) -> String {
    let used: BTreeSet<_> = (catalog.tenants.values())
        .map(|tenant| tenant.adapter.name.as_str())
        .collect();
    let all = catalog.adapters.values();
    let adapters = all.filter(|it| used.contains(it.name.as_str()) || !sources.is_built_in(it));
    let transcripts = match played {
        0 => String::new(),
        _ => format!(", {}", counted(played, "transcript")),
    };
    format!(
        "{}, {}{transcripts}: {}, {}",
        counted(adapters.count(), "adapter"),
        counted(catalog.tenants.len(), "tenant"),
        counted(report.count(Severity::Error), "error"),
        counted(report.count(Severity::Warning), "warning"),
    )
}

fn ending(report: &Report, deny: Option<Deny>) -> Ending {
    let denied = deny.is_some() && report.count(Severity::Warning) > 0;
    match report.has_errors() || denied {
        true => Ending::Findings,
        false => Ending::Done,
    }
}

/// What is to be told of.
struct Selection {
    /// `None` for all.
    vendors: Option<BTreeSet<String>>,
    paths: Vec<PathBuf>,
    /// A vendor's files: those of its name in these, and those below a folder of its name in the last.
    adapters: PathBuf,
    scripts: PathBuf,
    transcripts: PathBuf,
}

impl Selection {
    fn new(config: &Config, sources: &Sources, options: &Options) -> Self {
        let all = options.paths.is_empty() && options.vendor.is_none();
        let mut selection = Self {
            vendors: None,
            paths: options.paths.iter().map(|path| real(path)).collect(),
            adapters: real(&sources.adapters),
            scripts: real(&sources.scripts),
            transcripts: real(&config.catalog.transcripts),
        };
        if !all {
            let named = selection
                .paths
                .iter()
                .filter_map(|path| selection.vendor_of(path));
            selection.vendors = Some(named.chain(options.vendor.clone()).collect());
        }
        selection
    }

    fn has(&self, vendor: &str) -> bool {
        let named = self.vendors.as_ref();
        named.is_none_or(|vendors| vendors.contains(vendor)) || self.covers(vendor)
    }

    /// Whether a folder is named that holds all vendors' files of a kind.
    fn covers(&self, vendor: &str) -> bool {
        let files = [
            self.adapters.join(vendor),
            self.scripts.join(vendor),
            self.transcripts.join(vendor),
        ];
        let mut paths = self.paths.iter();
        paths.any(|path| files.iter().any(|file| file.starts_with(path)))
    }

    fn shows(&self, file: &Path) -> bool {
        let file = real(file);
        self.vendors.is_none()
            || self.paths.iter().any(|path| file.starts_with(path))
            || self
                .vendor_of(&file)
                .is_some_and(|vendor| self.has(&vendor))
    }

    fn vendor_of(&self, file: &Path) -> Option<String> {
        let below = file.strip_prefix(&self.transcripts);
        if let Some(name) = built_in::vendor_of(file) {
            return Some(name.to_owned());
        }
        let name = match below {
            Ok(below) => below.components().next()?.as_os_str(),
            Err(_)
                if [&self.adapters, &self.scripts]
                    .iter()
                    .any(|it| file.starts_with(it)) =>
            {
                file.file_stem()?
            }
            Err(_) => return None,
        };
        Some(name.to_str()?.to_owned())
    }
}

/// What is named and not there would be in order for ever.
fn all_there(sources: &Sources, options: &Options) -> anyhow::Result<()> {
    for path in &options.paths {
        ensure!(path.exists(), "there is no {}", path.display());
    }
    let known = vendors(sources);
    match &options.vendor {
        Some(vendor) if !known.contains(vendor) => {
            let known = known.iter().map(String::as_str);
            Err(named::missing("adapter", vendor, known))
        }
        _ => Ok(()),
    }
}

/// The vendors there are files of, whether or not they can be used.
fn vendors(sources: &Sources) -> BTreeSet<String> {
    let stems = |directory: &Path, extension: &'static str| {
        let entries = std::fs::read_dir(directory).into_iter().flatten();
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let files = paths.filter(move |path| path.extension().is_some_and(|it| it == extension));
        files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
    };
    let built_in = sources.built_in().iter().map(|it| it.name.to_owned());
    stems(&sources.adapters, "toml")
        .chain(stems(&sources.scripts, "rhai"))
        .chain(built_in)
        .collect()
}

/// Without links and dots; as it is if there is no such file.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
