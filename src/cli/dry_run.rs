//! `scimgate dry-run`.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::ArgGroup;
use serde_json::json;

use super::output::Form;
use super::{Ending, Trouble, adapters_only, named, stored};
use crate::adapter::Adapter;
use crate::adapter::compile::Files;
use crate::adapter::keys::TenantId;
use crate::catalog::{self, Catalog};
use crate::config::Config;
use crate::dry_run::{self, Corpus, DryRun, Means, Subject, changed};
use crate::gateway::{self, way_to_vendor};
use crate::script::call::Backend;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::transcript::Requests;
use crate::vendor::TlsOptions;

/// Which requests, of whom.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["tenant", "vendor"])))]
pub(super) struct Options {
    /// The requests: a transcript, of which only the `### Entra asks` parts are needed, or a .http
    /// file as REST clients of editors use; - is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The tenant.
    #[arg(long, value_name = "NAME", value_parser = super::token::tenant_id)]
    tenant: Option<TenantId>,
    /// Use this vendor and no tenant; the file gives the settings (`@setting name = value`).
    #[arg(long, value_name = "NAME")]
    vendor: Option<String>,
    /// Ask the real vendor, with calls that only read.
    #[arg(long, requires = "tenant")]
    read: bool,
    /// Compare with another version of the script.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Compare with another version of the manifest; alone or with --script.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Compare with another version of script and manifest, as far as this directory has them.
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["script", "manifest"])]
    against: Option<PathBuf>,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// Tells what the gateway would call at the vendor and answer to Entra.
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let requests = requests(&options.file).map_err(Trouble::Config)?;
    let stage = Stage::set(config, options, &requests).map_err(Trouble::Config)?;
    let now = stage
        .play(&stage.subject, &requests)
        .map_err(Trouble::Internal)?;
    let other = match &stage.other {
        Some(other) => Some(stage.play(other, &requests).map_err(Trouble::Internal)?),
        None => None,
    };
    let is_success = match &other {
        Some(other) => other.is_success(),
        None => now.is_success(),
    };
    tell(&now, other.as_ref(), options.format);
    Ok(match is_success {
        true => Ending::Done,
        false => Ending::Findings,
    })
}

/// Asks the tenant's vendor what Entra's Test Connection makes the gateway ask: is there a user whom
/// nobody has. It tells address, credential and rights, and changes nothing.
pub(super) fn test_connection(
    config: &Config,
    tenant: &TenantId,
    format: Form,
) -> Result<Ending, Trouble> {
    let nobody = uuid::Uuid::new_v4();
    let asked = format!("### Test Connection\nGET /Users?filter=userName+eq+%22{nobody}%22\n");
    let requests = Requests::parse("Test Connection", &asked);
    let requests = requests.map_err(|why| Trouble::Internal(anyhow!("{why}")))?;
    let options = Options {
        file: PathBuf::new(),
        tenant: Some(tenant.clone()),
        vendor: None,
        read: true,
        script: None,
        manifest: None,
        against: None,
        format,
    };
    let stage = Stage::set(config, &options, &requests).map_err(Trouble::Config)?;
    let done = stage.play(&stage.subject, &requests);
    let done = done.map_err(Trouble::Internal)?;
    tell(&done, None, format);
    if matches!(format, Form::Human) && done.is_success() && !calls_verify(&done) {
        put!(
            "The adapter has no verify(): whether settings and rights are enough was not looked at.\n"
        );
    }
    Ok(match done.is_success() {
        true => Ending::Done,
        false => Ending::Findings,
    })
}

fn calls_verify(done: &DryRun) -> bool {
    let mut steps = done.exchanges.iter().flat_map(|exchange| &exchange.steps);
    steps.any(|step| step == "the script's verify")
}

fn tell(now: &DryRun, other: Option<&DryRun>, format: Form) {
    let text = match (format, other) {
        (Form::Human, None) => now.to_string(),
        (Form::Human, Some(other)) => compared(now, other),
        (Form::Json, None) => format!("{:#}\n", json!(now)),
        (Form::Json, Some(other)) => {
            let differences = changed(now, other);
            let told = json!({ "now": now, "other": other, "differences": differences });
            format!("{told:#}\n")
        }
    };
    put!("{text}");
}

fn compared(now: &DryRun, other: &DryRun) -> String {
    let found = changed(now, other);
    let mut text: String = found.iter().map(ToString::to_string).collect();
    if found.is_empty() {
        text.push_str("The other version makes the same calls and gives the same answers.\n");
    }
    if let Some(why) = &other.stopped {
        text.push_str(&format!(
            "With the other version, the dry run stops: {why}.\n"
        ));
    }
    text
}

/// All that a dry run needs.
struct Stage {
    subject: Subject,
    other: Option<Subject>,
    tenant: Option<Arc<Tenant>>,
    adapter: Arc<Adapter>,
    transcripts: PathBuf,
    store: Option<Store>,
    tls: TlsOptions,
    reads: bool,
}

impl Stage {
    fn set(config: &Config, options: &Options, requests: &Requests) -> anyhow::Result<Self> {
        let (catalog, problems) = match &options.tenant {
            Some(_) => stored::load(config)?,
            None => catalog::load(&adapters_only(config)),
        };
        let whom = whom(config, &catalog, options);
        let tenant = options.tenant.as_ref();
        let vendor = options.vendor.as_ref();
        if tenant.is_some_and(|id| catalog.unusable.contains(id))
            || vendor.is_some_and(|name| catalog.broken_adapters.contains(name))
        {
            eprint!("{}", problems.render(std::io::stderr().is_terminal()));
        }
        let (tenant, adapter) = whom?;
        let subject = match tenant {
            Some(tenant) => Subject::of_tenant(tenant),
            None => Subject::of_adapter(adapter, requests).map_err(|why| anyhow!(why))?,
        };
        let adapter = Arc::clone(adapter);
        let other = match other_version(config, options, &adapter)? {
            Some(other) => Some(subject.on(&other).map_err(|why| anyhow!(why))?),
            None => None,
        };
        Ok(Self {
            subject,
            other,
            tenant: tenant.cloned(),
            transcripts: config.catalog.transcripts.join(&adapter.name),
            adapter,
            store: match tenant {
                Some(_) => gateway::open_store_to_read(config)?,
                None => None,
            },
            tls: TlsOptions::load(config.vendor.extra_ca.as_deref())?,
            reads: options.read,
        })
    }

    fn play(&self, subject: &Subject, requests: &Requests) -> anyhow::Result<DryRun> {
        let store = self.rehearsal()?;
        let means = || Means {
            corpus: Corpus::read(&self.transcripts, &self.adapter),
            memory: Arc::new(store),
            reads: self.network(),
            time: None,
        };
        Ok(dry_run::run_alone(subject, requests, means)?)
    }

    fn network(&self) -> Option<Rc<dyn Backend>> {
        let tenant = self.tenant.as_ref().filter(|_| self.reads)?;
        Some(Rc::new(way_to_vendor(tenant, self.tls.clone())))
    }

    /// What the gateway remembers of the tenant; nothing where there is no database yet.
    fn rehearsal(&self) -> anyhow::Result<Store> {
        let (Some(tenant), Some(store)) = (&self.tenant, &self.store) else {
            return Ok(Store::in_memory()?);
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        Ok(runtime.block_on(store.rehearsal(&tenant.id))?)
    }
}

fn requests(file: &Path) -> anyhow::Result<Requests> {
    let name = file.display().to_string();
    let mut text = String::new();
    match name.as_str() {
        "-" => drop(std::io::stdin().read_to_string(&mut text)?),
        _ => text = std::fs::read_to_string(file).with_context(|| name.clone())?,
    }
    Requests::parse(&name, &text).map_err(|why| anyhow!("{name}: {why}"))
}

/// The tenant that is named, if one is, and the adapter.
fn whom<'c>(
    config: &Config,
    catalog: &'c Catalog,
    options: &Options,
) -> anyhow::Result<(Option<&'c Arc<Tenant>>, &'c Arc<Adapter>)> {
    if let Some(id) = &options.tenant {
        let tenant = named::tenant(config, catalog, id)?;
        return Ok((Some(tenant), named::adapter(catalog, &tenant.adapter.name)?));
    }
    let vendor = options.vendor.as_deref().unwrap_or_default();
    Ok((None, named::adapter(catalog, vendor)?))
}

/// The adapter with another script.
fn other_version(
    config: &Config,
    options: &Options,
    adapter: &Adapter,
) -> anyhow::Result<Option<Arc<Adapter>>> {
    let other = |extension: &str| {
        let file = format!("{}.{extension}", adapter.name);
        let other = options
            .against
            .as_ref()
            .map(|directory| directory.join(file));
        other.filter(|other| other.exists())
    };
    let script = options.script.clone().or_else(|| other("rhai"));
    let manifest = options.manifest.clone().or_else(|| other("toml"));
    match (&script, &manifest, &options.against) {
        (None, None, None) => return Ok(None),
        (None, None, Some(directory)) => {
            let (directory, name) = (directory.display(), &adapter.name);
            return Err(anyhow!(
                "{directory} has neither {name}.rhai nor {name}.toml"
            ));
        }
        _ => {}
    }
    let running = &adapter.script;
    let files = Files {
        name: adapter.name.clone(),
        manifest: match manifest {
            Some(manifest) => named_text(&manifest)?,
            None => {
                let manifest = config.catalog.sources().manifest(&adapter.name);
                manifest
                    .text()
                    .map_err(|problem| anyhow!("{}", problem.message))?
            }
        },
        script: match script {
            Some(script) => named_text(&script)?,
            None => (running.file.clone(), running.text.clone()),
        },
    };
    let mut report = catalog::diagnostics::Report::default();
    report.source(&files.manifest);
    report.source(&files.script);
    let compiled = Adapter::compile(files).map_err(|problems| {
        report.extend(problems);
        let text = report.render(std::io::stderr().is_terminal());
        anyhow!("the other version cannot be used\n{text}")
    });
    Ok(Some(Arc::new(compiled?)))
}

fn named_text(path: &Path) -> anyhow::Result<(String, String)> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| name.clone())?;
    Ok((name, text))
}
