//! `scimgate tenant`: the tenants' files, and those in the store ([`stored`]). A gateway that is
//! running takes a change by itself.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail, ensure};
use serde_json::json;
use url::Url;

use super::columns::{aligned, objects};
use super::output::Form;
use super::stored::{self, Parts};
use super::token::tenant_id;
use super::{Ending, Trouble, adapters_only, dry_run, files, named};
use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::adapter::manifest::{CredentialKind, Setting, TenantUrlForm};
use crate::catalog;
use crate::config::Config;
use crate::gateway::{form_of_adapter, form_on_disk, tenant_url};
use crate::tenant::redacted;
use crate::tenant::stored::{Service, StoredTenant};

/// What to do with tenants.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Write a tenant's file with all settings that its vendor needs; or with --store, create the
    /// tenant in the store.
    Add(Add),
    /// Change a tenant in the store; what is not named stays.
    Change {
        /// The tenant.
        #[arg(value_parser = tenant_id)]
        name: TenantId,
        /// The address of the vendor's API.
        #[arg(long, value_name = "URL", value_parser = address)]
        base_url: Option<String>,
        #[command(flatten)]
        parts: Parts,
    },
    /// Disable a tenant in the store: its requests are answered 503, and its tokens stay.
    Disable {
        /// The tenant.
        #[arg(value_parser = tenant_id)]
        name: TenantId,
    },
    /// Enable a tenant in the store again.
    Enable {
        /// The tenant.
        #[arg(value_parser = tenant_id)]
        name: TenantId,
    },
    /// Delete a tenant in the store with all its data, and revoke its tokens.
    Delete {
        /// The tenant.
        #[arg(value_parser = tenant_id)]
        name: TenantId,
    },
    /// Encrypt the secrets in the store that were encrypted with the old key with the new one.
    Reseal,
    /// List the tenants there are, and which of them cannot be used.
    List,
    /// Show a tenant's Tenant URL and its file, without secrets.
    Show {
        /// The tenant.
        #[arg(value_parser = tenant_id)]
        name: TenantId,
    },
    /// Ask the tenant's vendor what Entra's Test Connection asks; nothing is changed there.
    Test {
        /// The tenant.
        #[arg(value_parser = tenant_id)]
        name: TenantId,
    },
    /// Rename a tenant's file, so that the tenant is no longer served.
    Remove {
        /// The tenant.
        #[arg(value_parser = tenant_id)]
        name: TenantId,
    },
}

/// A new tenant.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Its name: that of its file, and part of its Tenant URL.
    #[arg(value_parser = tenant_id)]
    name: TenantId,
    /// Its vendor: `scimgate adapter list` has the names.
    #[arg(long, value_name = "VENDOR")]
    adapter: String,
    /// The address of the vendor's API.
    #[arg(long, value_name = "URL", value_parser = address)]
    base_url: String,
    /// Put it into the store instead of a file.
    #[arg(long)]
    store: bool,
    /// Use another kind of credential that the vendor's manifest offers.
    #[arg(long, value_name = "NAME", conflicts_with = "store")]
    credential_kind: Option<String>,
    #[command(flatten)]
    parts: Parts,
}

/// Kept as it was written: a `Url` would add a slash.
fn address(text: &str) -> Result<String, String> {
    let url = Url::parse(text).ok();
    let is_web = url.is_some_and(|url| matches!(url.scheme(), "http" | "https"));
    let form = || "write it as https://host/path".to_owned();
    is_web.then(|| text.to_owned()).ok_or_else(form)
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn run(config: &Config, verb: &Verb, form: Form) -> Result<Ending, Trouble> {
    match verb {
        Verb::Test { name } => {
            existing(config, name).map_err(Trouble::Config)?;
            return dry_run::test_connection(config, name, form);
        }
        Verb::Add(options) if options.store => {
            let place = (options.adapter.as_str(), options.base_url.as_str());
            stored::add(config, &options.name, place, &options.parts, form)
        }
        Verb::Add(options) => add(config, options, form),
        Verb::Change {
            name,
            base_url,
            parts,
        } => stored::change(config, name, base_url.as_deref(), parts, form),
        Verb::Disable { name } => stored::serve(config, name, Service::Off, form),
        Verb::Enable { name } => stored::serve(config, name, Service::On, form),
        Verb::Delete { name } => stored::serve(config, name, Service::Deleted, form),
        Verb::Reseal => stored::reseal(config, form),
        Verb::List => list(config, form),
        Verb::Show { name } => show(config, name, form),
        Verb::Remove { name } => remove(config, name, form),
    }
    .map_err(Trouble::Config)
}

fn file(config: &Config, tenant: &TenantId) -> PathBuf {
    config.catalog.tenants.join(format!("{tenant}.toml"))
}

fn add(config: &Config, options: &Add, form: Form) -> anyhow::Result<Ending> {
    ensure!(
        !options.parts.are_for_the_store(),
        "--credential and --from are for a tenant in the store: add --store, or write them into the file"
    );
    let (catalog, report) = catalog::load(&adapters_only(config));
    eprint!(
        "{}",
        report.render(super::output::colours(&std::io::stderr()))
    );
    let adapter = named::adapter(&catalog, &options.adapter)?;
    let path = file(config, &options.name);
    let files = [(path, text(adapter, options)?)];
    files::write(&files)?;
    let (name, secrets) = (
        &options.name,
        adapter.manifest.secrets(credential(adapter, options)?),
    );
    let mut next = String::new();
    if !secrets.is_empty() {
        next += "next, write each secret that the vendor gave you into its file, readable only by the gateway:\n";
    }
    for secret in secrets {
        let beside = config.catalog.tenants.parent().unwrap_or(Path::new(""));
        let place = beside.join(format!("secrets/{name}/{secret}"));
        next += &format!("  {}\n", place.display());
    }
    next += &format!("then: scimgate check, scimgate token mint --tenant {name}\n");
    Ok(files::written(form, &files, &next))
}

/// The credential that the tenant is to have.
fn credential<'a>(adapter: &'a Adapter, options: &Add) -> anyhow::Result<&'a CredentialKind> {
    let manifest = &adapter.manifest;
    let chosen = options.credential_kind.as_deref();
    let credential = manifest.credential_named(chosen);
    credential.ok_or_else(|| {
        let known = manifest.credentials.keys().map(String::as_str);
        named::missing("credential", chosen.unwrap_or_default(), known)
    })
}

/// Where a secret lies, from the directory of tenants.
fn place(tenant: &TenantId, secret: &str) -> String {
    format!("../secrets/{tenant}/{secret}")
}

/// The tenant's file.
fn text(adapter: &Adapter, options: &Add) -> anyhow::Result<String> {
    let manifest = &adapter.manifest;
    for (name, _) in &options.parts.set {
        let known = manifest.settings.keys().map(String::as_str);
        ensure!(
            manifest.settings.contains_key(name),
            named::missing("setting", name, known)
        );
    }
    let mut text = format!(
        "# {}. `scimgate adapter show {}` lists all settings.\nversion = 1\nadapter = {}\nbase_url = {}\n",
        manifest.title,
        adapter.name,
        quoted(&adapter.name),
        quoted(&options.base_url),
    );
    if let Some(kind) = &options.credential_kind {
        let _ = writeln!(text, "credential_kind = {}", quoted(kind));
    }
    if !manifest.settings.is_empty() {
        text += "\n[settings]\n";
    }
    for (name, setting) in &manifest.settings {
        let given = options.parts.set.iter().rfind(|(given, _)| given == name);
        text += &line(name, setting, given.map(|(_, value)| value.as_str()));
    }
    let secrets = manifest.secrets(credential(adapter, options)?);
    if !secrets.is_empty() {
        text += "\n# Files with the secrets; paths are relative to this file's directory. Do not write secrets here.\n[credential]\n";
    }
    for secret in secrets {
        let place = quoted(&place(&options.name, secret));
        let _ = writeln!(text, "{secret} = {{ file = {place} }}");
    }
    Ok(text)
}

/// A setting with what it means; one that has no value yet is a comment.
fn line(name: &str, setting: &Setting, given: Option<&str>) -> String {
    let about = match &setting.one_of {
        Some(allowed) => format!("{} (one of: {})", setting.description, allowed.join(", ")),
        None => setting.description.clone(),
    };
    let written = match (given, &setting.default) {
        // A list is written as TOML has it; everything else is a text.
        (Some(list), _) if list.starts_with('[') => format!("{name} = {list}"),
        (Some(value), _) => format!("{name} = {}", quoted(value)),
        (None, Some(default)) => format!("#{name} = {default}"),
        (None, None) => format!("#{name} = \"…\"  # required"),
    };
    format!("# {about}\n{written}\n")
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(config: &Config, form: Form) -> anyhow::Result<Ending> {
    let (catalog, report) = stored::load(config)?;
    eprint!(
        "{}",
        report.render(super::output::colours(&std::io::stderr()))
    );
    let head = ["NAME", "SOURCE", "ADAPTER", "VENDOR", "TENANT URL"].map(str::to_owned);
    let mut lines = vec![head.to_vec()];
    let source = |id: &TenantId| match file(config, id).is_file() {
        true => "file".to_owned(),
        false => "store".to_owned(),
    };
    for (id, tenant) in &catalog.tenants {
        lines.push(vec![
            id.to_string(),
            source(id),
            tenant.adapter.name.clone(),
            tenant.upstream.base_url.to_string(),
            tenant_url(config, id, tenant.adapter.manifest.tenant_url),
        ]);
    }
    let off = stored::all(config)?.into_iter();
    let off = off.filter(|tenant| tenant.service == Service::Off);
    let off: BTreeSet<TenantId> = off.map(|tenant| tenant.id).collect();
    let mut broken = false;
    for id in &catalog.unusable {
        let why = match off.contains(id) && source(id) == "store" {
            true => "switched off",
            false => "cannot be used: see above",
        };
        broken |= why != "switched off";
        lines.push(vec![
            id.to_string(),
            source(id),
            "-".to_owned(),
            why.to_owned(),
        ]);
    }
    let done = form.put(|| aligned(&lines), || json!({ "tenants": objects(&lines) }));
    Ok(match broken {
        true => Ending::Findings,
        false => done,
    })
}

fn show(config: &Config, tenant: &TenantId, form: Form) -> anyhow::Result<Ending> {
    let kept = existing(config, tenant)?;
    let url = tenant_url(config, tenant, kept.form(config, tenant));
    let (place, text) = match kept {
        Kept::File(path) => {
            let text = std::fs::read_to_string(&path);
            let text = text.with_context(|| path.display().to_string())?;
            (path.display().to_string(), text)
        }
        Kept::Store(there) => {
            let customer = there
                .customer
                .map(|customer| format!(", customer {customer}"));
            let service = there.service.as_str();
            let place = format!("in the store, {service}{}", customer.unwrap_or_default());
            (place, there.text)
        }
    };
    let text = redacted(&text);
    let json = || json!({ "name": tenant, "tenant_url": url, "file": place, "text": text });
    Ok(form.put(|| format!("Tenant URL: {url}\n{place}:\n\n{text}"), json))
}

fn remove(config: &Config, tenant: &TenantId, form: Form) -> anyhow::Result<Ending> {
    let Kept::File(path) = existing(config, tenant)? else {
        bail!("tenant {tenant} is in the store: `scimgate tenant disable` or `tenant delete`");
    };
    let aside = path.with_extension("toml.removed");
    ensure!(!aside.exists(), "{} is in the way", aside.display());
    std::fs::rename(&path, &aside).with_context(|| path.display().to_string())?;
    let seconds = config.catalog.removal_grace_seconds;
    let human = || {
        format!(
            "{} is now {}; rename it back to serve the tenant again\n\
             a running gateway answers its requests with 503 for {seconds} seconds, then with 401\n\
             its tokens are not revoked; to do that: scimgate token list --tenant {tenant}, scimgate token revoke\n",
            path.display(),
            aside.display(),
        )
    };
    let json = || json!({ "removed": tenant, "file": aside.display().to_string(), "answered_503_for_seconds": seconds });
    Ok(form.put(human, json))
}

/// Where a tenant is kept.
pub(super) enum Kept {
    /// In this file.
    File(PathBuf),
    /// In the store.
    Store(StoredTenant),
}

impl Kept {
    /// The form of its Tenant URL.
    pub(super) fn form(&self, config: &Config, tenant: &TenantId) -> TenantUrlForm {
        match self {
            Self::File(_) => form_on_disk(config, tenant),
            Self::Store(there) => form_of_adapter(config, &there.adapter),
        }
    }
}

/// Where a tenant is kept that is there; a file counts before the store.
pub(super) fn existing(config: &Config, tenant: &TenantId) -> anyhow::Result<Kept> {
    let path = file(config, tenant);
    if path.is_file() {
        return Ok(Kept::File(path));
    }
    if let Some(there) = stored::find(config, tenant)? {
        return Ok(Kept::Store(there));
    }
    let (catalog, _) = stored::load(config)?;
    let ids = catalog.tenants.keys().chain(&catalog.unusable);
    let ids: Vec<_> = ids.map(TenantId::as_str).collect();
    let why = named::missing("tenant", tenant.as_str(), ids.into_iter());
    Err(anyhow!("{} is missing: {why}", path.display()))
}
