//! The fence between customers, where one credential sees several: what another one owns is not
//! there for this tenant, neither to read nor to write.
//!
//! What is read says whose it is. What is written was read as the tenant's own within the last ten
//! minutes, or is read first.

use super::operation::Operation;
use super::outcome::{NotDone, Outcome, Subject};
use crate::adapter::keys::NativeId;
use crate::scim::ResourceKind;

/// By what an object is known to be the tenant's own.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    /// The native field that says whose an object is.
    pub(super) field: String,
    /// What stands in it.
    pub(super) owner: String,
}

impl Operation {
    /// The fence, if the manifest has one.
    pub(super) fn fence(&self) -> Option<Fence> {
        let rule = self.adapter.manifest.ids.owner.as_ref()?;
        Some(Fence {
            field: rule.field.clone(),
            owner: self.settings.text(&rule.setting).unwrap_or_default(),
        })
    }

    /// Whether other customers' objects may come.
    pub(super) fn is_fenced(&self) -> bool {
        self.adapter.manifest.ids.owner.is_some()
    }

    /// Takes note of an object that was read or written as the tenant's own.
    pub(super) fn saw(&self, kind: ResourceKind, id: &NativeId) {
        self.known.saw(&self.tenant, kind, id);
        if let Some(fence) = self.fence() {
            self.known.owns(&self.tenant, kind, id, &fence.owner);
        }
    }

    /// Whether an object was there not long ago, and was the tenant's own.
    pub(super) fn is_known(&self, kind: ResourceKind, id: &NativeId) -> bool {
        match self.fence() {
            Some(fence) => self.known.is_own(&self.tenant, kind, id, &fence.owner),
            None => self.known.is_known(&self.tenant, kind, id),
        }
    }

    /// Lets a write pass to what is the tenant's own.
    ///
    /// # Errors
    /// `Absent` for what is another customer's.
    pub(super) async fn pass(&self, kind: ResourceKind, id: &NativeId) -> Outcome<()> {
        if !self.is_fenced() || self.is_known(kind, id) {
            return Ok(());
        }
        match self.fetch_plain(kind, id).await? {
            Some(_) => Ok(()),
            None => Err(NotDone::Absent(Subject::native(kind, id))),
        }
    }

    /// Whether a write would pass.
    pub(super) async fn passes(&self, kind: ResourceKind, id: &NativeId) -> Outcome<bool> {
        match self.pass(kind, id).await {
            Ok(()) => Ok(true),
            Err(NotDone::Absent(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }
}
