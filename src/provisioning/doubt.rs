//! Native keys in doubt. Where a vendor's own key can change (a group that is
//! its name) and a reply is lost, the gateway would not know its own object
//! again: a renamed group would be gone for Entra, and one just made would be
//! somebody else's. So what was asked for is noted until the outcome is known.

use super::Operation;
use super::trace::Decision;
use crate::adapter::keys::{NativeId, ObjectKey};
use crate::adapter::mapping::{Change, extra_of};
use crate::adapter::remembered::Remembered;
use crate::scim::{Object, ResourceKind};
use crate::script::fault::{Failure, VendorFault};

impl Operation {
    /// Notes, before a write that changes the native key, what it will be.
    pub(super) async fn announce_key(
        &self,
        key: &ObjectKey,
        native: &NativeId,
        remembered: &mut Remembered,
        changes: &[Change],
        after: &Object,
    ) -> Result<(), Failure> {
        if !self.is_issued(key.kind) {
            return Ok(());
        }
        let new = self.new_key(key.kind, changes.to_vec(), after).await?;
        let Some(new) = new.filter(|new| new != native) else {
            return Ok(());
        };
        remembered.becoming = Some(new.to_string());
        self.memory.remember(key, remembered.clone()).await?;
        // No look-up may be answered from before.
        self.ids.bump(&self.tenant, key.kind);
        Ok(())
    }

    /// Takes the note back when the write surely was not carried out.
    pub(super) async fn withdraw_key(
        &self,
        key: &ObjectKey,
        remembered: &mut Remembered,
        failure: &Failure,
    ) -> Result<(), Failure> {
        if remembered.becoming.is_none() || is_doubtful(failure) {
            return Ok(());
        }
        remembered.becoming = None;
        Ok(self.memory.remember(key, remembered.clone()).await?)
    }

    /// What the vendor calls an object now, if a change of its key was in doubt:
    /// the new key, if nothing has the old one any more and something has the
    /// new one. `None` while nothing is in doubt.
    pub(super) async fn settled_key(
        &self,
        key: &ObjectKey,
        native: &NativeId,
    ) -> Result<Option<NativeId>, Failure> {
        let remembered = self.memory.recall(key).await?.unwrap_or_default();
        let Some(new) = remembered.becoming.as_deref().map(NativeId::new) else {
            return Ok(None);
        };
        let moved = !self.exists(key.kind, native).await? && self.exists(key.kind, &new).await?;
        if !moved {
            return Ok(Some(native.clone()));
        }
        self.memory.settle(key, new.clone()).await?;
        self.ids.bump(&self.tenant, key.kind);
        Ok(Some(new))
    }

    /// Notes that an object whose making is in doubt is ours: nobody had its
    /// key before, and the lock on its name is still held.
    pub(super) async fn claim(&self, kind: ResourceKind, resource: &Object) -> Result<(), Failure> {
        if !self.is_issued(kind) {
            return Ok(());
        }
        let mapping = self.mapping(kind)?;
        let new = self
            .new_key(kind, mapping.whole(resource), resource)
            .await?;
        let ids = self.scim_ids(kind, new.into_iter().collect()).await?;
        for id in ids {
            let claimed = Remembered {
                extra: extra_of(mapping, resource),
                ..Remembered::default()
            };
            self.memory.remember(&self.key(kind, &id), claimed).await?;
        }
        Ok(())
    }

    /// A vendor that looks names up regardless of case gives the renamed one
    /// for the old name too.
    async fn exists(&self, kind: ResourceKind, native: &NativeId) -> Result<bool, Failure> {
        let found = self.fetch(kind, native).await?;
        Ok(found.is_some_and(|reading| reading.id == *native))
    }
}

/// What looking came to.
pub(super) fn found_done(held: bool) -> Decision {
    match held {
        true => Decision::FoundDone,
        false => Decision::StillInDoubt,
    }
}

/// Whether the vendor may have carried out what failed.
pub(super) fn is_doubtful(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Vendor(VendorFault::UnknownOutcome | VendorFault::Unusable) | Failure::Gateway(_)
    )
}
