//! The tenants in the store, as they were last told of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::disk::TenantFiles;
use crate::adapter::keys::TenantId;
use crate::tenant::secret::{Secrets, Vault};
use crate::tenant::stored::{Service, StoredTenant};

/// All of them that are not deleted.
#[derive(Debug, Default)]
pub(super) struct Shelf(BTreeMap<TenantId, Shelved>);

/// One of them.
#[derive(Debug)]
pub(super) struct Shelved {
    text: String,
    is_off: bool,
}

impl Shelf {
    /// Takes what changed, and gives whose it is.
    pub(super) fn take(&mut self, changed: Vec<StoredTenant>) -> Vec<TenantId> {
        let taken = changed.into_iter().map(|tenant| {
            let StoredTenant {
                id, text, service, ..
            } = tenant;
            match service {
                Service::Deleted => drop(self.0.remove(&id)),
                Service::On | Service::Off => {
                    let is_off = service == Service::Off;
                    self.0.insert(id.clone(), Shelved { text, is_off });
                }
            }
            id
        });
        taken.collect()
    }

    pub(super) fn get(&self, id: &TenantId) -> Option<&Shelved> {
        self.0.get(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&TenantId, &Shelved)> {
        self.0.iter()
    }
}

impl Shelved {
    /// As if it were a file, and the files that its secrets are in.
    pub(super) fn files(&self, id: &TenantId, vault: &Vault) -> (TenantFiles, Vec<PathBuf>) {
        let name = format!("{id} (in the store)");
        let text = Ok((name, self.text.clone()));
        let (files, secrets) = TenantFiles::of(text, Secrets::OfStore(vault));
        let is_off = self.is_off;
        (TenantFiles { is_off, ..files }, secrets)
    }
}
