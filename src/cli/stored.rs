//! Tenants in the store, from the command line: a gateway that is running takes a change within a
//! second, and the other replicas within five.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail, ensure};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::admin::note;
use super::output::Form;
use super::{Ending, adapters_only, named};
use crate::adapter::keys::TenantId;
use crate::catalog::{self, Catalog, Report};
use crate::config::Config;
use crate::gateway::{self, Registry, open_store, open_store_to_read};
use crate::store::Store;
use crate::tenant::stored::{Added, Service, StoredTenant};

/// What a tenant is to be.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Parts {
    /// A setting that the vendor asks for: NAME=VALUE. `scimgate adapter show` has the names.
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::tenant::pair)]
    pub(super) set: Vec<(String, String)>,
    /// A secret of a tenant in the store: NAME=read:FILE reads it now and stores it encrypted, and
    /// read:- reads standard input; NAME=file:FILE names a file below catalog.secrets, and
    /// NAME=env:VENDOR_… a variable of the gateway's environment.
    #[arg(long, value_name = "NAME=SOURCE", value_parser = source)]
    credential: Vec<(String, Source)>,
    /// Take further keys from this tenant file: limits, profile, federation.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

/// Where a secret is.
#[derive(Clone, Debug)]
enum Source {
    Read(PathBuf),
    File(String),
    Env(String),
}

fn source(text: &str) -> Result<(String, Source), String> {
    let (name, source) = super::tenant::pair(text)?;
    let source = match source.split_once(':') {
        Some(("read", path)) => Source::Read(path.into()),
        Some(("file", path)) => Source::File(path.to_owned()),
        Some(("env", name)) => Source::Env(name.to_owned()),
        _ => return Err("write it as NAME=read:FILE, NAME=file:FILE or NAME=env:NAME".to_owned()),
    };
    Ok((name, source))
}

impl Source {
    fn value(&self) -> anyhow::Result<Value> {
        Ok(match self {
            Self::File(path) => json!({ "file": path }),
            Self::Env(name) => json!({ "env": name }),
            Self::Read(path) => {
                let mut text = String::new();
                match path.as_os_str() == "-" {
                    true => std::io::stdin().read_to_string(&mut text)?,
                    false => std::fs::File::open(path)
                        .and_then(|mut file| file.read_to_string(&mut text))
                        .with_context(|| path.display().to_string())?,
                };
                json!(text.trim_end())
            }
        })
    }
}

impl Parts {
    /// Whether only a tenant in the store can have them.
    pub(super) fn are_for_the_store(&self) -> bool {
        !self.credential.is_empty() || self.from.is_some()
    }

    /// As the registry takes them.
    fn document(&self) -> anyhow::Result<Map<String, Value>> {
        let mut document = Map::new();
        if let Some(path) = &self.from {
            let name = || path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(name)?;
            let table: toml::Table = text
                .parse()
                .map_err(|error: toml::de::Error| anyhow!("{}: {}", name(), error.message()))?;
            if let Value::Object(read) = serde_json::to_value(table)? {
                document = read;
            }
        }
        let settings = self.set.iter().map(|(name, text)| {
            let list = format!("value = {text}").parse::<toml::Table>();
            let list = list.ok().filter(|_| text.starts_with('['));
            let list = list.and_then(|table| serde_json::to_value(table.get("value")?).ok());
            Ok((name.clone(), list.unwrap_or_else(|| text.as_str().into())))
        });
        insert(
            &mut document,
            "settings",
            settings.collect::<anyhow::Result<_>>()?,
        )?;
        let parts = self.credential.iter();
        let parts = parts.map(|(name, source)| Ok((name.clone(), source.value()?)));
        insert(
            &mut document,
            "credential",
            parts.collect::<anyhow::Result<_>>()?,
        )?;
        Ok(document)
    }
}

fn insert(
    document: &mut Map<String, Value>,
    key: &str,
    more: Vec<(String, Value)>,
) -> anyhow::Result<()> {
    if more.is_empty() {
        return Ok(());
    }
    let entry = document.entry(key).or_insert_with(|| json!({}));
    let entry = entry.as_object_mut();
    entry
        .ok_or_else(|| anyhow!("{key} is no table"))?
        .extend(more);
    Ok(())
}

/// All tenants that can be used, those of files and those of the store.
pub(super) fn load(config: &Config) -> anyhow::Result<(Catalog, Report)> {
    let vault = Arc::new(gateway::vault(config)?);
    Ok(catalog::load_with(
        &config.catalog.sources(),
        vault,
        all(config)?,
    ))
}

/// What the store has; nothing where there is none yet.
pub(super) fn all(config: &Config) -> anyhow::Result<Vec<StoredTenant>> {
    let Some(store) = open_store_to_read(config)? else {
        return Ok(Vec::new());
    };
    let mut all = gateway::stored_tenants(config, &store)?;
    all.retain(|tenant| tenant.service != Service::Deleted);
    Ok(all)
}

/// The tenant of this name in the store.
pub(super) fn find(config: &Config, id: &TenantId) -> anyhow::Result<Option<StoredTenant>> {
    Ok(all(config)?.into_iter().find(|tenant| tenant.id == *id))
}

/// The store, opened to be written.
struct Desk {
    registry: Registry,
    store: Store,
    catalog: Catalog,
}

impl Desk {
    fn open(config: &Config) -> anyhow::Result<Self> {
        let (catalog, _) = catalog::load(&adapters_only(config));
        let store = open_store(config)?;
        let vault = Arc::new(gateway::vault(config)?);
        Ok(Self {
            registry: Registry::new(store.clone(), vault),
            store,
            catalog,
        })
    }

    async fn done(&self, what: &str, id: &TenantId) -> anyhow::Result<()> {
        note(&self.store, what, Some(id), id).await
    }
}

fn wait<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(work)
}

/// Adds a tenant.
pub(super) fn add(
    config: &Config,
    id: &TenantId,
    (adapter, base_url): (&str, &str),
    parts: &Parts,
    form: Form,
) -> anyhow::Result<Ending> {
    let file = config.catalog.tenants.join(format!("{id}.toml"));
    ensure!(
        !file.exists(),
        "{} exists, and a file takes precedence over the store",
        file.display()
    );
    let desk = Desk::open(config)?;
    named::adapter(&desk.catalog, adapter)?;
    let mut document = parts.document()?;
    document.insert("adapter".to_owned(), adapter.into());
    document.insert("base_url".to_owned(), base_url.into());
    wait(async {
        let adapters = &desk.catalog.adapters;
        match desk.registry.add(id, None, document, adapters).await? {
            Added::New => desk.done("tenant.add", id).await,
            _ => bail!("the name {id} is taken, or belonged to a deleted tenant; choose another"),
        }
    })?;
    let next = format!("scimgate token mint --tenant {id}");
    Ok(told(form, id, &format!("is in the store\nthen: {next}")))
}

/// Changes a tenant.
pub(super) fn change(
    config: &Config,
    id: &TenantId,
    base_url: Option<&str>,
    parts: &Parts,
    form: Form,
) -> anyhow::Result<Ending> {
    let desk = Desk::open(config)?;
    let mut patch = parts.document()?;
    if let Some(url) = base_url {
        patch.insert("base_url".to_owned(), url.into());
    }
    ensure!(!patch.is_empty(), "name at least one thing to change");
    wait(async {
        let adapters = &desk.catalog.adapters;
        desk.registry.change(id, patch, adapters).await?;
        desk.done("tenant.change", id).await
    })?;
    Ok(told(form, id, "is changed"))
}

/// Switches a tenant on or off, or deletes it.
pub(super) fn serve(
    config: &Config,
    id: &TenantId,
    service: Service,
    form: Form,
) -> anyhow::Result<Ending> {
    let desk = Desk::open(config)?;
    let (what, done) = match service {
        Service::On => ("tenant.enable", "is served again"),
        Service::Off => (
            "tenant.disable",
            "is disabled: its requests are answered 503, and its tokens stay",
        ),
        Service::Deleted => (
            "tenant.delete",
            "is deleted with all its data, and its tokens are revoked",
        ),
    };
    wait(async {
        desk.registry.set_service(id, service).await?;
        desk.done(what, id).await
    })?;
    Ok(told(form, id, done))
}

/// Encrypts anew what was encrypted with the key from before.
pub(super) fn reseal(config: &Config, form: Form) -> anyhow::Result<Ending> {
    let desk = Desk::open(config)?;
    let done = wait(async {
        let done = desk.registry.reseal().await?;
        for id in &done {
            desk.done("tenant.reseal", id).await?;
        }
        Ok(done)
    })?;
    let human = || {
        let lines = done
            .iter()
            .map(|id| format!("the secrets of tenant {id} are encrypted with the new key\n"));
        let end = "no tenant needs store.credential_key_file_before any more\n".to_owned();
        lines.chain([end]).collect()
    };
    Ok(form.put(human, || json!({ "resealed": done })))
}

fn told(form: Form, id: &TenantId, done: &str) -> Ending {
    let human = || format!("tenant {id} {done}\n");
    form.put(human, || json!({ "tenant": id, "at": Timestamp::now() }))
}
