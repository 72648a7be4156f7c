//! Makes, changes and ends tenants in the store; the command line and the admin port do it here.
//!
//! What comes in is a tenant's file as JSON. A part of a credential is `{"file": …}`, `{"env": …}`
//! or the secret itself, as a text or as `{"value": …}`, which is sealed before anything else is
//! done with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::catalog::{Report, check_stored};
use crate::provisioning::memory::MemoryError;
use crate::store::Store;
use crate::tenant::seal::SealFault;
use crate::tenant::secret::Vault;
use crate::tenant::stored::{Added, Customer, Service, StoredTenant, TenantBook};
use crate::tenant::{Tenant, redacted};

/// The longest text of a tenant in bytes: ten times what the longest sensible one needs.
const LONGEST: usize = 16 * 1024;

/// The adapters there are, by name.
pub type Adapters = BTreeMap<String, Arc<Adapter>>;

/// The tenants in the store, for whoever writes them.
pub struct Registry {
    store: Store,
    vault: Arc<Vault>,
}

/// A tenant was not made or not changed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryFault {
    /// It cannot work as it is given.
    #[error("{}", sentences(.0))]
    Unfit(Report),
    /// It has not the form of a tenant.
    #[error("{0}")]
    Form(String),
    /// A part of its credential cannot be kept.
    #[error("the secret `{0}` {1}")]
    Seal(String, SealFault),
    /// There is one of this name, or there was.
    #[error("the name {0} is taken, or belonged to a deleted tenant; choose another")]
    Taken(TenantId),
    /// The store has none of this name.
    #[error("the store has no tenant {0}")]
    Missing(TenantId),
    /// Somebody else changed it at the same time.
    #[error("tenant {0} was changed by somebody else at the same time; look at it and try again")]
    Meanwhile(TenantId),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] MemoryError),
}

fn sentences(report: &Report) -> String {
    let told = report.problems().iter().map(|problem| match &problem.help {
        Some(help) => format!("{}: {help}", problem.message),
        None => problem.message.clone(),
    });
    told.collect::<Vec<_>>().join("; ")
}

impl Registry {
    /// Of the tenants in `store`, whose secrets are in `vault`.
    pub fn new(store: Store, vault: Arc<Vault>) -> Self {
        Self { store, vault }
    }

    /// Adds a tenant.
    ///
    /// # Errors
    /// [`RegistryFault`]; then there is none more than before.
    pub async fn add(
        &self,
        id: &TenantId,
        customer: Option<Customer>,
        document: Map<String, Value>,
        adapters: &Adapters,
    ) -> Result<Added, RegistryFault> {
        let document = self.merged(id, Map::new(), document)?;
        let (text, tenant) = self.checked(id, &document, adapters)?;
        let now = Timestamp::now();
        let new = StoredTenant {
            id: id.clone(),
            adapter: tenant.adapter.name.clone(),
            customer,
            service: Service::On,
            text,
            revision: 0,
            created: now,
            changed: now,
        };
        Ok(self.store.add_tenant(new).await?)
    }

    /// Changes what `patch` names (RFC 7396: null takes a key away); a part of the credential is
    /// replaced as a whole.
    ///
    /// # Errors
    /// [`RegistryFault`]; then nothing has changed.
    pub async fn change(
        &self,
        id: &TenantId,
        patch: Map<String, Value>,
        adapters: &Adapters,
    ) -> Result<(), RegistryFault> {
        let there = self.existing(id).await?;
        let document = self.merged(id, document_of(&there.text), patch)?;
        let (text, tenant) = self.checked(id, &document, adapters)?;
        if tenant.adapter.name != there.adapter {
            // What is remembered of its users is one vendor's.
            return Err(form("a tenant keeps its adapter; make another tenant"));
        }
        self.replace(StoredTenant { text, ..there }).await
    }

    /// Switches a tenant on or off, or deletes it.
    ///
    /// # Errors
    /// [`RegistryFault`].
    pub async fn set_service(&self, id: &TenantId, service: Service) -> Result<(), RegistryFault> {
        let there = self.existing(id).await?;
        let text = match service {
            Service::Deleted => String::new(),
            Service::On | Service::Off => there.text,
        };
        self.replace(StoredTenant {
            text,
            service,
            ..there
        })
        .await
    }

    /// Seals with the key of today what was sealed with the one from before, and gives whose it
    /// was.
    ///
    /// # Errors
    /// [`RegistryFault`]; those before it are done.
    pub async fn reseal(&self) -> Result<Vec<TenantId>, RegistryFault> {
        let mut done = Vec::new();
        for there in self.all().await? {
            let mut document = document_of(&there.text);
            if self.reseal_parts(&there.id, &mut document)? {
                let (id, text) = (there.id.clone(), written(&document)?);
                self.replace(StoredTenant { text, ..there }).await?;
                done.push(id);
            }
        }
        Ok(done)
    }

    fn reseal_parts(
        &self,
        id: &TenantId,
        document: &mut Map<String, Value>,
    ) -> Result<bool, RegistryFault> {
        let mut is_other = false;
        let parts = document
            .get_mut("credential")
            .and_then(Value::as_object_mut);
        for (part, source) in parts.into_iter().flatten() {
            let Some(sealed) = source.get("sealed").and_then(Value::as_str) else {
                continue;
            };
            if !self.vault.keys.is_current(sealed) {
                let fault = |fault| RegistryFault::Seal(part.clone(), fault);
                let secret = self.vault.keys.open(id, part, sealed).map_err(fault)?;
                *source = self.sealed(id, part, &secret)?;
                is_other = true;
            }
        }
        Ok(is_other)
    }

    /// All that are not deleted, by name.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn all(&self) -> Result<Vec<StoredTenant>, MemoryError> {
        let mut all = self.store.tenants_since(0).await?;
        all.retain(|tenant| tenant.service != Service::Deleted);
        all.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(all)
    }

    /// The tenant of this name.
    ///
    /// # Errors
    /// [`RegistryFault::Missing`], [`RegistryFault::Store`].
    pub async fn existing(&self, id: &TenantId) -> Result<StoredTenant, RegistryFault> {
        let found = self.store.stored_tenant(id).await?;
        found.ok_or_else(|| RegistryFault::Missing(id.clone()))
    }

    async fn replace(&self, tenant: StoredTenant) -> Result<(), RegistryFault> {
        let id = tenant.id.clone();
        let changed = Timestamp::now();
        let done = self.store.change_tenant(StoredTenant { changed, ..tenant });
        done.await?
            .then_some(())
            .ok_or(RegistryFault::Meanwhile(id))
    }

    fn merged(
        &self,
        id: &TenantId,
        mut document: Map<String, Value>,
        mut patch: Map<String, Value>,
    ) -> Result<Map<String, Value>, RegistryFault> {
        if let Some(credential) = patch.get_mut("credential") {
            self.seal(id, credential)?;
        }
        for (key, value) in patch {
            let depth = if key == "credential" { 1 } else { usize::MAX };
            merge(&mut document, key, value, depth);
        }
        Ok(document)
    }

    /// Seals the secrets of a credential that came in.
    fn seal(&self, id: &TenantId, credential: &mut Value) -> Result<(), RegistryFault> {
        let Some(parts) = credential.as_object_mut() else {
            return Err(form("credential must be an object: {\"key\": \"…\"}"));
        };
        for (part, source) in parts {
            let plain = match &*source {
                Value::Object(place) => match place.get("value") {
                    Some(value) if place.len() == 1 => value.as_str(),
                    Some(_) => None,
                    None if place.contains_key("sealed") => None,
                    None => continue,
                },
                Value::Null => continue,
                other => other.as_str(),
            };
            let Some(plain) = plain else {
                let forms = "is written as a text, {\"file\": \"…\"} or {\"env\": \"…\"}";
                return Err(form(&format!("a secret {forms}")));
            };
            *source = self.sealed(id, part, &plain.into())?;
        }
        Ok(())
    }

    fn sealed(
        &self,
        id: &TenantId,
        part: &str,
        secret: &SecretString,
    ) -> Result<Value, RegistryFault> {
        let sealed = self.vault.keys.seal(id, part, secret);
        let sealed = sealed.map_err(|fault| RegistryFault::Seal(part.to_owned(), fault))?;
        Ok(serde_json::json!({ "sealed": sealed }))
    }

    fn checked(
        &self,
        id: &TenantId,
        document: &Map<String, Value>,
        adapters: &Adapters,
    ) -> Result<(String, Tenant), RegistryFault> {
        let text = written(document)?;
        let tenant = check_stored(id, &text, &self.vault, adapters);
        Ok((text, tenant.map_err(RegistryFault::Unfit)?))
    }
}

/// The text of a tenant as it may be shown.
pub(super) fn shown(text: &str) -> Value {
    Value::Object(document_of(&redacted(text)))
}

fn form(message: &str) -> RegistryFault {
    RegistryFault::Form(message.to_owned())
}

/// A text in the store as JSON.
fn document_of(text: &str) -> Map<String, Value> {
    let table: toml::Table = text.parse().unwrap_or_default();
    match serde_json::to_value(table) {
        Ok(Value::Object(document)) => document,
        _ => Map::new(),
    }
}

fn written(document: &Map<String, Value>) -> Result<String, RegistryFault> {
    let table = toml::Table::try_from(document);
    let text = table.ok().and_then(|table| toml::to_string(&table).ok());
    let text = text.ok_or_else(|| {
        form("a tenant is an object of texts, numbers, true and false, lists and objects; nothing in it is null")
    })?;
    match text.len() {
        0..=LONGEST => Ok(text),
        length => Err(form(&format!(
            "the tenant takes {length} bytes; {LONGEST} are the most"
        ))),
    }
}

/// RFC 7396 down to a depth, below which values are replaced.
fn merge(into: &mut Map<String, Value>, key: String, value: Value, depth: usize) {
    match (into.get_mut(&key), value) {
        (_, Value::Null) => drop(into.remove(&key)),
        (Some(Value::Object(there)), Value::Object(patch)) if depth > 0 => {
            for (key, value) in patch {
                merge(there, key, value, depth - 1);
            }
        }
        (_, Value::Object(patch)) if depth > 0 => {
            let mut new = Map::new();
            for (key, value) in patch {
                merge(&mut new, key, value, depth - 1);
            }
            into.insert(key, Value::Object(new));
        }
        (_, value) => drop(into.insert(key, value)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(document: Value, patch: Value, depth: usize) -> Value {
        let mut into = document.as_object().unwrap().clone();
        for (key, value) in patch.as_object().unwrap().clone() {
            merge(&mut into, key, value, depth);
        }
        Value::Object(into)
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let there = json!({"settings": {"a": "1", "b": "2"}, "base_url": "x"});
        assert_eq!(
            merged(there.clone(), json!({"settings": {"b": null, "c": "3"}}), 9),
            json!({"settings": {"a": "1", "c": "3"}, "base_url": "x"})
        );
        assert_eq!(
            merged(json!({}), json!({"settings": {"b": null, "c": "3"}}), 9),
            json!({"settings": {"c": "3"}})
        );
        let there = json!({"credential": {"key": {"sealed": "a"}, "user": {"file": "u"}}});
        assert_eq!(
            merged(
                there,
                json!({"credential": {"key": {"env": "VENDOR_K"}}}),
                1
            ),
            json!({"credential": {"key": {"env": "VENDOR_K"}, "user": {"file": "u"}}})
        );
    }

    #[tokio::test]
    async fn a_plain_secret_is_never_written() {
        let store = Store::in_memory().unwrap();
        let registry = Registry::new(store, Arc::default());
        let id = TenantId::parse("acme").unwrap();
        for source in [json!("s3cret"), json!({"value": "s3cret"})] {
            let document = json!({"adapter": "a", "credential": {"key": source}});
            let document = document.as_object().unwrap().clone();
            let added = registry.add(&id, None, document, &Adapters::new()).await;
            assert!(matches!(
                added,
                Err(RegistryFault::Seal(_, SealFault::NoKey))
            ));
        }
        for source in [
            json!(1),
            json!({"value": "a", "file": "b"}),
            json!({"sealed": "v1.a.b"}),
            json!({"value": 1}),
        ] {
            let document = json!({"adapter": "a", "credential": {"key": source}});
            let document = document.as_object().unwrap().clone();
            let added = registry.add(&id, None, document, &Adapters::new()).await;
            assert!(matches!(added, Err(RegistryFault::Form(_))), "{source}");
        }
    }
}
