//! Disabled objects that the vendor removes by itself after a time. For Entra a
//! disabled user stays the same user until Entra deletes it, so the gateway keeps
//! what it held: reading gives that, and enabling makes it anew at the vendor
//! under the same SCIM id.
//!
//! What is kept is a person's data. It goes when the user is enabled or deleted.

use serde_json::Value;

use super::Operation;
use super::change::{Outcome, Subject};
use super::trace::Decision;
use crate::adapter::keys::ScimId;
use crate::adapter::mapping::{Reading, assemble};
use crate::adapter::remembered::Remembered;
use crate::scim::{Object, PatchRequest, ResourceKind, Stop};
use crate::script::fault::{Failure, GatewayFault, VendorFault};

impl Operation {
    /// Whether the vendor removes disabled objects by itself.
    pub(super) fn expires(&self, kind: ResourceKind) -> bool {
        self.adapter.id_rule(kind).is_some_and(|rule| rule.expires)
    }

    /// Keeps a disabled object's values, and lets an enabled one's go.
    pub(super) fn keep(
        &self,
        kind: ResourceKind,
        remembered: &mut Remembered,
        reading: &Reading,
    ) -> Result<(), Failure> {
        if !self.expires(kind) {
            return Ok(());
        }
        let mapping = self.mapping(kind)?;
        let mut resource = assemble(mapping, reading, remembered);
        resource.shift_remove("meta");
        remembered.kept = match is_disabled(&resource) {
            true => resource,
            false => Object::new(),
        };
        Ok(())
    }

    /// A disabled object that the vendor no longer has, as Entra sees it.
    pub(super) fn kept(
        &self,
        kind: ResourceKind,
        id: &ScimId,
        remembered: &Remembered,
    ) -> Option<Object> {
        if remembered.kept.is_empty() {
            return None;
        }
        let mut resource = remembered.kept.clone();
        resource.shift_insert(1.min(resource.len()), "id".into(), id.as_str().into());
        self.set_meta(kind, id, &mut resource);
        Some(resource)
    }

    /// A copy of what may turn out to be gone, to make it anew of.
    pub(super) fn may_be_gone(&self, subject: &Subject) -> Option<Subject> {
        (!subject.remembered.kept.is_empty()).then(|| subject.clone())
    }

    /// A PATCH of an object that is gone.
    pub(super) async fn patch_anew(
        &self,
        gone: Subject,
        patch: &PatchRequest,
    ) -> Result<(Subject, Outcome), Failure> {
        let mut after = gone.remembered.kept.clone();
        let types = &self.mapping(gone.key.kind)?.resource_type;
        let applied = patch.apply(&mut after, types, self.service.profile);
        applied.map_err(|stop| match stop {
            Stop::Refused(error) => error.into(),
            Stop::NeedsRead => Failure::from(GatewayFault::Internal),
        })?;
        self.make_anew(gone, after).await
    }

    /// Makes an object that is gone anew as `after`; while it stays disabled, it
    /// is only kept so.
    pub(super) async fn make_anew(
        &self,
        mut gone: Subject,
        mut after: Object,
    ) -> Result<(Subject, Outcome), Failure> {
        let kind = gone.key.kind;
        // An account is never switched on by silence.
        after.entry("active").or_insert(Value::Bool(false));
        if is_disabled(&after) {
            gone.remembered.kept = after;
            let kept = gone.remembered.clone();
            self.memory.remember(&gone.key, kept).await?;
            return Ok((gone, Outcome::default()));
        }
        self.story.decide(Decision::MadeAnew);
        let done = self.make_once(kind, &after).await?;
        let reading = done.reading.ok_or(VendorFault::Unusable)?;
        let reading = self.activate_new(kind, reading, &after).await?;
        self.follow(&mut gone, &reading).await?;
        let (_, remembered) = self.note(kind, &reading, &after, &done.written).await?;
        gone.remembered = remembered;
        let outcome = Outcome {
            reading: Some(reading),
            ..Outcome::default()
        };
        Ok((gone, outcome))
    }
}

fn is_disabled(resource: &Object) -> bool {
    resource.get("active").and_then(Value::as_bool) == Some(false)
}
