//! What the command line names, and what to say where there is no such thing.

use std::sync::Arc;

use anyhow::{anyhow, ensure};

use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::catalog::Catalog;
use crate::problem::nearest;
use crate::tenant::Tenant;

/// The adapter of this name.
pub(super) fn adapter<'c>(catalog: &'c Catalog, name: &str) -> anyhow::Result<&'c Arc<Adapter>> {
    let known = catalog.adapters.keys().map(String::as_str);
    let found = catalog.adapters.get(name);
    found.ok_or_else(|| missing("adapter", name, known))
}

/// The tenant of this name.
pub(super) fn tenant<'c>(catalog: &'c Catalog, id: &TenantId) -> anyhow::Result<&'c Arc<Tenant>> {
    let known = catalog.tenants.keys().map(TenantId::as_str);
    let found = catalog.tenants.get(id);
    ensure!(
        !catalog.unusable.contains(id),
        "the tenant {id} cannot be used"
    );
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
