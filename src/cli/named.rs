//! What the command line names, and what to say where there is no such thing.

use std::sync::Arc;

use anyhow::{anyhow, bail, ensure};

use super::tenant::{Kept, existing};
use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::problem::nearest;
use crate::tenant::Tenant;
use crate::tenant::stored::Service;

/// The adapter of this name.
pub(super) fn adapter<'c>(catalog: &'c Catalog, name: &str) -> anyhow::Result<&'c Arc<Adapter>> {
    ensure!(
        !catalog.broken_adapters.contains(name),
        "the adapter {name} cannot be used: `scimgate check --vendor {name}` lists the mistakes in its files"
    );
    let known = catalog.adapters.keys().map(String::as_str);
    let found = catalog.adapters.get(name);
    found.ok_or_else(|| missing("adapter", name, known))
}

/// The tenant of this name.
pub(super) fn tenant<'c>(
    config: &Config,
    catalog: &'c Catalog,
    id: &TenantId,
) -> anyhow::Result<&'c Arc<Tenant>> {
    if catalog.unusable.contains(id) {
        let is_off = |kept| matches!(kept, Kept::Store(there) if there.service == Service::Off);
        ensure!(
            !is_off(existing(config, id)?),
            "the tenant {id} is disabled: `scimgate tenant enable {id}` serves it again"
        );
        bail!("the tenant {id} cannot be used: correct the mistakes that are listed");
    }
    let known = catalog.tenants.keys().map(TenantId::as_str);
    let found = catalog.tenants.get(id);
    found.ok_or_else(|| missing("tenant", id.as_str(), known))
}

/// That there is none of this name, with the one that was meant, or else all there are.
pub(super) fn missing<'k>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> anyhow::Error {
    let remedy = match nearest(name, known.clone()) {
        Some(meant) => format!("did you mean {meant}?"),
        None => match known.collect::<Vec<_>>() {
            none if none.is_empty() => "there is none that can be used".to_owned(),
            known => format!("there are: {}", known.join(", ")),
        },
    };
    anyhow!("there is no {what} {name}; {remedy}")
}
