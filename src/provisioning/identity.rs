//! SCIM ids and native ids: which object Entra means, and what the vendor calls it.

use super::operation::Operation;
use super::outcome::{NotDone, Outcome, Subject};
use super::trace::Step;
use crate::adapter::keys::{NativeId, ObjectKey, ScimId};
use crate::adapter::manifest::IdRule;
use crate::adapter::mapping::Reading;
use crate::scim::ResourceKind;
use crate::script::fault::VendorFault;

/// How many renames of one object a reader follows.
pub(super) const RENAMES: usize = 16;

impl Operation {
    /// Whether the gateway issues the ids of this resource type.
    pub(super) fn is_issued(&self, kind: ResourceKind) -> bool {
        self.adapter
            .id_rule(kind)
            .is_some_and(|rule: &IdRule| rule.issued)
    }

    /// What the vendor calls an object.
    ///
    /// # Errors
    /// `Absent` for an id that cannot be one of the tenant's.
    pub(super) async fn native_id(&self, kind: ResourceKind, id: &ScimId) -> Outcome<NativeId> {
        if !self.is_issued(kind) {
            let native = NativeId::new(id.as_str());
            let form = self.adapter.id_rule(kind).map(|rule| rule.form);
            let fits = form.unwrap_or_default().fits(native.as_str());
            return match native.is_path_safe() && fits {
                true => Ok(native),
                false => Err(NotDone::Absent(Subject::scim(kind, id))),
            };
        }
        let key = self.key(kind, id);
        let known = self.ids.get(&key);
        let cached = known.is_some();
        self.story.note(Step::Id { cached });
        match known {
            Some(native) => Ok(native),
            None => self.native_id_stored(&key).await,
        }
    }

    /// What the store says that the vendor calls an object of issued id.
    async fn native_id_stored(&self, key: &ObjectKey) -> Outcome<NativeId> {
        let epoch = self.ids.epoch(&self.tenant, key.kind);
        let native = self.memory.native_id(key).await?;
        let native = native.ok_or_else(|| NotDone::Absent(Subject::scim(key.kind, &key.id)))?;
        if let Some(native) = self.settled_key(key, &native).await? {
            return Ok(native);
        }
        self.ids.insert_if(key, native.clone(), epoch);
        Ok(native)
    }

    /// Reads an object by the native id it had a moment ago, and follows it if it is renamed
    /// meanwhile; `None` if the id led to it all the while and it is not there.
    pub(super) async fn fetch_following(
        &self,
        key: &ObjectKey,
        native: &NativeId,
    ) -> Outcome<Option<Reading>> {
        let mut native = native.clone();
        for _ in 0..RENAMES {
            let epoch = self.ids.epoch(&self.tenant, key.kind);
            let reading = self.fetch(key.kind, &native).await?;
            if reading.is_some() || !self.is_issued(key.kind) {
                return Ok(reading);
            }
            let now = match self.native_id_stored(key).await {
                Err(NotDone::Absent(_)) => return Ok(None),
                now => now?,
            };
            if now == native && epoch == self.ids.epoch(&self.tenant, key.kind) {
                return Ok(None);
            }
            native = now;
        }
        Err(VendorFault::Busy { retry_after: None }.into())
    }

    /// What Entra calls native objects, ids issued where they are new.
    pub(super) async fn scim_ids(
        &self,
        kind: ResourceKind,
        natives: Vec<NativeId>,
    ) -> Outcome<Vec<ScimId>> {
        if self.is_issued(kind) {
            return Ok(self.memory.issue_ids(&self.tenant, kind, natives).await?);
        }
        Ok(natives
            .iter()
            .map(|native| ScimId::new(native.as_str()))
            .collect())
    }

    /// What Entra calls a native object, if it has an id already.
    pub(super) async fn scim_id_before(
        &self,
        kind: ResourceKind,
        native: &NativeId,
    ) -> Outcome<Option<ScimId>> {
        match self.is_issued(kind) {
            true => Ok(self.memory.issued_id(&self.tenant, kind, native).await?),
            false => Ok(Some(ScimId::new(native.as_str()))),
        }
    }

    /// What the vendor calls an object now, if a change of its key was not confirmed: the new
    /// key, if nothing has the old one any more and something has the new one. `None` if no
    /// change is open.
    async fn settled_key(&self, key: &ObjectKey, native: &NativeId) -> Outcome<Option<NativeId>> {
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

    /// A vendor that looks names up regardless of case gives the renamed one
    /// for the old name too.
    async fn exists(&self, kind: ResourceKind, native: &NativeId) -> Outcome<bool> {
        let found = self.fetch(kind, native).await?;
        Ok(found.is_some_and(|reading| reading.id == *native))
    }
}
